"""Two runs side by side: the settings in which they differ, and their figures."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from experiments.intervals import bootstrap
from experiments.results import Result
from experiments.runs import SHOPPER, RunStore
from experiments.summary import UNIT
from experiments.targets import statistic_name
from retail.errors import ConfigError, DataError


@dataclass(frozen=True, eq=False)
class Comparison:
    """What two runs have not in common.

    Attributes:
        records: their `run.json`.
        settings: dotted key -> the two values, None where a run lacks the key; only keys that differ.
        figures: per metric the mean of each run and, where both judged shoppers in common at the same origin, the
            paired difference of the second from the first.
    """

    records: tuple[Mapping[str, Any], Mapping[str, Any]]
    settings: Mapping[str, tuple[Any, Any]]
    figures: tuple[Result, ...]


def compare(store: RunStore, first: Mapping[str, Any], second: Mapping[str, Any]) -> Comparison:
    """Compare two finished runs.

    Raises:
        ConfigError: a run is not finished.
        DataError: a file of a run cannot be read.
    """
    for record in (first, second):
        if record["status"] != "finished":
            raise ConfigError(f"run {record['run_id']} is {record['status']}; only finished runs can be compared")
    mine, theirs = settings_of(first), settings_of(second)
    keys = sorted(mine.keys() | theirs.keys())
    settings = {key: (mine.get(key), theirs.get(key)) for key in keys if mine.get(key) != theirs.get(key)}
    return Comparison((first, second), settings, _figures(store, first, second))


def _figures(store: RunStore, first: Mapping[str, Any], second: Mapping[str, Any]) -> tuple[Result, ...]:
    ids = first["run_id"], second["run_id"]
    if any("shoppers" not in record for record in (first, second)):
        return tuple(_reported(store, first) + _reported(store, second))
    tables = [store.shoppers(record["scenario"], record["run_id"]) for record in (first, second)]
    paired = first["origin"] == second["origin"] and first["scenario"] == second["scenario"] and ids[0] != ids[1]
    results = []
    for metric in [name for name in tables[0].columns if name != SHOPPER and name in tables[1].columns]:
        cells = {
            (run_id, 0, 0): (table[SHOPPER].to_numpy(), table[metric].to_numpy(np.float64, na_value=np.nan))
            for run_id, table in zip(ids, tables, strict=True)
        }
        resampled = bootstrap(cells, arms=list(dict.fromkeys(ids)))
        for run_id in dict.fromkeys(ids):
            name = statistic_name("value", metric, run_id)
            results.append(Result.of(name, resampled.value(run_id), unit=UNIT, provenance={"runs": [run_id]}))
        if paired:
            name = statistic_name("difference", metric, ids[1], ids[0])
            story = {"runs": list(ids)}
            results.append(Result.of(name, resampled.difference(ids[1], ids[0]), unit=UNIT, provenance=story))
    return tuple(results)


def _reported(store: RunStore, record: Mapping[str, Any]) -> list[Result]:
    """Return what a run reported of itself, for runs that judge no single shoppers."""
    table = store.run_metrics(record["scenario"], record["run_id"])
    return [
        Result(
            f"{row['name']} of {record['run_id']}", float(row["value"]), float(row["lo"]), float(row["hi"]),
            str(row["unit"]), int(row["n"]), provenance={"runs": [record["run_id"]]},
        )
        for row in table.to_dict("records")
    ]  # fmt: skip


def settings_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a run by dotted key. Raises: DataError: its `config.toml` cannot be read."""
    path = Path(record["path"]) / "config.toml"
    try:
        return _flat(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise DataError(f"cannot read {path}: {error}; delete the run's folder and run the scenario again") from None


def _flat(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in table.items():
        flat.update(_flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value})
    return flat

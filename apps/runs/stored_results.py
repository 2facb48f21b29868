"""What a scenario's `summary.json` says, ready to be looked up; nothing is computed anew."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from apps.runs.kept_files import kept
from apps.runs.metric_names import in_order
from experiments.documents import read_json
from experiments.results import Result
from experiments.runs import RunStore
from experiments.sweep import canonical
from experiments.targets import Target, statistic_name
from retail.errors import DataError


@dataclass(frozen=True, eq=False)
class Point:
    """The figures at one point of the sweep; a scenario without a sweep has one point.

    Attributes:
        sweep: the swept keys and their values here.
        arms: one record per arm, by name, as `summary.json` holds them.
        figures: by canonical name, see `experiments.targets.statistic_name`.
        targets: figures with a bound.
    """

    sweep: Mapping[str, Any]
    arms: Mapping[str, Mapping[str, Any]]
    figures: Mapping[str, Result]
    targets: tuple[Result, ...]

    @cached_property
    def metrics(self) -> tuple[str, ...]:
        """Metrics that have an interval in some arm."""
        keys = (key for row in self.arms.values() for key in row if key.endswith("_lo"))
        return in_order(key.removesuffix("_lo") for key in keys)

    @cached_property
    def names(self) -> Mapping[str, str]:
        """What people call each arm: its label, with epsilon where the label does not say it."""
        names = {}
        for arm, row in self.arms.items():
            epsilon = "" if row["epsilon"] is None else f"{row['epsilon']:g}"
            names[arm] = row["label"] if epsilon in row["label"] else f"{row['label']}, ε {epsilon}"
        return names

    def value(self, metric: str, arm: str) -> Result | None:
        """Return an arm's figure, or None where it was not measured."""
        return self._measured(statistic_name("value", metric, arm))

    def compared(self, kind: str, metric: str, arm: str, reference: str) -> Result | None:
        """Return the `ratio` or `difference` of two arms, or None where the summary has none."""
        return self._measured(statistic_name(kind, metric, arm, reference))

    def references(self, metric: str) -> tuple[str, ...]:
        """Arms that others were compared with: popularity first, then pooled raw data, then the others."""
        compared = (Target.parse(name, "> 0") for name in self.figures if name.startswith("difference("))
        found = {target.reference for target in compared if self._measured(target.name) and target.metric == metric}
        first = [*self.find("popularity", private=False), *self.find("pooled", private=False)]
        return tuple(arm for arm in dict.fromkeys([*first, *self.arms]) if arm in found)

    def find(self, method: str, *, private: bool) -> list[str]:
        """Return the measured arms of a method, with or without an epsilon; the smallest epsilon first."""
        rows = [row for row in self.arms.values() if row["method"] == method and row["run_ids"]]
        chosen = [row for row in rows if (row["epsilon"] is not None) == private]
        return [
            row["arm"] for row in sorted(chosen, key=lambda row: (row["noise"] != "aggregator", row["epsilon"] or 0))
        ]

    @property
    def scope(self) -> str:
        """Say how many origins, seeds and shoppers stand behind the figures."""
        rows = self.arms.values()
        origins = len({origin for row in rows for origin in row["origins"]})
        seeds = len({seed for row in rows for seed in row["seeds"]})
        shoppers = max((row["n_shoppers"] for row in rows), default=0)
        counts = ((origins, "test window"), (seeds, "seed"), (shoppers, "judged shopper"))
        return ", ".join(f"{count:,} {what}" + ("" if count == 1 else "s") for count, what in counts)

    def _measured(self, name: str) -> Result | None:
        found = self.figures.get(name)
        return None if found is None or math.isnan(found.value) else found


@dataclass(frozen=True, eq=False)
class StoredResults:
    """The table of one scenario.

    Attributes:
        scenario: its name.
        title: one line for people, the name where the scenario has none.
        points: the points of its sweep, at least one.
        runs: ids of the runs behind the table.
        failures: run_id, arm, origin, seed, refused, message of failed runs.
        unfinished: the same for runs without an outcome.
    """

    scenario: str
    title: str
    points: tuple[Point, ...]
    runs: tuple[str, ...]
    failures: tuple[Mapping[str, Any], ...]
    unfinished: tuple[Mapping[str, Any], ...]


def read_results(store: RunStore, scenario: str) -> StoredResults | None:
    """Read the table of a scenario, or return None while there is none.

    Raises:
        DataError: `summary.json` is damaged, or of a form that this version does not write.
    """
    return kept(store.root / scenario / "summary.json", _read)


def _read(path: Path) -> StoredResults | None:
    document = read_json(path)
    if document is None:
        return None
    scenario = path.parent.name
    try:
        return StoredResults(
            scenario,
            document["title"] or scenario,
            _points(document),
            tuple(document["runs"]),
            tuple(document["failures"]),
            tuple(document["unfinished"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path}: is no summary of this version ({error!r}); run the scenario again") from None


def _points(document: Mapping[str, Any]) -> tuple[Point, ...]:
    arms: dict[str, dict[str, Mapping[str, Any]]] = {}
    for row in document["rows"]:
        arms.setdefault(canonical(row["sweep"]), {})[row["arm"]] = row
    figures: dict[str, dict[str, Result]] = {key: {} for key in arms}
    targets: dict[str, list[Result]] = {key: [] for key in arms}
    for kind in ("results", "differences", "targets"):
        for record in document[kind]:
            result = _result(record)
            key = canonical(result.provenance.get("sweep", {}))
            figures[key].setdefault(result.name, result)
            if kind == "targets":
                targets[key].append(result)
    return tuple(
        Point(next(iter(rows.values()))["sweep"], rows, figures[key], tuple(targets[key])) for key, rows in arms.items()
    )


def _result(record: Mapping[str, Any]) -> Result:
    """Read a figure back; JSON has null where a number is NaN."""
    numbers = {key: math.nan if record[key] is None else float(record[key]) for key in ("value", "lo", "hi")}
    return Result(**{**record, **numbers})

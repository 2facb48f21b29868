"""The runs of a run store that used one data set: figures of single shoppers, and models."""

from __future__ import annotations

import datetime as dt
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from privacy.consent.tombstones import Tombstones
from privacy.erasure.indexes import delete_files
from privacy.erasure.models import Model
from privacy.erasure.places import Guarded, Store
from retail.errors import DataError

_FIGURES: Final = ("artifacts/shoppers.parquet", "failure.json")
_MODELS: Final = ("*.npz", "*.pt", "*.pt2", "*.safetensors")


class RunFigures(Guarded):
    """What one run wrote down about single shoppers: numbered figures without ids, and the text of a failure.

    The numbers are places in the data of that day. Nobody can tell whose line is whose without those data, so nothing
    less than the whole table can be deleted. `metrics.parquet`, `run.json` and summaries stay: means over many people,
    exact, and no epsilon covers them.
    """

    kind = "figures"
    action = "delete"
    searchable = False
    statement = "figures of single shoppers, numbered without ids; means over all of them stay, exact"

    def __init__(
        self, name: str, directory: Path, *, tombstones: Tombstones, started: dt.datetime | None = None
    ) -> None:
        super().__init__(name, tombstones=tombstones)
        self.started = started
        self._files = [directory / file for file in _FIGURES]

    def holds(self, person: str) -> int:
        """Count the lines, of anybody."""
        return sum(_lines(file) for file in self._files if file.is_file())

    def erase(self, person: str) -> int:
        """Delete the files."""
        lines = self.holds(person)
        delete_files(self._files)
        return lines


def run_places(name: str, root: Path | str, *, dataset: Path | str, tombstones: Tombstones) -> list[Store]:
    """Return the places in a run store that were made from a folder of tables.

    A run counts when its `config.toml` names the folder, when that file cannot be read, or when it says nothing about
    data: in doubt it counts.

    Args:
        name: of the run store; each place is called `name/scenario/run/what`.
        root: the run store.
        dataset: the folder of tables, as scenarios name it.
        tombstones: who may not come back.

    Returns: for each run its figures and, where it kept one, its model. Bounded are only models with a small epsilon of
        runs in mode "deployment": a simulation's noise comes from a seed that lies in the run's folder.
    """
    root, places = Path(root), list[Store]()
    for directory in sorted(path for path in root.glob("*/*") if path.is_dir() and path.name[0] != "."):
        if directory.parent.name[0] == ".":
            continue
        config = _read_config(directory)
        if not _used(config, Path(dataset)):
            continue
        label = f"{name}/{directory.parent.name}/{directory.name}"
        started = _started(directory)
        places.append(RunFigures(f"{label}/figures", directory, tombstones=tombstones, started=started))
        files = sorted({file for pattern in _MODELS for file in (directory / "artifacts").rglob(pattern)})
        if files:
            places.append(_model(f"{label}/model", files, directory, config, root, tombstones, started))
    return places


def _model(
    name: str,
    files: list[Path],
    directory: Path,
    config: Mapping[str, Any],
    root: Path,
    tombstones: Tombstones,
    started: dt.datetime | None,
) -> Model:
    record = _read_record(directory / "run.json")
    people = record.get("shoppers")
    epsilon, delta = record.get("epsilon"), record.get("delta")
    deployed = config.get("privacy", {}).get("mode") == "deployment"
    kept = directory.parent / "scenario.toml"
    scenario = kept if kept.is_file() else f"{directory.parent.name}.toml"
    return Model(
        name,
        files,
        tombstones=tombstones,
        epsilon=epsilon if isinstance(delta, float) else None,
        delta=delta,
        secret_noise=deployed,
        command=f"tradefair run {scenario} --store {root}",
        people=people if isinstance(people, int) and people > 0 else None,
        started=started,
    )


def _started(directory: Path) -> dt.datetime | None:
    """When a run began, as it says; None where it says nothing that can be read."""
    try:
        started = dt.datetime.fromisoformat(_read_record(directory / "provenance.json")["started"])
    except (KeyError, TypeError, ValueError):
        return None
    return started if started.tzinfo is not None else None


def _used(config: Mapping[str, Any], dataset: Path) -> bool:
    data = config.get("data")
    if not isinstance(data, Mapping) or "source" not in data:
        return True
    if data["source"] != "folder":
        return False
    path = Path(str(data.get("path", "")))
    return path == dataset or path.resolve() == dataset.resolve()


def _read_config(directory: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads((directory / "config.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _read_record(file: Path) -> Mapping[str, Any]:
    try:
        record = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _lines(file: Path) -> int:
    if file.suffix != ".parquet":
        return 1
    try:
        return int(pq.read_metadata(file).num_rows)
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"cannot read {file} ({type(error).__name__}); delete the run's folder") from error

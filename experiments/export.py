"""A parcel that lets somebody else repeat a run: scenario, versions, figures and the command."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments.base_scenario import BaseScenario
from experiments.documents import read_json, write_bytes
from experiments.runs import RunStore
from experiments.scenario_file import load_scenario, scenario_table, scenario_text, validate
from experiments.sweep import editable
from retail.errors import ConfigError

_FILES = ("config.toml", "metrics.parquet", "provenance.json", "run.json", "failure.json")


def export_runs(store: RunStore, key: str, to: Path) -> Path:
    """Write a scenario, or one run of it, to a new folder or `.zip` file.

    A single run keeps its id when it is repeated: the exported scenario has only its arm, seed and sweep point. Rows
    about shoppers stay behind, since a parcel leaves the house.

    Args:
        store: where the runs live.
        key: a scenario's name, or the first digits of a run's id.
        to: a path that does not exist yet.

    Returns: `to`.

    Raises:
        ConfigError: nothing is known by that key, or `to` exists.
        DataError: the parcel cannot be written.
    """
    if to.exists():
        raise ConfigError(f"{to} exists; name a new folder or .zip file with --to")
    if key in store.scenarios():
        records, has = store.records(key), ""
        scenario = load_scenario(store.root / key / "scenario.toml")
    else:
        records = [store.find(key)]
        scenario = _only(load_scenario(store.root / records[0]["scenario"] / "scenario.toml"), records[0])
        has = f"scenario.toml has {repeated(scenario, records[0])}.\n\n"
    with tempfile.TemporaryDirectory() as folder:
        parcel = Path(folder) / "parcel"
        _fill(parcel, scenario, records, has, summary=store.root / key / "summary.json")
        files = sorted(path for path in parcel.rglob("*") if path.is_file())
        if to.suffix == ".zip":
            write_bytes(to, _zipped(parcel, files))
        else:
            for path in files:
                write_bytes(to / path.relative_to(parcel), path.read_bytes())
    return to


def repeated(scenario: BaseScenario, record: Mapping[str, Any]) -> str:
    """Say what the scenario of a single run's parcel has: its arm, seed and sweep point, in all windows or folds."""
    what = "this run's arm" + (" with its seed" if hasattr(scenario, "seeds") else "")
    what += ", at its sweep point" if record.get("sweep") else ""
    split, folds = getattr(scenario, "split", None), getattr(scenario, "folds_tested", ())
    number, parts = (split.origins, "test windows") if split is not None else (len(folds), "folds")
    if number < 2:
        return f"{what} alone"
    return f"{what}, in all {number} {parts} (the figures of this run are those under its id)"


def _fill(
    parcel: Path, scenario: BaseScenario, records: Sequence[Mapping[str, Any]], has: str, *, summary: Path
) -> None:
    alike, beside = scenario.packed()
    write_bytes(parcel / "scenario.toml", scenario_text(alike).encode())
    for name, content in beside.items():
        write_bytes(parcel / name, content)
    if summary.is_file():
        shutil.copyfile(summary, parcel / "summary.json")
    versions: dict[str, str] = {}
    commits: set[str] = set()
    for record in records:
        source = Path(record["path"])
        for name in _FILES:
            if (source / name).is_file():
                write_bytes(parcel / "runs" / record["run_id"] / name, (source / name).read_bytes())
        provenance = read_json(source / "provenance.json") or {}
        versions |= provenance.get("packages", {})
        if provenance.get("commit"):
            commits.add(provenance["commit"] + (" with local changes" if provenance.get("dirty") else ""))
    public = {name: version.partition("+")[0] for name, version in versions.items() if name != "tradefair"}
    pins = "".join(f"{name}=={version}\n" for name, version in sorted(public.items()))
    write_bytes(parcel / "constraints.txt", pins.encode())
    write_bytes(parcel / "README.txt", _readme(scenario, records, has, sorted(commits)).encode())


def _readme(scenario: BaseScenario, records: Sequence[Mapping[str, Any]], has: str, commits: Sequence[str]) -> str:
    ids = "\n".join(f"  {record['run_id']}  {record['status']}" for record in records)
    code = "\n".join(f"  {commit}" for commit in commits) or "  not recorded: the code was not run from a checkout"
    return (
        f"{scenario.title or scenario.name}\n\n{has}"
        f"To run it again, with the same code and data ({scenario.data_place}):\n\n"
        "  make setup            # in a checkout of the commit below\n"
        "  .venv/bin/tradefair run scenario.toml --store runs\n\n"
        "With the same code and data the runs get the same ids. Code (commit):\n\n"
        f"{code}\n\nRuns in this parcel:\n\n{ids}\n"
    )


def _only(scenario: BaseScenario, record: Mapping[str, Any]) -> BaseScenario:
    """Reduce a scenario to the arm, seed and sweep point of one run."""
    raw = editable(scenario_table(scenario))
    raw["arms"] = [arm for arm in raw["arms"] if arm["name"] == record.get("arm")]
    if isinstance(raw.get("reference"), str) and raw["reference"] not in {arm["name"] for arm in raw["arms"]}:
        raw.pop("reference", None)  # nothing is left to compare with
    if "seeds" in raw:
        raw["seeds"] = [record.get("seed", 0)]
    raw["sweep"] = {key: [value] for key, value in record.get("sweep", {}).items()}
    raw["targets"] = {}
    if not raw["arms"]:
        raise ConfigError(
            f"run {record['run_id']} belongs to no arm of the scenario as it is now; export the scenario instead"
        )
    return validate(raw, source=scenario.name)


def _zipped(parcel: Path, files: Sequence[Path]) -> bytes:
    archive = parcel.parent / "parcel.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        for path in files:
            target.write(path, path.relative_to(parcel).as_posix())
    return archive.read_bytes()

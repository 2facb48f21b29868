"""Which run's recommender a shop takes: a folder, a run's id, or a scenario, whose best-fitting run is chosen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from experiments.runs import RunStore
from retail.errors import ConfigError


def find_run(wanted: str, store: Path) -> Path:
    """Return the folder of a finished run of a federated recommender.

    Args:
        wanted: a folder with `run.json`, the first digits of a run's id, or the name of a scenario. Of a scenario, the
            run with the latest test window is taken, first of the arms with an epsilon (the largest), then of others.
        store: the run store.

    Raises: ConfigError: there is no such run, or a scenario without one.
    """
    folder = Path(wanted)
    if (folder / "run.json").is_file():
        return folder
    runs = RunStore(store)
    if wanted not in runs.scenarios():
        return Path(runs.find(wanted)["path"])
    finished = [
        one
        for one in runs.records(wanted)
        if one["status"] == "finished"
        and one.get("method") == "federated"
        and (Path(one["path"]) / "artifacts" / "model.npz").is_file()
    ]
    if not finished:
        raise ConfigError(
            f"scenario {wanted} has no finished run of a federated arm in {store}; run it first: tradefair run {wanted}"
        )
    return Path(min(finished, key=_order)["path"])


def _order(record: dict[str, Any]) -> tuple[Any, ...]:
    epsilon = record.get("epsilon")
    return (-record["origin"], epsilon is None, record.get("noise") == "every_node", -(epsilon or 0), record["seed"])

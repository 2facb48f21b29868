"""Where the event log lies that `tradefair audit --rules` is asked about: a folder of tables, or what a run kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

_MOST_NAMED: Final = 3


def log_folder(target: str, store: Path) -> Path:
    """Return the folder with the tables of a log.

    Args:
        target: a folder of tables, the folder of a run, or the first digits of a run's id (`SCENARIO/RUN` where two
            scenarios have it).
        store: the run store, for an id.

    Raises: ConfigError: nothing is known by that name, it is a scenario, or the run is not finished or kept no log.
    """
    from experiments.documents import read_json
    from experiments.runs import RunStore
    from experiments.scenario_file import bundled_scenarios
    from retail.errors import ConfigError

    path = Path(target)
    if path.is_dir():
        if not (path / "artifacts").is_dir():
            _no_scenario(str(path), RunStore(path.parent).records(path.name))
            return path
        return _kept(path, read_json(path / "run.json") or {"run_id": path.name, "status": "unfinished"})
    no_id = path.is_absolute() or len(path.parts) > 2
    if path.exists() or no_id or not (store.is_dir() or target in bundled_scenarios()):
        return path  # reading it says what is wrong with it
    runs = RunStore(store)
    if target in runs.scenarios():
        _no_scenario(target, runs.records(target))
    try:
        record = runs.find(target)
    except ConfigError as error:
        if target in bundled_scenarios():
            what = f"{target} is a scenario that has no finished run in {store}"
            raise ConfigError(f"{what}; `tradefair run {target}` makes runs, and {target}/RUN names one") from None
        raise ConfigError(f"{target} is no folder, and {error}") from None
    return _kept(Path(record["path"]), record)


def _no_scenario(target: str, records: Sequence[Mapping[str, Any]]) -> None:
    """Refuse a scenario, whose runs are audited one by one; nothing happens where there are no runs of it."""
    from retail.errors import ConfigError

    runs = [f"{one['scenario']}/{one['run_id']}" for one in records if one["status"] == "finished"]
    if runs:
        more = f" and {len(runs) - _MOST_NAMED:,} more" if len(runs) > _MOST_NAMED else ""
        raise ConfigError(
            f"{target} is a scenario, and one of its runs is audited at a time; add /RUN: "
            f"{', '.join(runs[:_MOST_NAMED])}{more}"
        )


def _kept(run: Path, record: Mapping[str, Any]) -> Path:
    from experiments.market.run import LOG_FOLDER
    from retail.errors import ConfigError

    if record["status"] != "finished":
        raise ConfigError(f"run {record['run_id']} is {record['status']}, so its log may be half written; finish it")
    found = run / "artifacts" / LOG_FOLDER
    if not found.is_dir():
        what = f'method = "{record["method"]}"' if record.get("kind") == "market" else "a scenario about no market"
        raise ConfigError(
            f"run {record['run_id']} kept no log of a market's events ({what}); runs of market scenarios with method = "
            '"regimes" keep one'
        )
    return found

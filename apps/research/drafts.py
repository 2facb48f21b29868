"""Scenarios that somebody edits: where they come from, what was changed, how many runs they want, and saving them."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from apps.login import is_required
from apps.research import processes
from apps.saved_files import DRAFTS, save_file
from experiments.base_scenario import BaseScenario
from experiments.runs import RunStore
from experiments.scenario_file import (
    bundled_scenarios,
    load_scenario,
    scenario_table,
    scenario_text,
    toml_table,
    validate,
)
from experiments.sweep import editable, sweep_points
from retail.errors import ConfigError, DataError

MOST_BYTES: Final = 1_000_000
_FILE: Final = "scenario.toml"
_LOCKS: Final = ".locks"
"""What runs that were cancelled before they had a folder leave beside it."""
_NUMBERED: Final = re.compile(r"-\d+$")
_LONGEST: Final = 60
_RUN_LEDGER: Final = "run"
"""What a scenario writes for a ledger within the run's own folder."""


def known(store: RunStore) -> tuple[list[str], list[str]]:
    """Return the names of bundled scenarios, and of those in the store that have a file."""
    return list(bundled_scenarios()), [name for name in store.scenarios() if (store.root / name / _FILE).is_file()]


def opened(store: RunStore, name: str, *, bundled: bool) -> BaseScenario:
    """Read a bundled scenario, or one of the store.

    Raises:
        ConfigError: there is none of that name, or its file is damaged.
    """
    if bundled and name not in bundled_scenarios():
        raise ConfigError(f"no bundled scenario {name!r}; choose one of {', '.join(bundled_scenarios())}")
    return load_scenario(name if bundled else store.root / name / _FILE)


def uploaded(content: bytes, name: str) -> BaseScenario:
    """Read a scenario that somebody sent.

    Raises:
        ConfigError: it is no scenario, is not UTF-8, or is too large; one line says why.
    """
    if len(content) > MOST_BYTES:
        raise ConfigError(f"{name}: has {len(content):,} bytes; a scenario has at most {MOST_BYTES:,}")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{name}: is not UTF-8 (byte {error.start}); save the file as UTF-8") from None
    return checked(toml_table(text, name), source=name)


def checked(table: Mapping[str, Any], *, source: str) -> BaseScenario:
    """Check a table as `tradefair run` does before it looks at data, and refuse code of somebody's own.

    Raises:
        ConfigError: a value is refused, or a task is code, which the app does not run.
    """
    scenario = validate(table, source=source)
    tasks = [str(getattr(point, "task", "")) for _, point in sweep_points(scenario)]
    own = next((task for task in tasks if ":" in task), None)
    if own is not None:
        raise ConfigError(
            f"{source}: task = {own!r} is code of your own, which the app does not run; start it with `tradefair run`"
        )
    return scenario


def table_of(scenario: BaseScenario) -> dict[str, Any]:
    """Return a scenario as a nested table to edit, without what is empty and would be empty if it were left out."""
    whole: dict[str, Any] = editable(scenario_table(scenario))
    short = _without_empty(whole)
    return short if validate(short, source=scenario.name) == scenario else whole


def runs_of(scenario: BaseScenario) -> tuple[int, str]:
    """Return how many runs a scenario wants, and how that number comes about."""
    points = sweep_points(scenario)
    number = sum(point.runs_wanted for _, point in points)
    parts = [(len(points), "sweep point")] if scenario.sweep else []
    parts.append((len(getattr(scenario, "arms", ())), "arm"))
    split = getattr(scenario, "split", None)
    parts += [(split.origins, "test window")] if split is not None else []
    parts += [(len(scenario.folds_tested), "fold")] if hasattr(scenario, "folds_tested") else []
    parts += [(len(scenario.seeds), "seed")] if hasattr(scenario, "seeds") else []
    words = [f"{one} {what}{'s' * (one != 1)}" for one, what in parts]
    return number, " x ".join(words)


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return what differs between two tables of scenarios: dotted key, text before, text after; arms by name."""
    mine, theirs = _flat(before), _flat(after)
    keys = [key for key in {**mine, **theirs} if mine.get(key, _ABSENT) != theirs.get(key, _ABSENT)]
    return [(key, _text(mine, key), _text(theirs, key)) for key in keys]


def free_name(store: RunStore, name: str) -> str:
    """Return a name that no scenario of the store or of the package has, made from another's."""
    taken = {*store.scenarios(), *bundled_scenarios()}
    if name not in taken:
        return name
    stem = _NUMBERED.sub("", name)[:_LONGEST]
    return next(f"{stem}-{number}" for number in range(2, 10_000) if f"{stem}-{number}" not in taken)


def has_runs(store: RunStore, name: str) -> bool:
    """Whether anything was run under this name."""
    folder = store.root / name
    return folder.is_dir() and any(path.is_dir() and path.name[0] != "." for path in folder.iterdir())


def may_be_deleted(store: RunStore, name: str) -> bool:
    """Whether a scenario stands in the store and nothing was run under its name."""
    return (store.root / name / _FILE).is_file() and not has_runs(store, name)


def delete(store: RunStore, name: str) -> None:
    """Delete a scenario of the store that has no runs.

    Raises:
        ConfigError: there is none of that name, it has runs, or it runs now.
        DataError: its file cannot be deleted.
    """

    def do() -> None:
        if has_runs(store, name):
            raise ConfigError(f"{name} has runs in this store, so it stays, to say what they were")
        folder = store.root / name
        more = [path.name for path in folder.iterdir() if path.name not in (_FILE, _LOCKS)]
        if more:
            raise ConfigError(f"{folder} also holds {more[0]}, which the app did not write; delete the folder yourself")
        try:
            (folder / _FILE).unlink()
            if (folder / _LOCKS).is_dir():
                shutil.rmtree(folder / _LOCKS)
            folder.rmdir()
        except OSError as error:
            raise DataError(f"cannot delete {folder}: {error.strerror}; check its permissions") from error

    if name not in store.scenarios():
        raise ConfigError(f"there is no scenario {name!r} in this store")
    processes.forget(store, name, do)


def save(store: RunStore, scenario: BaseScenario) -> Path:
    """Write a scenario into the store, as a new one or over one that has no runs yet. Returns: its file.

    Raises:
        ConfigError: the name is that of a bundled scenario, or of one that has runs; there are too many without runs
            (see `apps.saved_files`); or, where people log in, a ledger lies outside the user's store.
        DataError: the file cannot be written.
    """
    if scenario.name in bundled_scenarios():
        raise ConfigError(f"{scenario.name} is the name of a bundled scenario; choose another name")
    if has_runs(store, scenario.name):
        raise ConfigError(f"{scenario.name} has runs in this store already; choose another name, to keep them apart")
    if is_required():
        _check_ledgers(store, scenario)
    path = store.root / scenario.name / _FILE
    others = [store.root / name / _FILE for name in store.scenarios() if not has_runs(store, name)]
    content = scenario_text(scenario).encode()
    RunStore.open(store.root)
    save_file(DRAFTS, path, content, others, name=scenario.name, replace=True)
    return path


def _check_ledgers(store: RunStore, scenario: BaseScenario) -> None:
    """Refuse ledgers outside a store: a run would write there, and could spend what is another's."""
    root = store.root.resolve()
    for _, point in sweep_points(scenario):
        ledger = str(getattr(getattr(point, "privacy", None), "ledger", _RUN_LEDGER))
        if ledger != _RUN_LEDGER and not Path(ledger).resolve().is_relative_to(root):
            raise ConfigError(f"privacy.ledger = {ledger!r} is outside your run store; name a file below {root}")


def _without_empty(value: Any) -> Any:
    if isinstance(value, Mapping):
        found = {key: _without_empty(inner) for key, inner in value.items()}
        return {key: inner for key, inner in found.items() if inner not in ({}, [], "")}
    return [_without_empty(inner) for inner in value] if isinstance(value, list) else value


_ABSENT: Final = object()


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    if isinstance(value, Mapping) and (value or not prefix):
        items = ((str(key), inner) for key, inner in value.items())
    elif _named(value):
        items = ((str(one["name"]), {key: inner for key, inner in one.items() if key != "name"}) for one in value)
    else:
        return {prefix: editable(value)}
    flat: dict[str, Any] = {}
    for key, inner in items:
        flat |= _flat(inner, f"{prefix}.{key}" if prefix else key)
    return flat


def _named(value: Any) -> bool:
    """Whether a value is a list of tables that have names."""
    tables = isinstance(value, Sequence) and not isinstance(value, str) and bool(value)
    return tables and all(isinstance(one, Mapping) and "name" in one for one in value)


def _text(flat: Mapping[str, Any], key: str) -> str:
    if key not in flat:
        return "left out"
    value = flat[key]
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)

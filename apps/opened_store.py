"""Which run store the app shows: the one that `tradefair app --store` names, else `runs` in the current folder."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from apps.command.web import STORE_VARIABLE
from experiments.runs import RunStore


def opened_store() -> RunStore:
    """Return the store, which may not exist yet; the app only reads it."""
    return RunStore(Path(os.environ.get(STORE_VARIABLE) or "runs"))


def command(*words: str) -> str:
    """Write a `tradefair` command that uses this store, ready to be copied."""
    root = opened_store().root
    named = [] if root.resolve() == Path("runs").resolve() else ["--store", str(root)]
    return shlex.join(["tradefair", *words, *named])

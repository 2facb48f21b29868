"""Which run store the app shows: the one that `tradefair app --store` names, else `runs` in the current folder.

Where people log in, each has a store of their own below it.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from apps.command.web import STORE_VARIABLE
from apps.login import USERS, current_user, is_required
from apps.runs.kept_store import KeptStore
from experiments.runs import RunStore
from retail.errors import ConfigError


def opened_store() -> RunStore:
    """Return the store of whoever uses the app, which may not exist yet.

    Raises:
        ConfigError: people must log in, and nobody has.
    """
    root = Path(os.environ.get(STORE_VARIABLE) or "runs")
    if not is_required():
        return KeptStore(root)
    user = current_user()
    if user is None:
        raise ConfigError("log in first")
    return KeptStore(root / USERS / user.id)


def command(*words: str) -> str:
    """Write a `tradefair` command that uses this store, ready to be copied."""
    root = opened_store().root
    named = [] if root.resolve() == Path("runs").resolve() else ["--store", str(root)]
    return shlex.join(["tradefair", *words, *named])

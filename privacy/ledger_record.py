"""Reading a ledger file without spending from it: for reports, the command and the app."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import pandas as pd

from privacy.books import BOOKS
from privacy.ledger_schema import read_scope
from privacy.sqlite_file import reading
from retail.errors import PrivacyError

Scope = Literal["run", "persistent"]

SCOPE_LABELS: Final[dict[str, str]] = {
    "run": "simulation: accounted within the run",
    "persistent": "adds up over all runs on this data set",
}

_RESERVATIONS: Final = "SELECT entry, dataset, run, purpose, key, cost, reserved_at, committed_at FROM reservations"
_BUDGETS: Final = (
    "SELECT dataset, epsilon, delta, population, cap, COALESCE((SELECT SUM(cost) FROM reservations AS r "
    "WHERE r.dataset = budgets.dataset), 0) AS spent FROM budgets ORDER BY dataset"
)


@dataclass(frozen=True, eq=False)
class LedgerRecord:
    """What a ledger file says.

    Attributes:
        scope: "run" or "persistent".
        label: the scope in words, for reports.
        budgets: dataset, epsilon, delta, population, cap, spent, remaining (the last three in nano-rho).
        reservations: entry, dataset, run, purpose, key, cost (nano-rho), reserved_at, committed_at (UTC; NaT while
            uncommitted), oldest first.
    """

    scope: str
    label: str
    budgets: pd.DataFrame
    reservations: pd.DataFrame


def read_ledger(path: Path) -> LedgerRecord:
    """Read a ledger file; it is not created, locked for writing or changed.

    Raises: PrivacyError: there is no such file, or it is no ledger.
    """
    if not path.is_file():
        raise PrivacyError(f"there is no ledger at {path}; a run with a privacy budget writes one")
    try:
        with reading(path, BOOKS) as connection:
            scope = read_scope(connection, name=str(path))
            budgets = _frame(connection.execute(_BUDGETS))
            reservations = read_reservations(connection)
    except sqlite3.Error as error:
        raise PrivacyError(f"ledger {path} cannot be read ({error}); restore it from a copy") from error
    budgets["remaining"] = budgets["cap"] - budgets["spent"]
    return LedgerRecord(scope, SCOPE_LABELS[scope], budgets, reservations)


def read_reservations(connection: sqlite3.Connection, *, dataset: str | None = None) -> pd.DataFrame:
    """List reservations, oldest first, of one data set or of all.

    Returns: entry, dataset, run, purpose, key, cost (int64 nano-rho), reserved_at, committed_at (UTC).
    """
    if dataset is None:
        table = _frame(connection.execute(f"{_RESERVATIONS} ORDER BY entry"))
    else:
        table = _frame(connection.execute(f"{_RESERVATIONS} WHERE dataset = ? ORDER BY entry", (dataset,)))
    table = table.astype({"entry": "int64", "cost": "int64"})
    for name in ("reserved_at", "committed_at"):
        table[name] = pd.to_datetime(table[name], utc=True, format="ISO8601")
    return table


def _frame(cursor: sqlite3.Cursor) -> pd.DataFrame:
    return pd.DataFrame(cursor.fetchall(), columns=[column[0] for column in cursor.description])

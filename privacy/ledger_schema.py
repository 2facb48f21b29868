"""The tables of a ledger, and the rules that SQLite itself holds about them."""

from __future__ import annotations

import sqlite3
from typing import Final

from privacy.accounting import MAX_COST
from retail.errors import PrivacyError

_STATEMENTS: Final = (
    "CREATE TABLE ledger (scope TEXT NOT NULL)",
    f"""CREATE TABLE budgets (
        dataset TEXT PRIMARY KEY,
        epsilon REAL NOT NULL,
        delta REAL NOT NULL,
        population INTEGER NOT NULL,
        cap INTEGER NOT NULL CHECK (typeof(cap) = 'integer' AND cap BETWEEN 1 AND {MAX_COST})
    )""",
    f"""CREATE TABLE reservations (
        entry INTEGER PRIMARY KEY AUTOINCREMENT,
        dataset TEXT NOT NULL REFERENCES budgets (dataset),
        run TEXT NOT NULL,
        purpose TEXT NOT NULL,
        key TEXT NOT NULL,
        cost INTEGER NOT NULL CHECK (typeof(cost) = 'integer' AND cost BETWEEN 1 AND {MAX_COST}),
        reserved_at TEXT NOT NULL,
        committed_at TEXT
    )""",
    "CREATE UNIQUE INDEX one_commit ON reservations (dataset, run, key) WHERE committed_at IS NOT NULL",
    """CREATE TRIGGER reservations_stay BEFORE DELETE ON reservations
        BEGIN SELECT RAISE(ABORT, 'a reservation is never deleted'); END""",
    """CREATE TRIGGER reservations_keep_cost
        BEFORE UPDATE OF entry, dataset, run, purpose, key, cost, reserved_at ON reservations
        BEGIN SELECT RAISE(ABORT, 'a reservation is never rewritten'); END""",
    """CREATE TRIGGER commits_stay BEFORE UPDATE OF committed_at ON reservations WHEN OLD.committed_at IS NOT NULL
        BEGIN SELECT RAISE(ABORT, 'a commit is never undone'); END""",
    """CREATE TRIGGER budgets_stay BEFORE DELETE ON budgets
        BEGIN SELECT RAISE(ABORT, 'a budget is never deleted'); END""",
    """CREATE TRIGGER budgets_keep BEFORE UPDATE ON budgets
        BEGIN SELECT RAISE(ABORT, 'a budget is never changed'); END""",
)


def create_tables(connection: sqlite3.Connection, *, scope: str, name: str) -> None:
    """Start a ledger in the books, or check the one that is there, within the caller's transaction.

    Args:
        connection: to the books, with an open write transaction.
        scope: what the caller expects the ledger to be.
        name: the file, for messages.

    Raises: PrivacyError: the ledger is of the other scope.
    """
    if not _has_ledger(connection):
        for statement in _STATEMENTS:
            connection.execute(statement)
        connection.execute("INSERT INTO ledger (scope) VALUES (?)", (scope,))
    recorded = read_scope(connection, name=name)
    if recorded != scope:
        raise PrivacyError(f"ledger {name} has scope {recorded!r}, not {scope!r}; use another file")


def read_scope(connection: sqlite3.Connection, *, name: str) -> str:
    """Return the scope of the ledger in some books.

    Raises: PrivacyError: the books hold no ledger.
    """
    if not _has_ledger(connection):
        raise PrivacyError(f"{name} holds a log but no ledger; name the ledger of a run with a privacy budget")
    return str(connection.execute("SELECT scope FROM ledger").fetchone()[0])


def _has_ledger(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'ledger'").fetchone() is not None

"""The tables of a log in the books, and the rules that SQLite itself holds about them.

The rules stop mistakes, not somebody who edits the file: `privacy.log.verify` believes the hashes and signatures alone.
"""

from __future__ import annotations

import secrets
import sqlite3
from pathlib import Path
from typing import Final

from retail.errors import PrivacyError

STATEMENTS: Final = {
    "log_origin": "CREATE TABLE log_origin (origin TEXT NOT NULL)",
    "log_entries": """CREATE TABLE log_entries (
        entry INTEGER PRIMARY KEY CHECK (entry >= 0),
        kind TEXT NOT NULL,
        time TEXT NOT NULL,
        body TEXT NOT NULL,
        subtrees BLOB NOT NULL
    )""",
    "log_heads": """CREATE TABLE log_heads (
        head INTEGER PRIMARY KEY AUTOINCREMENT,
        origin TEXT NOT NULL,
        size INTEGER NOT NULL,
        root TEXT NOT NULL,
        time TEXT NOT NULL,
        key TEXT NOT NULL,
        signature TEXT NOT NULL
    )""",
    "log_entries_in_order": """CREATE TRIGGER log_entries_in_order BEFORE INSERT ON log_entries
        WHEN NEW.entry IS NOT (SELECT COALESCE(MAX(entry) + 1, 0) FROM log_entries)
        BEGIN SELECT RAISE(ABORT, 'a log grows at its end only'); END""",
    **{
        f"{table}_{verb.lower()}": f"""CREATE TRIGGER {table}_{verb.lower()} BEFORE {verb} ON {table}
        BEGIN SELECT RAISE(ABORT, 'a log is never changed'); END"""
        for table in ("log_origin", "log_entries", "log_heads")
        for verb in ("UPDATE", "DELETE")
    },
}


def create_log(connection: sqlite3.Connection, *, origin: str | None, name: str) -> str:
    """Start a log in the books, or check the one that is there, within the caller's transaction.

    Returns: its name.

    Raises: PrivacyError: the log there is another one.
    """
    if not has_log(connection):
        for statement in STATEMENTS.values():
            connection.execute(statement)
        # The number keeps two ledgers of one file name apart: their heads must not look like forks of one log.
        new = f"books {Path(name).name} {secrets.token_hex(4)}" if origin is None else origin
        connection.execute("INSERT INTO log_origin (origin) VALUES (?)", (new,))
    recorded = read_origin(connection, name=name)
    if origin is not None and recorded != origin:
        raise PrivacyError(f"{name} holds the log {recorded!r}, not {origin!r}; use another file")
    return recorded


def has_log(connection: sqlite3.Connection) -> bool:
    """Tell whether the books hold a log."""
    return connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'log_origin'").fetchone() is not None


def read_origin(connection: sqlite3.Connection, *, name: str) -> str:
    """Return the name of the log in some books.

    Raises: PrivacyError: the books hold no log.
    """
    if not has_log(connection):
        raise PrivacyError(f"{name} holds no log; it may be a ledger written before there was one")
    found = connection.execute("SELECT origin FROM log_origin").fetchone()
    return "" if found is None else str(found[0])

"""What the register holds about one person, as the person or as a child's guardian, and how it goes."""

from __future__ import annotations

import json
import sqlite3
from typing import Final

from privacy.consent.document import from_document

_ABOUT_PEOPLE: Final = {
    "grants": "token = ?1 OR mark IN (SELECT mark FROM receipts WHERE guardian = ?1)",
    "receipts": "token = ?1 OR guardian = ?1",
    "withdrawals": "token = ?1",
    "enrolments": "token = ?1",
    "returned": "token = ?1",
}
"""Tables and the rows in them that are about a person; grants before the receipts by which they are found."""


def count_rows(connection: sqlite3.Connection, token: str) -> int:
    """Count the rows about a person."""
    return sum(
        connection.execute(f"SELECT COUNT(*) FROM {table} WHERE {rows}", (token,)).fetchone()[0]  # noqa: S608
        for table, rows in _ABOUT_PEOPLE.items()
    )


def delete_rows(connection: sqlite3.Connection, token: str) -> int:
    """Delete the rows about a person, and a child's receipt for which the person agreed; return their number."""
    return sum(
        connection.execute(f"DELETE FROM {table} WHERE {rows}", (token,)).rowcount  # noqa: S608
        for table, rows in _ABOUT_PEOPLE.items()
    )


def receipt_hashes(connection: sqlite3.Connection, token: str) -> list[str]:
    """Return the hashes of the receipts that `delete_rows` deletes: names of theirs in the file of commitments."""
    rows = connection.execute("SELECT document FROM receipts WHERE token = ?1 OR guardian = ?1", (token,)).fetchall()
    return [from_document(json.loads(document)).sha256 for (document,) in rows]

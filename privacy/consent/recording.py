"""Writing a receipt down: the receipt as a whole, and one row for each use that it grants."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3

from privacy.consent.document import to_document
from privacy.consent.identifiers import time_text
from privacy.consent.receipt import Receipt


def is_on_record(connection: sqlite3.Connection, receipt: Receipt, *, mark: str) -> bool:
    """Tell whether a receipt is on record under its mark, with every word of it."""
    found = connection.execute("SELECT document FROM receipts WHERE mark = ?", (mark,)).fetchone()
    return found is not None and json.loads(found[0]) == json.loads(json.dumps(to_document(receipt)))


def put_on_record(connection: sqlite3.Connection, receipt: Receipt, *, mark: str, now: dt.datetime) -> None:
    """Record a receipt inside the caller's transaction; whether it may go on record is for `admit` to say, before.

    Args:
        connection: with an open write transaction on the register.
        receipt: what the person agreed to.
        mark: stands for its id, so that it cannot be used again.
        now: the register's time.
    """
    connection.execute("INSERT INTO used (mark) VALUES (?)", (mark,))
    connection.execute(
        "INSERT INTO receipts (mark, token, document, recorded_at, guardian) VALUES (?, ?, ?, ?, ?)",
        (mark, receipt.principal, json.dumps(to_document(receipt)), time_text(now), receipt.guardian_token),
    )
    times = tuple(time_text(at) for at in (receipt.issued_at, receipt.valid_from, receipt.expires_at, now))
    data = f" {' '.join(receipt.data)} "
    connection.executemany(
        "INSERT INTO grants VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (mark, receipt.principal, controller, purpose, receipt.level, data, receipt.jurisdiction, *times)
            for controller in receipt.controllers
            for purpose in receipt.purposes
        ],
    )

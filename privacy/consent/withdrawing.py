"""Writing a withdrawal down so that it ends what was given before it, whatever the clock did since."""

from __future__ import annotations

import datetime as dt
import sqlite3

from privacy.consent.identifiers import time_text
from privacy.consent.register_file import next_version
from privacy.consent.standing import GRANTS, standing


def end_use(
    connection: sqlite3.Connection, use: tuple[str, str, str], *, said_at: dt.datetime, now: dt.datetime
) -> int:
    """Record a withdrawal inside the caller's transaction.

    A withdrawal voids receipts issued up to the moment of recording. That moment is at least the one at which the
    newest receipt on record was issued: a clock that was set back in between keeps nothing alive.

    Args:
        connection: with an open write transaction on the register.
        use: token, controller and purpose.
        said_at: when the person said so.
        now: the register's time.

    Returns: how many agreements it ended.
    """
    where = "g.token = ? AND g.controller = ? AND g.purpose = ?"
    rows = connection.execute(f"{GRANTS} WHERE {where}", use).fetchall()
    ended = sum(standing(row, time_text(now)).state in ("valid", "not_yet") for row in rows)
    newest = connection.execute(f"SELECT MAX(g.issued_at) FROM grants AS g WHERE {where}", use).fetchone()[0]  # noqa: S608
    connection.execute(
        "INSERT INTO withdrawals VALUES (?, ?, ?, ?, ?, ?)",
        (*use, time_text(said_at), max(time_text(now), newest or ""), next_version(connection)),
    )
    return ended

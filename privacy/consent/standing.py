"""How one agreement stands: given, withdrawn, expired."""

from __future__ import annotations

import datetime as dt
import sqlite3
from dataclasses import dataclass
from typing import Literal

State = Literal["valid", "not_yet", "expired", "withdrawn"]


@dataclass(frozen=True, slots=True)
class Standing:
    """One purpose of one receipt, for one controller.

    Attributes:
        controller: who may use the data.
        purpose: for what.
        level: general or separate.
        data: kinds of data.
        jurisdiction: whose law it was asked under.
        state: valid, not_yet (starts later), expired, or withdrawn.
        issued_at: when the person agreed, UTC text.
        expires_at: when it ends by itself, UTC text.
        withdrawn_at: when the withdrawal was recorded, UTC text; empty if it stands.
    """

    controller: str
    purpose: str
    level: str
    data: tuple[str, ...]
    jurisdiction: str
    state: State
    issued_at: str
    expires_at: str
    withdrawn_at: str


GRANTS = """SELECT g.token, g.controller, g.purpose, g.level, g.data, g.jurisdiction, g.issued_at, g.valid_from,
    g.expires_at, (SELECT MIN(w.recorded_at) FROM withdrawals AS w WHERE w.token = g.token
        AND w.controller = g.controller AND w.purpose = g.purpose AND w.recorded_at >= g.issued_at)
    FROM grants AS g"""


def standing(row: sqlite3.Row | tuple[str, ...], now: str) -> Standing:
    """Judge one row of `GRANTS` at a time, written as `time_text` writes it."""
    _, controller, purpose, level, data, jurisdiction, issued_at, valid_from, expires_at, withdrawn_at = row
    state: State = "valid"
    if withdrawn_at:
        state = "withdrawn"
    elif now < valid_from:
        state = "not_yet"
    elif now >= expires_at:
        state = "expired"
    kinds = tuple(data.strip(" ").split(" "))
    return Standing(controller, purpose, level, kinds, jurisdiction, state, issued_at, expires_at, withdrawn_at or "")


def summarise(connection: sqlite3.Connection, now: str) -> list[tuple[str, str, str, str, int]]:
    """Count people for each controller, purpose, level and state at a time; see `ConsentRegister.summary`."""
    people: dict[tuple[str, str, str, str], set[str]] = {}
    for row in connection.execute(GRANTS):
        one = standing(row, now)
        people.setdefault((one.controller, one.purpose, one.level, one.state), set()).add(row[0])
    return [(*key, len(tokens)) for key, tokens in sorted(people.items())]


def now_utc() -> dt.datetime:
    """Return the time by this machine's clock."""
    return dt.datetime.now(dt.UTC)

"""The book of sessions: each is held once, and a pair of parties holds few of them; kept beside the ledger.

Two sessions about lists that differ by one person differ by that person, up to the noise. The noise of each is paid
from the ledger, which bounds what all sessions together tell. The limit here is a second fence: it makes such attempts
slow, and leaves them in the log.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from matching.psi.terms import Terms
from privacy.books import Books
from privacy.consent.identifiers import time_text
from retail.errors import ConfigError, PrivacyError

Role = Literal["asker", "answerer"]
_TABLE: Final = (
    "CREATE TABLE IF NOT EXISTS psi_sessions (session TEXT NOT NULL, role TEXT NOT NULL, one TEXT NOT NULL, "
    "other TEXT NOT NULL, opened_at TEXT NOT NULL, closed_at TEXT, PRIMARY KEY (session, role))"
)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True, slots=True)
class Limit:
    """How often a pair of parties may hold a session, whoever of them asks.

    Attributes:
        most: sessions in the span.
        days: the span.
    """

    most: int = 12
    days: int = 30

    def __post_init__(self) -> None:
        """Refuse limits that limit nothing."""
        for name in ("most", "days"):
            value = getattr(self, name)
            if type(value) is not int or not 1 <= value <= 10_000:
                raise ConfigError(f"{name} of a limit of sessions must be a whole number, 1 to 10000, got {value!r}")


class Sessions:
    """Sessions of one party, in its books.

    Guarantee: of one session there is at most one entry for each role, and of one pair at most `limit.most` opened in
        any span, whatever processes do at once. Sessions dated in the future count too, so setting a clock back gives
        none; setting it forward does. What cannot be read or written opens no session.
    """

    def __init__(self, books: Books, *, limit: Limit, clock: Callable[[], dt.datetime] = _now) -> None:
        self.books = books
        self.limit = limit
        self._clock = clock
        with books.transaction() as connection:
            connection.execute(_TABLE)

    def check(self, terms: Terms, role: Role) -> None:
        """Refuse now what `open_within` would refuse later. Raises: see there."""
        with self.books.transaction("DEFERRED") as connection:
            self._check(connection, terms, role)

    def open_within(self, connection: sqlite3.Connection, terms: Terms, role: Role) -> None:
        """Note a session as begun, inside a transaction on the books.

        Raises: PrivacyError: it was held before, or the pair has held too many.
        """
        self._check(connection, terms, role)
        connection.execute(
            "INSERT INTO psi_sessions (session, role, one, other, opened_at) VALUES (?, ?, ?, ?, ?)",
            (terms.session, role, *terms.pair, time_text(self._clock())),
        )

    def require_open(self, terms: Terms, role: Role) -> None:
        """Refuse a session that was never begun here, or has ended.

        Raises: PrivacyError: so it is.
        """
        with self.books.transaction("DEFERRED") as connection:
            row = connection.execute(
                "SELECT closed_at FROM psi_sessions WHERE session = ? AND role = ?", (terms.session, role)
            ).fetchone()
        if row is None:
            raise PrivacyError(f"session {terms.session} was not begun in {self.books.name}; name its books")
        if row[0] is not None:
            raise PrivacyError(f"session {terms.session} has ended; a reply counts once, so start a new session")

    def close(self, terms: Terms, role: Role) -> None:
        """Note a session as ended.

        Raises: PrivacyError: it was never begun here, or has ended already.
        """
        with self.books.transaction() as connection:
            closed = connection.execute(
                "UPDATE psi_sessions SET closed_at = ? WHERE session = ? AND role = ? AND closed_at IS NULL",
                (time_text(self._clock()), terms.session, role),
            )
            if closed.rowcount != 1:
                raise PrivacyError(f"session {terms.session} is not open in {self.books.name}; start a new session")

    def _check(self, connection: sqlite3.Connection, terms: Terms, role: Role) -> None:
        held = connection.execute(
            "SELECT 1 FROM psi_sessions WHERE session = ? AND role = ?", (terms.session, role)
        ).fetchone()
        if held is not None:
            raise PrivacyError(f"session {terms.session} was answered before; a question counts once, so ask anew")
        since = time_text(self._clock() - dt.timedelta(days=self.limit.days))
        made = connection.execute(
            "SELECT COUNT(*) FROM psi_sessions WHERE one = ? AND other = ? AND opened_at > ?", (*terms.pair, since)
        ).fetchone()[0]
        if made >= self.limit.most:
            raise PrivacyError(
                f"{terms.asker} and {terms.answerer} have held {made} sessions in {self.limit.days} days, and "
                f"{self.limit.most} are allowed; wait, or agree on another limit"
            )

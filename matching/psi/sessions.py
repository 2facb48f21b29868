"""The book of sessions: each is held once, and a pair of parties holds few of them; kept beside the ledger.

Two sessions about lists that differ by one person differ by that person, up to the noise. The noise of each is paid
from the ledger, which bounds what all sessions together tell. The limit here is a second fence: it makes such attempts
slow, and leaves them in the log. Who asks is known by its key (`matching.psi.parties`): a new name is no way around it.
"""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from matching.psi.terms import Terms
from privacy.books import Books
from privacy.consent.identifiers import time_text
from retail.errors import ConfigError, PrivacyError

Role = Literal["asker", "answerer"]
_TABLE: Final = (
    "CREATE TABLE IF NOT EXISTS psi_sessions (session TEXT NOT NULL, role TEXT NOT NULL, one TEXT NOT NULL, "
    "other TEXT NOT NULL, opened_at TEXT NOT NULL, closed_at TEXT, PRIMARY KEY (session, role))"
)
_COUNTS: Final = "CREATE TABLE IF NOT EXISTS psi_counts (session TEXT PRIMARY KEY, document TEXT NOT NULL)"


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True, slots=True)
class Limit:
    """How often a pair of parties may hold a session, whoever of them asks.

    Attributes:
        most: sessions in the span; also of all parties together whose keys are not confirmed.
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
        any span, and no more are answered in it for all unconfirmed parties together, whatever processes do at once. A
        session that was closed is never counted again. Sessions dated in the future count too, so setting a clock back
        gives none; setting it forward does. What cannot be read or written opens no session.
    """

    def __init__(self, books: Books, *, limit: Limit, clock: Callable[[], dt.datetime] = _now) -> None:
        self.books = books
        self.limit = limit
        self._clock = clock
        with books.transaction() as connection:
            connection.execute(_TABLE)
            connection.execute(_COUNTS)

    def check(self, terms: Terms, role: Role, *, stranger: bool = False) -> None:
        """Refuse now what `open_within` would refuse later. Raises: see there."""
        with self.books.transaction("DEFERRED") as connection:
            self._check(connection, terms, role, stranger)

    def open_within(self, connection: sqlite3.Connection, terms: Terms, role: Role, *, stranger: bool = False) -> None:
        """Note a session as begun, inside a transaction on the books.

        Args:
            connection: of the transaction, in which the book of parties is there.
            terms: of the session.
            role: of the party whose book this is.
            stranger: the other party's key is not confirmed.

        Raises: PrivacyError: it was held before, or the pair, or all strangers, have held too many.
        """
        self._check(connection, terms, role, stranger)
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

    def is_open(self, terms: Terms, role: Role) -> bool:
        """Tell whether a session was begun here and has not ended."""
        with self.books.transaction("DEFERRED") as connection:
            asked = "SELECT 1 FROM psi_sessions WHERE session = ? AND role = ? AND closed_at IS NULL"
            return connection.execute(asked, (terms.session, role)).fetchone() is not None

    def close_within(self, connection: sqlite3.Connection, terms: Terms, role: Role) -> None:
        """Note a session as ended, inside a transaction on the books.

        Raises: PrivacyError: it was never begun here, or has ended already.
        """
        closed = connection.execute(
            "UPDATE psi_sessions SET closed_at = ? WHERE session = ? AND role = ? AND closed_at IS NULL",
            (time_text(self._clock()), terms.session, role),
        )
        if closed.rowcount != 1:
            raise PrivacyError(f"session {terms.session} is not open in {self.books.name}; start a new session")

    def keep(self, session: str, document: Mapping[str, Any]) -> None:
        """Keep what a session gave: a noisy count, which may be shown again as often as one likes."""
        with self.books.transaction() as connection:
            connection.execute(
                "INSERT INTO psi_counts (session, document) VALUES (?, ?)", (session, json.dumps(document))
            )

    def kept(self, session: str) -> dict[str, Any] | None:
        """Return what a session gave, or None while it has given nothing."""
        with self.books.transaction("DEFERRED") as connection:
            row = connection.execute("SELECT document FROM psi_counts WHERE session = ?", (session,)).fetchone()
        return None if row is None else dict(json.loads(row[0]))

    def _check(self, connection: sqlite3.Connection, terms: Terms, role: Role, stranger: bool) -> None:
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
        if not stranger:
            return
        answered = connection.execute(
            "SELECT COUNT(*) FROM psi_sessions AS s JOIN psi_parties AS p ON p.name IN (s.one, s.other) "
            "WHERE s.role = 'answerer' AND NOT p.confirmed AND s.opened_at > ?",
            (since,),
        ).fetchone()[0]
        if answered >= self.limit.most:
            raise PrivacyError(
                f"{answered} sessions were answered in {self.limit.days} days for parties whose keys nobody confirmed, "
                f"and {self.limit.most} are allowed for all of them together; ask {terms.asker} for its key by another "
                "way, and give it"
            )

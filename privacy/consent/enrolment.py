"""At how many merchants a person takes part: never more than k_max, over one accounting period.

**The rule.** A slot is used by a (person, merchant) pair for the whole accounting period. Leaving a merchant stops the
person's rows there from being used, but frees no slot; coming back to the same merchant needs no new one.

**Why.** Noise and price are set for a person who is in at most k_max of the sums over one budget's life. Round by round
a cap on *present* merchants would do, as long as all nodes of a round ask at one moment. But a budget also pays for
statistics and models that each merchant makes from its own people, where one cost covers all merchants together
because a person is at k_max of them at most. Somebody who left and joined, again and again, would stand in ever more
of these, at no charge: after n moves in k_max + n. Counting pairs over the budget's whole life rules that out.

An accounting period is therefore as long as a budget in the ledger. A new period gives everybody k_max new slots and so
needs a new budget: open one only when the ledger of these people starts anew too. Nothing opens a period by itself.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Callable, Collection
from dataclasses import dataclass

from privacy.consent.events import Events
from privacy.consent.identifiers import checked_digest, checked_text, time_text
from privacy.consent.register_file import RegisterFile, next_version
from privacy.consent.tombstones import Tombstones
from retail.errors import ConsentError


@dataclass(frozen=True, slots=True)
class Period:
    """One accounting period: a name (that of the ledger's budget), the cap, and whether it is still open."""

    name: str
    k_max: int
    is_open: bool


class Enrolment:
    """Slots of people at merchants, in one register; get it from `ConsentRegister.enrolment`.

    Guarantee: in one accounting period no token is ever enrolled at more than k_max merchants, whatever processes do at
        once. Assumes that one person has one token (one id at all merchants), and that nodes use only people for whom
        `present` is true.
    """

    def __init__(
        self, file: RegisterFile, events: Events, tombstones: Tombstones, clock: Callable[[], dt.datetime]
    ) -> None:
        self._file, self._events, self._tombstones, self._clock = file, events, tombstones, clock

    @property
    def period(self) -> Period | None:
        """The open period, or None."""
        with self._file.transaction("DEFERRED") as connection:
            row = connection.execute("SELECT name, k_max FROM periods WHERE closed_at IS NULL").fetchone()
        return None if row is None else Period(row[0], row[1], True)

    @property
    def in_use(self) -> bool:
        """Whether a period was ever opened: from then on only people who are present count."""
        with self._file.transaction("DEFERRED") as connection:
            return connection.execute("SELECT 1 FROM periods LIMIT 1").fetchone() is not None

    def open_period(self, name: str, *, k_max: int) -> Period:
        """Start an accounting period; opening the open one again with the same cap changes nothing.

        Raises: ConsentError: another period is open, the name was used before, or k_max is no whole number >= 1.
        """
        checked_text("the period's name", name, most=200)
        if isinstance(k_max, bool) or not isinstance(k_max, int) or k_max < 1:
            raise ConsentError(f"k_max must be a whole number of at least 1, got {k_max!r}")
        with self._file.transaction() as connection:
            rows = connection.execute("SELECT name, k_max, closed_at FROM periods").fetchall()
            for known, cap, closed_at in rows:
                if known == name and cap == k_max and closed_at is None:
                    return Period(name, k_max, True)
                if known == name:
                    state = f"was open with k_max {cap}" if closed_at else f"is open with k_max {cap}"
                    raise ConsentError(f"the period {name!r} {state}; a period is opened once and keeps its cap")
                if closed_at is None:
                    raise ConsentError(f"the period {known!r} is still open; close it first")
            connection.execute(
                "INSERT INTO periods (name, k_max, opened_at) VALUES (?, ?, ?)",
                (name, k_max, time_text(self._clock())),
            )
            next_version(connection)
            self._events.add(connection, "consent", {"event": "period_opened", "period": name, "k_max": k_max})
        self._events.deliver()
        return Period(name, k_max, True)

    def close_period(self, name: str) -> None:
        """End a period: nobody is present anywhere until the next one is opened.

        Raises: ConsentError: it is not open.
        """
        with self._file.transaction() as connection:
            closed = connection.execute(
                "UPDATE periods SET closed_at = ? WHERE name = ? AND closed_at IS NULL",
                (time_text(self._clock()), name),
            )
            if closed.rowcount != 1:
                raise ConsentError(f"there is no open period {name!r:.220}")
            next_version(connection)
            self._events.add(connection, "consent", {"event": "period_closed", "period": name})
        self._events.deliver()

    def enrol(self, token: str, merchant: str) -> None:
        """Take a slot for a person at a merchant; doing it twice takes one slot.

        Raises: ConsentError: no period is open, all k_max slots of this person are used, the person was erased, or the
            token or merchant cannot be used.
        """
        checked_digest("the person's token", token, show=False)
        checked_text("the merchant", merchant, most=200)
        with self._file.transaction() as connection:
            if self._tombstones.has_token(connection, token):
                raise ConsentError("this person was erased; let the person back first, on their own wish")
            if not self._take(connection, token, merchant):
                cap = connection.execute("SELECT name, k_max FROM periods WHERE closed_at IS NULL").fetchone()
                if cap is None:
                    raise ConsentError("no accounting period is open; open one with its k_max first")
                raise ConsentError(
                    f"this person has used all {cap[1]} slots of the period {cap[0]!r}; leaving a merchant frees none, "
                    "because sums over that merchant are paid for until the period ends"
                )
            next_version(connection)
            commitment = self._events.commitment(token)  # a salt only for somebody who was taken
            self._events.add(connection, "consent", {"event": "enrolled", "person": commitment, "merchant": merchant})
        self._events.deliver()

    def enrol_many(self, tokens: Collection[str], merchant: str) -> frozenset[str]:
        """Take a slot for each of several people, in one transaction; whoever has none left is left out.

        Returns: tokens of those who are present at the merchant now. Nobody else was changed.

        Raises: ConsentError: no period is open, or a token or the merchant cannot be used; then nobody was enrolled.
        """
        checked_text("the merchant", merchant, most=200)
        for token in tokens:
            checked_digest("a person's token", token, show=False)
        with self._file.transaction() as connection:
            if connection.execute("SELECT 1 FROM periods WHERE closed_at IS NULL").fetchone() is None:
                raise ConsentError("no accounting period is open; open one with its k_max first")
            taken = [
                token
                for token in dict.fromkeys(tokens)
                if not self._tombstones.has_token(connection, token) and self._take(connection, token, merchant)
            ]
            if taken:
                next_version(connection)
            for commitment in self._events.commitments_of(taken):
                self._events.add(
                    connection, "consent", {"event": "enrolled", "person": commitment, "merchant": merchant}
                )
        self._events.deliver()
        return frozenset(taken)

    def _take(self, connection: sqlite3.Connection, token: str, merchant: str) -> bool:
        """Take a slot if there is one; inside a transaction."""
        # Compares and adds in one statement, under the one write lock of the file: no other process gets between.
        added = connection.execute(
            "INSERT INTO enrolments (period, token, merchant, enrolled_at) SELECT p.name, ?1, ?2, ?3 FROM periods "
            "AS p WHERE p.closed_at IS NULL AND (SELECT COUNT(*) FROM enrolments AS e WHERE e.period = p.name AND "
            "e.token = ?1 AND e.merchant <> ?2) < p.k_max ON CONFLICT DO UPDATE SET left_at = NULL",
            (token, merchant, time_text(self._clock())),
        )
        return added.rowcount == 1

    def leave(self, token: str, merchant: str) -> bool:
        """Stop using a person's rows at a merchant. The slot stays used.

        Returns: whether the person was present there.
        """
        checked_digest("the person's token", token, show=False)
        with self._file.transaction() as connection:
            left = connection.execute(
                "UPDATE enrolments SET left_at = ? WHERE token = ? AND merchant = ? AND left_at IS NULL AND period IN "
                "(SELECT name FROM periods WHERE closed_at IS NULL)",
                (time_text(self._clock()), token, merchant),
            )
            if left.rowcount:
                next_version(connection)
                erased = self._tombstones.surely_has_token(connection, token)
                commitment = "" if erased else self._events.commitment(token)
                self._events.add(
                    connection, "withdrawal", {"event": "left", "person": commitment, "merchant": merchant}
                )
        self._events.deliver()
        return bool(left.rowcount)

    def present(self, merchant: str) -> set[str]:
        """Return the tokens of people who are enrolled at a merchant now, in the open period."""
        with self._file.transaction("DEFERRED") as connection:
            rows = connection.execute(
                "SELECT e.token FROM enrolments AS e JOIN periods AS p ON p.name = e.period "
                "WHERE p.closed_at IS NULL AND e.merchant = ? AND e.left_at IS NULL",
                (merchant,),
            ).fetchall()
        return {row[0] for row in rows}

    def slots(self, token: str) -> tuple[int, int]:
        """Return how many slots of the open period a person has used, and how many there are."""
        with self._file.transaction("DEFERRED") as connection:
            row = connection.execute(
                "SELECT (SELECT COUNT(*) FROM enrolments AS e WHERE e.period = p.name AND e.token = ?), p.k_max "
                "FROM periods AS p WHERE p.closed_at IS NULL",
                (token,),
            ).fetchone()
        return (0, 0) if row is None else (int(row[0]), int(row[1]))

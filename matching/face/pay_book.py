"""The book of payments: charges and attempts, in the same file as the log, so that both are one transaction."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import sqlite3
from dataclasses import asdict, dataclass
from typing import Any, Final

from privacy.books import Books
from privacy.consent.identifiers import time_text
from privacy.log import Log

KIND: Final = "payment"
"""Kind of the log entries."""
_TABLES: Final = (
    """CREATE TABLE IF NOT EXISTS face_payments (
        key TEXT PRIMARY KEY, asked TEXT NOT NULL, person TEXT NOT NULL, currency TEXT NOT NULL,
        amount_minor INTEGER NOT NULL, day TEXT NOT NULL, receipt TEXT NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS face_payments_of ON face_payments (person, day)",
    "CREATE TABLE IF NOT EXISTS face_attempts (person TEXT NOT NULL, at TEXT NOT NULL)",
    "CREATE INDEX IF NOT EXISTS face_attempts_of ON face_attempts (person, at)",
)


@dataclass(frozen=True, slots=True)
class PaymentReceipt:
    """A payment that was made. It names nobody.

    Attributes:
        id: hash of merchant and idempotency key; a bank that is given it can refuse a second charge.
        merchant: who was paid.
        amount_minor: in the smallest unit of the currency.
        currency: ISO 4217.
        at: UTC, ISO 8601.
        entry: place in the log; `Log.inclusion(entry)` proves it.
    """

    id: str
    merchant: str
    amount_minor: int
    currency: str
    at: str
    entry: int


class PayBook:
    """Charges and attempts by commitment; no id, no photo.

    Guarantee: of one idempotency key there is at most one charge, whatever is repeated, at once or after a kill; a
        charge, its receipt and its log entry are there together or not at all. Assumes a local disk with working locks.
        The money itself moves elsewhere: hand `PaymentReceipt.id` to whoever moves it, as its idempotency key.
    """

    def __init__(self, log: Log) -> None:
        self._log = log
        self.books: Books = log.books
        with self.books.transaction() as connection:
            for statement in _TABLES:
                connection.execute(statement)

    @staticmethod
    def name(merchant: str, key: str) -> str:
        """Return what stands for an idempotency key."""
        return hashlib.sha256(json.dumps(["face payment", merchant, key]).encode()).hexdigest()

    def find(self, name: str) -> tuple[str, PaymentReceipt] | None:
        """Return what was asked under a key, and the receipt of its charge."""
        with self.books.transaction("DEFERRED") as connection:
            return _find(connection, name)

    def spent(self, person: str, currency: str, day: str) -> int | None:
        """Return what a person (a commitment) has paid on a day; None where that was in another currency.

        Amounts of two currencies do not add up, so a person's first payment of a day says in which the others are.
        """
        with self.books.transaction("DEFERRED") as connection:
            return _spent(connection, person, currency, day)

    def attempt(self, person: str, *, at: dt.datetime, span: dt.timedelta, most: int) -> bool:
        """Count an attempt at a person, before it is made, and tell whether it is within the limit.

        Attempts dated later than `at` count too, so setting a clock back gives none.
        """
        with self.books.transaction() as connection:
            since = time_text(at - span)
            connection.execute("DELETE FROM face_attempts WHERE at <= ?", (since,))
            made = connection.execute("SELECT COUNT(*) FROM face_attempts WHERE person = ?", (person,)).fetchone()[0]
            if made >= most:
                return False
            connection.execute("INSERT INTO face_attempts (person, at) VALUES (?, ?)", (person, time_text(at)))
        return True

    def note(self, body: dict[str, Any]) -> None:
        """Write a decision that is no charge into the log."""
        self._log.append(KIND, body)

    def charge(
        self,
        name: str,
        *,
        asked: str,
        person: str,
        merchant: str,
        amount_minor: int,
        currency: str,
        at: dt.datetime,
        most_day_minor: int,
    ) -> tuple[str, PaymentReceipt] | None:
        """Charge once.

        Returns: what was asked under the key and its receipt, of this call or of an earlier one that was faster; None
            where the day's limit would be passed, or the person has paid in another currency on that day.
        """
        day = at.date().isoformat()
        with self.books.transaction() as connection:
            earlier = _find(connection, name)
            if earlier is not None:
                return earlier
            spent = _spent(connection, person, currency, day)
            if spent is None or spent + amount_minor > most_day_minor:
                return None
            body = {"event": "payment", "merchant": merchant, "outcome": "match", "person": person, "receipt": name}
            paid = {"amount_minor": amount_minor, "currency": currency}
            entry = self._log.append_within(connection, KIND, body | paid)
            receipt = PaymentReceipt(name, merchant, amount_minor, currency, time_text(at), entry.index)
            connection.execute(
                "INSERT INTO face_payments VALUES (?, ?, ?, ?, ?, ?, ?)",
                (name, asked, person, currency, amount_minor, day, json.dumps(asdict(receipt))),
            )
        return asked, receipt


def _find(connection: sqlite3.Connection, name: str) -> tuple[str, PaymentReceipt] | None:
    row = connection.execute("SELECT asked, receipt FROM face_payments WHERE key = ?", (name,)).fetchone()
    return None if row is None else (str(row[0]), PaymentReceipt(**json.loads(row[1])))


def _spent(connection: sqlite3.Connection, person: str, currency: str, day: str) -> int | None:
    paid = connection.execute(
        "SELECT currency, SUM(amount_minor) FROM face_payments WHERE person = ? AND day = ? GROUP BY currency",
        (person, day),
    ).fetchall()
    sums = {str(one): int(amount) for one, amount in paid}
    return sums.get(currency, 0) if sums.keys() <= {currency} else None

"""Stored answers: what was released once is kept in the books and given again for nothing.

An answer is written in the same transaction as the commit of its cost and its log entry, and never changed. It is kept
for an audience (column `consent`): "none" where all rows were counted, else the level of consent, actor, purpose and
jurisdiction by which receipts and objections chose the rows.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import sqlite3
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final

import pandas as pd

from privacy.books import Books
from retail.errors import PrivacyError

_STATEMENTS: Final = (
    """CREATE TABLE IF NOT EXISTS answers (
        entry INTEGER PRIMARY KEY AUTOINCREMENT,
        dataset TEXT NOT NULL,
        identity TEXT NOT NULL,
        serial INTEGER NOT NULL CHECK (serial >= 1),
        consent TEXT NOT NULL,
        cost INTEGER NOT NULL CHECK (typeof(cost) = 'integer' AND cost >= 1),
        digest TEXT NOT NULL,
        body TEXT NOT NULL,
        UNIQUE (dataset, identity, serial)
    )""",
    """CREATE TRIGGER IF NOT EXISTS answers_stay BEFORE DELETE ON answers
        BEGIN SELECT RAISE(ABORT, 'an answer is never deleted'); END""",
    """CREATE TRIGGER IF NOT EXISTS answers_keep BEFORE UPDATE ON answers
        BEGIN SELECT RAISE(ABORT, 'an answer is never changed'); END""",
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a query released.

    Attributes:
        columns: names of the keys, then "count" (or "value" for a quantile).
        rows: one tuple per cell: keys, then the noisy number; None where it lies below the threshold.
        threshold: least noisy count that is shown; None where there is none.
        error_95: half-width of the 95% interval of one number, in `unit`.
        error_95_all: of all numbers at once.
        unit: what is counted; "rows of rank" for a quantile.
        noise: "gaussian", "laplace" or "exponential".
        scale: of that noise.
        cost: nano-rho paid for it, once.
        made_at: UTC, ISO 8601: an answer says how old it is.
        stored: given from the store, at no cost.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str | int | float | None, ...], ...]
    threshold: int | None
    error_95: int
    error_95_all: int
    unit: str
    noise: str
    scale: float
    cost: int
    made_at: str = field(default_factory=lambda: dt.datetime.now(dt.UTC).isoformat(timespec="seconds"))
    stored: bool = False

    @property
    def digest(self) -> str:
        """sha256 over the answer as stored; its release entry in the log holds the same."""
        return hashlib.sha256(self._json().encode()).hexdigest()

    @property
    def frame(self) -> pd.DataFrame:
        """The rows as a table with `columns`; the last one is missing where it lies below the threshold."""
        return pd.DataFrame([list(row) for row in self.rows], columns=list(self.columns))

    def document(self) -> dict[str, Any]:
        """Everything as plain JSON values."""
        return {**self._fields(), "digest": self.digest}

    def _fields(self) -> dict[str, Any]:
        return {one.name: getattr(self, one.name) for one in fields(self)}

    def _json(self) -> str:
        document = self._fields()
        del document["stored"]
        return json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)


class Answers:
    """The answers in some books."""

    def __init__(self, books: Books) -> None:
        self.books = books
        with books.transaction() as connection:
            for statement in _STATEMENTS:
                connection.execute(statement)

    def find(self, dataset: str, identity: str, *, cost: int, audience: str) -> Answer | None:
        """Return the newest answer that is at least as exact as `cost` would buy; None where there is none.

        Args:
            dataset: name of the budget that paid.
            identity: hash of question and bounds.
            cost: nano-rho.
            audience: whom it was counted for (`privacy.statistics.grant.Grant.audience`); no other's answer is found.

        Raises: PrivacyError: the stored answer was changed.
        """
        with self.books.transaction("DEFERRED") as connection:
            found = connection.execute(
                "SELECT body, digest, cost FROM answers WHERE dataset = ? AND identity = ? AND cost >= ? "
                "AND consent = ? ORDER BY serial DESC LIMIT 1",
                (dataset, identity, cost, audience),
            ).fetchone()
        return None if found is None else _read(*found)

    def next_serial(self, dataset: str, identity: str) -> int:
        """Return the number of the next answer to a question: 1 for a new one."""
        with self.books.transaction("DEFERRED") as connection:
            last = connection.execute(
                "SELECT MAX(serial) FROM answers WHERE dataset = ? AND identity = ?", (dataset, identity)
            ).fetchone()[0]
        return 1 if last is None else int(last) + 1

    def store_within(
        self, connection: sqlite3.Connection, *, dataset: str, identity: str, serial: int, audience: str, answer: Answer
    ) -> None:
        """Keep an answer, inside the transaction that commits its cost.

        Raises: PrivacyError: there is no open transaction, or the number is taken: somebody else has just answered the
            same question.
        """
        if not connection.in_transaction:
            raise PrivacyError("an answer is stored inside the transaction that commits its cost; use Ledger.commit")
        try:
            connection.execute(
                "INSERT INTO answers (dataset, identity, serial, consent, cost, digest, body) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (dataset, identity, serial, audience, answer.cost, answer.digest, answer._json()),
            )
        except sqlite3.IntegrityError as error:
            raise PrivacyError(
                "somebody else has just released the answer to this question; ask again, and it is free"
            ) from error


def _read(body: str, digest: str, cost: int) -> Answer:
    document = json.loads(body)
    columns, rows = tuple(document.pop("columns")), tuple(tuple(row) for row in document.pop("rows"))
    answer = Answer(columns=columns, rows=rows, **document)
    if answer.digest != digest or answer.cost != cost:
        raise PrivacyError("a stored answer is not what was released; the books were changed: check the log")
    return replace(answer, stored=True)

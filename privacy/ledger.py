"""The budget ledger: what has been spent on a data set, and the gate that refuses once nothing is left.

An SQLite file holds one row per data set with its cap and one row per reservation. What is spent is the sum of the
reservations: rows are added, marked as committed, and never deleted or repriced. A release first reserves its cost,
then touches data, then commits, then publishes; a crash anywhere in between leaves the cost spent.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd

from privacy.accounting import check_cost
from privacy.books import Books
from privacy.budget import Budget
from privacy.ledger_record import SCOPE_LABELS, Scope, read_reservations
from privacy.ledger_schema import create_tables
from retail.errors import PrivacyError


@dataclass(frozen=True, slots=True)
class Reservation:
    """A cost already spent, for one release that has not been committed yet.

    Attributes:
        entry: row number in the ledger.
        dataset: whose budget paid.
        run: the run that reserved.
        purpose: what the release is for.
        key: name of the release within the run.
        cost: nano-rho.
    """

    entry: int
    dataset: str
    run: str
    purpose: str
    key: str
    cost: int


class Ledger:
    """One data set's budget in one file; make it with `Ledger.open`. `books` is the file, for what is kept beside it.

    Safe to use from several processes and threads and after a fork: every call opens its own connection and runs one
    transaction. (The in-memory ledger belongs to the thread that opened it.)

    Guarantee: the costs of all reservations ever made for the data set, by any process, sum to at most the cap, also
        when processes are killed. Assumes that callers reserve before they touch data and publish only what they have
        committed, that the file lies on a local disk with working locks, and that nobody edits, replaces or deletes it.
    """

    def __init__(self, path: Path | None, *, scope: Scope, run: str, budget: Budget) -> None:
        self.path = path
        self.scope: Scope = scope
        self.run = run
        self.budget = budget
        self.books = Books(path)
        self.cap = self._enrol()

    @classmethod
    def open(cls, path: Path | str, *, scope: Scope, budget: Budget, run: str = "") -> Ledger:
        """Open a ledger, and start it where there is none.

        Args:
            path: the SQLite file; ":memory:" is allowed in scope "run".
            scope: "run" for a file inside one run's folder, "persistent" for one that adds up over runs.
            budget: of all runs together; must equal what the file already holds for this data set.
            run: id of the run, so that two runs never take each other's keys for their own; required in scope
                "persistent".

        Raises: PrivacyError: unknown scope, a file of the other scope, another epsilon or delta than on record, no run
            id, or a file that cannot be read, locked or written.
        """
        if scope not in SCOPE_LABELS:
            raise PrivacyError(f"ledger scope must be 'run' or 'persistent', got {scope!r}")
        in_memory = str(path) == ":memory:"
        if scope == "persistent" and in_memory:
            raise PrivacyError("a persistent ledger needs a file, got ':memory:'; name a path that outlives the run")
        if scope == "persistent" and not run:
            raise PrivacyError("a persistent ledger needs the id of the run, so that keys of two runs cannot collide")
        return cls(None if in_memory else Path(path), scope=scope, run=run, budget=budget)

    @property
    def label(self) -> str:
        """How to describe the accounting beside a result."""
        return SCOPE_LABELS[self.scope]

    @property
    def spent(self) -> int:
        """Nano-rho reserved so far by all runs, committed or not."""
        with self._transaction("DEFERRED") as connection:
            return _spent(connection, self.budget.dataset)

    @property
    def spent_by_run(self) -> int:
        """Nano-rho reserved so far by this ledger's own run, committed or not."""
        with self._transaction("DEFERRED") as connection:
            return _spent(connection, self.budget.dataset, run=self.run)

    @property
    def remaining(self) -> int:
        """Nano-rho that may still be reserved, by this run or another."""
        return self.cap - self.spent

    def require(self, cost: int) -> None:
        """Refuse now what `reserve` would refuse later; call it before any data is read. Reserves nothing.

        Raises: PrivacyError: less than `cost` is left.
        """
        check_cost(cost)
        if cost > self.remaining:
            raise self._refusal(cost, self.spent)

    def reserve(self, purpose: str, key: str, cost: int) -> Reservation:
        """Spend a cost, before data is touched.

        A key reserved before but never committed (a crash) is charged anew: nobody knows what left the process.

        Args:
            purpose: what the release is for, such as "training".
            key: name of the release within the run, such as "round-3".
            cost: nano-rho, from `privacy.cost`.

        Raises: PrivacyError: the budget does not cover the cost; the key is committed already (ask `is_committed`
            first, and load the stored result); the cost is no valid cost; purpose or key is empty.
        """
        check_cost(cost)
        for name, text in (("purpose", purpose), ("key", key)):
            if not isinstance(text, str) or not text:
                raise PrivacyError(f"a reservation needs a {name}, got {text!r}")
        with self._transaction() as connection:
            if _is_committed(connection, self.budget.dataset, self.run, key):
                raise PrivacyError(
                    f"{key!r} of run {self.run!r} is committed already; load its stored result, or use another key for "
                    "another release"
                )
            # One statement compares and spends, so that no other process can act on the same remainder.
            added = connection.execute(
                "INSERT INTO reservations (dataset, run, purpose, key, cost, reserved_at) "
                "SELECT dataset, ?, ?, ?, ?, ? FROM budgets WHERE dataset = ? AND ? <= cap - "
                "(SELECT COALESCE(SUM(cost), 0) FROM reservations AS r WHERE r.dataset = budgets.dataset)",
                (self.run, purpose, key, cost, _now(), self.budget.dataset, cost),
            )
            if added.rowcount != 1 or added.lastrowid is None:
                raise self._refusal(cost, _spent(connection, self.budget.dataset))
            return Reservation(added.lastrowid, self.budget.dataset, self.run, purpose, key, cost)

    def commit(self, reservation: Reservation, *, within: Callable[[sqlite3.Connection], object] | None = None) -> None:
        """Mark a release as made. Call it after its result is stored and before anything is published.

        Args:
            reservation: what `reserve` returned.
            within: called with the connection inside the same transaction, once the mark is made: stores the answer
                and writes the log entry in these books. If it raises, nothing is committed and the error passes on
                (an error of SQLite as a PrivacyError); the cost stays spent.

        Raises: PrivacyError: the reservation is unknown here or committed already, or another process has committed
            the same key (then this result must be thrown away).
        """
        r = reservation
        with self._transaction() as connection:
            if _is_committed(connection, r.dataset, r.run, r.key):
                raise PrivacyError(f"{r.key!r} of run {r.run!r} was committed before; throw this result away")
            marked = connection.execute(
                "UPDATE reservations SET committed_at = ? WHERE entry = ? AND dataset = ? AND run = ? AND purpose = ? "
                "AND key = ? AND cost = ? AND committed_at IS NULL",
                (_now(), r.entry, r.dataset, r.run, r.purpose, r.key, r.cost),
            )
            if marked.rowcount != 1:
                raise PrivacyError(
                    f"reservation {r.entry} of {r.key!r} is not in this ledger; reserve before committing"
                )
            if within is not None:
                within(connection)

    def is_committed(self, key: str) -> bool:
        """Tell whether this run has committed `key`: a resumed run skips it and loads the stored result."""
        with self._transaction("DEFERRED") as connection:
            return _is_committed(connection, self.budget.dataset, self.run, key)

    def entries(self) -> pd.DataFrame:
        """List every reservation of the data set, oldest first.

        Returns: columns entry, dataset, run, purpose, key, cost (int64 nano-rho), reserved_at, committed_at (UTC; NaT
            while uncommitted).
        """
        with self._transaction("DEFERRED") as connection:
            return read_reservations(connection, dataset=self.budget.dataset)

    def _enrol(self) -> int:
        budget = self.budget
        with self._transaction() as connection:
            create_tables(connection, scope=self.scope, name=self._name)
            row = _budget_row(connection, budget.dataset)
        if row is None:
            # The cap takes a second to compute: outside the transaction, so that nobody waits for the lock.
            bought = budget.cap
            with self._transaction() as connection:
                connection.execute(
                    "INSERT OR IGNORE INTO budgets (dataset, epsilon, delta, population, cap) VALUES (?, ?, ?, ?, ?)",
                    (budget.dataset, budget.epsilon, budget.delta, budget.population, bought),
                )
                row = _budget_row(connection, budget.dataset)
        if row is None:
            raise PrivacyError(f"ledger {self._name} did not keep the budget of {budget.dataset!r}; check the disk")
        epsilon, delta, recorded_cap = row
        if (epsilon, delta) != (budget.epsilon, budget.delta):
            raise PrivacyError(
                f"ledger {self._name} holds epsilon {epsilon!r}, delta {delta!r} for {budget.dataset!r}, not "
                f"{budget.epsilon!r}, {budget.delta!r}; a budget never changes once it is set"
            )
        return int(recorded_cap)

    def _refusal(self, cost: int, spent: int) -> PrivacyError:
        return PrivacyError(
            f"the privacy budget of {self.budget.dataset!r} (epsilon {self.budget.epsilon:g}) has "
            f"{self.cap - spent} of {self.cap} nano-rho left and this needs {cost}; ask for less, or stop releasing "
            "from these data"
        )

    @property
    def _name(self) -> str:
        return self.books.name

    def _transaction(
        self, kind: Literal["IMMEDIATE", "DEFERRED"] = "IMMEDIATE"
    ) -> AbstractContextManager[sqlite3.Connection]:
        return self.books.transaction(kind)


def _budget_row(connection: sqlite3.Connection, dataset: str) -> tuple[float, float, int] | None:
    found: tuple[float, float, int] | None = connection.execute(
        "SELECT epsilon, delta, cap FROM budgets WHERE dataset = ?", (dataset,)
    ).fetchone()
    return found


def _spent(connection: sqlite3.Connection, dataset: str, *, run: str | None = None) -> int:
    total = connection.execute(
        "SELECT COALESCE(SUM(cost), 0) FROM reservations WHERE dataset = ? AND (? IS NULL OR run = ?)",
        (dataset, run, run),
    ).fetchone()
    return int(total[0])


def _is_committed(connection: sqlite3.Connection, dataset: str, run: str, key: str) -> bool:
    found = connection.execute(
        "SELECT 1 FROM reservations WHERE dataset = ? AND run = ? AND key = ? AND committed_at IS NOT NULL",
        (dataset, run, key),
    ).fetchone()
    return found is not None


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat()

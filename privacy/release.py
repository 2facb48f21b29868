"""The release gate: the only way in which a statistic of protected people leaves.

    gate = ReleaseGate(
        dataset="transactions", rows=read_rows, ledger=ledger, engine=engine, log=log, bounds=Bounds(max_cells=10)
    )
    print(gate.preview(query).statement)          # what it would cost and how exact it would be; costs nothing
    answer = gate.release("analyst", query)       # Answer; answer.frame is a table

The order of a release is the guarantee: policy, consent, bounds per person, reserve, noise, threshold on the noisy
count, then commit + stored answer + log entries in one transaction, and only then is anything returned.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from privacy.access.consented import Consents
from privacy.accounting import cap, epsilon_rdp
from privacy.ledger import Ledger
from privacy.log import Log
from privacy.mechanisms import statistics
from privacy.policy import Jurisdiction, PolicyEngine
from privacy.statistics.answers import Answer, Answers
from privacy.statistics.bounds import Bounds, bounded_counts, bounded_rows, bounded_values, needed_columns
from privacy.statistics.entries import named, released
from privacy.statistics.grant import Grant, ReleaseAccess, refuse
from privacy.statistics.noise import least_cost
from privacy.statistics.plans import CountPlan, Plan, QuantilePlan, TopKPlan, exactness, threshold
from privacy.statistics.preview import Preview
from privacy.statistics.queries import Query
from privacy.turn import spending_turn
from retail.errors import ConsentError, PolicyError, PrivacyError

Exact = NDArray[np.int64] | NDArray[np.float64]
Row = tuple[str | int | float | None, ...]


class ReleaseGate:
    """Releases statistics of one data set's people against one ledger.

    Guarantee: all answers that were ever returned for the data set are together (epsilon, delta)-DP for the budget's
        epsilon and delta, whoever asked. Assumes that one person is one id, that `rows` returns the rows of `dataset`
        as they are, that the types of its columns are declared and not inferred from the rows, that catalogue and
        bounds were not made from the rows, and that everybody else who publishes spends through the same ledger. Not
        covered: how long a release takes, which questions were asked, and that one failed.
    Guarantee: an answer is returned only if the policy allowed it at the moment of its log entry (of a stored one) or
        when its rows were ready (of a new one). One that was counted by receipts or objections is given again only to
        the same actor for the same purpose under the same law.
    """

    def __init__(
        self,
        *,
        dataset: str,
        ledger: Ledger,
        engine: PolicyEngine,
        log: Log,
        rows: Callable[[tuple[str, ...]], pd.DataFrame],
        bounds: Bounds,
        catalogue: Mapping[str, tuple[str, ...]] | None = None,
        consents: Consents | None = None,
        jurisdiction: Jurisdiction = "none",
        regime: str | None = None,
        wait_s: float = 60.0,
    ) -> None:
        """Make a gate.

        Args:
            dataset: id, in the engine's register, of the data set that `rows` returns. Queries that name another one
                are refused. (The ledger has its own name for the people whom the budget protects.)
            ledger: pays; its books also keep answers and log.
            engine: decides; asked anew for every release, stored or not.
            log: in the ledger's books.
            rows: returns the named columns (`needed_columns`) of all rows at all merchants, with types that are
                declared and not inferred from the rows.
            bounds: on what one person adds; public.
            catalogue: public values of columns, in the spelling of `privacy.statistics.labels.label`.
            consents: asked where the register holds the data set as raw rows about people: for receipts where the
                policy permits a release only of those who agreed, else for objections.
            jurisdiction: whose law switches on.
            regime: id of the engine's regime, for the log.
            wait_s: how long to wait while somebody else spends from the ledger.

        Raises: PrivacyError: the log lies in other books, so that a release could not be one transaction.
        """
        same = log.books is ledger.books or (ledger.books.path is not None and log.books.path == ledger.books.path)
        if not same:
            raise PrivacyError(
                f"ledger {ledger.books.name} and log {log.books.name} are not in the same books; "
                "a release, its answer and its log entry must be one transaction"
            )
        self.dataset = dataset
        self.ledger = ledger
        self.engine = engine
        self.log = log
        self.rows = rows
        self.bounds = bounds
        self.catalogue = dict(catalogue or {})
        self.consents = consents
        self.jurisdiction: Jurisdiction = jurisdiction
        self.regime = regime
        self.wait_s = wait_s
        self._answers = Answers(ledger.books)

    def preview(self, query: Query, actor: str | None = None) -> Preview:
        """Tell what a release would cost and how exact it would be. Reads no row and spends nothing.

        Args:
            query: the question.
            actor: who would ask. An answer that was counted by receipts is stored for one actor and purpose, so without
                an actor it does not count as stored.

        Raises: PrivacyError: the query cannot be answered at all (another data set, which is logged; unknown values,
            exactness out of reach).
        """
        access = self._access
        if query.dataset != self.dataset:
            self.log.append("refusal", {**self._named(query), "reason": "data set", "step": "preview"})
            raise PrivacyError(access.other(query))
        query = query.resolve(self.catalogue)
        plan = self._plan(query)
        audience = "none" if actor is None else access.audience_of(actor, query)
        stored = audience is not None and self._answers.find(
            self._budget, self._identity(query), cost=plan.cost, audience=audience
        )
        return Preview(
            cost=plan.cost,
            epsilon=epsilon_rdp(plan.cost, delta=self.ledger.budget.delta),
            exactness=exactness(plan, counting=query.counting),
            cells=plan.k if isinstance(plan, TopKPlan) else plan.cells if isinstance(plan, CountPlan) else 1,
            threshold=self._least(plan, query),
            remaining_releases=self.ledger.remaining // plan.cost,
            stored=bool(stored) and not query.refresh,
        )

    def release(self, actor: str, query: Query) -> Answer:
        """Answer a query, from the store when it was answered before.

        Raises:
            PolicyError: the policy does not permit it; the denial is in the log.
            ConsentError: somebody's consent changed while the rows were read.
            PrivacyError: the query names another data set than the gate's, the budget does not cover it (both are in
                the log), the query cannot be answered, or books or log cannot be written. Nothing is returned then; a
                cost that was reserved stays spent.
        """
        access = self._access
        access.admit(actor, query)  # who may not is told at once, without waiting for a turn
        query = query.resolve(self.catalogue)
        plan, identity = self._plan(query), self._identity(query)
        with spending_turn(self.ledger.books.path, wait_s=self.wait_s):
            grant = access.admit(actor, query)  # the register may have changed meanwhile
            audience = grant.audience
            stored = self._answers.find(self._budget, identity, cost=plan.cost, audience=audience)
            if stored is not None and not query.refresh:
                return self._give(stored, grant, query)
            with self._refusals(grant, query, plan):
                self.ledger.require(plan.cost)
                exact = self._bounded(access, grant, query)
                request, again = access.ask_again(grant)  # or while the rows were read
                if not again.allowed:
                    with self.ledger.books.transaction() as connection:
                        access.note(connection, request, again)
                    refuse(request, again)
                serial = self._answers.next_serial(self._budget, identity)
                reservation = self.ledger.reserve("release", f"{identity[:32]}-{serial}", plan.cost)
            answer = self._noisy(exact, plan, query)

            def within(connection: sqlite3.Connection) -> None:
                self._answers.store_within(
                    connection, dataset=self._budget, identity=identity, serial=serial, audience=audience, answer=answer
                )
                access.note(connection, grant.request, grant.decision)
                self.log.append_within(connection, "release", released(actor, query, answer, reservation, self.bounds))

            self.ledger.commit(reservation, within=within)
        return answer

    @property
    def _budget(self) -> str:
        return self.ledger.budget.dataset

    @property
    def _access(self) -> ReleaseAccess:
        return ReleaseAccess(self.engine, self.log, self.dataset, self.consents, self.jurisdiction, self.regime)

    def _give(self, stored: Answer, grant: Grant, query: Query) -> Answer:
        """Return a stored answer if that is allowed at the moment in which it is written down."""
        access = self._access
        with self.ledger.books.transaction() as connection:
            request, decision = access.ask_again(grant)
            access.note(connection, request, decision)
            if decision.allowed:
                body = {"actor": request.actor, **self._named(query), "answer": stored.digest}
                self.log.append_within(connection, "answer", body)
        if not decision.allowed:
            refuse(request, decision)
        return stored

    @contextmanager
    def _refusals(self, grant: Grant, query: Query, plan: Plan) -> Iterator[None]:
        """Log what the policy allowed and something else stopped before anything was reserved."""
        try:
            yield
        except PolicyError:
            raise  # a denial, which is in the log
        except Exception as error:
            left = self.ledger.remaining
            consent = "consent" if isinstance(error, ConsentError) else "rows"
            body = {"actor": grant.request.actor, **self._named(query), "cost": plan.cost, "remaining": left}
            with self.ledger.books.transaction() as connection:
                self._access.note(connection, grant.request, grant.decision)
                self.log.append_within(
                    connection, "refusal", {**body, "reason": "budget" if plan.cost > left else consent}
                )
            raise

    def _bounded(self, access: ReleaseAccess, grant: Grant, query: Query) -> Exact:
        """Read the rows of those who agreed, and bound what each person adds."""
        version = None if self.consents is None else self.consents.version
        rows = access.agreed(self.rows(needed_columns(query)), grant)
        rows = bounded_rows(rows, query, self.bounds)
        exact: Exact = (bounded_values if query.kind == "quantile" else bounded_counts)(rows, query, self.bounds)
        if self.consents is not None and self.consents.version != version:
            raise ConsentError("somebody's consent changed while the rows were read; nothing was spent, ask again")
        return exact

    def _plan(self, query: Query) -> Plan:
        """Plan the release at the epsilon or the error that the query names."""
        if query.epsilon is not None:
            return self._plan_at(query, cap(epsilon=query.epsilon, delta=self.ledger.budget.delta))

        least = 2 if query.kind == "top_k" else 1  # picking and counting are two releases

        def error_of(cost: int) -> int:
            return exactness(self._plan_at(query, max(cost, least)), counting=query.counting).error_95

        return self._plan_at(query, max(least, least_cost(error_of, error=query.error_95 or 0.0)))

    def _plan_at(self, query: Query, cost: int) -> Plan:
        keys, per_key = self.bounds.max_cells, self.bounds.per_key(query.counting)
        if query.kind == "quantile":
            return statistics.plan_quantile(
                candidates=query.candidates or (), alpha=query.alpha or 0.0, per_person=self.bounds.max_rows, cost=cost
            )
        if query.kind == "top_k":
            return statistics.plan_top_k(cells=query.cells, k=query.k or 0, keys=keys, per_key=per_key, cost=cost)
        return statistics.plan_counts(cells=query.cells, keys=keys, per_key=per_key, cost=cost)

    def _noisy(self, exact: Exact, plan: Plan, query: Query) -> Answer:
        """Draw the noise, then hide what the noisy count puts below the threshold."""
        least = self._least(plan, query)
        rows: list[Row]
        if isinstance(plan, QuantilePlan):
            rows = [(statistics.draw_quantile(exact.astype(np.float64), plan),)]
        elif isinstance(plan, TopKPlan):
            places, counts = statistics.draw_top_k(exact.astype(np.int64), plan)
            names = query.keys[0].names
            counted = zip(places.tolist(), counts.tolist(), strict=True)
            rows = [(names[place], count) for place, count in counted if least is None or count >= least]
        else:
            noisy = statistics.draw_counts(exact.astype(np.int64), plan).tolist()
            rows = [
                (*names, count if least is None or count >= least else None)
                for names, count in zip(query.combinations(), noisy, strict=True)
            ]
        number = "value" if query.kind == "quantile" else "count"
        how = asdict(exactness(plan, counting=query.counting))
        columns = (*(key.column for key in query.keys), number)
        return Answer(columns=columns, rows=tuple(rows), threshold=least, cost=plan.cost, **how)

    def _least(self, plan: Plan, query: Query) -> int | None:
        """Return the least noisy count that is shown; privacy does not rest on it."""
        return threshold(plan, delta=self.ledger.budget.delta) if query.hide_small else None

    def _identity(self, query: Query) -> str:
        """Hash everything that an answer depends on besides its exactness: the question and the bounds."""
        text = json.dumps({"question": query.question, "bounds": asdict(self.bounds)}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def _named(self, query: Query) -> dict[str, Any]:
        return named(query, budget=self._budget, bounds=self.bounds)

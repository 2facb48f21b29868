"""The release gate: the only way in which a statistic of protected people leaves.

    gate = ReleaseGate(ledger=ledger, engine=engine, log=log, rows=read_rows, bounds=Bounds(max_cells=10))
    print(gate.preview(query).statement)          # what it would cost and how exact it would be; costs nothing
    answer = gate.release("analyst", query)       # Answer; answer.frame is a table

The order of a release is the guarantee: policy, consent, bounds per person, reserve, noise, threshold on the noisy
count, then commit + stored answer + log entries in one transaction, and only then is anything returned.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any, Final, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from privacy.access_schema import KIND_OF_ENTRY, event_body
from privacy.accounting import cap, epsilon_rdp
from privacy.answers import Answer, Answers
from privacy.bounds import Bounds, bounded_counts, bounded_rows, bounded_values, needed_columns
from privacy.consented import Consents
from privacy.ledger import Ledger, Reservation
from privacy.log import Log
from privacy.mechanisms import statistics
from privacy.noise import least_cost
from privacy.plans import CountPlan, Plan, QuantilePlan, TopKPlan, exactness, threshold
from privacy.policy import Consent, Context, Decision, Jurisdiction, PolicyEngine, Purpose, Request
from privacy.preview import Preview
from privacy.queries import Query
from privacy.turn import spending_turn
from retail import columns as c
from retail.errors import ConfigError, ConsentError, PolicyError, PrivacyError
from retail.problems import shown

Exact = NDArray[np.int64] | NDArray[np.float64]
Row = tuple[str | int | float | None, ...]

_LEVELS: Final[tuple[Consent, ...]] = ("none", "general", "separate")


class ReleaseGate:
    """Releases statistics of one data set's people against one ledger.

    Guarantee: all answers that were ever returned for the data set are together (epsilon, delta)-DP for the budget's
        epsilon and delta, whoever asked. Assumes that one person is one id, that `rows` returns the rows as they are,
        that catalogue and bounds were not made from the rows, and that everybody else who publishes spends through
        the same ledger. Not covered: how long a release takes, and which questions were asked.
    """

    def __init__(
        self,
        *,
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
            ledger: pays; its books also keep answers and log.
            engine: decides; asked anew for every release, stored or not.
            log: in the ledger's books.
            rows: returns the named columns (`privacy.bounds.needed_columns`) of all rows at all merchants.
            bounds: on what one person adds; public.
            catalogue: public values of columns, in the spelling of `privacy.labels.label`.
            consents: asked where the policy permits a release only of those who agreed.
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

    def preview(self, query: Query) -> Preview:
        """Tell what a release would cost and how exact it would be. Reads no row and spends nothing.

        Raises: PrivacyError: the query cannot be answered at all (unknown values, exactness out of reach).
        """
        query = query.resolve(self.catalogue)
        plan = self._plan(query)
        stored = self._answers.find(self._dataset, self._identity(query), cost=plan.cost)
        return Preview(
            cost=plan.cost,
            epsilon=epsilon_rdp(plan.cost, delta=self.ledger.budget.delta),
            exactness=exactness(plan, counting=query.counting),
            cells=plan.k if isinstance(plan, TopKPlan) else plan.cells if isinstance(plan, CountPlan) else 1,
            threshold=threshold(plan, delta=self.ledger.budget.delta),
            remaining_releases=self.ledger.remaining // plan.cost,
            stored=stored is not None and not query.refresh,
        )

    def release(self, actor: str, query: Query) -> Answer:
        """Answer a query, from the store when it was answered before.

        Raises:
            PolicyError: the policy does not permit it; the denial is in the log.
            ConsentError: somebody's consent changed while the rows were read.
            PrivacyError: the budget does not cover it, the query cannot be answered, or books or log cannot be written.
                Nothing is returned then; a cost that was reserved stays spent.
        """
        request, decision = self._decide(actor, query)
        if not decision.allowed:
            raise self._refuse(request, decision)
        query = query.resolve(self.catalogue)
        plan, identity, level = self._plan(query), self._identity(query), request.context.consent
        with spending_turn(self.ledger.books.path, wait_s=self.wait_s):
            stored = self._answers.find(self._dataset, identity, cost=plan.cost, consent=level)
            if stored is not None and not query.refresh:
                self.log.append(KIND_OF_ENTRY, self._event(request, decision))
                return stored
            self.ledger.require(plan.cost)
            exact = self._bounded(request, query)
            again = self.engine.decide(request)  # the register may have changed while the rows were read
            if not again.allowed:
                raise self._refuse(request, again)
            serial = self._answers.next_serial(self._dataset, identity)
            reservation = self.ledger.reserve("release", f"{identity[:32]}-{serial}", plan.cost)
            answer = self._noisy(exact, plan, query)

            def within(connection: sqlite3.Connection) -> None:
                self._answers.store_within(
                    connection, dataset=self._dataset, identity=identity, serial=serial, consent=level, answer=answer
                )
                self.log.append_within(connection, KIND_OF_ENTRY, self._event(request, decision))
                self.log.append_within(connection, "release", self._record(actor, query, answer, reservation))

            self.ledger.commit(reservation, within=within)
        return answer

    @property
    def _dataset(self) -> str:
        return self.ledger.budget.dataset

    def _decide(self, actor: str, query: Query) -> tuple[Request, Decision]:
        """Ask with the least consent that the policy accepts; of denials, return the first."""
        if query.purpose not in get_args(Purpose):
            raise ConfigError(f"purpose must be one of {', '.join(get_args(Purpose))}, got {query.purpose!r}")
        asked = []
        for level in _LEVELS if self.consents is not None else _LEVELS[:1]:
            request = Request(
                actor=actor,
                action="release",
                dataset=query.dataset,
                purpose=query.purpose,  # type: ignore[arg-type]  # checked above
                columns=query.columns,
                context=Context(consent=level, jurisdiction=self.jurisdiction),
            )
            asked.append((request, self.engine.decide(request)))
            if asked[-1][1].allowed and level != "none":
                # Children whose guardian agreed have receipts too, and nothing here tells their rows from others'.
                child = replace(request, context=replace(request.context, minor=True, guardian=True))
                judged = self.engine.decide(child)
                return asked[-1] if judged.allowed else (child, judged)
            if asked[-1][1].allowed:
                return asked[-1]
        return asked[0]

    def _refuse(self, request: Request, decision: Decision) -> PolicyError:
        self.log.append(KIND_OF_ENTRY, self._event(request, decision))
        because = f" ({decision.article})" if decision.article and decision.article not in decision.text else ""
        return PolicyError(f"{shown(request.actor)} may not have this release: {decision.text}{because}")

    def _bounded(self, request: Request, query: Query) -> Exact:
        """Read the rows of those who agreed, and bound what each person adds."""
        version = None if self.consents is None else self.consents.version
        rows = self.rows(needed_columns(query))
        level, place = request.context.consent, request.context.jurisdiction
        if self.consents is not None and level != "none":
            agreed = self.consents.mask(
                rows[c.PERSON],
                controller=request.actor,
                purpose=request.purpose,
                level=level,
                data=self.engine.register.dataset(query.dataset).kind,
                jurisdiction=None if place == "none" else place,
            )
            rows = rows[np.asarray(agreed, dtype=bool)]
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
        least = threshold(plan, delta=self.ledger.budget.delta)
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

    def _identity(self, query: Query) -> str:
        """Hash everything that an answer depends on besides its exactness: the question and the bounds."""
        text = json.dumps({"question": query.question, "bounds": asdict(self.bounds)}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def _event(self, request: Request, decision: Decision) -> dict[str, Any]:
        register = self.engine.register
        return event_body(
            request,
            decision,
            party=register.find_party(request.actor),
            dataset=register.find_dataset(request.dataset),
            regime=self.regime,
        )

    def _record(self, actor: str, query: Query, answer: Answer, reservation: Reservation) -> dict[str, Any]:
        """Say what was released, for the log: never a number from the data, only the hash of the answer."""
        return {
            "actor": actor,
            "dataset": query.dataset,
            "budget": self._dataset,
            "kind": query.kind,
            "columns": list(query.columns),
            "counting": query.counting,
            "question": query.question,
            "bounds": asdict(self.bounds),
            "cost": answer.cost,
            "reservation": reservation.entry,
            "noise": answer.noise,
            "scale": answer.scale,
            "error_95": answer.error_95,
            "threshold": answer.threshold,
            "answer": answer.digest,
        }

"""Noise for a count that nobody sees bare: drawn and paid for here, added by a protocol that counts in the dark.

    noise = BlindNoise(dataset="customers", ledger=ledger, engine=engine, log=log)
    draw = noise.draw("platform", query, key=session, note=("psi", {...}))
    ...                                   # draw.extra of draw.spare dummy members match; the other party counts

The order is that of the release gate: policy, reserve, noise, commit with its log entries, and only then is it used.
Unlike an answer of the gate the drawn number is stored nowhere: with it, whoever learns the noisy count has the exact
one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from privacy.accounting import cap
from privacy.ledger import Ledger
from privacy.log import Log
from privacy.mechanisms import statistics
from privacy.policy import Jurisdiction, PolicyEngine
from privacy.statistics.bounds import Bounds
from privacy.statistics.entries import named
from privacy.statistics.grant import ReleaseAccess
from privacy.statistics.noise import CountNoise
from privacy.statistics.plans import CountPlan
from privacy.statistics.queries import Query
from privacy.turn import spending_turn
from retail.errors import PolicyError, PrivacyError

BEYOND: Final = 2.0**-40
"""Chance that the noise does not fit among the spare members; then nothing is sent."""
_ONE: Final = Bounds(max_merchants=1, max_cells=1, max_rows=1)


@dataclass(frozen=True, slots=True)
class BlindDraw:
    """Noise that was drawn and paid for.

    Attributes:
        extra: how many of the spare dummy members are to match; secret.
        spare: dummy members, public and even; noise around `spare / 2`.
        noise: its distribution.
        cost: nano-rho.
    """

    extra: int = field(repr=False)
    spare: int
    noise: CountNoise
    cost: int


class BlindNoise:
    """Draws noise for counts of one data set's people against one ledger.

    Guarantee: a count to which `extra` is added is (cost / 1e9)-zCDP for whoever does not know `extra`, up to a chance
        of `BEYOND`. Assumes that one person changes the count by at most 1, and that the caller adds `extra` as it is,
        once, and keeps it nowhere.
    """

    def __init__(
        self,
        *,
        dataset: str,
        ledger: Ledger,
        engine: PolicyEngine,
        log: Log,
        jurisdiction: Jurisdiction = "none",
        regime: str | None = None,
        wait_s: float = 60.0,
    ) -> None:
        """Put the parts together; they are as those of `privacy.release.ReleaseGate`.

        Raises: PrivacyError: the log lies in other books than the ledger.
        """
        if not (log.books is ledger.books or (ledger.books.path is not None and log.books.path == ledger.books.path)):
            raise PrivacyError(f"ledger {ledger.books.name} and log {log.books.name} must be in the same books")
        self.ledger = ledger
        self.log = log
        self.wait_s = wait_s
        self._access = ReleaseAccess(engine, log, dataset, None, jurisdiction, regime)

    def admit(self, actor: str, query: Query) -> None:
        """Refuse now what `draw` would refuse later. Spends nothing.

        Raises: PolicyError: the policy does not permit it; logged. PrivacyError: the budget does not cover it; logged.
        """
        self._access.admit(actor, query)
        self._require(actor, query, self._plan(query))

    def draw(
        self,
        actor: str,
        query: Query,
        *,
        key: str,
        note: tuple[str, Mapping[str, Any]],
        within: Callable[[sqlite3.Connection], object],
    ) -> BlindDraw:
        """Draw the noise of one count.

        Args:
            actor: who releases the count of its people.
            query: a count of persons, without keys or filters.
            key: names this count in the ledger; once.
            note: kind and body of a further log entry.
            within: called with the connection of the transaction that commits; if it raises, nothing was drawn.

        Raises:
            PolicyError: the policy does not permit it; logged.
            PrivacyError: the budget does not cover it, the noise does not fit, or the books cannot be written. A cost
                that was reserved stays spent.
        """
        plan = self._plan(query)
        half = plan.noise.beyond(BEYOND)
        with spending_turn(self.ledger.books.path, wait_s=self.wait_s):
            grant = self._access.admit(actor, query)
            self._require(actor, query, plan)
            reservation = self.ledger.reserve("blind count", key, plan.cost)
            noise = int(statistics.draw_counts(np.zeros(1, dtype=np.int64), plan)[0])
            if abs(noise) > half:
                raise PrivacyError("the noise does not fit among the spare members; nothing was sent, ask again")
            kind, body = note
            paid = {"cost": plan.cost, "reservation": reservation.entry, "noise": plan.noise.shape}

            def commit(connection: sqlite3.Connection) -> None:
                within(connection)
                self._access.note(connection, grant.request, grant.decision)
                self.log.append_within(connection, kind, {**body, **paid, "scale": plan.noise.scale})

            self.ledger.commit(reservation, within=commit)
        return BlindDraw(half + noise, 2 * half, plan.noise, plan.cost)

    def _plan(self, query: Query) -> CountPlan:
        if query.kind != "counts" or query.keys or query.where or query.counting != "persons" or query.epsilon is None:
            raise PrivacyError("a blind count counts persons at an epsilon, without keys or filters; ask for that")
        cost = cap(epsilon=query.epsilon, delta=self.ledger.budget.delta)
        return statistics.plan_counts(cells=1, keys=1, per_key=1, cost=cost)

    def _require(self, actor: str, query: Query, plan: CountPlan) -> None:
        try:
            self.ledger.require(plan.cost)
        except PolicyError:
            raise
        except PrivacyError:
            asked = named(query, budget=self.ledger.budget.dataset, bounds=_ONE)
            left = {"cost": plan.cost, "remaining": self.ledger.remaining, "reason": "budget"}
            self.log.append("refusal", {"actor": actor, **asked, **left})
            raise

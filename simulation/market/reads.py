"""The one way to merchants' non-public figures: the policy packs decide through the port, and every use is noted.

The port is asked for every use when a run starts and again every `GRANT_PERIODS` (`Reads.renew`); in between, each
period's use is noted with the answer that stands. Rules and register do not change in a run, so asking in every period
would bring the same answers at many times the cost. A refusal is noted as well, and who was refused goes on without.

The figures themselves are kept here, and handed out against a grant to nobody else: what the platform decides from
(`simulation.market.platform`) takes what is public, and a `Reads`. Outside this, by assumption: the fee, which the
marketplace sets from the order book that it charges from, and the cost of a copy, which its maker learns by making it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from privacy.log import Log
from privacy.policy import Action, Dataset, Party, PolicyEngine, Purpose, Register
from privacy.port import DataPort
from retail.errors import PolicyError

OWN_LABEL_ARM: Final = "own_label_arm"
MARKETPLACE: Final = "marketplace"
MERCHANTS: Final = "merchants"
AGGREGATOR: Final = "aggregator"

GRANT_PERIODS: Final = 25
"""Periods that an answer of the port stands."""

PARTIES: Final = (
    Party(MERCHANTS, "merchant"),
    Party(MARKETPLACE, "marketplace", "platform"),
    Party(OWN_LABEL_ARM, "platform_retail", "platform"),
    Party(AGGREGATOR, "aggregator"),
)
"""The merchants stand as one party: the rules treat them alike."""
DATASETS: Final = (
    Dataset("merchants/transactions", MERCHANTS, "transactions", "raw", about_persons=True),
    Dataset("merchants/sums", MERCHANTS, "transactions", "aggregate", about_persons=True),
    Dataset("merchants/noisy_sums", MERCHANTS, "transactions", "dp", about_persons=True),
    Dataset("merchants/orders", MERCHANTS, "orders", "raw", about_persons=True),
    Dataset("marketplace/model", MARKETPLACE, "model", "raw", about_persons=True),
    Dataset("aggregator/raw_model", AGGREGATOR, "model", "raw", about_persons=True),
    Dataset("aggregator/exact_model", AGGREGATOR, "model", "aggregate", about_persons=True),
    Dataset("aggregator/noisy_model", AGGREGATOR, "model", "dp", about_persons=True),
)


@dataclass(frozen=True, slots=True)
class Use:
    """What somebody does with somebody's data.

    Attributes:
        actor: who; data: id of the data set; columns: of it; purpose: what for; action: what is done.
    """

    actor: str
    data: str
    columns: tuple[str, ...]
    purpose: Purpose
    action: Action = "read"


USES: Final[Mapping[str, Use]] = {
    "own_label": Use(OWN_LABEL_ARM, "merchants/transactions", ("units", "margin"), "own_label_development"),
    "own_pricing": Use(OWN_LABEL_ARM, "merchants/transactions", ("price", "units"), "own_label_development"),
    "own_label_learning": Use(OWN_LABEL_ARM, "merchants/transactions", ("orders",), "own_label_development", "train"),
    "audience": Use(OWN_LABEL_ARM, "merchants/transactions", ("segment", "orders"), "marketing", "target"),
    "ranking": Use(MARKETPLACE, "merchants/transactions", ("segment", "orders"), "ranking", "train"),
    "own_orders": Use(MERCHANTS, "merchants/orders", ("segment", "orders"), "own_business"),
    "raw_pool": Use(AGGREGATOR, "merchants/transactions", ("segment", "orders"), "recommendation", "train"),
    "exact_sums": Use(AGGREGATOR, "merchants/sums", ("segment", "orders"), "recommendation", "train"),
    "noisy_sums": Use(AGGREGATOR, "merchants/noisy_sums", ("segment", "orders"), "recommendation", "train"),
    "platform_model": Use(MERCHANTS, "marketplace/model", ("relevance",), "recommendation"),
    "raw_model": Use(MERCHANTS, "aggregator/raw_model", ("relevance",), "recommendation"),
    "exact_model": Use(MERCHANTS, "aggregator/exact_model", ("relevance",), "recommendation"),
    "noisy_model": Use(MERCHANTS, "aggregator/noisy_model", ("relevance",), "recommendation"),
}
"""Every use of data that is not public, by name."""
PLATFORM_USES: Final = ("own_label", "own_pricing", "own_label_learning", "audience", "ranking")


@dataclass(frozen=True, slots=True)
class Figures:
    """What merchants' books say at one moment, not public, (C, K) each.

    Attributes:
        units: float64, remembered units of each product.
        margin: float64, money a unit that stays with its merchant before the fee.
        id: int64, of the product that stood in the slot then.
    """

    units: NDArray[np.float64]
    margin: NDArray[np.float64]
    id: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Sales:
    """What merchants sold in a period, not public.

    Attributes:
        share: (C, S, K) float64, of arrivals.
        id: (C, K) int64, of the product that stood in the slot then.
    """

    share: NDArray[np.float64]
    id: NDArray[np.int64]

    def now(self, id: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the shares of the products that stand in the slots now; 0 for those that did not then."""
        return np.asarray(self.share * (self.id == id)[:, None, :])


class _Memory:
    """A log that a run keeps in memory: the port writes to it before anything is handed out."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, Mapping[str, Any]]] = []

    def append_many(self, events: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
        """Keep some events."""
        self.entries.extend(events)


class Reads:
    """Who may use what in one run, decided by the policy packs, and a row for every use that was tried."""

    def __init__(self, regime: str, *, delay: int = 0) -> None:
        """Open the books.

        Args:
            regime: id of the regime whose packs decide.
            delay: periods that the platform's arms wait for figures.
        """
        self.delay = delay
        self.log = _Memory()
        # The port only ever appends to its log; one in memory keeps a run off the disk.
        self._port = DataPort(_engine(regime), sources={}, log=cast(Log, self.log), consents=None, regime=regime)
        self._asked: int | None = None
        self._granted: dict[str, bool] = {}
        self._rows: list[tuple[int, str, bool]] = []
        self._held: list[tuple[int, Figures]] = []
        self._sales: deque[tuple[int, Sales]] = deque()

    def renew(self, period: int) -> None:
        """Ask the port about every use anew, if the last answers are old."""
        if self._asked is not None and period - self._asked < GRANT_PERIODS:
            return
        self._asked = period
        for name, use in USES.items():
            try:
                self._port.admit_each([(use.actor, use.data)], columns=use.columns, purpose=use.purpose,
                                      action=use.action)  # fmt: skip
            except PolicyError:
                self._granted[name] = False
            else:
                self._granted[name] = True

    def use(self, name: str, period: int) -> bool:
        """Try a use, note it, and say whether it is allowed. A use that was never put to the port is not."""
        allowed = self._granted.get(name, False)
        self._rows.append((period, name, allowed))
        return allowed

    def deposit(self, period: int, figures: Figures) -> None:
        """Put the merchants' figures of a period into the vault; only what a delay still needs is kept."""
        self._held.append((period, figures))
        while len(self._held) > 1 and self._held[1][0] <= period - self.delay:
            self._held.pop(0)

    def figures(self, name: str, period: int) -> Figures | None:
        """Hand figures out for a use, as old as the delay asks; None where it is refused, or nothing is old enough."""
        if not self.use(name, period):
            return None
        old = [figures for at, figures in self._held if at <= period - self.delay]
        return old[-1] if old else None

    def sales(self, period: int, sales: Sales) -> Sales | None:
        """Put a period's sales in, and hand out to own label's pricing what is as old as the delay asks.

        The use "own_pricing" of the period must have been tried before, which notes it.

        Returns: None where it was refused, or nothing is old enough.
        """
        if (period, "own_pricing", True) not in self._rows[-len(USES) :]:
            return None
        self._sales.append((period, sales))
        while len(self._sales) > 1 and self._sales[1][0] <= period - self.delay:
            self._sales.popleft()
        at, found = self._sales[0]
        return found if at <= period - self.delay else None

    @property
    def rows(self) -> tuple[tuple[int, str, bool], ...]:
        """(period, name of the use, whether it was allowed), in order."""
        return tuple(self._rows)


@lru_cache(maxsize=64)
def _engine(regime: str) -> PolicyEngine:
    return PolicyEngine.load(["base"], register=Register(PARTIES, DATASETS), regime=regime)

"""Merchants and a platform's own label in one logit market: prices that nobody wants to change, at a given fee.

A visit buys one product or none. Merchant j sells one product and keeps (1 - fee) of its price; the platform earns the
fees and, with an own label, the margin on it. All set prices at the same time, each knowing the others'. The platform
knows that a dearer own label sends buyers to merchants who pay fees, and prices it so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from retail.errors import ConfigError

_STEPS: Final = 100


@dataclass(frozen=True, slots=True)
class OwnLabel:
    """The platform's own product.

    Attributes:
        quality: utility at a price of 0.
        cost: of a unit, money, >= 0.
        bonus: what a better place adds to its utility when people choose; not to what they get out of it.

    Raises: ConfigError: a value that is not finite, or a negative cost.
    """

    quality: float
    cost: float
    bonus: float = 0.0

    def __post_init__(self) -> None:
        """Refuse values without meaning."""
        if not (math.isfinite(self.quality) and math.isfinite(self.bonus) and 0 <= self.cost < math.inf):
            raise ConfigError(f"own label {self}: give finite numbers, and a cost of 0 or more")


@dataclass(frozen=True, slots=True)
class LogitPlatform:
    """Who sells what.

    Attributes:
        quality: of each merchant's product, utility at a price of 0.
        cost: of a unit of each, money, >= 0; as many as qualities.
        own: the own label; None for a platform that sells nothing itself.
        price_coefficient: utility per unit of money, < 0.
        fixed_cost: of a merchant who stays, money per visit, >= 0: who would lose leaves.
        handling: cost of the platform for every unit that a merchant sells, money, >= 0.

    Raises: ConfigError: no seller at all, lists of two lengths, or a value without meaning.
    """

    quality: tuple[float, ...]
    cost: tuple[float, ...]
    own: OwnLabel | None = None
    price_coefficient: float = -1.0
    fixed_cost: float = 0.0
    handling: float = 0.0

    def __post_init__(self) -> None:
        """Refuse values without meaning."""
        if len(self.quality) != len(self.cost):
            raise ConfigError(f"{len(self.quality)} qualities and {len(self.cost)} costs: give one of each a merchant")
        if not self.quality and self.own is None:
            raise ConfigError("nobody sells anything: give a merchant or an own label")
        if not (np.isfinite(self.quality).all() and np.isfinite(self.cost).all() and min(self.cost, default=0) >= 0):
            raise ConfigError("qualities must be finite numbers and costs finite numbers of 0 or more")
        if not (-math.inf < self.price_coefficient < 0):
            raise ConfigError(f"price_coefficient = {self.price_coefficient}: give a number below 0")
        for name in ("fixed_cost", "handling"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ConfigError(f"{name} = {getattr(self, name)}: give a number of 0 or more")


@dataclass(frozen=True, eq=False)
class Prices:
    """Where prices come to rest at one fee. Money is per visit.

    Attributes:
        fee: share of merchants' revenue.
        present: (J,) bool, merchants who stay.
        price: (J,) prices, NaN of those who left.
        share: (J,) shares of visits, 0 of those who left.
        own_price: NaN without an own label, never below its cost.
        own_share: 0 without one.
        merchants: (J,) profits after fee and fixed cost, 0 of those who left.
        platform: fees and own margin, less handling.
        consumers: surplus over the outside option, as people live it: a bonus for a place is no pleasure.
    """

    fee: float
    present: NDArray[np.bool_]
    price: NDArray[np.float64]
    share: NDArray[np.float64]
    own_price: float
    own_share: float
    merchants: NDArray[np.float64]
    platform: float
    consumers: float

    @property
    def welfare(self) -> float:
        """Merchants, platform and consumers together."""
        return float(self.merchants.sum()) + self.platform + self.consumers


def settle(market: LogitPlatform, fee: float) -> Prices:
    """Find the prices at which nobody gains by another price.

    Merchants who would lose leave one at a time, the largest loss first, until nobody else would.

    Args:
        market: who sells what.
        fee: share of merchants' revenue, in [0, 1).

    Raises: ConfigError: fee out of range.
    """
    if not 0 <= fee < 1:
        raise ConfigError(f"fee = {fee}: give a share from 0 to below 1")
    present = np.ones(len(market.quality), dtype=bool)
    while True:
        found = _at_rest(market, fee, present)
        losses = np.where(present, found.merchants, 0.0)
        if losses.min(initial=0.0) >= 0:
            return found
        present = present.copy()
        present[int(losses.argmin())] = False


def _at_rest(market: LogitPlatform, fee: float, present: NDArray[np.bool_]) -> Prices:
    """Prices of those present, by the one number that all of them depend on: log(1 + sum of exp(utility)).

    Given it, merchant j's share s solves s exp(1 / (1 - s)) = exp(quality - a cost / (1 - fee)) / sum, because its
    margin is 1 / (a (1 - s)); the own label's margin is (1 / a + fees per visit) / (1 - its share).
    """
    a = -market.price_coefficient
    quality, cost = np.array(market.quality)[present], np.array(market.cost)[present] / (1 - fee)
    worth = quality - a * cost
    own = market.own
    own_worth = -math.inf if own is None else own.quality + own.bonus - a * own.cost

    def shares(total: float) -> tuple[NDArray[np.float64], NDArray[np.float64], float, float]:
        share = _share(worth - total, 1.0)
        price = cost + 1 / (a * (1 - share))
        fees = float((fee * price - market.handling) @ share)
        if own is None:
            return share, price, 0.0, math.nan
        # Where handling costs more than fees bring, the platform takes less than the usual margin on its own product;
        # it does not sell below cost.
        push = max(1 + a * fees, 1e-9)
        own_share = float(_share(np.array([own_worth - total]), push)[0])
        return share, price, own_share, own.cost + push / (a * (1 - own_share))

    def excess(total: float) -> float:
        share, _, own_share, _ = shares(total)
        return math.exp(-total) + float(share.sum()) + own_share - 1

    highest = float(np.logaddexp.reduce([0.0, own_worth, *worth])) + 1e-9
    total = float(brentq(excess, 0.0, highest, xtol=1e-14))
    share, price, own_share, own_price = shares(total)
    everyone = np.zeros((3, len(present)))
    everyone[0] = np.nan
    everyone[:, present] = price, share, ((1 - fee) * (price - cost)) * share - market.fixed_cost
    own_margin = 0.0 if own is None else (own_price - own.cost) * own_share
    bonus = 0.0 if own is None else own.bonus * own_share
    return Prices(
        fee=fee,
        present=present,
        price=everyone[0],
        share=everyone[1],
        own_price=own_price,
        own_share=own_share,
        merchants=everyone[2],
        platform=float((fee * price - market.handling) @ share) + own_margin,
        consumers=(total - bonus) / a,
    )


def _share(log_power: NDArray[np.float64], push: float) -> NDArray[np.float64]:
    """Solve log(s) + push / (1 - s) = log_power for s in (0, 1), by Newton's method in x = log(s / (1 - s)).

    In x the left side is -log(1 + exp(-x)) + push (1 + exp(x)), rising; with push >= 1 convex too.
    """
    x = np.where(log_power < push, log_power - push, np.log(np.maximum(log_power, push) / push))
    for _ in range(_STEPS):
        grown = np.exp(x)
        share = grown / (1 + grown)
        step = (np.log(share) + push * (1 + grown) - log_power) / (1 - share + push * grown)
        x = x - np.clip(step, -2.0, 2.0)
        if np.abs(step).max(initial=0.0) < 1e-14:
            break
    grown = np.exp(x)
    solved: NDArray[np.float64] = grown / (1 + grown)
    return solved

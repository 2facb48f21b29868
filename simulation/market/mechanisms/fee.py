"""Which fee a platform takes, and what a cap on it does.

In the spirit of A. Hervas-Drane and S. Shelegia 2024, Retailer-Led Marketplaces (Management Science), whose abstract
finds that regulating marketplace fees can raise welfare most, and of S. Anderson and O. Bedre-Defolie, Hybrid platform
model (RAND Journal of Economics), whose abstract says that a platform with products of its own takes higher fees. The
logit market of `logit_platform` is ours; no theorem of theirs is reproduced.

The platform sets the fee first, knowing how prices will settle. **What makes a cap raise welfare here**: a fee on
revenue makes merchants act as if their costs were cost / (1 - fee), on top of their own margin. Without costs a fee
moves no merchant's price, and a cap only shifts money; and where handling a sale costs the platform a lot, a fee
below that cost has too much sold. There is no entry of new merchants or investment of the platform here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.optimize import minimize_scalar

from retail.errors import ConfigError
from simulation.market.mechanisms.logit_platform import LogitPlatform, Prices, settle

HIGHEST: Final = 0.95
"""Fees above this are not looked at."""


@dataclass(frozen=True, slots=True)
class Cap:
    """What a cap on fees changes.

    Attributes:
        cap: the highest fee allowed.
        free: where prices settle at the fee that the platform likes best.
        capped: the same under the cap.
    """

    cap: float
    free: Prices
    capped: Prices

    @property
    def consumers(self) -> float:
        """Gain of consumers, money per visit."""
        return self.capped.consumers - self.free.consumers

    @property
    def merchants(self) -> float:
        """Gain of all merchants together, money per visit."""
        return float(self.capped.merchants.sum() - self.free.merchants.sum())

    @property
    def platform(self) -> float:
        """Gain of the platform, money per visit; never above 0."""
        return self.capped.platform - self.free.platform

    @property
    def welfare(self) -> float:
        """Gain of all together, money per visit."""
        return self.capped.welfare - self.free.welfare


def best_fee(market: LogitPlatform, *, cap: float = HIGHEST, steps: int = 60) -> Prices:
    """The fee that earns the platform most, and the prices that follow.

    Args:
        market: who sells what.
        cap: highest fee allowed, from 0 to `HIGHEST`.
        steps: fees tried, evenly from 0 to the cap; the best is then refined between its neighbours.

    Raises: ConfigError: cap or steps out of range.
    """
    return _best(market, lambda prices: prices.platform, cap, steps)


def best_cap(market: LogitPlatform, *, steps: int = 60) -> Prices:
    """The fee at which welfare is largest, as `best_fee` looks for the platform's."""
    return _best(market, lambda prices: prices.welfare, HIGHEST, steps)


def cap_fee(market: LogitPlatform, cap: float, *, steps: int = 60) -> Cap:
    """Compare the platform's fee with its fee under a cap.

    Raises: ConfigError: cap or steps out of range.
    """
    free = best_fee(market, steps=steps)
    capped = free if free.fee <= cap else best_fee(market, cap=cap, steps=steps)
    return Cap(cap, free, capped)


def _best(market: LogitPlatform, goal: Callable[[Prices], float], cap: float, steps: int) -> Prices:
    if not (0 <= cap <= HIGHEST and steps >= 2):
        raise ConfigError(f"cap = {cap}, steps = {steps}: give a cap from 0 to {HIGHEST} and 2 steps or more")
    fees = np.linspace(0.0, cap, steps + 1)
    tried = [settle(market, float(fee)) for fee in fees]
    place = int(np.argmax([goal(prices) for prices in tried]))
    around = (float(fees[max(0, place - 1)]), float(fees[min(steps, place + 1)]))
    if around[0] < around[1]:
        found = minimize_scalar(
            lambda fee: -goal(settle(market, float(fee))), bounds=around, method="bounded", options={"xatol": 1e-9}
        )
        tried.append(settle(market, float(found.x)))
    return max(tried, key=goal)

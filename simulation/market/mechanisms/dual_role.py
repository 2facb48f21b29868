"""Should a platform be allowed to sell on its own marketplace, to imitate there, and to steer?

In the spirit of A. Hagiu, T.-H. Teh and J. Wright 2022, Should platforms be allowed to sell on their own marketplaces?
(RAND Journal of Economics 53(2)), whose abstract finds that banning the dual role can harm consumers and welfare, and
that banning imitation and self-preferencing instead does better in the cases that matter most. They use another model
of demand; the small one here is ours and reproduces no theorem.

1. The fee is given, or the platform sets the one that it likes best.
2. The first merchant invests: `better` utility for its product costs effort * better^2 / 2.
3. If it may, the platform copies: its own label becomes as good as that product less `lag`, where that is better than
   what it has. With the role banned there is no own label.
4. Prices settle as in `logit_platform`; where steering is allowed, the own label has its bonus.

**Assumptions that make the signs**: copying is free and known beforehand, so it takes from what investing brings; what
a place adds to choices is no pleasure, so steering only costs consumers (prices aside); the own label adds a product
that consumers would not have otherwise, so banning it costs them. With an own label that nobody wants and without
copying, all five rules are the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final, Literal, get_args

import numpy as np
from scipy.optimize import minimize_scalar

from retail.errors import ConfigError
from simulation.market.mechanisms.fee import HIGHEST
from simulation.market.mechanisms.logit_platform import LogitPlatform, Prices, settle

Rule = Literal["dual role", "no imitation", "no steering", "no imitation or steering", "no dual role"]

RULES: Final[tuple[Rule, ...]] = get_args(Rule)


@dataclass(frozen=True, slots=True)
class DualRole:
    """A marketplace whose first merchant may make its product better.

    Attributes:
        market: who sells what, with an own label; its bonus is what steering adds.
        effort: how dear it is to be better, money per visit and squared utility, > 0.
        lag: utility by which a copy stays behind, >= 0.
        fee: share of merchants' revenue; None lets the platform choose.

    Raises: ConfigError: no own label or merchant, or a value out of range.
    """

    market: LogitPlatform
    effort: float = 0.2
    lag: float = 0.2
    fee: float | None = 0.15

    def __post_init__(self) -> None:
        """Refuse values without meaning."""
        if self.market.own is None or not self.market.quality:
            raise ConfigError("a dual role needs an own label and at least one merchant; give both in market")
        if not (0 < self.effort < math.inf and 0 <= self.lag < math.inf):
            raise ConfigError(
                f"effort = {self.effort}, lag = {self.lag}: give an effort above 0 and a lag of 0 or more"
            )
        if self.fee is not None and not 0 <= self.fee <= HIGHEST:
            raise ConfigError(f"fee = {self.fee}: give a share from 0 to {HIGHEST}, or None for the platform's choice")


@dataclass(frozen=True, eq=False)
class DualOutcome:
    """What one rule leads to; money is per visit.

    Attributes:
        rule: which.
        better: utility that the first merchant added.
        effort: what that cost it.
        copied: True when the own label is a copy.
        prices: where prices settled.
    """

    rule: Rule
    better: float
    effort: float
    copied: bool
    prices: Prices

    @property
    def consumers(self) -> float:
        """Consumer surplus."""
        return self.prices.consumers

    @property
    def merchants(self) -> float:
        """Merchants' profits, less the effort of the first."""
        return float(self.prices.merchants.sum()) - self.effort

    @property
    def platform(self) -> float:
        """Fees and own margin."""
        return self.prices.platform

    @property
    def welfare(self) -> float:
        """All together."""
        return self.prices.welfare - self.effort


def under_rule(role: DualRole, rule: Rule, *, steps: int = 24) -> DualOutcome:
    """Solve the marketplace under one rule.

    Args:
        role: the marketplace.
        rule: what the platform may do.
        steps: of the grids of effort and of fees; the best is refined between its neighbours.

    Raises: ConfigError: an unknown rule, or steps below 2.
    """
    if rule not in RULES or steps < 2:
        raise ConfigError(f"rule = {rule!r}, steps = {steps}: give one of {', '.join(RULES)}, and 2 steps or more")
    if role.fee is not None:
        return _invested(role, rule, role.fee, steps)
    fees = np.linspace(0.0, HIGHEST, steps + 1)
    tried = [_invested(role, rule, float(fee), steps) for fee in fees]
    place = int(np.argmax([one.platform for one in tried]))
    found = minimize_scalar(
        lambda fee: -_invested(role, rule, float(fee), steps).platform,
        bounds=(float(fees[max(0, place - 1)]), float(fees[min(steps, place + 1)])),
        method="bounded",
        options={"xatol": 1e-4},
    )
    return max([*tried, _invested(role, rule, float(found.x), steps)], key=lambda one: one.platform)


def compare_rules(role: DualRole, *, steps: int = 24) -> dict[Rule, DualOutcome]:
    """Solve the marketplace under all five rules; see `under_rule`."""
    return {rule: under_rule(role, rule, steps=steps) for rule in RULES}


def _invested(role: DualRole, rule: Rule, fee: float, steps: int) -> DualOutcome:
    """The first merchant's best effort: a grid, then a search around its best."""

    def profit(better: float) -> float:
        found = _at(role, rule, fee, better)
        return float(found.prices.merchants[0]) - found.effort

    # Marginal profit is at most 1 / a, so more utility than 1 / (a effort) never pays; rivals who leave add to it.
    most = 2 / (-role.market.price_coefficient * role.effort)
    grid = most * np.linspace(0.0, 1.0, steps + 1) ** 2
    place = int(np.argmax([profit(float(better)) for better in grid]))
    found = minimize_scalar(
        lambda better: -profit(float(better)),
        bounds=(float(grid[max(0, place - 1)]), float(grid[min(steps, place + 1)])),
        method="bounded",
        options={"xatol": 1e-8},
    )
    choices = [0.0, float(grid[place]), float(found.x)]
    return _at(role, rule, fee, max(choices, key=profit))


def _at(role: DualRole, rule: Rule, fee: float, better: float) -> DualOutcome:
    market, own = role.market, role.market.own
    assert own is not None
    first = market.quality[0] + better
    copied = rule in ("dual role", "no steering") and first - role.lag > own.quality
    label = replace(
        own,
        quality=first - role.lag if copied else own.quality,
        bonus=own.bonus if rule in ("dual role", "no imitation") else 0.0,
    )
    changed = replace(market, quality=(first, *market.quality[1:]), own=None if rule == "no dual role" else label)
    return DualOutcome(rule, better, role.effort * better**2 / 2, copied, settle(changed, fee))

"""Does it help innovators when a platform may not imitate them with their own sales data?

A reduced mechanism in the spirit of E. Madsen and N. Vellodi, Insider Imitation (Journal of Political Economy;
working paper and seminar abstract 2021). From the published abstracts we take the question, the platform that commits
to when it imitates, and the finding to look for: a ban on data use helps innovators where demand may turn out far
above its mean, and harms them where it cannot. The model below is ours and much smaller; it reproduces no theorem.

**Who does what**
1. A platform announces which new products it will imitate, as a rule of what it can know then, and keeps its word.
2. Each of many entrepreneurs has one idea and a cost of launching it, and launches when the expected profit pays it.
3. Demand x of the product turns out, drawn from a `Tail`; x is the profit of the product over its life at present
   value, before the fee.
4. The platform imitates by its rule, once and for ever, at a fixed cost.

**What the rules of data change**: with *data use* the platform's rule may depend on x; under a *ban* only on what the
public sees, by default nothing but the distribution; with *delayed access* it may imitate blindly at once or by x
after the delay, when the rest of the product's life, and so of loss, gain and cost, is worth `rest` of the whole.

**Assumptions of ours**
- Profits split in proportion to demand: imitation takes the share `lost` of an entrepreneur's profit and brings the
  platform `own` * x, less the fee that it no longer gets. Consumers gain in proportion too.
- Costs of launching have the distribution (c / c_max)^elasticity with c_max the profit without any imitation. So
  innovation, the share of ideas launched, is (profit / c_max)^elasticity and 1 where nobody is imitated.
- The entrepreneur knows no more of x beforehand than the platform, and there is one platform and no resale of data.
- The platform keeps its word. With elasticity 0 nothing depends on its word, which gives the case of a platform that
  cannot commit: then, in this model, thickness no longer turns the sign.

**How it is solved**: the platform maximises elasticity * log(entrepreneur's profit) + log(its profit per product),
which is concave in the rule. With data the best rule is a level of x from which on it imitates, the one root of a
rising function; under a ban of all but the prior it is one chance, in closed form; with a delay a search over one
concave function of the chance of imitating at once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

from scipy.optimize import brentq, minimize_scalar

from retail.errors import ConfigError
from simulation.market.mechanisms.tails import Tail

Goal = Literal["innovation", "consumers", "welfare"]

_FAR: Final = 50.0
"""Levels of demand above the mean by this much in logarithm count as never reached."""
_LEAST: Final = 1e-300
"""Stands for nothing where a logarithm is taken."""


@dataclass(frozen=True, slots=True)
class Imitation:
    """What imitation takes and brings, per unit of a product's demand.

    Attributes:
        fee: share of the profit that goes to the platform, in [0, 1).
        lost: share of its profit that an imitated entrepreneur loses, in (0, 1].
        own: the platform's profit from its copy, >= 0.
        cost: fixed cost of a copy, money, > 0.
        elasticity: of innovation with respect to an entrepreneur's profit, >= 0.
        consumers: consumer surplus from a product alone, >= 0.
        consumers_gain: what a copy adds to it, >= 0.

    Raises: ConfigError: a parameter out of range.
    """

    fee: float = 0.15
    lost: float = 0.6
    own: float = 0.6
    cost: float = 0.2
    elasticity: float = 1.0
    consumers: float = 0.5
    consumers_gain: float = 0.3

    def __post_init__(self) -> None:
        """Refuse parameters without meaning."""
        for name, low, high in (
            ("fee", 0.0, 1.0),
            ("lost", 0.0, 1.0),
            ("own", 0.0, math.inf),
            ("cost", 0.0, math.inf),
            ("elasticity", 0.0, math.inf),
            ("consumers", 0.0, math.inf),
            ("consumers_gain", 0.0, math.inf),
        ):
            value = getattr(self, name)
            if not (math.isfinite(value) and low <= value <= high):
                raise ConfigError(f"{name} = {value}: give a number from {low:g} to {high:g}")
        if self.fee == 1 or self.lost == 0 or self.cost == 0:
            raise ConfigError(
                f"fee = {self.fee}, lost = {self.lost}, cost = {self.cost}: a fee below 1, a loss and a cost above 0"
            )

    @property
    def gain(self) -> float:
        """What a copy brings the platform per unit of demand, less the fee that it loses."""
        return self.own - self.fee * self.lost


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a rule of data leads to.

    Attributes:
        imitated_at_once: chance that a product is imitated blindly when it is launched.
        level: demand from which on the platform imitates by what it sees; infinite for never.
        imitated: share of launched products that are imitated.
        taken: share of all launched demand that is imitated, weighted with the part of life that was left.
        innovation: share of ideas launched, 1 without imitation.
        entrepreneurs: their profit less fees and costs of launching, per idea, money.
        platform: its fees and profit from copies less their cost, per idea, money.
        consumers: consumer surplus, per idea, money.
    """

    imitated_at_once: float
    level: float
    imitated: float
    taken: float
    innovation: float
    entrepreneurs: float
    platform: float
    consumers: float

    @property
    def welfare(self) -> float:
        """Entrepreneurs, platform and consumers together, per idea, money."""
        return self.entrepreneurs + self.platform + self.consumers


def data_use(market: Imitation, demand: Tail) -> Outcome:
    """The platform may let imitation depend on each product's demand, from its launch on."""
    return delayed_access(market, demand, rest=1.0)


def ban(market: Imitation, demand: Tail, *, public: float = 0.0) -> Outcome:
    """The platform may use only what the public sees.

    Args:
        market: what imitation takes and brings.
        demand: how demand may turn out.
        public: share of the news about demand that is public (a sales rank, reviews); for a `Lognormal` any number
            from 0 (only the distribution is known) to 1 (the same as data use), else one of the two.

    Raises: ConfigError: public out of range.
    """
    if public == 0:
        return _outcome(market, demand, at_once=_blind_chance(market, demand), level=math.inf, rest=1.0)
    return data_use(market, demand.seen(public))


def delayed_access(market: Imitation, demand: Tail, *, rest: float) -> Outcome:
    """The platform may imitate blindly at launch, or by demand after a delay.

    Args:
        market: what imitation takes and brings.
        demand: how demand may turn out.
        rest: present value of the part of a product's life after the delay, from 0 (never: the ban) to 1 (data use).
            A delay of k years at an interest rate r leaves exp(-r k); see `rest_after`.

    Raises: ConfigError: rest out of range.
    """
    if not 0 <= rest <= 1:
        raise ConfigError(f"rest = {rest}: give a share from 0 to 1")
    if rest == 0:
        return ban(market, demand)
    level = _level(market, demand, at_once=0.0, rest=rest)
    if rest == 1 or market.gain * demand.mean <= market.cost:
        return _outcome(market, demand, at_once=0.0, level=level, rest=rest)
    found = minimize_scalar(
        lambda chance: -_objective(market, demand, chance, _level(market, demand, at_once=chance, rest=rest), rest),
        bounds=(0.0, 1.0),
        method="bounded",
        options={"xatol": 1e-10},
    )
    choices = []
    for chance in (0.0, float(found.x), 1.0):
        level = _level(market, demand, at_once=chance, rest=rest)
        choices.append((_objective(market, demand, chance, level, rest), chance, level))
    _, chance, level = max(choices, key=lambda choice: choice[0])
    return _outcome(market, demand, at_once=chance, level=level, rest=rest)


def rest_after(years: float, *, interest: float = 0.1) -> float:
    """What is left of a product's life after a delay, at present value: exp(-interest * years).

    Args:
        years: >= 0.
        interest: a year, together with the rate at which products die, > 0.

    Raises: ConfigError: an argument out of range.

    >>> round(rest_after(2.0, interest=0.5), 6)
    0.367879
    """
    if not (years >= 0 and 0 < interest < math.inf):
        raise ConfigError(f"years = {years}, interest = {interest}: give 0 or more years and an interest above 0")
    return math.exp(-interest * years)


def best_delay(
    market: Imitation, demand: Tail, *, goal: Goal = "innovation", steps: int = 100
) -> tuple[float, Outcome]:
    """The delay that serves a goal best, among `steps` + 1 equal steps of `rest` from the ban (0) to data use (1).

    Returns: `rest` and what it leads to; of equal ones the smallest `rest`.

    Raises: ConfigError: steps below 1.
    """
    if steps < 1:
        raise ConfigError(f"steps = {steps}: give 1 or more")
    tried = [(step / steps, delayed_access(market, demand, rest=step / steps)) for step in range(steps + 1)]
    return max(tried, key=lambda one: round(getattr(one[1], goal), 9))


def _blind_chance(market: Imitation, demand: Tail) -> float:
    """The best chance of imitating a product of which only the distribution is known, in closed form.

    It solves elasticity * lost / (1 - lost q) = net / (fee mean + q net), with net the expected gain of one copy.
    """
    net = market.gain * demand.mean - market.cost
    if net <= 0:
        return 0.0
    free = net - market.elasticity * market.lost * market.fee * demand.mean
    return min(1.0, max(0.0, free / (market.lost * net * (1 + market.elasticity))))


def _level(market: Imitation, demand: Tail, *, at_once: float, rest: float) -> float:
    """The best level of demand from which on to imitate: the one root of a rising function."""
    if market.gain <= 0:
        return math.inf

    def excess(log_level: float) -> float:
        level = math.exp(log_level)
        kept, earned = _per_product(market, demand, at_once, level, rest)
        return (market.gain - market.cost / level) * kept - market.elasticity * market.lost * earned

    least = math.log(market.cost / market.gain)
    highest = max(least, math.log(demand.mean)) + _FAR
    if excess(least) >= 0:
        return math.exp(least)
    if excess(highest) <= 0:
        return math.inf
    return math.exp(brentq(excess, least, highest, xtol=1e-13))


def _per_product(market: Imitation, demand: Tail, at_once: float, level: float, rest: float) -> tuple[float, float]:
    """Demand kept by the entrepreneur and profit of the platform, expected of one launched product."""
    above = 0.0 if math.isinf(level) else demand.mean_above(level)
    copies = 0.0 if math.isinf(level) else demand.share_above(level)
    later = (1 - at_once) * rest
    kept = demand.mean - market.lost * (at_once * demand.mean + later * above)
    net = market.gain * demand.mean - market.cost
    earned = market.fee * demand.mean + at_once * net + later * (market.gain * above - market.cost * copies)
    return kept, earned


def _objective(market: Imitation, demand: Tail, at_once: float, level: float, rest: float) -> float:
    kept, earned = _per_product(market, demand, at_once, level, rest)
    return market.elasticity * math.log(max(kept, _LEAST)) + math.log(max(earned, _LEAST))


def _outcome(market: Imitation, demand: Tail, *, at_once: float, level: float, rest: float) -> Outcome:
    kept, earned = _per_product(market, demand, at_once, level, rest)
    never = math.isinf(level)
    later = 1 - at_once
    taken = at_once + (0.0 if never else later * rest * demand.mean_above(level) / demand.mean)
    innovation = (kept / demand.mean) ** market.elasticity
    return Outcome(
        imitated_at_once=at_once,
        level=level,
        imitated=at_once + (0.0 if never else later * demand.share_above(level)),
        taken=taken,
        innovation=innovation,
        entrepreneurs=innovation * (1 - market.fee) * kept / (1 + market.elasticity),
        platform=innovation * earned,
        consumers=innovation * demand.mean * (market.consumers + market.consumers_gain * taken),
    )

"""How large a market is and the value of each of its numbers, checked before anything is drawn."""

from __future__ import annotations

import dataclasses
import difflib
import math
from dataclasses import dataclass
from typing import Final, Literal

from retail.errors import ConfigError
from simulation.market.parameters import PARAMETERS

NoisePlacement = Literal["aggregator", "node"]
MOST_PERIODS: Final = 100_000
"""Longest run: at 3 ms a period five minutes."""
_SIZES: Final = {
    "merchants": (1, 100_000),
    "consumers": (2, 50_000_000),
    "products": (2, 1_000_000),
    "categories": (0, 100_000),
    "segments": (1, 16),
    "places": (1, 200),
    "review": (1, 1_000),
}
_ABOVE_ZERO: Final = (
    "price_sensitivity", "prior_orders", "prior_ratings", "arrival", "horizon", "epsilon", "window", "nest",
)  # fmt: skip
_SIGNED: Final = ("base_utility", "own_quality")
_BELOW_ONE: Final = (
    "fee", "service_take", "own_label_share", "own_cost_edge", "price_spread", "delta", "sponsored_price",
)  # fmt: skip
_MOST: Final = {
    "price_sensitivity": 100.0,
    "taste_sd": 10.0,
    "quality_sd": 10.0,
    "base_utility": 50.0,
    "attention": 10.0,
    "scale_sigma": 5.0,
    "cost_sigma": 2.0,
    "cost_of_quality": 2.0,
    "price_error": 3.0,
    "own_label_share": 0.9,
    "own_quality": 50.0,
    "sponsored_bonus": 50.0,
}
"""Largest size of what enters an exponential or the room of a category, far outside what is plausible."""
_SHARES: Final = (
    "arrival", "price_step", "idea_rate", "entry_rate", "imitation_loss", "memory", "untold_share", "transfer",
    "review_rate", "stake", "affiliate_share", "outside_reach", "portability", "sponsored_share", "nest",
)  # fmt: skip


def _default(name: str) -> float:
    return PARAMETERS[name].value


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketSettings:
    """Sizes of a market and one value for every parameter; see `PARAMETERS` for units, ranges and sources.

    Values may lie outside the plausible range (a what-if may ask for it), never outside what has a meaning: spreads of
    quality and taste at most 10, of merchants' sizes 5, of unit costs 2, of the markup 3; attention at most 10, the
    cost of quality 2, base utility and own label's quality 50 either way, an advertisement's bonus 50, price
    sensitivity 100; own label at most .9 of listings; other numbers at most a million.

    Attributes:
        merchants: how many may trade at once.
        consumers: how many there are.
        products: listed at the start, at least one for each merchant.
        categories: of products, at most one for each; consumers ask for one at a time. 0: one for 50 products.
        segments: groups of consumers with a taste and a price sensitivity each.
        places: of a list that a consumer sees.
        review: periods between two looks at assortment, entry, data services, own label and fee.
        own_label: whether a platform that may have goods of its own has them.
        fee_step: 0 keeps the fee; else the platform tries that much less and more at each review, and takes the best.
        noise_placement: who adds the noise of a private federation.

    Raises: ConfigError: a value has no meaning; one sentence says which, and what to write.
    """

    merchants: int = 100
    consumers: int = 2_000
    products: int = 400
    categories: int = 0
    segments: int = 4
    places: int = 40
    review: int = 5
    own_label: bool = True
    fee_step: float = 0.0
    noise_placement: NoisePlacement = "aggregator"

    arrival: float = _default("arrival")
    price_sensitivity: float = _default("price_sensitivity")
    price_spread: float = _default("price_spread")
    taste_sd: float = _default("taste_sd")
    quality_sd: float = _default("quality_sd")
    base_utility: float = _default("base_utility")
    attention: float = _default("attention")
    nest: float = _default("nest")

    scale_sigma: float = _default("scale_sigma")
    cost_sigma: float = _default("cost_sigma")
    cost_of_quality: float = _default("cost_of_quality")
    price_step: float = _default("price_step")
    price_error: float = _default("price_error")
    fixed_cost: float = _default("fixed_cost")
    listing_cost: float = _default("listing_cost")
    launch_cost: float = _default("launch_cost")
    reserve: float = _default("reserve")
    idea_rate: float = _default("idea_rate")
    entry_rate: float = _default("entry_rate")
    horizon: float = _default("horizon")
    imitation_loss: float = _default("imitation_loss")

    prior_orders: float = _default("prior_orders")
    memory: float = _default("memory")
    untold_share: float = _default("untold_share")
    transfer: float = _default("transfer")
    service_gain: float = _default("service_gain")
    adoption_cost: float = _default("adoption_cost")
    node_cost: float = _default("node_cost")
    service_cost: float = _default("service_cost")
    service_take: float = _default("service_take")

    fee: float = _default("fee")
    review_rate: float = _default("review_rate")
    prior_ratings: float = _default("prior_ratings")
    sharpness: float = _default("sharpness")
    own_label_share: float = _default("own_label_share")
    own_quality: float = _default("own_quality")
    own_life: float = _default("own_life")
    own_cost_edge: float = _default("own_cost_edge")
    bonus: float = _default("bonus")
    audience_bonus: float = _default("audience_bonus")
    stake: float = _default("stake")
    affiliate_share: float = _default("affiliate_share")
    sponsored_share: float = _default("sponsored_share")
    sponsored_bonus: float = _default("sponsored_bonus")
    sponsored_price: float = _default("sponsored_price")

    outside_reach: float = _default("outside_reach")
    outside_lift: float = _default("outside_lift")
    multihome_cost: float = _default("multihome_cost")
    switching_cost: float = _default("switching_cost")
    portability: float = _default("portability")

    epsilon: float = _default("epsilon")
    delta: float = _default("delta")
    window: float = _default("window")

    def __post_init__(self) -> None:
        """Refuse values without a meaning."""
        for name, (least, most) in _SIZES.items():
            check_whole(name, getattr(self, name), least=least, most=most)
        if not isinstance(self.own_label, bool):
            raise ConfigError(f"own_label = {self.own_label!r} must be true or false")
        if self.noise_placement not in ("aggregator", "node"):
            raise ConfigError(f"noise_placement = {self.noise_placement!r} must be aggregator or node")
        for name in ("fee_step", *PARAMETERS):
            self._check_number(name, getattr(self, name))
        if self.products < self.merchants:
            raise ConfigError(
                f"products = {self.products} leaves some of {self.merchants} merchants without one; give at least one "
                "product for each merchant (a platform that owns them all has no market to run)"
            )
        if self.categories > self.products:
            raise ConfigError(
                f"categories = {self.categories} leaves some without any of {self.products} products; give at most "
                f"{self.products}, or 0 for one for 50 products"
            )
        if self.fee + self.service_take >= 1:
            raise ConfigError(f"fee = {self.fee} and service_take = {self.service_take} must stay below 1 together")
        if self.advertises and self.fee + self.service_take + self.sponsored_price >= 1:
            raise ConfigError(
                f"fee = {self.fee}, service_take = {self.service_take} and sponsored_price = {self.sponsored_price} "
                "must stay below 1 together; write less for one of them"
            )

    @property
    def category_count(self) -> int:
        """Categories; one for 50 products unless told otherwise."""
        return self.categories or max(1, round(self.products / 50))

    @property
    def advertises(self) -> bool:
        """Whether the platform sells better places."""
        return self.sponsored_share > 0

    @property
    def reference_profit(self) -> float:
        """Gross profit of an average product in a period, in money: half of all arrivals buy at a logit markup."""
        units = self.consumers * self.arrival * 0.5 / self.products
        return units * (1 - self.fee) / self.price_sensitivity

    def _check_number(self, name: str, value: object) -> None:
        example = f"write for example {PARAMETERS[name].value:g}" if name in PARAMETERS else "write for example 0.01"
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ConfigError(f"{name} = {value!r} is no finite number; {example}")
        if value <= 0 and name in _ABOVE_ZERO:
            raise ConfigError(f"{name} = {value} must be above 0; {example}")
        if value < 0 and name not in _SIGNED:
            raise ConfigError(f"{name} = {value} must be 0 or more; {example}")
        if value >= 1 and name in (*_BELOW_ONE, "fee_step"):
            all_own = (
                " (a platform that owns all products leaves nothing to compare)" if name == "own_label_share" else ""
            )
            raise ConfigError(f"{name} = {value} must be below 1{all_own}; {example}")
        if value > 1 and name in _SHARES:
            raise ConfigError(f"{name} = {value} must be between 0 and 1; {example}")
        if name in ("window",) and value != int(value):
            raise ConfigError(f"{name} = {value} must be a whole number; {example}")
        if abs(value) > _MOST.get(name, 1e6):
            if name in _MOST:
                size, end = ("small", f"least -{_MOST[name]:g}") if value < 0 else ("large", f"most {_MOST[name]:g}")
                raise ConfigError(f"{name} = {value} is too {size} to mean anything; write at {end}, {example[6:]}")
            raise ConfigError(f"{name} = {value} is too large to mean anything; {example}")

    def with_values(self, **values: object) -> MarketSettings:
        """The same settings but for the named values.

        Raises: ConfigError: a name is no setting, or a value has no meaning.
        """
        known = {one.name for one in dataclasses.fields(self)}
        unknown = sorted(set(values) - known)
        if unknown:
            near = {one: difflib.get_close_matches(one, sorted(known), n=1) for one in unknown}
            named = ", ".join(one + (f" (did you mean {near[one][0]}?)" if near[one] else "") for one in unknown)
            rest = "" if all(near.values()) else f"; known are {', '.join(sorted(known))}"
            raise ConfigError(f"no such market setting: {named}{rest}")
        return dataclasses.replace(self, **values)  # type: ignore[arg-type]

    def outside(self) -> tuple[str, ...]:
        """Names of values outside their plausible range, to be shown next to a result."""
        return tuple(name for name, one in PARAMETERS.items() if not one.lo <= getattr(self, name) <= one.hi)


def check_whole(name: str, value: object, *, least: int, most: int) -> int:
    """Return a whole number within limits.

    Raises: ConfigError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ConfigError(f"{name} = {value!r} must be a whole number from {least:,} to {most:,}")
    return value

"""Offers on a card or phone: to whom, of what, and who takes them up.

A shopper with consent gets one offer at the entrance, of a category that is not on the list. Whoever takes it up goes
to that shelf as well. Who takes up what is known here (`Demand.offer_u`), so that a day with offers and the same day
without them differ by what the offers did and by nothing else: real campaigns need a control group for that.

    offers = targeting("affinity", model=model)
    demand = offers(model.draw(0, seed=1, shoppers=2000), settings)
"""

from __future__ import annotations

import dataclasses
import zlib
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from retail.errors import ConfigError, PolicyError
from simulation.store.demand import Demand
from simulation.store.demand_model import DemandModel, Trips, complete_journey_demand
from simulation.store.settings import StoreSettings

OfferPolicy = Literal["none", "random", "affinity"]
POLICIES: Final[tuple[OfferPolicy, ...]] = get_args(OfferPolicy)
SENSITIVE: Final = frozenset({"baby", "beer and wine", "health", "tobacco"})
"""Categories that say too much about a person: never offered, and never a reason for an offer."""

_PRIOR: Final = 20.0
_NO_DETOUR: Final = 1.0


def affinity_of(trips: Trips) -> NDArray[np.float64]:
    """How much more often two categories are bought together than by chance.

    Returns: (C, C) share of trips with both over the product of the shares, shrunk towards 1 for rare pairs; symmetric.
    """
    width = len(trips.categories)
    listed = np.zeros((trips.count, width), dtype=np.float32)
    listed[np.repeat(np.arange(trips.count), np.diff(trips.start)), trips.category] = 1
    together = (listed.T @ listed).astype(np.float64)
    alone = np.diag(together)
    chance = np.outer(alone, alone) / max(trips.count, 1)
    return np.asarray((together + _PRIOR) / (chance + _PRIOR))


@dataclass(frozen=True, eq=False)
class Offered:
    """One day's offers, k of them.

    Attributes:
        shopper: (k,) int64, rising; each at most once.
        category: (k,) int64, number in the demand's list.
        chance: (k,) float64, the chance that the offer is taken up: the known truth.
        taken: (k,) bool.
    """

    shopper: NDArray[np.int64]
    category: NDArray[np.int64]
    chance: NDArray[np.float64]
    taken: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Offers:
    """A way to choose offers; calling it changes a day's demand by them.

    Attributes:
        policy: "none"; "random", any category that may be offered; "affinity", the one bought most often together with
            what is on the list (sensitive categories left out of the reasons).
        affinity: (C, C) as `affinity_of` gives it; its logarithm is averaged over a list.
        categories: names of its rows.
        choice: names that may be offered; all but the sensitive ones when empty.
        seed: of the random choice.

    Raises:
        ConfigError: the policy or a name is unknown, or the affinity has another shape or is not positive. Also later,
            when a demand has none of the categories in `choice`.
        PolicyError: `choice` holds a sensitive category.
    """

    policy: OfferPolicy
    affinity: NDArray[np.float64]
    categories: tuple[str, ...]
    choice: tuple[str, ...] = ()
    seed: int = 0
    _may: NDArray[np.bool_] = field(init=False, repr=False)
    _weight: NDArray[np.float64] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse what must not be targeted, and what cannot be."""
        if self.policy not in POLICIES:
            raise ConfigError(f"policy = {self.policy!r} is unknown; use one of {', '.join(POLICIES)}")
        width = len(self.categories)
        if self.affinity.shape != (width, width) or not np.all(self.affinity > 0):
            raise ConfigError(
                f"affinity of shape {self.affinity.shape} does not fit {width} categories with positive numbers; "
                "make it with affinity_of(model.trips)"
            )
        unknown = sorted(set(self.choice) - set(self.categories))
        if unknown:
            raise ConfigError(f"nobody wants {', '.join(unknown)}; offer categories of the demand")
        refused = sorted(set(self.choice) & SENSITIVE)
        if refused:
            raise PolicyError(
                f"{', '.join(refused)} must not be targeted: it says too much about a person; leave it out"
            )
        open_to = set(self.choice or self.categories) - SENSITIVE
        object.__setattr__(self, "_may", np.array([name in open_to for name in self.categories], dtype=bool))
        reason = np.array([name not in SENSITIVE for name in self.categories], dtype=np.float64)
        object.__setattr__(self, "_weight", reason)

    def __call__(self, demand: Demand, settings: StoreSettings) -> Demand:
        """The same shoppers, with one more entry for each who takes up an offer.

        The entry is one item at the category's usual price, found in the usual time without a detour.

        """
        offered = self.offered(demand, settings)
        return _with_entries(demand, offered.shopper[offered.taken], offered.category[offered.taken], settings.dwell_s)

    def offered(self, demand: Demand, settings: StoreSettings) -> Offered:
        """Who is offered what, and who takes it up.

        Categories of the demand that the affinity does not know count as bought together by chance.
        """
        if demand.categories != self.categories:
            return self._over(demand.categories).offered(demand, settings)
        listed = np.zeros((demand.shoppers, len(self.categories)), dtype=bool)
        listed[np.repeat(np.arange(demand.shoppers), np.diff(demand.start)), demand.category] = True
        may = self._may & ~listed
        shopper = np.flatnonzero(demand.consent & may.any(axis=1))
        if self.policy == "none":
            shopper = shopper[:0]
        listed, may = listed[shopper], may[shopper]
        # A category is bought together with a whole list as with its entries on average, in logarithms.
        reasons = listed * self._weight
        score = reasons @ np.log(self.affinity) / np.maximum(reasons.sum(axis=1), 1)[:, None]
        rank = self._random(demand)[shopper] if self.policy == "random" else score
        category = np.argmax(np.where(may, rank, -np.inf), axis=1) if len(shopper) else np.empty(0, np.int64)
        weight = np.where(may, np.exp(settings.offer_relevance * score), 0.0)
        mean = weight.sum(axis=1) / np.maximum(may.sum(axis=1), 1)
        row = np.arange(len(shopper))
        chance = np.minimum(settings.offer_effect * weight[row, category] / mean, 1.0)
        return Offered(shopper, category, chance, demand.offer_u[shopper, category] < chance)

    def _over(self, categories: tuple[str, ...]) -> Offers:
        """The same offers over another list of categories."""
        place = {name: index for index, name in enumerate(self.categories)}
        here = np.array([place.get(name, -1) for name in categories], dtype=np.int64)
        affinity = np.where((here[:, None] >= 0) & (here >= 0), self.affinity[np.ix_(here, here)], 1.0)
        left = tuple(name for name in self.choice if name in categories)
        if self.choice and not left:
            raise ConfigError(f"nobody wants {', '.join(self.choice)}; offer categories of the demand")
        return Offers(self.policy, affinity, categories, left, self.seed)

    def _random(self, demand: Demand) -> NDArray[np.float64]:
        """(n, C) numbers that depend on the day's shoppers and the seed only, so that layouts share them."""
        day = zlib.crc32(demand.arrive_s.tobytes())
        return np.random.default_rng(np.random.SeedSequence([self.seed, day])).random(demand.offer_u.shape)


def targeting(policy: OfferPolicy, *, model: DemandModel | None = None, seed: int = 0) -> Offers:
    """Offers of any category that is not sensitive.

    Args:
        policy: as in `Offers`.
        model: where the affinity is learnt; the Complete Journey when None.
        seed: of the random choice.

    Raises:
        ConfigError: the policy is unknown.
        DataError: the Complete Journey cannot be read.
    """
    model = complete_journey_demand() if model is None else model
    return Offers(policy, affinity_of(model.trips), model.categories, seed=seed)


def _with_entries(demand: Demand, shopper: NDArray[np.int64], category: NDArray[np.int64], dwell_s: float) -> Demand:
    """Insert one entry for each of the shoppers, where the order of categories wants it."""
    if not len(shopper):
        return demand
    owner = np.repeat(np.arange(demand.shoppers), np.diff(demand.start))
    width = len(demand.categories)
    place = np.searchsorted(owner * width + demand.category, shopper * width + category)
    added = np.zeros(demand.shoppers + 1, dtype=np.int64)
    added[shopper + 1] = 1
    leg = place + shopper
    return dataclasses.replace(
        demand,
        start=demand.start + np.cumsum(added),
        category=np.insert(demand.category, place, category),
        items=np.insert(demand.items, place, 1),
        spend=np.insert(demand.spend, place, demand.unplanned_spend[category]),
        dwell_s=np.insert(demand.dwell_s, place, dwell_s),
        detour_u=np.insert(demand.detour_u, leg, _NO_DETOUR),
        detour_to_u=np.insert(demand.detour_to_u, leg, 0.0),
    )

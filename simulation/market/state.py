"""Who is in the market: products, merchants and consumers as arrays, and how a seed draws them.

Products live in a table of categories and slots, (C, K), with room for launches; a slot whose product is gone may get
another one, with another id. Everything random about a product or a merchant is a function of its key, so that the
same seed gives the same ideas, tastes and errors under every regime, and renumbering merchants changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from retail.randomness import uniforms
from simulation.market.settings import MarketSettings

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Keys = NDArray[np.uint64]

PLATFORM: Final = -1
"""Seller of own label; merchants are 0, 1, ..."""
NOBODY: Final = -2
"""Seller of an empty slot."""

STREAMS: Final = {
    name: number
    for number, name in enumerate(
        (
            "scale", "affiliate", "ties", "category", "quality", "style", "cost", "rating_error", "taste_error",
            "price_error", "rank_noise", "idea", "entry", "idea_category", "idea_style", "idea_quality", "idea_cost",
            "idea_signal", "segment", "arrival", "need", "choice", "birth",
        ),
        start=1,
    )
}  # fmt: skip
"""Named substreams: what a random number is for."""
CONSUMER_OFFSET, MERCHANT_OFFSET, PRODUCT_OFFSET = 0, 1 << 40, 1 << 41
SMALL, MEDIUM, LARGE = 0, 1, 2
SIZES: Final = ("small", "medium", "large")
"""Size classes: the lower half of merchants by scale at the start, the next four tenths, the top tenth."""


@dataclass(slots=True)
class Products:
    """What may be listed, (C, K) for C categories of K slots unless said otherwise.

    Attributes:
        id: int64, unique over a run; -1 in an empty slot.
        seller: int64, number of the merchant, `PLATFORM` or `NOBODY`.
        active: bool, whether it is listed.
        own: bool, sold by the platform.
        quality: float64, utility.
        style: float64, standard normal; how much a segment with taste 1 likes it.
        cost: float64, money a unit.
        price: float64, money a unit.
        launched: int64, period.
        copy_of: int64, id of the product imitated, -1 for none.
        sold: float64, units so far that are still remembered (`memory`).
        ratings: float64, ratings so far.
        counted: float64, those that come with the orders that the shared model remembers.
        margin: float64, smoothed profit of a period, money.
        key: uint64.
        rating_z: float64, standard error of what ratings say.
        taste_z: (C, S, K) float64, standard errors of what is known about segments' liking.
        price_z: float64, standard error of the markup.
        sponsored: bool, its merchant pays for a better place.
    """

    id: Ints
    seller: Ints
    active: Flags
    own: Flags
    quality: Floats
    style: Floats
    cost: Floats
    price: Floats
    launched: Ints
    copy_of: Ints
    sold: Floats
    ratings: Floats
    counted: Floats
    margin: Floats
    key: Keys
    rating_z: Floats
    taste_z: Floats
    price_z: Floats
    sponsored: Flags

    @property
    def third(self) -> Flags:
        """(C, K) bool, listed by a merchant."""
        return self.active & ~self.own

    def clear(self, gone: Flags) -> None:
        """Take products off the list. Args: gone: (C, K) bool."""
        self.active[gone] = False
        self.own[gone] = False
        self.sponsored[gone] = False
        self.seller[gone] = NOBODY
        self.id[gone] = -1
        self.sold[gone] = 0.0


@dataclass(slots=True)
class Merchants:
    """Who may sell, (M,) each.

    Attributes:
        key: uint64.
        scale: float64, lognormal; how large a merchant is by nature.
        size: int8, class of size, see `SIZES`.
        affiliate: bool, the platform holds a stake.
        active: bool, in the market.
        cash: float64, money; below 0 a merchant leaves.
        orders: float64, orders that it remembers.
        modelled: float64, those of them that the shared model remembers.
        adopted: bool, uses the data service that the regime offers.
        knowledge: float64, 0 to 1: reliability of what it knows about demand.
        multihomes: bool, keeps a shop outside the platform.
        gross: float64, smoothed gross profit of a period, money.
    """

    key: Keys
    scale: Floats
    size: NDArray[np.int8]
    affiliate: Flags
    active: Flags
    cash: Floats
    orders: Floats
    modelled: Floats
    adopted: Flags
    knowledge: Floats
    multihomes: Flags
    gross: Floats

    def permuted(self, order: Ints) -> Merchants:
        """Merchant `order[k]` becomes number k."""
        return Merchants(**{one.name: getattr(self, one.name)[order].copy() for one in fields(self)})


@dataclass(slots=True)
class Consumers:
    """Who buys.

    Attributes:
        count: how many.
        root: (2,) uint64 from which every consumer's numbers follow (see `retail.randomness`).
        sensitivity: (S,) float64, 1/money, logit coefficient of price.
        taste: (S,) float64, utility of a unit of style.
        share: (C,) float64, cumulated share of needs by category; the last is 1.
    """

    count: int
    root: Keys
    sensitivity: Floats
    taste: Floats
    share: Floats


@dataclass(slots=True)
class State:
    """All of a market at one moment.

    Attributes:
        products, merchants, consumers: see there.
        next_id: id of the next product.
        pool: orders that a shared model remembers.
        pool_own: those of them that were for own label.
        own_orders: orders that the own label remembers.
        fee: the platform's present fee.
        imitated: smoothed share of merchants' products that get imitated in a period; everybody sees it.
        launches: one row for each product ever listed: id, seller, own, category, launched, copy_of.
    """

    products: Products
    merchants: Merchants
    consumers: Consumers
    next_id: int
    fee: float
    pool: float = 0.0
    pool_own: float = 0.0
    own_orders: float = 0.0
    imitated: float = 0.0
    launches: list[tuple[int, int, bool, int, int, int]] = field(default_factory=list)


def normals(keys: Keys, stream: str, counter: Ints | int = 0) -> Floats:
    """Standard normal numbers, one for each key. Args: see `retail.randomness.uniforms`."""
    return np.asarray(ndtri(uniforms(keys, stream=STREAMS[stream], counter=counter)))


def errors(keys: Keys, segments: int) -> tuple[Floats, Floats, Floats]:
    """What is wrong with what is known about products: (n,) of ratings, (S, n) of liking, (n,) of the markup."""
    taste = np.stack([normals(keys, "taste_error", s) for s in range(segments)])
    return normals(keys, "rating_error"), taste, normals(keys, "price_error")


def unit_cost(settings: MarketSettings, z: Floats, quality: Floats) -> Floats:
    """Unit costs with mean 1: better products cost more to make."""
    sigma, slope = settings.cost_sigma, settings.cost_of_quality
    mean = (sigma**2 + (slope * settings.quality_sd) ** 2) / 2
    return np.asarray(np.exp(sigma * z + slope * quality - mean))

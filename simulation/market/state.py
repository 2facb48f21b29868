"""Who is in the market: products, merchants and consumers as arrays, and how a seed draws them.

Products live in a table of categories and slots, (C, K), with room for launches; a slot whose product is gone may get
another one, with another id. Everything random about a product or a merchant is a function of its key, so that the
same seed gives the same ideas, tastes and errors under every regime, and renumbering merchants changes nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from retail.randomness import person_keys, uniforms
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
        margin: float64, smoothed profit of a period, money.
        key: uint64.
        rating_z: float64, standard error of what ratings say.
        taste_z: (C, S, K) float64, standard errors of what is known about segments' liking.
        price_z: float64, standard error of the markup.
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
    margin: Floats
    key: Keys
    rating_z: Floats
    taste_z: Floats
    price_z: Floats

    @property
    def third(self) -> Flags:
        """(C, K) bool, listed by a merchant."""
        return self.active & ~self.own

    def clear(self, gone: Flags) -> None:
        """Take products off the list. Args: gone: (C, K) bool."""
        self.active[gone] = False
        self.own[gone] = False
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


def draw_state(settings: MarketSettings, seed: int) -> State:
    """Draw a market before its first period. The same seed and settings give the same bytes."""
    merchants = _merchants(settings, seed)
    return State(_products(settings, seed, merchants), merchants, _consumers(settings, seed),
                 next_id=settings.products, fee=settings.fee)  # fmt: skip


def _merchants(settings: MarketSettings, seed: int) -> Merchants:
    n = settings.merchants
    keys = person_keys(seed, np.arange(n) + MERCHANT_OFFSET)
    scale = np.exp(settings.scale_sigma * normals(keys, "scale"))
    rank = np.empty(n)
    rank[np.argsort(scale, kind="stable")] = (np.arange(n) + 0.5) / n
    size = np.where(rank < 0.5, SMALL, np.where(rank < 0.9, MEDIUM, LARGE)).astype(np.int8)
    flags, zeros = np.zeros(n, dtype=bool), np.zeros(n)
    affiliate = uniforms(keys, stream=STREAMS["affiliate"]) < settings.affiliate_share
    return Merchants(
        keys,
        scale,
        size,
        affiliate,
        ~flags,
        zeros.copy(),
        zeros.copy(),
        flags.copy(),
        zeros.copy(),
        flags.copy(),
        zeros.copy(),
    )


def _allot(scale: Floats, products: int) -> Ints:
    """How many products each merchant starts with: one each, the rest in proportion to scale, largest remainders."""
    wanted = (products - scale.size) * scale / scale.sum()
    counts = np.floor(wanted).astype(np.int64)
    short = products - scale.size - int(counts.sum())
    counts[np.argsort(counts - wanted, kind="stable")[:short]] += 1
    return counts + 1


def _products(settings: MarketSettings, seed: int, merchants: Merchants) -> Products:
    n, categories, segments = settings.products, settings.category_count, settings.segments
    counts = _allot(merchants.scale, n)
    merchants.cash[:] = settings.reserve * settings.reference_profit * counts
    seller = np.repeat(np.arange(settings.merchants), counts)
    keys = person_keys(seed, np.arange(n) + PRODUCT_OFFSET)
    category = np.empty(n, dtype=np.int64)
    category[np.argsort(uniforms(keys, stream=STREAMS["category"]), kind="stable")] = np.arange(n) % categories
    quality = settings.quality_sd * normals(keys, "quality")
    style, cost = normals(keys, "style"), unit_cost(settings, normals(keys, "cost"), quality)
    each = math.ceil(n / categories)
    slots = (
        each
        + math.ceil(0.3 * each)
        + math.ceil(2 * settings.own_label_share / (1 - settings.own_label_share) * each)
        + 2
    )
    order = np.argsort(category, kind="stable")
    place = np.empty(n, dtype=np.int64)
    place[order] = np.arange(n) - np.searchsorted(category[order], category[order])
    at = (category, place)

    def table(values: object, empty: float, dtype: type) -> NDArray[np.generic]:
        full = np.full((categories, slots), empty, dtype=dtype)
        full[at] = values
        return full

    rating_z, taste_z, price_z = errors(keys, segments)
    taste = np.zeros((categories, segments, slots))
    taste[category, :, place] = taste_z.T
    zero = np.zeros((categories, slots))
    return Products(
        id=table(np.arange(n), -1, np.int64),
        seller=table(seller, NOBODY, np.int64),
        active=table(True, False, bool),
        own=np.zeros((categories, slots), dtype=bool),
        quality=table(quality, 0.0, float),
        style=table(style, 0.0, float),
        cost=table(cost, 1.0, float),
        price=table(cost / (1 - settings.fee) + 1 / settings.price_sensitivity, 1.0, float),
        launched=table(0, 0, np.int64),
        copy_of=table(-1, -1, np.int64),
        sold=zero.copy(),
        ratings=zero.copy(),
        margin=zero.copy(),
        key=table(keys, 0, np.uint64),
        rating_z=table(rating_z, 0.0, float),
        taste_z=taste,
        price_z=table(price_z, 0.0, float),
    )  # type: ignore[arg-type]


def _consumers(settings: MarketSettings, seed: int) -> Consumers:
    segments = settings.segments
    place = np.zeros(1) if segments == 1 else np.linspace(-1.0, 1.0, segments)
    side = np.where(np.arange(segments) % 2 == 0, -1.0, 1.0) if segments > 1 else np.zeros(1)
    taste = place * settings.taste_sd / max(float(np.sqrt(np.mean(place**2))), 1e-12)
    weights = np.arange(1, settings.category_count + 1) ** -0.5
    share = np.cumsum(weights / weights.sum())
    share[-1] = 1.0
    root = np.random.SeedSequence(seed).generate_state(2, np.uint64)
    return Consumers(
        settings.consumers, root, settings.price_sensitivity * (1 + settings.price_spread * side), taste, share
    )

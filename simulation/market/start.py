"""How a seed draws a market before its first period."""

from __future__ import annotations

import math
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from retail.randomness import person_keys, uniforms
from simulation.market.settings import MarketSettings
from simulation.market.state import (
    LARGE,
    MEDIUM,
    MERCHANT_OFFSET,
    NOBODY,
    PRODUCT_OFFSET,
    SMALL,
    STREAMS,
    Consumers,
    Floats,
    Ints,
    Merchants,
    Products,
    State,
    errors,
    normals,
    unit_cost,
)

T = TypeVar("T", bound=np.generic)


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
    return np.asarray(counts + 1)


def _products(settings: MarketSettings, seed: int, merchants: Merchants) -> Products:
    n, categories, segments = settings.products, settings.category_count, settings.segments
    counts = _allot(merchants.scale, n)
    merchants.cash[:] = settings.reserve * settings.reference_profit * counts
    seller = np.repeat(np.arange(settings.merchants, dtype=np.int64), counts)
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

    def table(values: NDArray[T], empty: object) -> NDArray[T]:
        full = np.full((categories, slots), empty, dtype=values.dtype)
        full[at] = values
        return full

    rating_z, taste_z, price_z = errors(keys, segments)
    taste = np.zeros((categories, segments, slots))
    taste[category, :, place] = taste_z.T
    zero = np.zeros((categories, slots))
    return Products(
        id=table(np.arange(n, dtype=np.int64), -1),
        seller=table(seller, NOBODY),
        active=table(np.ones(n, dtype=np.bool_), False),
        own=np.zeros((categories, slots), dtype=bool),
        quality=table(quality, 0.0),
        style=table(style, 0.0),
        cost=table(cost, 1.0),
        price=table(cost / (1 - settings.fee) + 1 / settings.price_sensitivity, 1.0),
        launched=np.zeros((categories, slots), dtype=np.int64),
        copy_of=np.full((categories, slots), -1, dtype=np.int64),
        sold=zero.copy(),
        ratings=zero.copy(),
        counted=zero.copy(),
        margin=zero.copy(),
        key=table(keys, 0),
        rating_z=table(rating_z, 0.0),
        taste_z=taste,
        price_z=table(price_z, 0.0),
        sponsored=np.zeros((categories, slots), dtype=bool),
    )


def _consumers(settings: MarketSettings, seed: int) -> Consumers:
    segments = settings.segments
    place = np.zeros(1) if segments == 1 else np.linspace(-1.0, 1.0, segments)
    side = np.where(np.arange(segments) % 2 == 0, -1.0, 1.0) if segments > 1 else np.zeros(1)
    taste = place * settings.taste_sd / max(float(np.sqrt(np.mean(place**2))), 1e-12)
    weights = np.arange(1, settings.category_count + 1) ** -0.5
    share = np.cumsum(weights / weights.sum())
    share[-1] = 1.0
    root = np.random.SeedSequence(seed).generate_state(2, np.uint64).astype(np.uint64)
    return Consumers(
        settings.consumers, root, settings.price_sensitivity * (1 + settings.price_spread * side), taste, share
    )

"""Sponsored products: merchants who pay for a better place, and what they expect of it.

The platform sells the better place of a share of merchants' products: `sponsored_bonus` log-odds in the ranking, for
`sponsored_price` of what the product brings in. At a review each merchant looks at the place r that its product has
among n, and reckons as if every other product stood before it with the same chance q = (r - 1) / (n - 1). A bonus of b
divides the odds of q by e^b, so it expects

    r(b) = 1 + (n - 1) q / (q + (1 - q) e^b),   and to sell in proportion to attention, r(b)^-g.

It wants the advertisement where that brings more than it costs. Of those who want it the ones who gain most get it, up
to `sponsored_share` of merchants' products: as an auction would have it, at a price that is set. Own label is never
sponsored, and no rule about favour touches what everybody may buy.
"""

from __future__ import annotations

import numpy as np

from simulation.market.settings import MarketSettings
from simulation.market.state import Flags, Floats, Ints, Products


def advertising(products: Products, settings: MarketSettings) -> Floats:
    """Return (C, K) float64, the share of each product's sales that goes to the platform for its advertisement."""
    return np.where(products.sponsored, settings.sponsored_price, 0.0)


def expected_gain(
    products: Products, place: Ints, share: Floats, arrivals: Floats, fee: Floats, settings: MarketSettings
) -> Floats:
    """Return (C, K) float64, money a period: what being sponsored is worth, over not being so; 0 but for merchants.

    Args:
        products: with prices, and who is sponsored now.
        place: (C, S, K), as shown last.
        share: (C, S, K), chances of a sale at those places; 0 for what has only just come.
        arrivals: (C, S), expected.
        fee: (C, K), without the advertisement.
        settings: price, bonus and attention.
    """
    others = np.maximum(products.active.sum(axis=1) - 1, 1)[:, None, None]
    before = np.clip((place - 1) / others, 0.0, 1.0)
    now = products.sponsored[:, None, :]
    power = np.exp(settings.sponsored_bonus)
    units = share * arrivals[:, :, None] * place**settings.attention  # of a product that all would see
    with_it, without = (
        (units * _expected_place(before, odds, others) ** -settings.attention).sum(axis=1)
        for odds in (np.where(now, 1.0, power), np.where(now, 1 / power, 1.0))
    )
    margin = (1 - fee) * products.price - products.cost
    gain = with_it * (margin - settings.sponsored_price * products.price) - without * margin
    return np.where(products.third, gain, 0.0)


def choose_sponsored(gain: Floats, third: Flags, settings: MarketSettings) -> Flags:
    """Return (C, K) bool, which products are sponsored until the next review.

    Args:
        gain: (C, K), see `expected_gain`.
        third: (C, K), products of merchants.
        settings: the share that can be had.
    """
    room = round(settings.sponsored_share * int(third.sum()))
    best = np.argsort(-gain, axis=None, kind="stable")[:room]
    chosen = np.zeros(gain.size, dtype=bool)
    chosen[best] = gain.ravel()[best] > 0
    return chosen.reshape(gain.shape)


def _expected_place(before: Floats, odds: Floats, others: Ints) -> Floats:
    """Where a product stands whose odds of standing before another one grow by a factor."""
    return np.asarray(1 + others * before / (before + (1 - before) * odds))

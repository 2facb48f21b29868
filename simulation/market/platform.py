"""The platform: a ranking, goods of its own that imitate others', a fee, and what it is allowed to know.

The ranking sorts the products of a list by

    sharpness (rating - a p + relevance) + sponsored + bonus [own or affiliated] + audience + g

with a rating that all can see, price p, mean sensitivity a, what is known of the segment's liking (`knowledge`), and
Gumbel noise g that a product draws anew each period: a rank-ordered logit, in whose log-odds the bonus is measured, and
what an advertisement adds (`sponsored`). No bonus, no audience, no advertisement and equal knowledge rank every
seller's product alike.

Everything here sees what is public (`Public`) and what `Reads` hands out, and nothing else of merchants'.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from retail.randomness import uniforms
from simulation.market.knowledge import Rights, model_knows
from simulation.market.reads import Reads
from simulation.market.settings import MarketSettings
from simulation.market.state import STREAMS, Flags, Floats, Ints, State


@dataclass(frozen=True, slots=True)
class Public:
    """What everybody can see of each listed product, (C, K).

    Attributes:
        id: int64; active, own: bool; price: float64, money; rating: float64, utility, mean 0.
        popularity: float64 in [0, 1], place by remembered sales within the category; 1 is best.
    """

    id: Ints
    active: Flags
    own: Flags
    price: Floats
    rating: Floats
    popularity: Floats


def ratings(state: State, right: Rights, settings: MarketSettings) -> Floats:
    """Return (C, K) float64: posterior mean of quality from n ratings, which all can see.

    A platform that learns counts every order that its model may know of instead.
    """
    products = state.products
    seen = products.ratings
    if right.pool == "platform" and settings.review_rate > 0:
        seen = np.maximum(seen, products.counted / settings.review_rate)
    k = seen / (seen + settings.prior_ratings)
    return np.asarray(k * products.quality + np.sqrt(k * (1 - k)) * settings.quality_sd * products.rating_z)


def popularity(sold: Floats, active: Flags) -> Floats:
    """Return (C, K) float64: 1 for a category's best-seller, down to 1/n for the last of n; 0 where empty."""
    order = np.argsort(np.where(active, -sold, np.inf), axis=1, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(order.shape[1])[None, :], axis=1)
    n = active.sum(axis=1, keepdims=True)
    return np.where(active, (n - rank) / np.maximum(n, 1), 0.0)


def relevance(state: State, right: Rights, own_knowledge: float, settings: MarketSettings) -> Floats:
    """Return (C, S, K) float64, utility: what the ranking is told about each segment's liking of each product.

    Merchants tell it what they know; where the platform learns, its own model tells it for all.
    """
    products, taste = state.products, state.consumers.taste
    knows = model_knows(state, settings) if right.pool == "platform" else state.merchants.knowledge
    k = np.append(knows, (0.0, own_knowledge))[products.seller][:, None, :]
    truth = taste[None, :, None] * products.style[:, None, :]
    return np.asarray(k * truth + np.sqrt(k * (1 - k)) * np.abs(taste)[None, :, None] * products.taste_z)


def favoured(state: State, stake: float) -> Flags:
    """Return (C, K) bool: goods that the platform gains from beyond the fee."""
    if stake <= 0:
        return state.products.own
    return np.asarray(state.products.own | np.append(state.merchants.affiliate, (False, False))[state.products.seller])


def scores(state: State, rating: Floats, told: Floats, period: int, settings: MarketSettings) -> Floats:
    """Return (C, S, K) float64, log-odds: the neutral score, with the period's noise; -inf where nothing is listed.

    What an advertisement adds is in it: every merchant may buy one, and favour is what comes on top.
    """
    products = state.products
    u = uniforms(products.key.ravel(), stream=STREAMS["rank_noise"], counter=period).reshape(products.key.shape)
    plain = settings.sharpness * (rating - settings.price_sensitivity * products.price) - np.log(-np.log(u))
    if settings.advertises:
        plain = plain + settings.sponsored_bonus * products.sponsored
    score = plain[:, None, :] + settings.sharpness * told
    return np.asarray(np.where(products.active[:, None, :], score, -np.inf))


def favour(score: Floats, favoured: Flags, told: Floats, *, bonus: float, audience_bonus: float) -> Floats:
    """Return the scores with what the platform adds: a bonus, and one more in the segment that likes a product best."""
    if bonus == 0 and audience_bonus == 0:
        return score
    added = bonus * favoured[:, None, :].astype(float)
    if audience_bonus > 0:
        best = told == told.max(axis=1, keepdims=True)
        added = added + audience_bonus * (best & favoured[:, None, :])
    return np.asarray(score + added)


def places(score: Floats) -> Ints:
    """Return (C, S, K) int64: place of each slot, 1 is first; slots without a product come last."""
    order = np.argsort(-score, axis=2, kind="stable")
    found = np.empty_like(order)
    np.put_along_axis(found, order, np.arange(1, score.shape[2] + 1)[None, None, :], axis=2)
    return found


def choose_targets(
    public: Public, ties: Floats, taken: Flags, room: int, reads: Reads, period: int, settings: MarketSettings
) -> Ints:
    """Choose the products that own label shall imitate next.

    With the merchants' books: where it would have earned most, units times the margin a unit that they show and its
    own edge in cost. Without: the best-sellers of their categories, which all can see, and by lot between equals.

    Args:
        public: what all can see.
        ties: (C, K) in [0, 1), the lot.
        taken: (C, K) bool, what must not be imitated (again).
        room: how many.
        reads: asked for the books.
        period: of the question.
        settings: cost edge.

    Returns: (n, 2) int64, category and slot, best first; n <= room.
    """
    books = reads.figures("own_label", period)
    value = public.popularity
    if books is not None:
        same = books.id == public.id
        value = np.where(same, books.units * (books.margin + settings.own_cost_edge * public.price), 0.0)
    value = np.where(public.active & ~public.own & ~taken, value, -np.inf)
    flat = np.lexsort((ties.ravel(), -value.ravel()))[:room]
    flat = flat[value.ravel()[flat] > 0]
    return np.stack(np.unravel_index(flat, value.shape), axis=1)


def best_fee(
    public: Public,
    own_profit: Floats,
    share: Floats,
    arrivals: Floats,
    sensitivity: Floats,
    fee: float,
    cap: float,
    settings: MarketSettings,
    *,
    charged: Callable[[float], Floats],
) -> float:
    """Return the fee among three (as it is, a step less, a step more) that would earn the platform most at once.

    Merchants are taken to pass a change on (cost / (1 - fee) moves, markups stay), nobody to enter or leave. Merchants'
    costs are not public, so they are guessed from prices at the mean markup 1/a. Logit shares at other prices follow
    from those seen: s_j exp(-a d_j) / (s_0 + sum_k s_k exp(-a d_k)), as if copies were no closer than others.

    Args:
        public: prices and who sells.
        own_profit: (C, K), money a unit of own label, 0 elsewhere.
        share: (C, S, K), as seen last.
        arrivals: (C, S), expected.
        sensitivity: (S,), 1/money.
        fee: the present one.
        cap: the highest.
        settings: the step.
        charged: (C, K), what a fee comes to on each product with what services and advertisements add; 0 for own label.
    """
    third = public.active & ~public.own
    most_fee = max(0.95 - settings.service_take - (settings.sponsored_price if settings.advertises else 0.0), 0.0)
    now = charged(fee)
    cost = np.maximum(public.price - 1 / settings.price_sensitivity, 0.0) * (1 - now)
    nothing = 1 - share.sum(axis=2)
    best, most = fee, -np.inf
    for wanted in (fee, fee - settings.fee_step, fee + settings.fee_step):
        tried = min(max(wanted, 0.0), cap, most_fee)
        kept = charged(tried)
        rise = np.where(third, cost * (1 / (1 - kept) - 1 / (1 - now)), 0.0)
        weight = share * np.exp(-sensitivity[None, :, None] * rise[:, None, :])
        new = weight / (nothing + weight.sum(axis=2))[:, :, None]
        units = np.einsum("csk,cs->ck", new, arrivals)
        earned = float((units * np.where(third, kept * (public.price + rise), own_profit)).sum())
        if earned > most + 1e-12 * abs(earned):
            best, most = tried, earned
    return best

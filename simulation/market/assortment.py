"""Who sells what: launches, products given up, merchants who leave and who come, and own label that imitates.

At each review
1. merchants without cash leave, products that lose money after two reviews are given up, and own label after its
   life, to be chosen anew;
2. a merchant may have an idea for a product (and one that left, for coming back). What the product would appeal to is
   seen with the merchant's knowledge k: k q + sqrt(k (1 - k)) sd z. It is brought out where the expected profit over
   the horizon passes the cost; the horizon shrinks with the share of products that get imitated, which all can see
   (the incentive of Madsen and Vellodi, in its simplest form; imitation_loss = 0 turns it off);
3. own label, up to its share of listings, imitates what `platform.choose_targets` chose.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from retail.randomness import person_keys, uniforms
from simulation.market.settings import MarketSettings
from simulation.market.state import NOBODY, PLATFORM, STREAMS, Floats, Ints, Keys, State, errors, normals, unit_cost

ATTENTION_PLACE = 10
"""Place at which a merchant expects a new product."""


@dataclass(frozen=True, slots=True)
class Ideas:
    """Products that could be brought out, (n,) each; best first.

    Attributes:
        seller, category: int64; quality, style, cost: float64; key: uint64; value: float64, money over the horizon.
    """

    seller: Ints
    category: Ints
    quality: Floats
    style: Floats
    cost: Floats
    key: Keys
    value: Floats


def leave(state: State, settings: MarketSettings, period: int) -> None:
    """Let merchants without cash leave, and give up products that lose money."""
    products, merchants = state.products, state.merchants
    gone = merchants.active & (merchants.cash < 0)
    for name in ("active", "adopted", "multihomes"):
        getattr(merchants, name)[gone] = False
    for name in ("orders", "modelled", "knowledge", "gross", "cash"):
        getattr(merchants, name)[gone] = 0.0
    of_gone = np.append(gone, (False, False))[products.seller]
    loses = products.active & (products.margin < 0) & (period - products.launched >= 2 * settings.review)
    done = products.own & (period - products.launched >= settings.own_life)
    products.clear((products.active & of_gone) | loses | done)


def ideas(
    state: State, inclusive: Floats, arrivals: Floats, fee: Floats, period: int, settings: MarketSettings
) -> tuple[Ideas, np.ndarray]:
    """Return what merchants would bring out at this review, and (n,) bool, which of it is an entry.

    Args:
        state: who is there.
        inclusive: (C, S), inclusive values as seen last.
        arrivals: (C, S), expected.
        fee: (M,), what the platform would keep of each merchant's sales.
        period: of the draws.
        settings: costs and rates.
    """
    merchants = state.merchants
    u = uniforms(merchants.key, stream=STREAMS["idea"], counter=period)
    has = (merchants.active & (u < settings.idea_rate)) | (~merchants.active & (u < settings.entry_rate))
    who = np.flatnonzero(has)
    key, known, kept_of = merchants.key[who], merchants.knowledge[who], 1 - fee[who]
    categories = arrivals.shape[0]
    category = np.minimum((uniforms(key, stream=STREAMS["idea_category"], counter=period) * categories), categories - 1)
    category = category.astype(np.int64)
    sd = settings.quality_sd
    quality = sd * normals(key, "idea_quality", period)
    style = normals(key, "idea_style", period)
    cost = unit_cost(settings, normals(key, "idea_cost", period), quality)
    seen = known * quality + np.sqrt(known * (1 - known)) * sd * normals(key, "idea_signal", period)
    consumers = state.consumers
    markup = 1 / settings.price_sensitivity
    price = cost / kept_of + markup
    v = (
        settings.base_utility
        + seen[:, None]
        + style[:, None] * consumers.taste
        - price[:, None] * consumers.sensitivity
    )
    weight = ATTENTION_PLACE**-settings.attention * np.exp(np.minimum(v, 50.0))
    share = weight / (np.exp(inclusive[category]) + weight)
    profit = (share * arrivals[category]).sum(axis=1) * kept_of * markup
    entry = ~merchants.active[who]
    reference = settings.reference_profit
    running = reference * (settings.listing_cost + np.where(entry, settings.fixed_cost, 0.0))
    horizon = settings.horizon / (1 + state.imitated * settings.horizon * settings.imitation_loss)
    cost_now = settings.launch_cost * reference
    value = (profit - running) * horizon - cost_now
    able = entry | (merchants.cash[who] > cost_now)
    kept = np.flatnonzero((value > 0) & able)
    kept = kept[np.argsort(-value[kept], kind="stable")]
    birth = uniforms(key, stream=STREAMS["birth"], counter=period)
    new_keys = (birth * 2.0**53).astype(np.uint64)
    found = Ideas(who[kept], category[kept], quality[kept], style[kept], cost[kept], new_keys[kept], value[kept])
    return found, entry[kept]


def bring_out(
    state: State, chosen: Ideas, entry: np.ndarray, price: Floats, period: int, settings: MarketSettings
) -> Floats:
    """Put ideas on the list while their categories have room.

    Returns: (M,) float64, money that launches cost their merchants now.
    """
    paid = np.zeros(state.merchants.active.size)
    cost = settings.launch_cost * settings.reference_profit
    placed = _place(state, chosen, price, period, np.full(chosen.seller.size, -1), own=False, settings=settings)
    for k in placed:
        seller = chosen.seller[k]
        if entry[k]:
            state.merchants.active[seller] = True
            state.merchants.cash[seller] = settings.reserve * settings.reference_profit + cost
        paid[seller] += cost
    return paid


def imitate(state: State, targets: Ints, period: int, settings: MarketSettings, seed: int) -> int:
    """Bring out own label that imitates products. Returns: how many came out."""
    products = state.products
    at = (targets[:, 0], targets[:, 1])
    quality = products.quality[at] + settings.own_quality
    cost = products.cost[at] * (1 - settings.own_cost_edge)
    copied = products.id[at]
    key = person_keys(seed, products.key[at].astype(np.int64) ^ np.int64(0x5DEECE66D))
    copies = Ideas(
        seller=np.full(len(targets), PLATFORM),
        category=targets[:, 0],
        quality=quality,
        style=products.style[at].copy(),
        cost=cost,
        key=key,
        value=np.zeros(len(targets)),
    )
    price = cost + 1 / settings.price_sensitivity
    return len(_place(state, copies, price, period, copied, own=True, settings=settings))


def _place(
    state: State, new: Ideas, price: Floats, period: int, copied: Ints, *, own: bool, settings: MarketSettings
) -> list[int]:
    """Fill free slots in order; what finds none is dropped."""
    products = state.products
    rating_z, taste_z, price_z = errors(new.key, settings.segments)
    placed = []
    for k in range(new.seller.size):
        category = int(new.category[k])
        free = np.flatnonzero(products.seller[category] == NOBODY)
        if not free.size:
            continue
        at = (category, int(free[0]))
        products.id[at], products.seller[at] = state.next_id, new.seller[k]
        products.active[at], products.own[at], products.sponsored[at] = True, own, False
        products.quality[at], products.style[at] = new.quality[k], new.style[k]
        products.cost[at], products.price[at] = new.cost[k], price[k]
        products.launched[at], products.copy_of[at], products.key[at] = period, copied[k], new.key[k]
        products.sold[at] = products.ratings[at] = products.counted[at] = products.margin[at] = 0.0
        products.rating_z[at], products.price_z[at] = rating_z[k], price_z[k]
        products.taste_z[category, :, at[1]] = taste_z[:, k]
        state.launches.append((state.next_id, int(new.seller[k]), own, category, period, int(copied[k])))
        state.next_id += 1
        placed.append(k)
    return placed

"""Merchants: prices that answer demand, data services that must pay, and shops of their own outside.

Prices follow Bertrand competition with logit demand. A seller of the products G of a list earns, for each unit of j,
m_j = p_j - cost_j / (1 - fee) (times 1 - fee, which drops out), and its best answer is

    m_j = [sum_s W_s P_sj + sum_s W_s a_s P_sj sum_{k in G} m_k P_sk] / sum_s W_s a_s P_sj

with arrivals W_s, price sensitivities a_s and shares P (the zeta form of Morrow and Skerlos 2011, of which one step is
taken each period from the shares that the seller saw). In a nest of close substitutes, where j has the part Q_sj of the
sales, a price moves more: the bottom is divided by lambda, and (1 / lambda - 1) sum_{k in G and the nest} m_k Q_sk
stands beside the inner sum. What it believes about demand is off by a factor
exp(price_error sqrt(1 - k) z): the less it knows, the more. Prices move `price_step` of the way.
"""

from __future__ import annotations

import math

import numpy as np

from simulation.market.knowledge import Rights, merchants_know
from simulation.market.nests import Nests
from simulation.market.settings import MarketSettings
from simulation.market.state import Consumers, Floats, Ints, Products, State


def sellers_groups(products: Products, merchants: int) -> tuple[Ints, int]:
    """Number sellers within categories: products of one group are priced together.

    Returns: (C, K) int64, and how many groups; empty slots are in a group of their own.
    """
    categories = products.seller.shape[0]
    seller = np.where(products.active, products.seller, -2) + 2  # 0 nobody, 1 the platform
    pair = np.arange(categories)[:, None] * (merchants + 2) + seller
    _, group = np.unique(pair, return_inverse=True)
    return group.reshape(seller.shape).astype(np.int64), int(group.max()) + 1


def fees_of(state: State, right: Rights, cap: float, settings: MarketSettings, *, fee: float | None = None) -> Floats:
    """Return (M,) float64, the fee of each merchant, a little more where the service is used.

    Args:
        state: who uses it.
        right: whether it is the platform's.
        cap: the highest fee.
        settings: what it adds.
        fee: the platform's; None for the present one.
    """
    take = settings.service_take if right.pool == "platform" else 0.0
    return np.asarray(np.minimum((state.fee if fee is None else fee) + take * state.merchants.adopted, cap))


def on_products(products: Products, by_merchant: Floats) -> Floats:
    """Return (C, K) float64: each merchant's number on its products, 0 for own label and empty slots."""
    return np.asarray(np.append(by_merchant, (0.0, 0.0))[products.seller])  # -1 and -2 are the last two


def fees(state: State, right: Rights, cap: float, settings: MarketSettings, *, fee: float | None = None) -> Floats:
    """Return (C, K) float64, the fee on each product; 0 for own label; args as in `fees_of`."""
    return on_products(state.products, fees_of(state, right, cap, settings, fee=fee))


def best_markups(
    products: Products,
    share: Floats,
    arrivals: Floats,
    fee: Floats,
    groups: tuple[Ints, int],
    consumers: Consumers,
    *,
    seen: Floats | None,
    nests: Nests | None = None,
) -> Floats:
    """Return (C, K) float64, money: what each seller's best answer adds to cost (after the fee).

    The own label's owner also loses fees when it sells instead of a merchant. To count them it has to see what
    merchants sell. Where it may not, it leaves them out, and takes the n products of a nest to sell 1/n of it each.

    Args:
        products: with present prices.
        share: (C, S, K), as seen last.
        arrivals: (C, S), expected.
        fee: (C, K).
        groups: see `sellers_groups`.
        consumers: their sensitivities.
        seen: (C, S, K), shares of merchants' products as own label's owner sees them; None where it does not.
        nests: of close substitutes; None for a plain logit.
    """
    group, count = groups
    segments = share.shape[1]
    margin = products.price - products.cost / (1 - fee)
    index = (group[:, None, :] + np.arange(segments)[None, :, None] * count).ravel()
    sums = np.bincount(index, (margin[:, None, :] * share).ravel(), minlength=segments * count)
    earned = np.asarray(sums, dtype=np.float64).reshape(segments, count)
    inside = np.moveaxis(earned[:, group], 0, 1)  # (C, S, K)
    taken = np.where(products.third, fee * products.price, 0.0)
    if seen is not None and products.own.any():
        fees_lost = np.einsum("csk,ck->cs", seen, taken)
        inside = inside + fees_lost[:, :, None] * products.own[:, None, :]
    weight = arrivals[:, :, None] * share
    slope = consumers.sensitivity[None, :, None] * weight
    bottom = slope.sum(axis=1)
    if nests is not None:
        at, closer = (nests.category, nests.slot), 1 / nests.dissimilarity
        own = products.own[at][:, None]
        if seen is None:
            believed = 1 / nests.total(np.ones((nests.nest.size, segments)))
        else:
            believed = nests.parts(np.where(products.own[:, None, :], share, seen))
        _, seller = np.unique(nests.nest * count + group[at], return_inverse=True)
        near = _sums(margin[at][:, None] * np.where(own, believed, nests.parts(share)), seller)
        if seen is not None:
            near = near + nests.total(taken[at][:, None] * believed) * own
        inside[nests.category, :, nests.slot] = nests.of(inside) + (closer - 1) * near
        bottom[at] *= closer
    top = weight.sum(axis=1) + (slope * inside).sum(axis=1)
    sells = bottom > 1e-12
    plain = 1 / float(consumers.sensitivity.mean())
    return np.where(sells, top / np.where(sells, bottom, 1.0), plain)


def _sums(values: Floats, group: Ints) -> Floats:
    """(n, S): to each row the sum over the rows of its group."""
    sums = np.zeros((int(group.max()) + 1, values.shape[1]))
    np.add.at(sums, group, values)
    return np.asarray(sums[group])


def move_prices(
    state: State,
    share: Floats,
    arrivals: Floats,
    fee: Floats,
    groups: tuple[Ints, int],
    own_knowledge: float,
    settings: MarketSettings,
    *,
    seen: Floats | None,
    nests: Nests | None = None,
) -> None:
    """Move every listed price towards the best answer that its seller believes in; args as in `best_markups`."""
    products = state.products
    markup = best_markups(products, share, arrivals, fee, groups, state.consumers, seen=seen, nests=nests)
    known = np.append(state.merchants.knowledge, (0.0, own_knowledge))[products.seller]  # -1 is the last, the platform
    believed = markup * np.exp(settings.price_error * np.sqrt(1 - known) * products.price_z)
    target = products.cost / (1 - fee) + believed
    products.price += np.where(products.active, settings.price_step * (target - products.price), 0.0)


def adopt(state: State, right: Rights, settings: MarketSettings) -> Floats:
    """Let merchants take up the regime's data service where they expect it to pay.

    A merchant expects service_gain times the knowledge it would gain times its gross profit, less what the service
    costs a period, over the horizon, and must have the cash. Small merchants sell less, so a fixed cost keeps out those
    who would learn most.

    Returns: (M,) float64, money paid for it now.
    """
    merchants = state.merchants
    if not right.service:
        merchants.adopted[:] = False
        return np.zeros(merchants.active.size)
    everybody = np.ones(merchants.active.size, dtype=bool)
    learnt = merchants_know(state, right, settings, adopted=everybody) - merchants_know(
        state, right, settings, adopted=~everybody
    )
    running = settings.node_cost * settings.reference_profit if right.pool in ("raw", "exact", "noisy") else 0.0
    gain = settings.service_gain * learnt * np.maximum(merchants.gross, 0.0) - running
    once = settings.adoption_cost * settings.reference_profit
    able = merchants.active & ~merchants.adopted & (merchants.cash > once)
    new = able & (gain * settings.horizon > once)
    merchants.adopted |= new
    return np.where(new, once, 0.0)


def returned_knowledge(state: State, right: Rights, settings: MarketSettings) -> Floats:
    """Return (M,) float64: what returned data alone tell a merchant; it can be taken along, a shared model cannot."""
    if not right.own_orders:
        return np.zeros(state.merchants.active.size)
    orders = state.merchants.orders
    return np.where(state.merchants.adopted, orders / (orders + settings.prior_orders), 0.0)


def outside_profit(state: State, leaving: float, returned: Floats, settings: MarketSettings) -> tuple[Floats, Floats]:
    """Return what shops outside the platform bring in a period, (M,) each: revenue and profit, money.

    Those who leave the platform without buying are reached in proportion to merchants' scale, more by those who got
    their customers' data back; they pay the merchant's mean price, without a fee.
    """
    merchants, products = state.merchants, state.products
    n = merchants.active.size
    third = products.third
    seller = products.seller[third]
    listed = np.bincount(seller, minlength=n)
    mean = np.maximum(listed, 1)
    price = np.bincount(seller, products.price[third], minlength=n) / mean
    cost = np.bincount(seller, products.cost[third], minlength=n) / mean
    reach = merchants.scale / math.fsum(merchants.scale)  # the same in any order of merchants
    units = settings.outside_reach * leaving * reach * (1 + settings.outside_lift * returned)
    units = np.where(merchants.active & (listed > 0), units, 0.0)
    return units * price, units * (price - cost)

"""The measures of one period, from what was shown, sold and booked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulation.market import kpis, platform
from simulation.market.consumers import attention_of, shares, utilities
from simulation.market.shown import Shown
from simulation.market.sponsored import advertising
from simulation.market.state import SIZES, Floats, Ints

if TYPE_CHECKING:
    from simulation.market.market import Market


def measure(
    market: Market, shown: Shown, arrivals: Ints, fee: Floats, own_knowledge: float, *, review: bool
) -> dict[str, float]:
    """Return the measures of the period that was just booked.

    Args:
        market: with state and books after the trade.
        shown: the period's lists.
        arrivals: (C, S), who came.
        fee: (C, K), of each product's sales.
        own_knowledge: reliability of what own label's sellers know.
        review: whether to look at what is looked at in reviews only.
    """
    state, books = market.state, market.books
    assert books is not None
    people, products = state.merchants, state.products
    came = max(int(arrivals.sum()), 1)
    row: dict[str, float] = {"period": market.period, "arrivals": float(arrivals.sum())}
    gained = (shown.inclusive * arrivals).sum(axis=0) / state.consumers.sensitivity
    row["consumer_surplus"] = float(gained.sum()) / came
    for s, each in enumerate(gained / np.maximum(arrivals.sum(axis=0), 1)):
        row[f"consumer_surplus_segment_{s}"] = float(each)
    row["merchant_surplus"], row["platform_profit"] = books.merchant_surplus / came, books.platform_profit / came
    row["welfare"] = row["consumer_surplus"] + row["merchant_surplus"] + row["platform_profit"]
    row |= {"payments": books.payments, "merchants_net": books.merchants_net, "fees": books.fees,
            "own_revenue": books.own_revenue, "advertising": books.advertising}  # fmt: skip
    active = people.active.astype(float)
    for name, values, among in (
        ("merchant_surplus", books.kept, None),
        ("active", active, None),
        ("knowledge", people.knowledge, people.active),
        ("adopted", people.adopted.astype(float), people.active),
    ):
        found = kpis.by_class(values, people.size, among)
        row |= {f"{name}_{size}": value for size, value in zip(SIZES, found, strict=True)}
    row["small_gap"] = 100 * (row["active_large"] - row["active_small"])
    sales = np.append(books.sales, books.own_revenue)
    row["hhi"], row["cr4"] = kpis.herfindahl(sales), kpis.largest_four(sales)
    row["gini"], row["without_sales"] = kpis.gini(books.sales)
    bought = int(books.units.sum())
    row["buying"], row["price_paid"] = bought / came, books.payments / max(bought, 1)
    row["fee"] = state.fee + _service_part(market, fee)
    listed = int(products.active.sum())
    row["own_sales"] = books.own_revenue / books.payments if books.payments > 0 else 0.0
    row["own_listings"] = int(products.own.sum()) / max(listed, 1)
    row["listed"], row["launches"], row["imitated"] = float(listed), float(market.launched), float(market.imitated)
    total = float(books.sales.sum())
    row["knowledge"] = float((books.sales * people.knowledge).sum()) / total if total > 0 else 0.0
    sells = market.sells or market.rules.held_stake > 0
    row["data_advantage"] = own_knowledge - row["knowledge"] if sells else 0.0
    n = max(int(people.active.sum()), 1)
    row["multihoming"] = int((people.multihomes & people.active).sum()) / n
    row["dependency"] = books.dependency
    return row | _prominence(market, shown, arrivals, fee, review=review)


def _service_part(market: Market, fee: Floats) -> float:
    """What services add to the fee, as a share of merchants' sales; added apart, so that a fixed fee stays exact."""
    books, products = market.books, market.state.products
    assert books is not None
    revenue = (books.units * products.price)[products.third]
    sales = float(revenue.sum())
    return float(((fee[products.third] - market.state.fee) * revenue).sum()) / sales if sales > 0 else 0.0


def _prominence(market: Market, shown: Shown, arrivals: Ints, fee: Floats, *, review: bool) -> dict[str, float]:
    state, settings = market.state, market.settings
    active, mine = state.products.active, platform.favoured(state, market.rules.held_stake)
    first, lists = kpis.first_share(shown.place, arrivals, mine)
    row = {"_first": first, "_first_neutral": first, "_lists": lists}
    row["own_first"] = first / lists if lists > 0 else 0.0
    favours = shown.neutral is not shown.place
    if favours:
        row["_first_neutral"], _ = kpis.first_share(shown.neutral, arrivals, mine)
    if not review:
        return row
    seen = kpis.exposure(shown.place, settings.places) * active[:, None, :]
    weight = arrivals.astype(float)
    row["exposure_ratio"] = kpis.exposure_ratio(seen, weight, mine, active)
    row["envy"] = kpis.envy(seen, shown.neutral, weight, active) if favours else 0.0
    kept = fee + advertising(state.products, settings)
    row["self_preferencing_money"] = _gain_by_ranking(market, shown, kept) if favours else 0.0
    return row


def _gain_by_ranking(market: Market, shown: Shown, kept: Floats) -> float:
    """Return what the platform's ranking brings it over a neutral one at these prices, money an arrival.

    Args:
        market: after the trade.
        shown: the lists.
        kept: (C, K), of each product's sales: the fee and the price of an advertisement.
    """
    state, settings = market.state, market.settings
    products = state.products
    attention = attention_of(shown.neutral, settings) * products.active[:, None, :]
    neutral, _ = shares(utilities(products, state.consumers, products.price, settings), attention, market.nests)
    more = np.einsum("csk,cs->ck", shown.share - neutral, market.expected)
    third = products.third
    gain = more * np.where(third, kept * products.price, products.price - products.cost) * products.active
    stake = market.rules.held_stake
    if stake > 0:
        held = third & np.append(state.merchants.affiliate, (False, False))[products.seller]
        gain = gain + np.where(held, stake * more * ((1 - kept) * products.price - products.cost), 0.0)
    return float(gain.sum() / market.expected.sum())

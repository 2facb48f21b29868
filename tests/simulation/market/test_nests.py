"""Copies as close substitutes: a nested logit, checked against one written out by hand."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.market import Market, MarketSettings, simulate
from simulation.market.consumers import attention_of, shares, utilities
from simulation.market.merchants import best_markups, sellers_groups
from simulation.market.nests import Nests, find_nests
from simulation.market.start import draw_state
from simulation.market.state import PLATFORM

SETTINGS = MarketSettings(merchants=40, consumers=800, products=160, own_label_share=0.2)
CLOSE = SETTINGS.with_values(nest=0.4)


def by_hand(v, attention, nests, dissimilarity):
    """Choice probabilities and logsum of one list; `nests` is a list of lists of products that covers all of them."""
    inclusive = [
        sum((attention[j] * math.exp(v[j])) ** (1 / dissimilarity) for j in nest) for nest in nests
    ]  # exp of the inclusive value over lambda
    total = 1 + sum(one**dissimilarity for one in inclusive)
    share = [0.0] * len(v)
    for nest, one in zip(nests, inclusive, strict=True):
        for j in nest:
            if one > 0:
                of_nest = one**dissimilarity / total
                share[j] = of_nest * (attention[j] * math.exp(v[j])) ** (1 / dissimilarity) / one
    return share, math.log(total)


def of_first(sizes, dissimilarity):
    """Nests of the first products of one list, so many in each."""
    n = sum(sizes)
    first = np.cumsum([0, *sizes[:-1]])
    return Nests(np.zeros(n, dtype=int), np.arange(n), np.repeat(np.arange(len(sizes)), sizes), first, dissimilarity)


@given(st.lists(st.floats(-30, 30), min_size=6, max_size=6), st.floats(0.2, 1.0), st.integers(0, 63))
def test_shares_and_logsum_are_those_of_a_nested_logit(values, dissimilarity, hidden):
    attention = np.array([0.0 if hidden >> k & 1 else 1 / (k + 1) for k in range(6)])
    expected, logsum = by_hand(values, attention, [[0, 1], [2, 3, 4], [5]], dissimilarity)
    share, inclusive = shares(np.array([[values]]), attention[None, None], of_first([2, 3], dissimilarity))
    assert share[0, 0] == pytest.approx(expected, rel=1e-9, abs=1e-300)
    assert inclusive[0, 0] == pytest.approx(logsum, rel=1e-9, abs=1e-9)


def test_what_a_little_utility_adds_to_the_logsum_is_the_share():
    """Which ties surplus to choices: the logsum is the integral of demand."""
    v, attention, nests = np.array([0.3, -0.2, 0.5]), np.array([[[1.0, 0.8, 0.6]]]), of_first([2], 0.4)
    share, _ = shares(v[None, None], attention, nests)
    for j in range(3):
        up, down = (shares((v + sign * 1e-5 * np.eye(3)[j])[None, None], attention, nests)[1] for sign in (1, -1))
        assert float((up - down)[0, 0]) / 2e-5 == pytest.approx(share[0, 0, j], rel=1e-6)


def test_a_copy_alike_takes_nearly_all_from_its_original_where_they_are_one_to_buyers():
    v, attention = np.zeros((1, 1, 3)), np.ones((1, 1, 3))
    without, alone = shares(v[:, :, 1:], attention[:, :, 1:])
    close, inclusive = shares(v, attention, of_first([2], 0.01))
    assert close[0, 0, :2].sum() == pytest.approx(without[0, 0, 0], rel=0.01)
    assert close[0, 0, 2] == pytest.approx(without[0, 0, 1], rel=0.01)
    assert inclusive[0, 0] == pytest.approx(alone[0, 0], abs=0.01)
    plain, _ = shares(v, attention)
    assert plain[0, 0, :2].sum() > 1.4 * without[0, 0, 0]


def nested_market(dissimilarity):
    """Four products: an original, its copy by the platform, one of a rival, a second one of the original's seller."""
    settings = MarketSettings(merchants=2, consumers=10, products=3, categories=1, segments=2, nest=dissimilarity)
    state = draw_state(settings, 1)
    products = state.products
    products.seller[0, :4], products.active[0, :4], products.own[0, :4] = [0, PLATFORM, 1, 0], True, [0, 1, 0, 0]
    products.id[0, :4], products.copy_of[0, :4] = [0, 9, 1, 2], [-1, 0, -1, -1]
    products.quality[0, :4], products.style[0, :4] = [0.5, 0.2, 0.1, 0.3], [0.4, 0.4, -1.0, 0.7]
    products.cost[0, :4] = [1.0, 0.9, 1.1, 0.8]
    return settings, state


def money(settings, state, price, fee, nests):
    """Sellers' profit at these prices: (merchant 0, merchant 1, own label with the fees that the platform takes)."""
    place = np.argsort(np.argsort(-state.products.active.astype(int), axis=1, kind="stable"), axis=1) + 1
    attention = attention_of(place[:, None, :].repeat(2, axis=1), settings) * state.products.active[:, None, :]
    share, _ = shares(utilities(state.products, state.consumers, price, settings), attention, nests)
    units = share.sum(axis=1)[0]
    each = units * ((1 - fee[0]) * price[0] - state.products.cost[0])
    seller = state.products.seller[0]
    fees = (units * fee[0] * price[0])[seller >= 0].sum()
    return share, np.array([each[seller == 0].sum(), each[seller == 1].sum(), each[seller == PLATFORM].sum() + fees])


@pytest.mark.parametrize("dissimilarity", [0.3, 0.6, 1.0])
def test_prices_settle_where_nobody_gains_by_another_one(dissimilarity):
    settings, state = nested_market(dissimilarity)
    products = state.products
    nests = find_nests(products, settings)
    fee = np.where(products.own | ~products.active, 0.0, 0.15)
    price = products.price.copy()
    for _ in range(3000):
        products.price = price
        share, _ = money(settings, state, price, fee, nests)
        markup = best_markups(products, share, np.ones((1, 2)), fee, sellers_groups(products, 2), state.consumers,
                              seen=share, nests=nests)  # fmt: skip
        price = price + 0.3 * (products.cost / (1 - fee) + markup - price)
    for slot, who in ((0, 0), (1, 2), (2, 1), (3, 0)):
        step = np.zeros_like(price)
        step[0, slot] = 1e-5
        up, down = (money(settings, state, price + sign * step, fee, nests)[1][who] for sign in (1, -1))
        assert (up - down) / 2e-5 == pytest.approx(0, abs=1e-6)


def test_a_close_copy_presses_its_own_price_and_that_of_what_it_imitates():
    settings, state = nested_market(0.4)
    products, nests = state.products, find_nests(state.products, settings)
    fee = np.where(products.own, 0.0, 0.15)
    share, _ = money(settings, state, products.price, fee, nests)
    arrivals, groups = np.ones((1, 2)), sellers_groups(products, 2)
    close, plain = (
        best_markups(products, share, arrivals, fee, groups, state.consumers, seen=None, nests=one)[0]
        for one in (nests, None)
    )
    assert (close[:2] < 0.9 * plain[:2]).all()
    assert (close[2:4] == plain[2:4]).all()


def test_own_label_that_may_not_see_what_its_original_sells_prices_as_if_they_sold_alike():
    """Its price follows from its own sales alone, and is that of one that sees equal parts but loses no fees."""
    settings, state = nested_market(0.4)
    products, nests = state.products, find_nests(state.products, settings)
    fee, arrivals, groups = np.zeros_like(products.price), np.ones((1, 2)), sellers_groups(products, 2)
    share, _ = money(settings, state, products.price, fee, nests)

    def own(sold, seen):
        found = best_markups(products, sold, arrivals, fee, groups, state.consumers, seen=seen, nests=nests)
        return found[products.own][0]

    other, alike = share.copy(), share.copy()
    other[:, :, [0, 2, 3]] *= 0.5
    alike[:, :, 0] = share[:, :, 1]  # the original sells what its copy sells
    assert own(share, None) == own(other, None)
    assert own(share, None) == pytest.approx(own(alike, alike), rel=1e-12)
    assert own(share, share) != pytest.approx(own(other, other), rel=1e-3)


def test_nests_are_listed_copies_with_what_they_imitate():
    market = Market(CLOSE, "isolated", seed=3)
    for _ in range(41):
        market.step()
        products, nests = market.state.products, market.nests
        expected = set()
        for category in range(products.id.shape[0]):
            for slot in np.flatnonzero(products.active[category] & (products.copy_of[category] >= 0)):
                original = np.flatnonzero(products.active[category] & (products.id[category] ==
                                                                       products.copy_of[category, slot]))  # fmt: skip
                if original.size:
                    expected.add((category, int(original[0]), int(slot)))
        found = set()
        for k in range(0 if nests is None else len(nests.first)):
            members = np.flatnonzero(nests.nest == k)
            own = products.own[nests.category[members], nests.slot[members]]
            (copy,), (original,) = members[own], members[~own]
            found.add((int(nests.category[copy]), int(nests.slot[original]), int(nests.slot[copy])))
        assert found == expected
    assert expected


def test_a_dissimilarity_of_one_is_the_plain_logit_to_the_last_bit():
    assert Market(SETTINGS, "isolated", seed=3).nests is None
    one, two = (simulate(settings, "pure", seed=3, periods=20) for settings in (SETTINGS, CLOSE))
    pd.testing.assert_frame_equal(one.by_period, two.by_period, check_exact=True)  # nothing is imitated


@pytest.mark.parametrize("regime", ["isolated", "pooled_self_preferencing"])
def test_money_adds_up_with_close_copies_and_sponsored_products(regime):
    run = simulate(CLOSE.with_values(sponsored_share=0.1), regime, seed=2, periods=30)
    frame = run.by_period
    got = frame["merchants_net"] + frame["fees"] + frame["advertising"] + frame["own_revenue"]
    assert got.to_numpy() == pytest.approx(frame["payments"].to_numpy(), rel=1e-12)
    parts = ("consumer_surplus", "merchant_surplus", "platform_profit")
    assert run.kpis["welfare"] == pytest.approx(sum(run.kpis[name] for name in parts), rel=1e-12)

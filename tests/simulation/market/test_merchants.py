"""Sellers' prices are best answers in a logit market, and follow costs and fees."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from simulation.market import Market, MarketSettings, simulate
from simulation.market.consumers import shares, utilities
from simulation.market.merchants import best_markups, sellers_groups
from simulation.market.start import draw_state
from simulation.market.state import NOBODY

SETTINGS = MarketSettings(merchants=2, consumers=1000, products=3, categories=1, price_error=0.0)


def settle(state, fee, settings=SETTINGS):
    """Prices at which everybody's answer is best, with everything seen alike."""
    products, consumers = state.products, state.consumers
    arrivals = np.full((1, settings.segments), 100.0)
    groups = sellers_groups(products, settings.merchants)
    fees = np.where(products.own, 0.0, fee)
    for _ in range(500):
        share, _ = shares(
            utilities(products, consumers, products.price, settings), products.active[:, None, :].astype(float)
        )
        markup = best_markups(products, share, arrivals, fees, groups, consumers, seen=share)
        target = products.cost / (1 - fees) + markup
        products.price += np.where(products.active, 0.5 * (target - products.price), 0.0)
    return products.price.copy()


def profit(state, seller, price, fee, settings=SETTINGS):
    products, consumers = state.products, state.consumers
    share, _ = shares(utilities(products, consumers, price, settings), products.active[:, None, :].astype(float))
    units = share.mean(axis=1)
    mine = products.active & (products.seller == seller)
    return float((units * ((1 - fee) * price - products.cost))[mine].sum())


def test_no_seller_gains_by_other_prices_where_everybody_answers_best():
    state, fee = draw_state(SETTINGS, 4), 0.15
    price = settle(state, fee)
    for seller in range(SETTINGS.merchants):
        mine = np.flatnonzero(state.products.seller[0] == seller)

        def loss(values, mine=mine, seller=seller):
            tried = price.copy()
            tried[0, mine] = values
            return -profit(state, seller, tried, fee)

        best = minimize(loss, price[0, mine], method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-12})
        assert -best.fun == pytest.approx(profit(state, seller, price, fee), rel=1e-6)
        assert best.x == pytest.approx(price[0, mine], abs=1e-3)


def test_own_label_counts_the_fees_that_it_takes_away():
    state, fee = draw_state(SETTINGS, 4), 0.3
    products = state.products
    own = np.flatnonzero(products.seller[0] == 0)[:1]
    products.own[0, own], products.seller[0, own] = True, -1
    price = settle(state, fee)

    def loss(values):
        tried = price.copy()
        tried[0, own] = values
        share, _ = shares(
            utilities(products, state.consumers, tried, SETTINGS), products.active[:, None, :].astype(float)
        )
        earned = np.where(products.own, tried - products.cost, fee * tried) * products.active
        return -float((share.mean(axis=1) * earned).sum())

    best = minimize(loss, price[0, own], method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-12})
    assert best.x == pytest.approx(price[0, own], abs=1e-3)


@given(st.integers(0, 50), st.floats(0.0, 0.5), st.floats(0.01, 0.3))
def test_a_higher_fee_never_lowers_prices(seed, fee, more):
    low = settle(draw_state(SETTINGS, seed), fee)
    high = settle(draw_state(SETTINGS, seed), min(fee + more, 0.9))
    listed = draw_state(SETTINGS, seed).products.active
    assert (high[listed] >= low[listed] - 1e-9).all()


def test_prices_stay_above_cost_and_fee_in_a_run():
    market = Market(MarketSettings(merchants=30, consumers=500, products=120), "pooled_self_preferencing", seed=2)
    for _ in range(30):
        market.step()
        products = market.state.products
        assert (products.price[products.active] > products.cost[products.active]).all()


def test_a_merchant_that_knows_less_earns_less():
    settings = MarketSettings(merchants=30, consumers=2000, products=120)
    blind = settings.with_values(price_error=0.6)
    gains = [
        simulate(settings.with_values(price_error=0.0), seed=seed, periods=40).kpis["merchant_surplus"]
        - simulate(blind, seed=seed, periods=40).kpis["merchant_surplus"]
        for seed in range(4)
    ]
    assert min(gains) > 0


def test_empty_slots_are_nobodys():
    state = draw_state(SETTINGS, 1)
    assert ((state.products.seller == NOBODY) == ~state.products.active).all()


def test_an_own_label_that_may_not_see_what_merchants_sell_prices_without_it():
    state = draw_state(SETTINGS, 4)
    products, segments = state.products, SETTINGS.segments
    products.own[0, 0], products.third[0, 0], products.seller[0, 0] = True, False, -1
    groups = sellers_groups(products, SETTINGS.merchants)
    fees = np.where(products.own, 0.0, 0.15)
    rng = np.random.default_rng(1)
    share = rng.uniform(0.001, 0.02, (1, segments, products.cost.shape[1])) * products.active[:, None, :]
    other = share * np.where(products.own, 1.0, 3.0)[:, None, :]  # merchants sell three times as much
    arrivals = np.full((1, segments), 100.0)

    def own(sold, sees):
        seen = sold if sees else None
        found = best_markups(products, sold, arrivals, fees, groups, state.consumers, seen=seen)
        return found[products.own]

    assert np.array_equal(own(share, False), own(other, False))
    assert (own(other, True) > own(share, True)).all()

"""The ranking adds what it is said to add, and the platform's choices follow from what it sees."""

import numpy as np
import pytest

from simulation.market import Market, MarketSettings, platform
from simulation.market.knowledge import Rights
from simulation.market.reads import Figures, Reads
from simulation.market.start import draw_state

SETTINGS = MarketSettings(merchants=10, consumers=100, products=40, categories=2)
NOTHING = Rights(own_orders=False, pool="none", own_label_learns=False, own_label_minds=False, audience=False)


def public(price, popularity, own=None):
    price = np.array([price], dtype=float)
    own = np.zeros(price.shape, dtype=bool) if own is None else np.array([own])
    return platform.Public(
        np.arange(price.size)[None], np.ones(price.shape, dtype=bool), own, price, np.zeros(price.shape),
        np.array([popularity], dtype=float),
    )  # fmt: skip


def test_the_bonus_is_added_to_favoured_goods_and_to_no_others():
    score, mine = np.zeros((1, 2, 3)), np.array([[True, False, False]])
    told = np.array([[[0.1, 0.2, 0.3], [0.4, 0.2, 0.3]]])
    found = platform.favour(score, mine, told, bonus=0.7, audience_bonus=0.0)
    assert found.tolist() == [[[0.7, 0, 0], [0.7, 0, 0]]]
    found = platform.favour(score, mine, told, bonus=0.7, audience_bonus=0.2)
    assert found[0, :, 0] == pytest.approx([0.7, 0.9])
    assert (found[0, :, 1:] == 0).all()


def test_noise_in_the_ranking_makes_places_a_rank_ordered_logit():
    """How often each product is first is the softmax of its score without noise."""
    state = draw_state(SETTINGS, 1)
    told = np.zeros((2, SETTINGS.segments, state.products.id.shape[1]))
    rating = platform.ratings(state, NOTHING, SETTINGS)
    periods = 4000
    first = np.zeros(state.products.id.shape)
    for period in range(periods):
        place = platform.places(platform.scores(state, rating, told, period, SETTINGS))
        first += place[:, 0, :] == 1
    level = -SETTINGS.sharpness * SETTINGS.price_sensitivity * state.products.price
    weight = np.where(state.products.active, np.exp(level - level.max()), 0.0)
    expected = weight / weight.sum(axis=1, keepdims=True)
    z = (first / periods - expected) / np.sqrt(np.maximum(expected * (1 - expected), 1e-12) / periods)
    assert np.abs(z[expected > 1e-3]).max() < 4


def test_places_are_counted_from_one_without_gaps():
    place = platform.places(np.array([[[0.1, -np.inf, 0.9]]]))
    assert place.tolist() == [[[2, 3, 1]]]


def test_popularity_is_the_share_of_listed_products_that_sell_no_more():
    sold, active = np.array([[5.0, 1.0, 9.0, 0.0]]), np.array([[True, True, True, False]])
    assert platform.popularity(sold, active)[0] == pytest.approx([2 / 3, 1 / 3, 1, 0])


def test_ratings_are_worth_more_the_more_there_are():
    state = draw_state(SETTINGS, 1)
    state.products.ratings[:] = 1e9
    assert platform.ratings(state, NOTHING, SETTINGS) == pytest.approx(state.products.quality, abs=1e-3)
    state.products.ratings[:] = 0
    assert (platform.ratings(state, NOTHING, SETTINGS) == 0).all()


def test_a_platform_that_learns_counts_every_order_in_its_ratings():
    state = draw_state(SETTINGS, 1)
    state.products.ratings[:] = state.products.counted[:] = 1.0
    learning = Rights(own_orders=False, pool="platform", own_label_learns=True, own_label_minds=True, audience=False)
    error = [
        np.abs(platform.ratings(state, right, SETTINGS) - state.products.quality)[state.products.active].mean()
        for right in (learning, NOTHING)
    ]
    assert error[0] < error[1]


def test_own_label_imitates_best_sellers_or_by_the_books_where_it_may():
    seen, free = public([2, 2, 3], [1, 2 / 3, 1 / 3]), np.zeros((1, 3), dtype=bool)
    lot = np.array([[0.5, 0.1, 0.2]])
    books = Figures(np.array([[10.0, 9.0, 8.0]]), np.array([[0.1, 0.9, 0.2]]), seen.id)
    chosen = {}
    for regime in ("firewall", "pooled"):
        reads = Reads(regime)
        reads.renew(0)
        reads.deposit(0, books)
        chosen[regime] = platform.choose_targets(seen, lot, free, 1, reads, 0, SETTINGS)[0].tolist()
    assert chosen == {"firewall": [0, 0], "pooled": [0, 1]}


def test_between_equally_popular_products_the_lot_decides_and_not_the_price():
    seen, lot = public([9, 1, 5], [1, 1, 1]), np.array([[0.5, 0.1, 0.2]])
    reads = Reads("firewall")
    reads.renew(0)
    found = platform.choose_targets(seen, lot, np.zeros((1, 3), dtype=bool), 2, reads, 0, SETTINGS)
    assert found.tolist() == [[0, 1], [0, 2]]


def test_own_label_never_imitates_itself_or_twice():
    seen = public([2, 2, 3], [1, 2 / 3, 1 / 3], own=[True, False, False])
    reads = Reads("pure")
    reads.renew(0)
    taken = np.array([[False, True, False]])
    found = platform.choose_targets(seen, np.zeros((1, 3)), taken, 5, reads, 0, SETTINGS)
    assert found.tolist() == [[0, 2]]


def fee(start, *, cap=1.0, share=0.3, step=0.01, service=0.0):
    seen = public([1.7, 1.7], [1, 0.5])
    shares = np.full((1, SETTINGS.segments, 2), share)
    sensitivity = np.full(SETTINGS.segments, SETTINGS.price_sensitivity)
    settings = SETTINGS.with_values(fee_step=step)
    arrivals = np.ones((1, SETTINGS.segments))
    return platform.best_fee(
        seen, np.zeros((1, 2)), shares, arrivals, sensitivity, start, cap, settings,
        charged=lambda one: np.full((1, 2), min(one + service, cap)),
    )  # fmt: skip


def test_a_low_fee_rises_and_a_cap_holds():
    assert fee(0.05) == pytest.approx(0.06)
    assert fee(0.10, cap=0.10) == 0.10


def test_a_fee_that_climbs_leaves_room_for_what_services_and_places_cost():
    """Together they never reach all of a sale; where they did, costs over 1 less the fee would be divided by 0."""
    settings = MarketSettings(
        merchants=20, consumers=300, products=80, fee=0.8, service_take=0.15, fee_step=0.1, adoption_cost=0.0,
        sponsored_share=0.2, sponsored_price=0.04,
    )  # fmt: skip
    market = Market(settings, "pooled", seed=1)
    with np.errstate(all="raise", under="ignore"):
        for _ in range(16):
            market.step()
            assert market.state.fee + settings.service_take + settings.sponsored_price <= 0.99 + 1e-12
    assert market.state.merchants.adopted.any()
    assert np.isfinite(market.state.products.price).all()


def test_what_a_service_adds_counts_when_the_platform_looks_for_its_fee():
    """The best fee together with the service is the same, so the fee without it stops lower."""

    def rests_at(service):
        now = 0.05
        while (best := fee(now, service=service)) != now:
            now = best
        return now

    assert rests_at(0.05) == pytest.approx(rests_at(0.0) - 0.05, abs=0.0051)

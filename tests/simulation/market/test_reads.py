"""Non-public figures leave through the port, or not at all."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from privacy.port import DataPort
from privacy.regimes import REGIMES
from privacy.regimes import regime as find_regime
from simulation.market import DelayedAccess, Market, MarketSettings, platform, simulate
from simulation.market import market as clock
from simulation.market.agents import MarketModel
from simulation.market.reads import PLATFORM_USES, USES, Figures, Reads, Sales

SMALL = MarketSettings(merchants=20, consumers=300, products=80)
FIGURES = Figures(np.ones((1, 2)), np.ones((1, 2)), np.arange(2)[None, :])


@pytest.mark.parametrize("regime", [one.id for one in REGIMES.values() if not one.platform_reads])
def test_where_the_platform_may_not_read_the_log_shows_its_tries_and_no_success(regime):
    reads = simulate(SMALL, regime, periods=30).reads
    tried = reads[reads["use"].isin(PLATFORM_USES)]
    assert len(tried) >= 30
    assert not tried["allowed"].any()


def test_under_the_firewall_own_label_reads_nothing_and_goes_on_without():
    run = simulate(MarketSettings(), "firewall", periods=40)
    arm = run.reads[run.reads["actor"] == "own_label_arm"]
    assert len(arm) > 0
    assert not arm["allowed"].any()
    assert run.kpis["own_listings"] > 0.03


def test_where_the_platform_reads_the_log_shows_it():
    reads = simulate(MarketSettings(), "pooled", periods=30).reads
    assert reads.loc[reads["use"] == "own_label", "allowed"].all()
    assert (reads["use"] == "own_label").sum() == 5  # one for each review after the first


def test_figures_are_handed_out_by_a_grant_of_the_port_alone():
    reads = Reads("pooled")
    reads.deposit(0, FIGURES)
    assert reads.figures("own_label", 0) is None  # the port was never asked
    reads.renew(0)
    assert reads.figures("own_label", 0) is FIGURES
    refused = Reads("firewall")
    refused.deposit(0, FIGURES)
    refused.renew(0)
    assert refused.figures("own_label", 0) is None
    assert refused.rows == ((0, "own_label", False),)


def test_every_use_is_put_to_the_port_and_its_answer_stands(monkeypatch):
    asked = []
    real = DataPort.admit_each

    def noted(self, pairs, **rest):
        asked.extend(pairs)
        return real(self, pairs, **rest)

    monkeypatch.setattr(DataPort, "admit_each", noted)
    reads = Reads("pooled")
    reads.renew(0)
    reads.renew(10)
    assert asked == [(use.actor, use.data) for use in USES.values()]
    reads.renew(25)
    assert len(asked) == 2 * len(USES)
    assert len(reads.log.entries) >= 2 * len(USES)


class Guarded:
    """Something of a market that lets nobody look at what is private in it."""

    def __init__(self, real, private, **parts):
        self.__dict__.update(_real=real, _private=private, **parts)

    def __getattr__(self, name):
        if name in self._private:
            raise AssertionError(f"{name} is private")
        return getattr(self._real, name)


def guard(monkeypatch, **planted):
    """Hand all that the platform decides by only guarded states; `planted` takes the place of a function of it."""

    def hide(decide):
        def decided(state, *rest):
            products = Guarded(state.products, {"sold", "counted", "margin", "cost", "price_z"})
            people = Guarded(state.merchants, {"orders", "modelled", "cash", "gross", "adopted", "multihomes"})
            return decide(Guarded(state, {"pool", "pool_own"}, products=products, merchants=people), *rest)

        return decided

    for name in ("ratings", "relevance", "favoured", "scores"):
        monkeypatch.setattr(platform, name, hide(planted.get(name, getattr(platform, name))))
    monkeypatch.setattr(clock, "platform_knows", hide(clock.platform_knows))


GUARDED = SMALL.with_values(fee_step=0.01, own_label_share=0.2)


@pytest.mark.parametrize("regime", [one.id for one in REGIMES.values() if not one.platform_reads])
def test_a_platform_that_may_not_read_decides_without_looking_at_what_is_private(monkeypatch, regime):
    plain = simulate(GUARDED, regime, seed=2, periods=15)
    guard(monkeypatch)
    guarded = simulate(GUARDED, regime, seed=2, periods=15)
    assert guarded.by_period.equals(plain.by_period)
    assert plain.kpis["own_listings"] > 0.05 or regime == "pure"


def test_a_platform_that_looks_at_what_is_private_is_caught(monkeypatch):
    real = platform.ratings
    for name in ("sold", "cost"):
        with monkeypatch.context() as patch:
            guard(patch, ratings=lambda state, *rest, name=name: getattr(state.products, name) * real(state, *rest))
            with pytest.raises(AssertionError, match=f"{name} is private"):
                simulate(GUARDED, "firewall", seed=2, periods=1)
    guard(monkeypatch)
    with pytest.raises(AssertionError, match="is private"):  # where it may read, it does
        simulate(GUARDED, "pooled", seed=2, periods=1)


def test_a_refusal_that_is_ignored_is_found(monkeypatch):
    """Break the port, and the property that the tests above hold fails: they do look at the right thing."""
    monkeypatch.setattr(DataPort, "admit_each", lambda *_, **__: None)
    reads = simulate(SMALL, "firewall", periods=10).reads
    assert reads.loc[reads["use"] == "own_label", "allowed"].any()


def test_delayed_access_hands_out_old_figures():
    reads = Reads("pooled", delay=10)
    reads.renew(0)
    later = Figures(2 * FIGURES.units, FIGURES.margin, FIGURES.id)
    reads.deposit(5, FIGURES)
    assert reads.figures("own_label", 5) is None
    reads.deposit(15, later)
    assert reads.figures("own_label", 15) is FIGURES
    assert reads.figures("own_label", 24) is FIGURES
    assert reads.figures("own_label", 25) is later


def test_delayed_access_leaves_the_platforms_model_with_less():
    without = MarketSettings(own_label=False)
    plain = simulate(without, "pooled", seed=1, periods=40).by_period["knowledge"]
    slow = simulate(without, "pooled", seed=1, periods=40, remedies=(DelayedAccess(30),)).by_period["knowledge"]
    assert (slow.iloc[8:] < plain.iloc[8:]).all()
    assert slow.iloc[25] < 0.7 * plain.iloc[25]


def own_prices(regime, *, half, settings):
    """Own label's prices after 13 periods; with `half`, merchants sold half as much before the last of them."""
    market = Market(settings, regime, seed=3)
    for t in range(13):
        if half and t == 12:
            third = market.state.products.third[:, None, :]
            market.last.share = np.where(third, market.last.share / 2, market.last.share)
        market.step()
    products = market.state.products
    assert products.own.any()
    return products.price[products.own]


@pytest.mark.parametrize("nest", [1.0, 0.5])
def test_what_merchants_sell_moves_own_labels_prices_only_where_it_may_be_seen(nest):
    settings = GUARDED.with_values(nest=nest, fee_step=0.0)
    for regime in ("isolated", "firewall", "self_preferencing", "pooled"):
        as_it_is, half = (own_prices(regime, half=half, settings=settings) for half in (False, True))
        assert np.array_equal(as_it_is, half) == (regime != "pooled"), regime


@pytest.mark.parametrize("nest", [1.0, 0.5])
def test_agents_move_own_labels_prices_by_what_merchants_sell_only_where_it_may_be_seen(nest):
    for regime in ("isolated", "firewall", "pooled"):
        model = MarketModel(GUARDED.with_values(nest=nest, consumers=100, fee_step=0.0), regime, seed=3)
        for _ in range(7):
            model.step()
        prices = []
        for _ in range(2):
            model.platform.price()
            prices.append([good.next_price for good in model.platform.goods])
            for good in model.goods:
                if not good.own:
                    good.share = [one / 2 for one in good.share]
        assert len(prices[0]) > 1
        assert (prices[0] == prices[1]) == (regime != "pooled"), regime


def test_delayed_access_shows_own_labels_pricing_what_was_sold_so_much_earlier():
    """The books of one period are halved; prices first move four periods later."""

    def prices(wrong):
        market = Market(GUARDED.with_values(own_life=200.0), "pooled", seed=3, remedies=(DelayedAccess(4),))
        real, found = market.reads.sales, []

        def told(period, sales):
            return real(period, Sales(sales.share / 2, sales.id) if wrong and period == 11 else sales)

        market.reads.sales = told
        for _ in range(17):
            market.step()
            found.append(market.state.products.price[market.state.products.own])
        return found

    same = [np.array_equal(*pair) for pair in zip(prices(wrong=False), prices(wrong=True), strict=True)]
    assert same == [True] * 15 + [False] * 2


def test_a_product_that_was_not_there_is_not_seen_to_have_sold():
    sales = Sales(np.array([[[0.1, 0.2, 0.3]]]), np.array([[1, 2, 3]]))
    assert sales.now(np.array([[1, 9, 3]])).tolist() == [[[0.1, 0.0, 0.3]]]


def test_the_platforms_model_and_ratings_count_orders_as_old_as_the_delay():
    slow = Market(GUARDED, "pooled", seed=3, remedies=(DelayedAccess(4),))
    held = []
    for _ in range(12):
        products, people = slow.state.products, slow.state.merchants
        held.append((products.id.copy(), products.ratings.copy(), people.orders.copy()))
        slow.step()
        if len(held) > 4:
            id, ratings, orders = held[-4]  # after the period that ended four periods ago
            assert np.array_equal(products.counted, np.where(id == products.id, ratings, 0.0))
            assert np.array_equal(people.modelled[people.active], orders[people.active])


@pytest.mark.parametrize(("regime", "same"), [("pooled", "isolated"), ("pooled_self_preferencing", "isolated")])
@pytest.mark.parametrize("nest", [1.0, 0.5])
def test_a_delay_that_never_ends_is_a_market_in_which_nothing_is_read(regime, same, nest):
    """To the last bit: nobody's data come, so nobody takes the service up, and nothing else is left of the regime."""
    settings = GUARDED.with_values(nest=nest)
    bonus = settings.bonus if regime != "pooled" else 0.0
    neither = dataclasses.replace(find_regime(same), own_label_bonus=bonus)
    never = simulate(settings, regime, seed=2, periods=40, remedies=(DelayedAccess(1000),))
    refused = simulate(settings, neither, seed=2, periods=40)
    pd.testing.assert_frame_equal(never.by_period, refused.by_period, check_exact=True)


def test_with_the_books_own_label_imitates_what_earns_most_and_without_what_sells():
    found = {}
    for regime in ("pooled", "isolated"):
        market = Market(MarketSettings(), regime, seed=5)
        for _ in range(5):
            market.step()
        products = market.state.products
        worth = np.where(products.third, products.sold * (products.price - products.cost), -np.inf)
        best = set(products.id.ravel()[np.argsort(-worth.ravel())[:8]].tolist())
        market.step()
        copied = products.copy_of[products.own]
        found[regime] = len(best & set(copied.tolist())) / copied.size
    assert found["pooled"] > found["isolated"]


def test_the_own_label_counts_the_fees_it_takes_away_only_where_it_may_see_sales():
    settings = MarketSettings(merchants=20, products=80, consumers=400)
    for regime, allowed in (("firewall", False), ("isolated", False), ("pooled", True)):
        reads = simulate(settings, regime, seed=3, periods=20).reads
        tried = reads[reads["use"] == "own_pricing"]
        assert len(tried) == 20
        assert (tried["allowed"] == allowed).all()

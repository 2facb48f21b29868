"""Sponsored products: who buys a better place, what it does, and where the money goes."""

import math

import numpy as np
import pandas as pd
import pytest

from privacy.rules import Design, RankingNeutrality
from simulation.market import Market, MarketSettings, NonDiscrimination, simulate
from simulation.market.sponsored import advertising, choose_sponsored, expected_gain
from simulation.market.start import draw_state

SETTINGS = MarketSettings(merchants=40, consumers=800, products=160)
ADS = SETTINGS.with_values(sponsored_share=0.15)


def stepped(settings, regime, periods=31, seed=2):
    market = Market(settings, regime, seed=seed)
    for _ in range(periods):
        market.step()
    return market


@pytest.mark.parametrize("regime", ["pure", "pooled_self_preferencing", "affiliated_stores"])
def test_where_no_place_is_sold_nothing_about_advertisements_changes_a_figure(regime):
    other = SETTINGS.with_values(sponsored_bonus=3.0, sponsored_price=0.3)
    one, two = (simulate(settings, regime, seed=3, periods=40) for settings in (SETTINGS, other))
    pd.testing.assert_frame_equal(one.by_period, two.by_period, check_exact=True)
    assert (one.by_period["advertising"] == 0).all()


@pytest.mark.parametrize("regime", ["pure", "pooled_self_preferencing", "affiliated_stores"])
def test_what_merchants_pay_for_places_the_platform_gets(regime):
    market = stepped(ADS, regime)
    books, products = market.books, market.state.products
    bought = float((books.units * products.price)[products.sponsored].sum())
    assert books.advertising == pytest.approx(0.1 * bought)
    assert bought > 0
    got = books.merchants_net + books.fees + books.advertising + books.own_revenue
    assert got == pytest.approx(books.payments, rel=1e-12)
    made = float((books.units * products.cost)[products.third].sum())
    assert math.fsum(books.gross) == pytest.approx(books.merchants_net - made, rel=1e-9)
    row = market.rows[-1]
    assert row["welfare"] == pytest.approx(row["consumer_surplus"] + row["merchant_surplus"] + row["platform_profit"])


def test_an_advertisement_is_a_transfer():
    """At given prices and sales a dearer advertisement moves money from merchants to the platform and makes none."""
    both = []
    for price in (0.1, 0.2):
        market = Market(ADS, "isolated", seed=2)
        state = market.state
        state.products.sponsored[:, :5] = state.products.third[:, :5]
        market.settings = ADS.with_values(sponsored_price=price)
        market.step()
        both.append(market.books)
    cheap, dear = both
    assert (cheap.units == dear.units).all()
    more = dear.advertising - cheap.advertising
    assert more == pytest.approx(cheap.advertising)
    assert more > 0
    assert dear.platform_profit - cheap.platform_profit == pytest.approx(more)
    assert cheap.merchant_surplus - dear.merchant_surplus == pytest.approx(more)


def test_own_label_is_never_sponsored_and_no_more_than_the_share_is():
    market = Market(ADS, "self_preferencing", seed=2)
    for _ in range(40):
        market.step()
        products = market.state.products
        assert not (products.sponsored & ~products.third).any()
        assert products.sponsored.sum() <= round(0.15 * products.third.sum()) + 1  # some may have left since
    assert products.own.any()
    assert products.sponsored.any()


def test_nobody_pays_for_a_place_that_is_no_better_and_everybody_takes_one_that_costs_nothing():
    useless = simulate(ADS.with_values(sponsored_bonus=0.0), "isolated", seed=2, periods=20)
    assert (useless.by_period["advertising"] == 0).all()
    free = stepped(ADS.with_values(sponsored_price=0.0, sponsored_share=1.0, places=200), "pure").state.products
    assert free.sponsored[free.third].mean() > 0.9  # but for who stood first or last everywhere, or has only just come


def test_sponsored_products_stand_higher_and_that_is_no_favour():
    runs = [simulate(settings, "firewall", seed=2, periods=40).kpis for settings in (SETTINGS, ADS)]
    assert [run["self_preferencing"] for run in runs] == [0, 0]
    assert [run["envy"] for run in runs] == [0, 0]
    assert runs[1]["own_first"] < runs[0]["own_first"]
    neutral = simulate(ADS, "self_preferencing", seed=2, periods=40, remedies=(NonDiscrimination(),))
    assert neutral.by_period["advertising"].iloc[-1] > 0


def test_a_merchant_expects_the_place_that_a_rank_ordered_logit_gives_among_equals():
    """Eleven products with one score: a bonus of b leaves (n - 1) / (1 + e^b) others before its product on average."""
    settings = MarketSettings(merchants=1, consumers=10, products=11, categories=1, segments=1, attention=1.0)
    settings = settings.with_values(sponsored_share=0.5, sponsored_bonus=1.2, sponsored_price=0.0)
    products = draw_state(settings, 0).products
    place = np.full((1, 1, products.id.shape[1]), 6)  # the middle of eleven
    share = np.where(products.active, 0.05, 0.0)[:, None, :]
    gain = expected_gain(products, place, share, np.full((1, 1), 100.0), np.zeros(products.id.shape), settings)
    noise = np.random.default_rng(0).gumbel(size=(200_000, 11))
    noise[:, 0] += 1.2
    better = 1 + (noise[:, 1:] > noise[:, :1]).sum(axis=1).mean()
    margin = (products.price - products.cost)[products.active]
    assert gain[products.active] == pytest.approx(5.0 * margin * (6 / better - 1), rel=0.01)


def test_who_is_sponsored_compares_with_the_place_that_it_would_fall_back_to():
    settings = ADS.with_values(sponsored_price=0.0)
    products = draw_state(settings, 0).products
    shape = products.id.shape
    place = np.full((shape[0], 4, shape[1]), 5)
    share, arrivals = np.full(place.shape, 0.01), np.full((shape[0], 4), 10.0)
    before = expected_gain(products, place, share, arrivals, np.zeros(shape), settings)
    others = products.active.sum(axis=1, keepdims=True) - 1
    odds = 4 / others / (1 - 4 / others)
    products.sponsored = products.third
    with_it = 1 + others * (odds / (1 + odds))
    assert with_it == pytest.approx(5)
    lost = expected_gain(products, place, share, arrivals, np.zeros(shape), settings)
    fallen = 1 + others * (odds * math.exp(1.5) / (1 + odds * math.exp(1.5)))
    margin = (products.price - products.cost)[products.active]
    by_hand = 0.4 * (1 - (fallen / 5.0) ** -0.5) * np.ones(shape)
    assert lost[products.active] == pytest.approx(by_hand[products.active] * margin)
    assert (before[products.active] > 0).all()


def test_places_go_to_those_who_gain_most():
    gain = np.array([[3.0, -1.0, 5.0, 0.0, 4.0]])
    chosen = choose_sponsored(gain, np.ones((1, 5), dtype=bool), ADS.with_values(sponsored_share=0.4))
    assert chosen.tolist() == [[False, False, True, False, True]]
    everybody = choose_sponsored(gain, np.ones((1, 5), dtype=bool), ADS.with_values(sponsored_share=1.0))
    assert everybody.tolist() == [[True, False, True, False, True]]


def test_a_merchant_passes_the_price_of_an_advertisement_on_like_a_fee():
    market = stepped(ADS.with_values(price_error=0.0, price_step=1.0), "pure", periods=30)
    products = market.state.products
    charged = 0.15 + advertising(products, market.settings)
    least = products.cost / (1 - charged)
    assert (products.price > least)[products.third].all()


def test_renumbering_merchants_changes_nothing_where_places_are_sold():
    order = np.random.default_rng(0).permutation(SETTINGS.merchants)
    state = draw_state(ADS, 3)
    state.merchants = state.merchants.permuted(order)
    state.products.seller = np.append(np.argsort(order), (-2, -1))[state.products.seller]
    plain, renumbered = Market(ADS, "pooled", seed=3), Market(ADS, "pooled", seed=3, state=state)
    for _ in range(30):
        plain.step()
        renumbered.step()
        assert (plain.books.units == renumbered.books.units).all()
        assert (plain.state.products.sponsored == renumbered.state.products.sponsored).all()


def test_a_fee_that_is_looked_for_leaves_room_for_the_advertisement():
    run = simulate(ADS.with_values(fee_step=0.3, sponsored_price=0.3), "pure", seed=2, periods=60)
    assert run.by_period["fee"].max() <= 0.65
    assert math.isfinite(run.kpis["welfare"])


def test_an_auditor_counts_an_advertisement_as_a_reason_and_errs_for_own_label_where_it_is_not_logged():
    settings = ADS.with_values(sponsored_share=0.2)
    neutral, favoured = (
        simulate(settings, regime, seed=1, periods=30, record="list").log()
        for regime in ("firewall", "self_preferencing")
    )
    assert neutral.qualities == ("price", "rating", "relevance", "sponsored")
    told, untold = Design(resamples=99), Design(qualities=("price", "rating", "relevance"), resamples=99)
    rule = RankingNeutrality()
    assert rule.audit(neutral, told).outcome == "no_evidence"
    found = rule.audit(favoured, told)
    assert found.outcome == "breach"
    assert found.lo < settings.bonus < found.hi
    assert rule.audit(favoured, untold).effect < found.effect - 0.1

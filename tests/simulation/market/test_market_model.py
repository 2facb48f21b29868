"""What must hold in every market: money, identities between regimes, and nothing but the seed decides."""

import dataclasses
import math

import numpy as np
import pandas as pd
import pytest

from privacy.regimes import REGIMES
from simulation.market import (
    FeeCap,
    Market,
    MarketSettings,
    NonDiscrimination,
    StructuralSeparation,
    affiliated_stores,
    assortment,
    self_preferencing,
    simulate,
)
from simulation.market.consumers import attention_of, shares, utilities
from simulation.market.mesa_shell import MarketShell
from simulation.market.start import draw_state

SETTINGS = MarketSettings(merchants=40, consumers=800, products=160)


def same(one, other):
    """Whether two runs have the same figures in every period, to the last bit."""
    pd.testing.assert_frame_equal(one.by_period, other.by_period, check_exact=True)
    return one.kpis == pytest.approx(other.kpis, nan_ok=True, rel=0, abs=0)


@pytest.mark.parametrize("regime", list(REGIMES))
def test_what_buyers_pay_is_what_sellers_and_the_platform_get(regime):
    frame = simulate(SETTINGS, regime, seed=2, periods=30).by_period
    got = frame["merchants_net"] + frame["fees"] + frame["advertising"] + frame["own_revenue"]
    assert got.to_numpy() == pytest.approx(frame["payments"].to_numpy(), rel=1e-12)


@pytest.mark.parametrize("regime", list(REGIMES))
def test_welfare_adds_up(regime):
    run = simulate(SETTINGS, regime, seed=2, periods=30)
    parts = ("consumer_surplus", "merchant_surplus", "platform_profit")
    assert run.kpis["welfare"] == pytest.approx(sum(run.kpis[name] for name in parts), rel=1e-12)


def test_profits_are_payments_less_what_was_really_spent():
    """The platform's and the merchants' profits hold every payment once: what is missing is the cost of things."""
    market = Market(SETTINGS, "pooled_self_preferencing", seed=2)
    for _ in range(20):
        market.step()
        books, products = market.books, market.state.products
        made = float((books.units * products.cost * products.active).sum())
        trade = float(books.gross.sum()) + books.fees
        own = books.own_revenue - float((books.units * products.cost)[products.own].sum())
        assert trade + own == pytest.approx(books.payments - made, rel=1e-9)


def test_a_bonus_of_nothing_is_the_firewall():
    assert same(simulate(SETTINGS, self_preferencing(0.0), seed=3), simulate(SETTINGS, "firewall", seed=3))


@pytest.mark.parametrize(
    ("one", "other"),
    [("isolated", "pure"), ("firewall", "self_preferencing"), ("pooled", "pooled_self_preferencing")],
)
def test_without_own_label_regimes_with_the_same_data_and_model_are_the_same(one, other):
    without = SETTINGS.with_values(own_label=False)
    assert same(simulate(without, one, seed=3), simulate(without, other, seed=3))


def test_without_a_stake_affiliates_are_a_pooled_market_without_own_label():
    without = SETTINGS.with_values(own_label=False)
    assert same(simulate(without, affiliated_stores(0.0, 0.5), seed=3), simulate(without, "pooled", seed=3))


def test_structural_separation_is_the_market_without_own_label():
    apart = simulate(SETTINGS, "isolated", seed=3, remedies=(StructuralSeparation(),))
    assert same(apart, simulate(SETTINGS, "pure", seed=3))


def test_non_discrimination_takes_the_bonus_away():
    neutral = simulate(SETTINGS, "self_preferencing", seed=3, remedies=(NonDiscrimination(),))
    assert same(neutral, simulate(SETTINGS, "firewall", seed=3))


def test_a_fee_cap_binds():
    run = simulate(SETTINGS.with_values(fee_step=0.02), "pure", seed=3, remedies=(FeeCap(0.12),))
    assert run.by_period["fee"].max() <= 0.12


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others():
    one = simulate(SETTINGS, "pooled", seed=3, periods=20)
    assert same(one, simulate(SETTINGS, "pooled", seed=3, periods=20))
    assert one.kpis["welfare"] != simulate(SETTINGS, "pooled", seed=4, periods=20).kpis["welfare"]


@pytest.mark.parametrize("regime", ["pooled_self_preferencing", "federated_dp", "affiliated_stores"])
def test_renumbering_merchants_changes_nothing(regime):
    order = np.random.default_rng(0).permutation(SETTINGS.merchants)
    state = draw_state(SETTINGS, 3)
    state.merchants = state.merchants.permuted(order)
    number = np.append(np.argsort(order), (-2, -1))  # -2 and -1, nobody and the platform, stay
    state.products.seller = number[state.products.seller]
    plain, renumbered = Market(SETTINGS, regime, seed=3), Market(SETTINGS, regime, seed=3, state=state)
    for _ in range(40):
        plain.step()
        renumbered.step()
        assert (plain.books.units == renumbered.books.units).all()
        assert (plain.state.products.price == renumbered.state.products.price).all()
    assert pd.DataFrame(plain.rows).to_numpy() == pytest.approx(
        pd.DataFrame(renumbered.rows).to_numpy(), rel=1e-9, abs=1e-9, nan_ok=True
    )
    assert (plain.state.merchants.cash[order] == renumbered.state.merchants.cash).all()


def test_regimes_meet_the_same_consumers():
    runs = [simulate(SETTINGS, regime, seed=3, periods=10).by_period["arrivals"] for regime in REGIMES]
    assert all((one == runs[0]).all() for one in runs)


def test_at_w_own_goods_come_first_more_often_than_a_neutral_ranking_would_have_them():
    found = [simulate(SETTINGS, self_preferencing(w), seed=3).kpis["self_preferencing"] for w in (0.0, 0.5, 2.0)]
    assert found[0] == 0
    assert 0 < found[1] < found[2]


def test_a_neutral_ranking_leaves_nothing_to_envy():
    assert simulate(SETTINGS, "firewall", seed=3, periods=30).kpis["envy"] == 0
    assert simulate(SETTINGS, "self_preferencing", seed=3, periods=30).kpis["envy"] > 0


def test_own_label_keeps_to_its_share_of_listings():
    run = simulate(MarketSettings(), "isolated", seed=3)
    assert 0.04 < run.kpis["own_listings"] < 0.07


def test_merchants_who_left_have_nothing_on_the_list():
    market = Market(SETTINGS.with_values(fixed_cost=1.0), "isolated", seed=3)
    for _ in range(41):
        market.step()
        products, people = market.state.products, market.state.merchants
        assert people.active[products.seller[products.third]].all()
    assert not people.active.all()


def test_the_shell_is_the_market():
    shell = MarketShell(SETTINGS, "firewall", seed=3)
    for _ in range(10):
        shell.step()
    frame = shell.datacollector.get_model_vars_dataframe()
    run = simulate(SETTINGS, "firewall", seed=3, periods=10)
    assert (frame["consumer_surplus"].to_numpy() == run.by_period["consumer_surplus"].to_numpy()).all()


def test_figures_by_size_are_those_of_the_run():
    run = simulate(SETTINGS, "firewall", seed=3, periods=20)
    assert run.by_size["merchants"].sum() == SETTINGS.merchants
    assert run.by_size["active"].tolist() == [run.kpis[f"active_{size}"] for size in run.by_size["size"]]


def test_a_run_cannot_be_changed():
    run = simulate(SETTINGS, periods=2)
    with pytest.raises(dataclasses.FrozenInstanceError):
        run.seed = 5


def test_the_fee_is_taken_from_merchants_sales_alone():
    frame = simulate(SETTINGS, "isolated", seed=2, periods=30).by_period
    assert frame["fees"].to_numpy() == pytest.approx((0.15 * (frame["payments"] - frame["own_revenue"])).to_numpy())


def test_a_stake_moves_profit_and_makes_none():
    plain = SETTINGS.with_values(audience_bonus=0.0)
    without, half = (Market(plain, affiliated_stores(stake, 0.0), seed=3) for stake in (0.0, 0.5))
    for market in (without, half):
        market.step()
    part = 0.5 * float(half.books.profit[half.state.merchants.affiliate].sum())
    assert part != 0
    assert half.books.merchant_surplus == pytest.approx(without.books.merchant_surplus - part)
    assert half.books.platform_profit == pytest.approx(without.books.platform_profit + part)
    held = half.state.merchants.affiliate
    assert half.books.kept[held] == pytest.approx(half.books.profit[held] / 2)
    assert math.fsum(half.books.kept) == pytest.approx(half.books.merchant_surplus)


def test_affiliates_know_what_the_platform_knows():
    market = Market(SETTINGS, "affiliated_stores", seed=3)
    for _ in range(12):
        market.step()
    people = market.state.merchants
    assert people.affiliate.any()
    assert people.knowledge[people.affiliate & people.active].min() > 0.5


def test_what_has_just_come_is_priced_without_sales_whatever_stood_in_its_place():
    settings = SETTINGS.with_values(price_error=0.0, idea_rate=0.5, launch_cost=1.0)
    market = Market(settings, "pure", seed=3)
    for _ in range(40):
        market.step()
        products = market.state.products
        new = products.active & (products.launched == market.period - 1) & (market.period > 1)
        markup = products.price - products.cost / (1 - settings.fee)
        assert markup[new] == pytest.approx(np.full(new.sum(), 1 / settings.price_sensitivity))
    assert len(market.state.launches) > 40


def test_merchants_take_a_service_up_where_it_pays_and_small_ones_less():
    free, dear = (SETTINGS.with_values(adoption_cost=cost, node_cost=0.0) for cost in (0.0, 1e4))
    assert simulate(free, "firewall", seed=3, periods=20).kpis["adopted_small"] > 0.9
    assert simulate(dear, "firewall", seed=3, periods=20).kpis["adopted_large"] == 0
    run = simulate(MarketSettings(), "firewall", seed=3).kpis
    assert run["adopted_small"] < run["adopted_large"]


def test_merchants_who_fear_imitation_bring_out_less():
    bold, afraid = (MarketSettings(imitation_loss=loss, own_life=10.0, own_label_share=0.2) for loss in (0.0, 1.0))
    fewer = [
        simulate(bold, "isolated", seed=seed).kpis["launches"]
        - simulate(afraid, "isolated", seed=seed).kpis["launches"]
        for seed in range(3)
    ]
    assert min(fewer) > 0


def test_sharing_helps_because_there_is_something_to_learn_and_costs_otherwise():
    """Turn off all that knowledge is good for, and the service is a cost without a gain: the sign is another."""
    nothing = SETTINGS.with_values(taste_sd=0.0, price_error=0.0, idea_rate=0.0, entry_rate=0.0, outside_lift=0.0)

    def gain(settings, seed):
        shared, alone = (simulate(settings, regime, seed=seed, periods=60).kpis for regime in ("firewall", "isolated"))
        return [shared[name] - alone[name] for name in ("merchant_surplus", "consumer_surplus", "platform_profit")]

    for seed in range(3):
        assert min(gain(SETTINGS, seed)[:2]) > 0
        merchants, consumers, platform = gain(nothing, seed)
        assert merchants < 0
        assert consumers == platform == 0


def test_the_fee_of_a_market_with_a_service_is_what_was_really_kept():
    frame = simulate(SETTINGS, "pooled", seed=2, periods=30).by_period
    sales = frame["payments"] - frame["own_revenue"]
    assert frame["fee"].to_numpy() == pytest.approx((frame["fees"] / sales).to_numpy(), rel=1e-12)
    assert frame["fee"].iloc[-1] > 0.152


def test_favour_is_worth_what_the_platform_keeps_with_the_service_counted():
    """By hand, from the lists of the last review and the fees that every product paid in it."""
    settings = SETTINGS.with_values(service_take=0.1)
    market = Market(settings, "pooled_self_preferencing", seed=3)
    for _ in range(31):
        market.step()
    products, shown = market.state.products, market.last
    attention = attention_of(shown.neutral, settings) * products.active[:, None, :]
    neutral, _ = shares(utilities(products, market.state.consumers, products.price, settings), attention)
    more = ((shown.share - neutral) * market.expected[:, :, None]).sum(axis=1)
    adopted = np.append(market.state.merchants.adopted, (False, False))[products.seller]
    kept = np.where(products.own, products.price - products.cost, (0.15 + 0.1 * adopted) * products.price)
    by_hand = float((more * kept * products.active).sum() / market.expected.sum())
    assert 0 < adopted.sum() < products.active.sum()
    assert market.rows[-1]["self_preferencing_money"] == pytest.approx(by_hand, rel=1e-9)


def test_who_pays_for_the_service_expects_less_of_an_idea():
    state = draw_state(SETTINGS.with_values(idea_rate=1.0), 3)
    state.merchants.cash[:] = 1e9
    inclusive, arrivals = np.zeros((3, 4)), np.full((3, 4), 50.0)
    everybody = np.full(SETTINGS.merchants, 0.15)
    some = np.where(np.arange(SETTINGS.merchants) % 2 == 0, 0.2, 0.15)
    settings = SETTINGS.with_values(idea_rate=1.0)
    plain, _ = assortment.ideas(state, inclusive, arrivals, everybody, 5, settings)
    dearer, _ = assortment.ideas(state, inclusive, arrivals, some, 5, settings)
    before = dict(zip(plain.seller.tolist(), plain.value.tolist(), strict=True))
    after = dict(zip(dearer.seller.tolist(), dearer.value.tolist(), strict=True))
    assert any(seller % 2 == 0 for seller in after)
    assert all((after[seller] < before[seller]) == (seller % 2 == 0) for seller in after)

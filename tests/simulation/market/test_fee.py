import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from retail.errors import ConfigError
from simulation.market.mechanisms import LogitPlatform, OwnLabel, best_cap, best_fee, cap_fee, settle

SIX = LogitPlatform(quality=(2.0, 1.8, 1.6, 1.4, 1.2, 1.0), cost=(1.0,) * 6)
OWN = OwnLabel(quality=1.5, cost=1.0)
HYBRID = dataclasses.replace(SIX, own=OWN)

labels = st.none() | st.builds(OwnLabel, st.floats(-3, 4), st.floats(0, 3), st.floats(0, 2))


@st.composite
def platforms(draw):
    count = draw(st.integers(1, 6))
    several = st.lists(st.floats(-3, 4), min_size=count, max_size=count)
    return LogitPlatform(
        quality=tuple(draw(several)),
        cost=tuple(abs(one) for one in draw(several)),
        own=draw(labels),
        price_coefficient=draw(st.floats(-3, -0.3)),
        handling=draw(st.floats(0, 0.3)),
    )


def shares_at(market, price, own_price):
    """Shares and the log of all weight, by the definition of a logit."""
    a = market.price_coefficient
    utility = np.array(market.quality) + a * price
    if market.own is not None:
        utility = np.append(utility, market.own.quality + market.own.bonus + a * own_price)
    weight = np.exp(utility)
    return weight / (1 + weight.sum()), math.log1p(weight.sum())


@given(platforms(), st.floats(0, 0.9))
def test_shares_are_those_of_a_logit_at_the_prices(market, fee):
    found = settle(market, fee)
    shares, total = shares_at(market, found.price, found.own_price)
    assert found.share == pytest.approx(shares[: len(market.quality)], abs=1e-9)
    bonus = 0 if market.own is None else market.own.bonus * found.own_share
    assert found.consumers == pytest.approx((total - bonus) / -market.price_coefficient, abs=1e-9)


@given(platforms(), st.floats(0, 0.9))
def test_nobody_gains_by_another_price(market, fee):
    found = settle(market, fee)

    def merchant(one, price):
        prices = found.price.copy()
        prices[one] = price
        share = shares_at(market, prices, found.own_price)[0][one]
        return ((1 - fee) * price - market.cost[one]) * share

    def platform(own_price):
        shares = shares_at(market, found.price, own_price)[0]
        fees = (fee * found.price - market.handling) @ shares[: len(found.price)]
        return fees + (own_price - market.own.cost) * shares[-1]

    for one in range(len(market.quality)):
        other = minimize_scalar(lambda price, one=one: -merchant(one, price), bounds=(0, 60), method="bounded")
        assert -other.fun <= found.merchants[one] + 1e-7
    if market.own is not None:
        other = minimize_scalar(lambda price: -platform(price), bounds=(market.own.cost, 60), method="bounded")
        assert -other.fun <= platform(found.own_price) + 1e-7
        assert platform(found.own_price) == pytest.approx(found.platform, abs=1e-9)


@given(platforms(), st.floats(0, 0.9))
def test_welfare_is_what_people_get_out_of_products_less_what_they_cost(market, fee):
    found = settle(market, fee)
    shares, _ = shares_at(market, found.price, found.own_price)
    paid = found.price @ found.share + (0 if market.own is None else found.own_price * found.own_share)
    cost = np.array(market.cost) @ found.share + market.handling * found.share.sum()
    cost += 0 if market.own is None else market.own.cost * found.own_share
    assert found.welfare == pytest.approx(found.consumers + paid - cost, abs=1e-9)
    assert shares.sum() < 1


@given(platforms(), st.permutations(range(6)))
def test_the_order_of_merchants_changes_nothing(market, order):
    order = [one for one in order if one < len(market.quality)]
    turned = dataclasses.replace(
        market, quality=tuple(market.quality[one] for one in order), cost=tuple(market.cost[one] for one in order)
    )
    assert settle(turned, 0.2).share == pytest.approx(settle(market, 0.2).share[order], abs=1e-9)


def test_one_merchant_prices_as_a_monopolist_does():
    found = settle(LogitPlatform(quality=(1.0,), cost=(0.5,), price_coefficient=-2.0), 0.0)
    assert found.price[0] == pytest.approx(0.5 + 1 / (2 * (1 - found.share[0])))


def test_a_platform_with_an_own_label_takes_a_higher_fee():
    assert best_fee(HYBRID).fee > best_fee(SIX).fee + 0.01
    better = dataclasses.replace(HYBRID, own=dataclasses.replace(OWN, quality=2.5))
    assert best_fee(better).fee > best_fee(HYBRID).fee + 0.01


def test_the_platform_prices_its_own_label_above_a_merchant_of_the_same_kind():
    alike = dataclasses.replace(SIX, quality=(1.5,) * 6, own=OWN)
    free = settle(alike, 0.0)
    assert free.own_price == pytest.approx(free.price[0])
    taxed = settle(alike, 0.3)
    assert taxed.own_price > 1.0 + 1 / (1 - taxed.own_share)


@pytest.mark.parametrize(
    "market", [SIX, HYBRID, dataclasses.replace(HYBRID, fixed_cost=0.02)], ids=["pure", "own", "exit"]
)
def test_a_cap_raises_welfare_and_shifts_money_from_the_platform(market):
    found = cap_fee(market, 0.15)
    assert found.free.fee > 0.5
    assert found.capped.fee == pytest.approx(0.15, abs=1e-4)
    assert found.welfare > 0.3
    assert found.consumers > 0.3
    assert found.merchants > 0.3
    assert found.platform < 0
    assert best_cap(market).fee < 0.01


def test_a_cap_leaves_welfare_alone_when_products_cost_nothing():
    """The fee moves prices only through costs: without them the gain is gone."""
    free = dataclasses.replace(SIX, cost=(0.0,) * 6)
    found = cap_fee(free, 0.15)
    assert found.capped.price == pytest.approx(found.free.price)
    assert found.welfare == pytest.approx(0, abs=1e-12)
    assert found.merchants > 0.3


def test_a_cap_far_below_the_cost_of_handling_lowers_welfare():
    """Then too much is sold that costs the platform more than the fee."""
    dear = dataclasses.replace(SIX, handling=3.0)
    assert cap_fee(dear, 0.15).welfare < -0.1
    assert 0.5 < best_cap(dear).fee < best_fee(dear).fee


def test_a_cap_above_the_fee_changes_nothing():
    found = cap_fee(SIX, 0.9)
    assert found.capped is found.free
    assert found.welfare == 0


def test_merchants_who_would_lose_leave_and_the_others_gain():
    market = dataclasses.replace(SIX, fixed_cost=0.03)
    few, all_of_them = settle(market, 0.5), settle(SIX, 0.5)
    assert 0 < few.present.sum() < 6
    assert few.present[: few.present.sum()].all()  # the weakest left
    assert (few.merchants >= 0).all()
    assert (few.share[few.present] > all_of_them.share[few.present]).all()
    assert np.isnan(few.price[~few.present]).all()
    assert few.consumers < all_of_them.consumers


def test_a_place_that_sells_more_than_people_like_costs_them():
    pushed = settle(dataclasses.replace(HYBRID, own=dataclasses.replace(OWN, bonus=1.0)), 0.15)
    neutral = settle(HYBRID, 0.15)
    assert pushed.own_share > neutral.own_share
    assert pushed.consumers < neutral.consumers
    assert pushed.merchants.sum() < neutral.merchants.sum()


@pytest.mark.parametrize(
    "call",
    [
        lambda: LogitPlatform((1.0,), ()),
        lambda: LogitPlatform((), ()),
        lambda: LogitPlatform((math.inf,), (1.0,)),
        lambda: LogitPlatform((1.0,), (-1.0,)),
        lambda: LogitPlatform((1.0,), (1.0,), price_coefficient=0.0),
        lambda: LogitPlatform((1.0,), (1.0,), fixed_cost=-1.0),
        lambda: OwnLabel(1.0, -1.0),
        lambda: OwnLabel(math.nan, 1.0),
        lambda: settle(SIX, 1.0),
        lambda: settle(SIX, -0.1),
        lambda: best_fee(SIX, cap=1.0),
        lambda: best_fee(SIX, steps=1),
    ],
)
def test_values_without_meaning_are_refused(call):
    with pytest.raises(ConfigError, match=r"give|must be"):
        call()

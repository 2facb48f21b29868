import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import minimize

from retail.errors import ConfigError
from simulation.market.mechanisms import (
    Imitation,
    Lognormal,
    Pareto,
    Weibull,
    ban,
    best_delay,
    data_use,
    delayed_access,
    rest_after,
    tail_threshold,
)

FAMILIES = {Lognormal: (0.1, 4.0), Weibull: (0.05, 5.0), Pareto: (0.05, 0.95)}
TAILS = [Lognormal(0.5), Lognormal(2.0), Weibull(0.5), Weibull(2.0), Pareto(0.3), Pareto(0.7)]

markets = st.builds(
    Imitation,
    fee=st.floats(0, 0.5),
    lost=st.floats(0.1, 0.95),
    own=st.floats(0.3, 1.5),
    cost=st.floats(0.01, 1.5),
    elasticity=st.floats(0, 3),
)
tails = st.one_of(
    st.builds(Lognormal, st.floats(0.1, 3)),
    st.builds(Weibull, st.floats(0.1, 4)),
    st.builds(Pareto, st.floats(0.05, 0.9)),
)


@pytest.mark.parametrize("tail", TAILS, ids=str)
@pytest.mark.parametrize("level", [0.3, 0.9, 2.5])
def test_closed_forms_of_tails_agree_with_draws_and_with_quadrature(tail, level):
    drawn = tail.draw(400_000, np.random.default_rng(7))
    assert np.mean(drawn >= level) == pytest.approx(tail.share_above(level), abs=0.005)
    integral, _ = quad(lambda log: tail.share_above(math.exp(log)) * math.exp(log), math.log(level), 60, limit=500)
    assert tail.mean_above(level) == pytest.approx(level * tail.share_above(level) + integral, rel=1e-4)
    assert tail.mean_above(1e-9) == pytest.approx(tail.mean)


def test_a_part_of_the_news_leaves_the_mean_and_the_rest_of_the_spread():
    rng = np.random.default_rng(3)
    news, rest = rng.standard_normal((2, 400_000))
    whole = np.exp(1.2 * (0.6 * news + 0.8 * rest) - 1.2**2 / 2)
    seen = Lognormal(1.2).seen(0.36)
    for low, high in ((-1.0, 0.0), (0.5, 1.0)):
        chosen = (news > low) & (news < high)
        expected = np.exp(seen.sigma * news[chosen] - seen.sigma**2 / 2).mean()
        assert whole[chosen].mean() == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("tail", TAILS, ids=str)
def test_simulated_entrepreneurs_launch_and_earn_as_the_solution_says(tail):
    market = Imitation(elasticity=1.5)
    rng = np.random.default_rng(11)
    count = 1_000_000
    for rule, rest in (
        (data_use(market, tail), 1.0),
        (ban(market, tail), 1.0),
        (delayed_access(market, tail, rest=0.6), 0.6),
    ):
        # A control variate takes most of the noise of thick tails away: the mean of demand is known.
        demand = tail.draw(count, rng)
        demand *= tail.mean / demand.mean()
        early = rng.random(count) < rule.imitated_at_once
        late = ~early & (demand >= rule.level)
        part = early + rest * late
        profit = (1 - market.fee) * demand * (1 - market.lost * part)
        cost = (1 - market.fee) * tail.mean * rng.random(count) ** (1 / market.elasticity)
        launched = cost <= profit.mean()
        assert launched.mean() == pytest.approx(rule.innovation, abs=0.01)
        assert np.mean((profit.mean() - cost) * launched) == pytest.approx(rule.entrepreneurs, abs=0.01)
        copies = (market.own - market.fee * market.lost) * demand - market.cost
        platform = market.fee * demand + part * copies
        assert platform.mean() * launched.mean() == pytest.approx(rule.platform, abs=0.01)
        assert (early | late).mean() == pytest.approx(rule.imitated, abs=0.01)


@pytest.mark.slow
@pytest.mark.parametrize("tail", [Lognormal(0.8), Lognormal(2.5), Weibull(1.5)], ids=str)
@pytest.mark.parametrize("rest", [0.3, 0.7, 1.0])
def test_no_other_rule_pays_the_platform_more(tail, rest):
    """An independent optimiser over chances of imitation for each of 200 levels of demand does no better."""
    market = Imitation()
    edges = np.concatenate([[0.0], np.geomspace(0.02, 60, 199), [np.inf]])
    above = np.array([tail.share_above(e) if np.isfinite(e) else 0.0 for e in edges])
    mass_above = np.array([tail.mean_above(e) if np.isfinite(e) else 0.0 for e in edges])
    share, mass = -np.diff(above), -np.diff(mass_above)
    gain, net = market.gain * mass - market.cost * share, market.gain * tail.mean - market.cost

    def pays(rule):
        once, later = rule[0], rest * (1 - rule[0]) * rule[1:]
        kept = tail.mean - market.lost * (once * tail.mean + later @ mass)
        earned = market.fee * tail.mean + once * net + later @ gain
        return (kept / tail.mean) ** market.elasticity * earned

    exact = delayed_access(market, tail, rest=rest).platform
    start = np.full(len(share) + 1, 0.5)
    found = minimize(
        lambda rule: -pays(rule), start, bounds=[(0, 1)] * len(start), method="L-BFGS-B", options={"maxfun": 10**5}
    )
    assert -found.fun <= exact + 1e-7
    assert -found.fun == pytest.approx(exact, abs=2e-3)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda one: one.__name__)
def test_a_ban_harms_innovation_with_thin_tails_and_helps_it_with_thick_ones(family):
    low, high = FAMILIES[family]
    found = tail_threshold(Imitation(), family, low=low, high=high)
    assert (found.thin, found.thick) == (-1, 1)
    (place,) = found.thickness
    for thickness, sign in ((place * 0.9, -1), (place * 1.02, 1)):
        tail = family(thickness)
        assert np.sign(ban(Imitation(), tail).innovation - data_use(Imitation(), tail).innovation) == sign
    assert "lowers innovation while the tail is thinner than" in found.meaning


def test_the_sign_no_longer_turns_when_innovation_does_not_respond_to_the_platforms_word():
    market = Imitation(elasticity=1e-9)
    found = tail_threshold(market, Lognormal, low=0.1, high=4.0)
    kept = [Lognormal(sigma) for sigma in (0.3, 1.0, 3.0)]
    assert all(ban(market, tail).taken == 1 and data_use(market, tail).taken < 1 for tail in kept)
    assert 1 not in (found.thin, found.thick)


def test_the_ban_helps_at_any_tail_when_nobody_would_imitate_blindly():
    found = tail_threshold(Imitation(cost=0.6), Lognormal, low=0.1, high=4.0)
    assert found.thickness == ()
    assert (found.thin, found.thick) == (1, 1)
    assert "raises innovation at every thickness" in found.meaning


def test_a_copy_that_earns_less_than_the_fee_it_costs_is_never_made():
    market = Imitation(own=0.05, fee=0.3)
    never = data_use(market, Lognormal(1.0))
    assert never.level == math.inf
    assert (never.innovation, never.taken) == (1.0, 0.0)
    assert never == ban(market, Lognormal(1.0))
    assert tail_threshold(market, Lognormal, low=0.1, high=4.0).meaning.startswith(
        "A ban on data use leaves innovation"
    )


def test_a_delay_can_beat_both_the_ban_and_data_use():
    market, tail = Imitation(), Lognormal(1.0)
    rest, best = best_delay(market, tail)
    assert 0 < rest < 1
    assert best.innovation > max(ban(market, tail).innovation, data_use(market, tail).innovation) + 0.01


@given(markets, tails)
def test_the_limits_of_a_delay_are_data_use_and_the_ban(market, tail):
    assert delayed_access(market, tail, rest=1.0) == data_use(market, tail)
    assert delayed_access(market, tail, rest=0.0) == ban(market, tail)
    near = delayed_access(market, tail, rest=1e-7)
    assert near.platform == pytest.approx(ban(market, tail).platform, abs=1e-5)


@given(markets, tails, st.floats(0.05, 1.5))
def test_dearer_copies_never_lower_innovation(market, tail, more):
    dearer = dataclasses.replace(market, cost=market.cost + more)
    for rule in (ban, data_use):
        assert rule(dearer, tail).innovation >= rule(market, tail).innovation - 1e-9
        assert rule(dearer, tail).taken <= rule(market, tail).taken + 1e-9
        assert rule(dearer, tail).platform <= rule(market, tail).platform + 1e-9


@given(markets, tails, st.floats(0, 1), st.floats(0, 1))
def test_the_platform_never_loses_by_earlier_data(market, tail, first, second):
    late, early = sorted((first, second))
    assert delayed_access(market, tail, rest=early).platform >= delayed_access(market, tail, rest=late).platform - 1e-9


@given(markets, st.floats(0.1, 3), st.floats(0.01, 1), st.floats(0.01, 1))
def test_the_platform_never_loses_by_more_public_news(market, sigma, first, second):
    less, more = sorted((first, second))
    tail = Lognormal(sigma)
    assert ban(market, tail, public=more).platform >= ban(market, tail, public=less).platform - 1e-9
    assert ban(market, tail, public=1.0) == data_use(market, tail)


@given(markets, tails, st.floats(0, 1))
def test_shares_stay_shares_and_welfare_adds_up(market, tail, rest):
    one = delayed_access(market, tail, rest=rest)
    for share in (one.imitated_at_once, one.imitated, one.taken, one.innovation):
        assert -1e-12 <= share <= 1 + 1e-12
    assert one.innovation == pytest.approx((1 - market.lost * one.taken) ** market.elasticity)
    demand = one.innovation * tail.mean
    launching = (
        market.elasticity
        / (1 + market.elasticity)
        * one.innovation
        * (1 - market.fee)
        * (tail.mean * (1 - market.lost * one.taken))
    )
    copies = (
        one.innovation
        * market.cost
        * (one.imitated_at_once + rest * (one.imitated - one.imitated_at_once) if rest else one.imitated_at_once)
    )
    made = demand * (1 + (market.own - market.lost) * one.taken) - launching - copies
    assert one.welfare == pytest.approx(made + one.consumers, abs=1e-9)


@given(st.floats(0.1, 10), tails)
def test_the_unit_of_money_changes_no_share(unit, tail):
    market = Imitation()
    scaled = dataclasses.replace(tail, mean=tail.mean * unit)
    before, after = data_use(market, tail), data_use(dataclasses.replace(market, cost=market.cost * unit), scaled)
    assert after.innovation == pytest.approx(before.innovation)
    assert after.platform == pytest.approx(before.platform * unit)


@pytest.mark.parametrize(
    "call",
    [
        lambda: Imitation(fee=1.0),
        lambda: Imitation(fee=-0.1),
        lambda: Imitation(lost=0.0),
        lambda: Imitation(cost=0.0),
        lambda: Imitation(own=math.inf),
        lambda: Imitation(elasticity=math.nan),
        lambda: Lognormal(0.0),
        lambda: Lognormal(1.0, mean=-1.0),
        lambda: Weibull(math.nan),
        lambda: Pareto(1.0),
        lambda: Weibull(1.0).seen(0.5),
        lambda: ban(Imitation(), Lognormal(1.0), public=1.5),
        lambda: delayed_access(Imitation(), Lognormal(1.0), rest=-0.1),
        lambda: rest_after(-1.0),
        lambda: best_delay(Imitation(), Lognormal(1.0), steps=0),
        lambda: tail_threshold(Imitation(), Lognormal, low=2.0, high=1.0),
    ],
)
def test_parameters_without_meaning_are_refused_with_their_value(call):
    with pytest.raises(ConfigError, match=r"give|cost above 0|use it"):
        call()

"""Who gets the best audience."""

import numpy as np
import pandas as pd
import pytest

from privacy.policy import Dataset, Party, PolicyEngine, Register, Request
from privacy.rules import Design, FairTargeting, Plan, audit_market
from retail.market_log import MarketLog


def exposures(seed=0, *, periods=30, edge=0.0, noise=0.1, others=39, lasting=0.02):
    """One own advertiser among others, in two segments; own people score higher by `edge` of the mean.

    `noise`: SD of that edge between periods; `lasting`: SD between advertisers of what lasts.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for_good = lasting * rng.normal(size=others + 1)
    for period in range(periods):
        shock = edge + noise * rng.normal()
        for segment, level in (("a", 0.02), ("b", 0.1)):
            for advertiser in range(others + 1):
                own = advertiser == 0
                score = level * (1 + shock * own + for_good[advertiser])
                people = int(rng.integers(50, 200))
                rows.append(
                    (period, f"a{advertiser}", own, segment, people, score, rng.binomial(people, min(max(score, 0), 1)))
                )
    names = ("period", "advertiser", "own", "segment", "people", "score", "conversions")
    return pd.DataFrame(rows, columns=names)


def verdict(frame, **design):
    return audit_market(MarketLog(exposures=frame), Design(**design), ["targeting"])[0]


def test_better_people_for_own_advertisers_are_a_breach_of_the_size_that_was_planted():
    found = verdict(exposures(edge=0.3))
    assert found.outcome == "breach"
    assert found.lo < 0.3 < found.hi
    assert found.n == 30


@pytest.mark.slow
def test_an_own_advertiser_that_people_like_better_for_good_is_seldom_flagged():
    flagged = naive = 0
    for seed in range(40):
        found = verdict(exposures(seed, lasting=0.5))
        flagged += found.outcome == "breach"
        naive += next(one for one in found.curve if one.name.startswith("as if")).p <= 0.05
    assert flagged <= 6
    assert naive >= 10


def test_among_three_advertisers_nothing_can_be_told():
    found = verdict(exposures(edge=0.5, others=2))
    assert found.outcome == "inconclusive"
    assert "lasting difference" in found.reason


def test_segments_of_other_scores_do_not_look_like_a_preference():
    frame = exposures(noise=0.0, lasting=0.0)
    rich = frame[(frame["segment"] == "b") | ~frame["own"]]
    assert rich.loc[rich["own"], "score"].mean() > 1.3 * rich.loc[~rich["own"], "score"].mean()
    assert verdict(rich).effect == pytest.approx(0)


@pytest.mark.slow
def test_neutral_targeting_is_seldom_flagged():
    assert sum(verdict(exposures(seed, edge=0.05)).outcome == "breach" for seed in range(50)) <= 7


def test_what_cannot_be_compared_is_inconclusive_with_the_reason():
    frame = exposures()
    assert "In no segment" in verdict(frame.assign(own=True)).reason
    assert "fewer than 10" in verdict(exposures(periods=5)).reason
    for shift in (2.0, 1.0, 0.99):
        assert "above 0" in verdict(frame.assign(score=frame["score"] - shift * frame["score"].mean())).reason
    assert "In no segment" in verdict(frame.assign(people=0)).reason


def test_other_units_of_the_score_change_nothing():
    frame = exposures(edge=0.2)
    first, second = verdict(frame), verdict(frame.assign(score=frame["score"] * 1_000))
    assert (second.effect, second.p) == pytest.approx((first.effect, first.p))


@pytest.mark.slow
def test_power_is_what_simulation_finds():
    planned = FairTargeting().power(Design(), 0.1, Plan(n=30, noise=0.1))
    found = sum(verdict(exposures(seed, edge=0.1)).outcome == "breach" for seed in range(60))
    assert planned.power == pytest.approx(found / 60, abs=0.13)
    assert FairTargeting().power(Design(), 0.01, Plan()).needed is None
    assert FairTargeting().power(Design(), 0.1, Plan(lasting=0.3)).needed is None


def test_the_platform_targets_with_merchants_data_only_where_the_regime_lets_it():
    register = Register(
        [Party("own", "platform_retail", "platform"), Party("m1", "merchant")],
        [Dataset("orders", "m1", "orders", "raw", False)],
    )
    request = Request("own", "target", "orders", "marketing", ("units",))
    for regime, allowed in (("federated_dp", False), ("pooled_self_preferencing", True)):
        engine = PolicyEngine.load(["base"], register=register, regime=regime)
        assert FairTargeting(engine).permits(request).allowed is allowed

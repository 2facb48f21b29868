"""Requests of merchants for their data: whole, free and in time."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from privacy.policy import Dataset, Party, PolicyEngine, Register, Request
from privacy.rules import AccessAndPortability, Design, Plan, audit_market
from retail.market_log import MarketLog


def requests(n=40, *, late=0, incomplete=0, paid=0):
    at = np.arange(n)
    return pd.DataFrame(
        {
            "period": 0,
            "merchant": at % 10,
            "answered": np.where(at < late, 3.0, 1.0),
            "complete": ~((at >= late) & (at < late + incomplete)),
            "free": ~((at >= late + incomplete) & (at < late + incomplete + paid)),
        }
    )


def verdict(frame, **design):
    return audit_market(MarketLog(requests=frame), Design(**design), ["access"])[0]


def test_requests_that_fail_in_any_way_are_counted_once_with_the_exact_p_value():
    found = verdict(requests(late=3, incomplete=2, paid=2))
    assert found.outcome == "breach"
    assert found.effect == pytest.approx(7 / 40)
    assert found.p == pytest.approx(stats.binomtest(7, 40, 0.05, alternative="greater").pvalue)
    interval = stats.binomtest(7, 40).proportion_ci(method="wilson")
    assert (found.lo, found.hi) == pytest.approx((interval.low, interval.high))


def test_a_failure_now_and_then_is_within_the_margin():
    assert verdict(requests(late=2)).outcome == "no_evidence"
    assert verdict(requests(late=8), margins={"access": 0.3}).outcome == "no_evidence"


def test_a_market_that_hands_nothing_out_is_told_from_one_that_is_slow():
    nothing = requests().assign(answered=np.nan, complete=False, free=False, period=np.arange(40) // 20)
    found = verdict(pd.concat([nothing, nothing.assign(period=2)]))
    assert found.outcome == "breach"
    assert "None was answered at all, as in a market that does not hand data out." in found.reason
    assert "None was answered" not in verdict(requests(late=40)).reason


def test_a_later_deadline_forgives_late_answers():
    assert verdict(requests(late=20)).outcome == "breach"
    assert verdict(requests(late=20), within=3).effect == 0


def test_requests_that_are_not_yet_due_are_left_out_and_unanswered_ones_that_are_count():
    frame = pd.concat([requests(20), requests(10).assign(period=5, answered=np.nan, complete=False)])
    found = verdict(frame)
    assert ("not yet due", 10) in found.observations
    assert found.effect == 0
    later = pd.concat([frame, requests(1).assign(period=9, answered=9)])
    assert verdict(later).effect == pytest.approx(10 / 31)


def test_one_more_period_leaves_out_what_is_not_due_by_then():
    def later(frame):
        return next(one for one in verdict(frame).curve if one.name == "one more period")

    frame = pd.concat([requests(20), requests(10).assign(period=4, answered=np.nan)])
    last = requests(1).assign(period=5, answered=5)
    assert verdict(pd.concat([frame, last])).effect == pytest.approx(10 / 31)
    assert later(pd.concat([frame, last])).effect == 0  # due in period 6, and the log ends with 5
    assert later(pd.concat([frame, last.assign(period=6, answered=6)])).effect == pytest.approx(10 / 31)


def test_few_requests_are_inconclusive():
    assert verdict(requests(3, late=3)).outcome == "inconclusive"


def test_power_is_what_simulation_finds():
    planned = AccessAndPortability().power(Design(), 0.15, Plan(n=60))
    drawn = np.random.default_rng(0).binomial(60, 0.15, size=20_000)
    assert planned.power == pytest.approx((stats.binom.sf(drawn - 1, 60, 0.05) <= 0.05).mean(), abs=0.01)
    assert AccessAndPortability().power(Design(), 0.15, Plan(n=planned.needed)).power >= 0.9
    assert AccessAndPortability().power(Design(), 0.15, Plan(n=planned.needed - 1)).power < 0.9


def test_merchants_get_their_orders_under_the_firewall_and_not_where_nothing_is_given_back():
    register = Register([Party("m1", "merchant")], [Dataset("orders", "m1", "orders", "raw", False)])
    request = Request("m1", "read", "orders", "own_business", ("units",))
    for regime, allowed in (("firewall", True), ("isolated", False)):
        engine = PolicyEngine.load(["base"], register=register, regime=regime)
        assert AccessAndPortability(engine).permits(request).allowed is allowed

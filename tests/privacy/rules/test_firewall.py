"""Use of non-public data: rows that prove it, and the pattern of imitation from outside."""

import numpy as np
import pandas as pd
import pytest

from privacy.policy import Dataset, Party, PolicyEngine, Register, Request
from privacy.rules import DataFirewall, Design, Plan, audit_market
from privacy.rules.imitation import percentiles
from privacy.rules.tilt import mean_test, tilt_mean, tilt_of_mean, tilt_variance, tilted
from retail.errors import ConfigError, DataError
from retail.market_log import MarketLog


def reads(*rows):
    names = ("period", "actor", "owner", "data", "columns", "purpose", "allowed", "role", "public")
    return pd.DataFrame([dict(zip(names, row, strict=True)) for row in rows])


CLEAN = reads(
    (0, "market", "m1", "orders", "units", "ranking", True, "marketplace", False),
    (0, "own", "m1", "orders", "profit", "own_label_development", False, "platform_retail", False),
    (0, "own", "own", "orders", "units", "own_business", True, "platform_retail", False),
    (1, "own", "m1", "catalogue", "price", "own_label_development", True, "platform_retail", True),
)
LEAK = reads((2, "own", "m2", "orders", "profit", "own_label_development", True, "platform_retail", False))
BY_MARKET = reads((2, "market", "m2", "orders", "profit", "own_label_development", True, "marketplace", False))


def verdict(**tables):
    return audit_market(MarketLog(**tables), Design(), ["data"])[0]


def test_a_log_in_which_the_own_label_got_nothing_is_clean_and_denials_are_counted():
    found = verdict(reads=CLEAN)
    assert found.outcome == "no_evidence"
    assert ("denied", 1) in found.observations
    assert found.p is None


@pytest.mark.parametrize("leak", [LEAK, BY_MARKET])
def test_one_allowed_read_of_a_merchants_figures_is_a_breach_and_is_named(leak):
    found = verdict(reads=pd.concat([CLEAN, leak], ignore_index=True))
    assert found.outcome == "breach"
    assert [row["row"] for row in found.rows] == [5]
    assert found.rows[0]["owner"] == "m2"


def test_the_own_label_arm_is_known_by_its_id_where_rows_have_no_role():
    bare = pd.concat([CLEAN, LEAK]).drop(columns=["role", "public"]).replace({"actor": {"own": "retail-arm"}})
    assert verdict(reads=bare).outcome == "inconclusive"
    assert "no row of the own-label arm" in verdict(reads=bare).reason
    design = Design(own_arm=("retail-arm", "own"))
    assert audit_market(MarketLog(reads=bare), design, ["data"])[0].outcome == "breach"


@pytest.mark.parametrize("role", ["Platform_Retail", "PLATFORM_RETAIL"])
def test_a_role_in_capitals_is_the_same_role(role):
    assert verdict(reads=LEAK.assign(role=role, purpose="ranking")).outcome == "breach"
    assert verdict(reads=BY_MARKET.assign(role="Marketplace")).outcome == "breach"


@pytest.mark.parametrize("role", ["own label", "platform-retail", "retail", "Platform Retail"])
def test_a_misspelt_role_is_refused_since_it_would_hide_what_its_actor_read(role):
    rows = pd.concat([CLEAN, LEAK.assign(role=role)], ignore_index=True)
    with pytest.raises(DataError, match=f"reads, row 5, column role holds '{role}': no role; write platform_retail"):
        verdict(reads=rows)


def test_a_row_without_role_is_of_the_arm_that_other_rows_say_its_actor_is():
    rows = pd.concat([CLEAN, LEAK.assign(role="")], ignore_index=True)
    assert verdict(reads=rows).outcome == "breach"


def test_a_purpose_written_otherwise_is_found_and_an_unknown_one_is_told():
    other = BY_MARKET.assign(purpose="Own-label development")
    assert verdict(reads=pd.concat([CLEAN, other], ignore_index=True)).outcome == "breach"
    unknown = BY_MARKET.assign(purpose="brand building")
    found = verdict(reads=pd.concat([CLEAN, unknown], ignore_index=True))
    assert found.outcome == "no_evidence"
    assert "got data in 1 read for a purpose that is not known (brand building; row 5)" in found.reason
    assert "not known" not in verdict(reads=CLEAN).reason


def test_a_log_in_which_nothing_is_own_says_that_there_is_no_own_label(market):
    silent = CLEAN[CLEAN["actor"] == "market"]
    products, _ = market(by_profit=False)
    for own, words in ((False, "nothing in the log is own"), (True, "name its id")):
        found = verdict(reads=silent, products=products.assign(own=own, copy_of=None))
        assert found.outcome == "inconclusive"
        assert words in found.reason


def test_rows_without_the_own_label_arm_leave_the_verdict_to_the_audit_from_outside(market):
    silent = CLEAN[CLEAN["actor"] == "market"]
    for by_profit, outcome in ((True, "breach"), (False, "no_evidence")):
        products, figures = market(by_profit=by_profit)
        found = verdict(products=products, figures=figures, reads=silent)
        assert (found.outcome, found.exact.outcome) == (outcome, "inconclusive")
        assert "no row of the own-label arm" in found.reason


def test_imitating_the_profitable_among_equally_popular_products_is_a_breach(market):
    products, figures = market(by_profit=True)
    found = verdict(products=products, figures=figures)
    assert found.outcome == "breach"
    assert found.effect > 0.3
    assert found.lo < found.effect < found.hi
    assert found.n == 30


@pytest.mark.slow
def test_following_popularity_alone_is_no_breach(market):
    found = [
        verdict(**dict(zip(("products", "figures"), market(seed, by_profit=False), strict=True))) for seed in range(12)
    ]
    assert sum(one.outcome == "breach" for one in found) == 0
    assert abs(np.mean([one.effect for one in found])) < 0.05


def test_both_audits_stand_side_by_side_and_a_contradiction_is_inconclusive(market):
    products, figures = market(by_profit=True)
    both = verdict(products=products, figures=figures, reads=CLEAN)
    assert both.outcome == "inconclusive"
    assert (both.exact.outcome, both.statistical.outcome) == ("no_evidence", "breach")
    proved = verdict(products=products, figures=figures, reads=pd.concat([CLEAN, LEAK], ignore_index=True))
    assert proved.outcome == "breach"
    assert proved.rows
    assert (proved.effect, proved.unit, proved.p) == (1.0, "reads", None)
    assert proved.statistical.p <= 0.001
    products, figures = market(by_profit=False)
    quiet = verdict(products=products, figures=figures, reads=CLEAN)
    assert quiet.outcome == "no_evidence"
    hidden_skill = verdict(products=products, figures=figures, reads=pd.concat([CLEAN, LEAK], ignore_index=True))
    assert hidden_skill.outcome == "breach"
    assert hidden_skill.statistical.outcome == "no_evidence"


def test_owners_are_named_as_the_log_names_them():
    leaks = pd.concat([LEAK.assign(owner=f"m{k}") for k in range(5)], ignore_index=True)
    reason = verdict(reads=leaks).reason
    assert "in 5 reads" in reason
    assert "Owners named there: m0, m1, m2 and 2 more." in reason


def test_a_product_imitated_twice_counts_once_and_few_say_nothing(market):
    products, figures = market(by_profit=True)
    again = products[products["copy_of"].notna()].assign(product=lambda part: part["product"] + 10_000, launched=9)
    assert len(percentiles(pd.concat([products, again]), figures, neighbours=20).adjusted) == 30
    few = products[products["copy_of"].isna() | (products["product"] < 604)]
    assert verdict(products=few, figures=figures).outcome == "inconclusive"


def test_figures_after_the_imitation_are_not_looked_at(market):
    products, figures = market(by_profit=False)
    late = figures.assign(period=9, profit=np.where(figures["product"].isin(products["copy_of"].dropna()), 1e9, 1.0))
    first = verdict(products=products, figures=figures)
    assert verdict(products=products, figures=pd.concat([figures, late])).effect == first.effect


def test_a_log_with_neither_reads_nor_figures_is_refused(market):
    with pytest.raises(ConfigError, match="data: reads or products and figures"):
        verdict(products=market(by_profit=True)[0])


def test_the_tilted_law_has_the_mean_and_variance_that_it_says():
    v = (np.arange(200_000) + 0.5) / 200_000
    for mean in (0.1, 0.5, 0.6, 0.9, 0.99):
        t = tilt_of_mean(mean)
        assert tilt_mean(t) == pytest.approx(mean, abs=1e-6)
        assert tilted(v, t).mean() == pytest.approx(mean, abs=1e-3)
        assert tilted(v, t).var() == pytest.approx(tilt_variance(t), abs=1e-3)


def test_at_the_margin_one_in_twenty_is_flagged_and_intervals_hold_the_mean():
    flagged = held = 0
    t = tilt_of_mean(0.6)
    for seed in range(400):
        rng = np.random.default_rng([3, seed])
        p, lo, hi = mean_test(tilted(rng.random(8), t), null=0.6, draws=399, rng=rng)
        flagged += p <= 0.05
        held += lo <= 0.6 <= hi
    assert flagged <= 32
    assert held >= 368


def test_power_is_what_simulation_finds():
    planned = DataFirewall().power(Design(), 0.3, Plan(n=12))
    t, found = tilt_of_mean(0.8), 0
    for seed in range(300):
        rng = np.random.default_rng([4, seed])
        found += mean_test(tilted(rng.random(12), t), null=0.6, draws=399, rng=rng)[0] <= 0.05
    assert planned.power == pytest.approx(found / 300, abs=0.06)
    assert DataFirewall().power(Design(), 0.3, Plan(n=planned.needed)).power == pytest.approx(0.9, abs=0.04)
    with pytest.raises(ConfigError, match="percentile"):
        DataFirewall().power(Design(), 0.6, Plan())


def test_the_firewall_denies_the_own_label_what_merchants_have():
    register = Register(
        [Party("own", "platform_retail", "platform"), Party("m1", "merchant")],
        [Dataset("orders", "m1", "orders", "raw", True)],
    )
    request = Request("own", "read", "orders", "own_label_development", ("profit",))
    for regime, allowed in (("firewall", False), ("pooled", True)):
        engine = PolicyEngine.load(["base"], register=register, regime=regime)
        assert DataFirewall(engine).permits(request).allowed is allowed

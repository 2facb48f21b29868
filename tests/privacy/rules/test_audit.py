"""Rules audited together, and what is declared before."""

import dataclasses

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy.regimes import REGIMES
from privacy.rules import NAMES, Design, Plan, all_rules, audit_market, holm
from privacy.rules.verdict import Verdict, adjusted
from retail.errors import ConfigError, DataError
from retail.market_log import MarketLog


def verdict(rule, p, outcome="breach"):
    return Verdict(rule, outcome, "Because.", 1.0, 0.5, 1.5, "units", 0.0, p, 10, "units")


def test_holm_gives_the_published_steps():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_adjusted_p_values_are_never_smaller_and_keep_their_order(values):
    found = holm(values)
    assert all(after >= before for after, before in zip(found, values, strict=True))
    assert found.max() <= 1
    for a in range(len(values)):
        for b in range(len(values)):
            assert values[a] >= values[b] or found[a] <= found[b]


def test_a_breach_that_does_not_survive_the_others_is_taken_back_but_not_one_that_rows_prove():
    found = adjusted(
        [verdict("ranking", 0.04), verdict("access", 0.03), verdict("targeting", 0.9, "no_evidence")], alpha=0.05
    )
    assert [one.outcome for one in found] == ["no_evidence"] * 3
    assert "Alone it would be a breach" in found[0].reason
    assert all("Because." not in one.reason for one in found[:2])  # the claim of a breach is gone
    outside = verdict("data", 0.04)
    both = adjusted(
        [dataclasses.replace(outside, statistical=outside), verdict("access", 0.9, "no_evidence")], alpha=0.05
    )
    assert both[0].statistical.outcome == both[0].outcome == "no_evidence"
    rows = dataclasses.replace(verdict("data", None, "no_evidence"), reason="No read.")
    torn = dataclasses.replace(outside, outcome="inconclusive", reason="Both.", exact=rows, statistical=outside)
    mended = adjusted([torn, verdict("access", 0.9, "no_evidence")], alpha=0.05)[0]
    assert mended.outcome == mended.statistical.outcome == "no_evidence"
    assert mended.reason.startswith("No read. Alone it would be a breach")
    assert adjusted([torn], alpha=0.05)[0].outcome == "inconclusive"
    proved = dataclasses.replace(verdict("data", 0.9), rows=({"row": 1},))
    assert adjusted([proved, verdict("access", 0.001)], alpha=0.05)[0].outcome == "breach"


def test_rules_without_their_tables_are_left_out_of_all_and_refused_by_name(impressions):
    log = MarketLog(impressions=impressions())
    assert [one.rule for one in audit_market(log, Design())] == ["ranking"]
    with pytest.raises(ConfigError, match="targeting: exposures"):
        audit_market(log, Design(), ["ranking", "targeting"])
    with pytest.raises(ConfigError, match="no rule 'price'"):
        audit_market(log, Design(), ["price"])
    sales = pd.DataFrame({"period": [0], "product": 1, "units": 1, "revenue": 1.0, "currency": "EUR"})
    with pytest.raises(ConfigError, match="ranking: impressions"):
        audit_market(MarketLog(sales=sales), Design())


def test_a_log_that_breaks_its_schema_is_not_audited(impressions):
    with pytest.raises(DataError, match="column position holds '0'"):
        audit_market(
            MarketLog(impressions=impressions().assign(position=lambda frame: frame["position"] - 1)), Design()
        )


def test_every_regime_has_the_four_rules_and_only_some_may_favour():
    for regime in REGIMES.values():
        assert tuple(rule.name for rule in all_rules(regime=regime)) == NAMES
    assert all_rules(regime=REGIMES["self_preferencing"])[0].may_favour
    assert not all_rules(regime=REGIMES["firewall"])[0].may_favour


@pytest.mark.parametrize(
    "wrong",
    [
        {"margins": {"price": 0.1}},
        {"margins": {"ranking": -0.1}},
        {"margins": {"ranking": float("inf")}},
        {"margins": {"data": 0.5}},
        {"alpha": 0.0},
        {"resamples": 10},
        {"least": 1},
    ],
)
def test_a_design_that_no_audit_can_follow_is_refused(wrong):
    with pytest.raises(ConfigError):
        Design(**wrong)


@pytest.mark.parametrize("wrong", [{"n": 0}, {"items": 1}, {"own_share": 1.0}, {"failing": 1.0}, {"spread": -1.0}])
def test_a_plan_that_cannot_be_is_refused(wrong):
    with pytest.raises(ConfigError):
        Plan(**wrong)

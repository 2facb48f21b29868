"""Verdicts on rankings: what is a breach, what is none, and what cannot be told."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy.policy import Dataset, Party, PolicyEngine, Register, Request
from privacy.rules import Design, Plan, RankingNeutrality, audit_market
from privacy.rules.drawn_lists import draw_lists
from privacy.rules.score_bootstrap import first_effect
from privacy.rules.verdict import adjusted
from retail.errors import ConfigError
from retail.market_log import MarketLog

RULE = RankingNeutrality()


def verdict(impressions, **design):
    return audit_market(MarketLog(impressions=impressions), Design(**design), ["ranking"])[0]


def test_a_bonus_for_own_products_is_a_breach_with_its_size_and_tipping_point(impressions):
    found = verdict(impressions(effect=0.5))
    assert found.outcome == "breach"
    assert found.lo < 0.5 < found.hi
    assert found.adjusted_p == found.p <= 0.001
    assert found.n_unit == "queries"
    assert found.tipping.estimate == pytest.approx(found.effect - found.margin)
    assert 0 < found.tipping.verdict < found.tipping.estimate
    assert found.tipping.strongest == pytest.approx(0.5, abs=0.15)
    assert found.curve[0].effect == found.effect
    assert {"without rating", "without speed", "without any quality", "first place alone"} <= {
        one.name for one in found.curve
    }


def test_a_neutral_ranking_of_better_own_products_is_no_breach_though_their_share_on_top_is_larger(impressions):
    frame = impressions(better=1.5)
    found = verdict(frame)
    assert found.outcome == "no_evidence"
    naive = next(one for one in found.curve if one.name == "without any quality")
    assert naive.p <= 0.001
    top = frame[frame["position"] == 1]
    assert top["own"].mean() > 1.3 * frame["own"].mean()


def test_a_bonus_for_worse_own_products_is_found_though_their_share_on_top_is_fair(impressions):
    frame = impressions(effect=0.5, better=-1.0)
    assert frame[frame["position"] == 1]["own"].mean() == pytest.approx(frame["own"].mean(), abs=0.06)
    assert verdict(frame).outcome == "breach"


def test_quality_that_the_log_lacks_makes_the_verdict_inconclusive_with_the_tipping_point(impressions):
    frame = impressions(hidden=0.5)
    assert verdict(frame).outcome == "breach"  # a false alarm, which the declaration prevents
    told = verdict(frame, unlogged=True)
    assert told.outcome == "inconclusive"
    assert "1 SD" in told.reason
    assert told.tipping.estimate == pytest.approx(0.5, abs=0.15)


@pytest.mark.parametrize("effect", [0.0, -1.0, 0.5])
def test_quality_that_is_declared_as_not_logged_leaves_the_verdict_inconclusive_both_ways(impressions, effect):
    frame = impressions(effect=effect)
    for found in (verdict(frame, unlogged=True), verdict(frame.drop(columns=["rating", "speed"]))):
        assert found.outcome == "inconclusive"
        assert "a breach cannot be told from better products, and worse own products could hide one." in found.reason
        assert found.tipping is not None


def test_lists_with_gaps_are_counted_and_an_advertisement_between_changes_no_estimate(impressions):
    frame = impressions(effect=0.5)
    whole = verdict(frame)
    assert "gaps" not in whole.reason
    first = frame["list"] < 30
    found = verdict(frame.assign(position=frame["position"] + ((frame["position"] >= 2) & first)))
    assert "Positions have gaps in 30 of 200 lists, read as if closed up." in found.reason
    assert ("lists with gaps in their positions", 30) in found.observations
    assert (found.effect, found.p) == (whole.effect, whole.p)
    few = verdict(frame[(frame["list"] < 5) & (frame["position"] != 1)])
    assert few.outcome == "inconclusive"
    assert "Positions have gaps in 5 of 5 lists" in few.reason


def test_candidates_that_were_not_shown_are_no_gaps(impressions):
    assert "gaps" not in verdict(impressions(shown=4, effect=0.5)).reason


def test_own_products_that_are_missing_from_the_first_places_hide_a_bonus(impressions):
    frame = impressions(effect=0.5)
    lost = verdict(frame[~(frame["own"] & (frame["position"] <= 2))])
    assert lost.effect < verdict(frame).effect - 0.1
    assert "it can bias the estimate where products are missing because of their place" in lost.reason


def test_without_any_logged_quality_nothing_is_called_a_breach(impressions):
    found = verdict(impressions(effect=1.0).drop(columns=["rating", "speed"]))
    assert found.outcome == "inconclusive"
    assert found.tipping.strongest is None
    assert verdict(impressions(effect=1.0), qualities=()).outcome == "inconclusive"


def test_the_tipping_point_is_the_strength_of_the_hidden_quality_that_fooled_the_auditor():
    for hidden in (0.2, 0.4):
        rng = np.random.default_rng(5)
        lists = draw_lists(rng, queries=30_000, hidden=hidden)
        found = first_effect(lists, margin=0.0, few=2, resamples=99, rng=rng)
        assert found.lo < hidden
        assert 0.85 * hidden < found.effect < 1.05 * hidden


def test_a_bonus_within_the_margin_is_no_breach_and_the_margin_is_the_users(impressions):
    frame = impressions(effect=0.5, queries=400)
    assert verdict(frame, margins={"ranking": 0.6}).outcome == "no_evidence"
    assert verdict(frame, margins={"ranking": 0.2}).outcome == "breach"


def test_lists_that_cannot_tell_give_the_reason(impressions):
    frame = impressions(queries=30)
    assert "No list holds own and other" in verdict(frame.assign(own=True)).reason
    assert "No list holds own and other" in verdict(frame.assign(own=False)).reason
    assert "fewer than 10" in verdict(impressions(queries=6)).reason
    alone = frame[frame["position"] == 1]
    assert verdict(alone).outcome == "inconclusive"
    assert ("lists of one product", 30) in verdict(alone).observations
    told = verdict(frame.assign(rating=frame["own"] * 2.0 + 1))
    assert told.outcome == "inconclusive"
    assert "cannot be told apart" in told.reason


def test_a_log_of_cut_lists_that_names_who_was_left_out_does_not_accuse_a_neutral_ranking(impressions):
    cut = {"queries": 6_000, "shown": 5, "better": -2.0, "weights": (2.0, 1.0)}
    frame = impressions(**cut)
    whole, told = verdict(frame), verdict(frame.dropna(subset="position"))
    assert whole.outcome == "no_evidence"
    assert whole.lo < 0.0 < whole.hi
    assert told.outcome == "breach"  # a false alarm: of poor own products those are seen that were lucky
    seen = dict(whole.observations)
    assert seen["products in these that could have been listed and were not"] > 0
    assert seen["places explained, from the first"] == 5
    assert {one.name: one.effect for one in whole.curve}["shown places alone"] == pytest.approx(told.effect)
    assert "shown places alone" not in {one.name for one in told.curve}
    assert verdict(impressions(**cut, effect=0.3)).outcome == "breach"


def test_own_products_that_are_never_shown_are_evidence_too(impressions):
    frame = impressions(queries=300)
    last = frame["own"] & (frame["position"] > 1)
    first = verdict(frame.assign(position=frame["position"].where(~last)))
    assert first.effect < -0.5
    assert first.outcome == "no_evidence"
    nobody = frame.assign(position=frame["position"].where(~frame["own"]))
    assert verdict(nobody[nobody.groupby("list")["position"].transform("count") > 0]).outcome == "no_evidence"


def test_what_a_cut_costs_is_planned(impressions):
    whole, cut = (RULE.power(Design(), 0.2, Plan(items=40, shown=shown)) for shown in (None, 5))
    assert cut.needed > 2 * whole.needed
    assert RULE.power(Design(depth=5), 0.2, Plan(items=40)).needed == cut.needed
    assert "40 of which 5 places are explained" in cut.basis
    for wrong in (0, 41, True, 2.5):
        with pytest.raises(ConfigError, match="shown = "):
            Plan(items=40, shown=wrong)


def test_a_quality_that_says_nothing_within_lists_is_left_out_and_named(impressions):
    frame = impressions(effect=0.5)
    more = frame.assign(season=frame["list"] * 2.0, both=frame["rating"] + frame["speed"])
    found = verdict(more)
    assert "both" in found.reason
    assert "season" in found.reason
    assert found.effect == pytest.approx(verdict(frame).effect)


def test_lists_of_one_query_are_one_cluster(impressions):
    frame = impressions(queries=200)
    assert verdict(frame.assign(query=frame["list"] // 4)).n <= 50


@given(st.permutations(range(10)), st.integers(0, 5))
@settings(max_examples=8, deadline=None)
def test_other_names_of_products_lists_and_another_order_of_rows_change_nothing(names, seed):
    lists = draw_lists(np.random.default_rng(seed), queries=120, effect=0.3)
    frame = pd.DataFrame(
        {
            "list": np.repeat(np.arange(120), 10),
            "period": 0,
            "position": np.tile(np.arange(1, 11), 120),
            "product": np.tile(np.arange(10), 120),
            "seller": 0,
            "own": lists.x[:, :, 0].ravel() > 0,
            "rating": lists.x[:, :, 1].ravel(),
        }
    )
    other = frame.assign(product=np.array(names)[frame["product"]], list=1_000 - frame["list"])
    other = other.sample(frac=1, random_state=seed)
    first, second = verdict(frame), verdict(other)
    assert second.effect == pytest.approx(first.effect, abs=1e-9)
    assert second.outcome == first.outcome
    assert second.n == first.n


def test_an_unknown_quality_is_refused(impressions):
    for name in ("colour", "position", "shown"):
        with pytest.raises(ConfigError, match=name):
            verdict(impressions(), qualities=(name,))


def test_power_is_what_simulation_finds():
    planned = RULE.power(Design(), 0.2, Plan(n=200, spread=np.hypot(0.5, 0.3)))
    found = 0
    for seed in range(400):
        rng = np.random.default_rng([21, seed])
        lists = draw_lists(rng, queries=200, effect=0.2)
        found += first_effect(lists, margin=0.02, few=200, resamples=199, rng=rng).p <= 0.05
    assert planned.power == pytest.approx(found / 400, abs=0.04)
    assert 150 < planned.needed < 230
    assert RULE.power(Design(), 0.2, Plan(n=planned.needed)).power == pytest.approx(0.9, abs=0.01)
    assert RULE.power(Design(), 0.01, Plan()).needed is None


def test_a_large_effect_is_found_no_less_often_than_a_smaller_one_and_an_absurd_one_is_refused():
    powers = [RULE.power(Design(), effect, Plan(n=20)) for effect in (0.2, 1.0, 4.0, 10.0, 20.0)]
    assert [one.power for one in powers] == sorted(one.power for one in powers)
    assert powers[-1].power > 0.95
    assert powers[-1].needed <= 20
    assert RULE.power(Design(), -20.0, Plan()).power < 0.001
    for effect in (1e6, -1e6, 20.5, float("inf"), float("nan")):
        with pytest.raises(ConfigError, match="log-odds from -20 to 20") as caught:
            RULE.power(Design(), effect, Plan())
        assert "\n" not in str(caught.value)


def test_a_breach_that_is_taken_back_claims_nothing_beyond_chance(impressions):
    frame = impressions(effect=0.5).assign(same=1.0)
    alone = verdict(frame)
    assert alone.outcome == "breach"
    (weak, _) = adjusted(
        [dataclasses.replace(alone, p=0.04, adjusted_p=None), dataclasses.replace(alone, p=0.03)], alpha=0.05
    )
    assert weak.outcome == "no_evidence"
    assert "beyond chance" not in weak.reason
    assert "and the verdict at" not in weak.reason
    assert f"{alone.effect:.3g}" in weak.reason
    assert weak.reason.endswith("Not used, constant within lists or made up of others: same.")
    assert weak.tipping == dataclasses.replace(alone.tipping, verdict=0.0)
    assert "besides" not in weak.to_json()
    unsure = verdict(frame, unlogged=True)
    (weak, _) = adjusted([dataclasses.replace(unsure, p=0.04), dataclasses.replace(alone, p=0.03)], alpha=0.05)
    assert (weak.outcome, weak.tipping.verdict) == ("inconclusive", 0.0)
    assert weak.reason.startswith("Alone it would be above the margin beyond chance (p = 0.04), but not")
    assert "a breach cannot be told from better products, and worse own" in weak.reason


@pytest.fixture(scope="module")
def request_for():
    register = Register(
        [Party("market", "marketplace", "platform"), Party("m1", "merchant")],
        [Dataset("catalogue", "m1", "catalogue", "raw", False, public=True), Dataset("o", "m1", "orders", "raw", True)],
    )
    engine = PolicyEngine.load(["base", "dma"], register=register, regime="firewall")

    def make(dataset, *columns):
        return engine, Request("market", "read", dataset, "ranking", columns)

    return make


def test_a_ranking_may_read_public_quality_but_neither_orders_nor_who_owns_a_product(request_for):
    engine, request = request_for("catalogue", "price", "rating")
    rule = RankingNeutrality(engine)
    assert rule.permits(request).allowed
    denied = rule.permits(request_for("catalogue", "price", "own")[1])
    assert not denied.allowed
    assert denied.rule == "ranking-own-flag"
    assert not rule.permits(request_for("o", "units")[1]).allowed
    assert RankingNeutrality(engine, may_favour=True).permits(request_for("catalogue", "own")[1]).allowed


def test_a_rule_without_policies_does_not_answer_requests(request_for):
    with pytest.raises(ConfigError, match="no policy engine"):
        RULE.permits(request_for("catalogue", "price")[1])


def test_as_many_places_are_explained_as_the_design_says(impressions):
    frame = impressions(effect=0.5)
    first, whole = (verdict(frame, depth=depth) for depth in (1, None))
    rows = {one.name: one.effect for one in whole.curve}
    assert first.effect == rows["first place alone"]
    assert dict(first.observations)["places explained, from the first"] == 1
    assert {one.name: one.effect for one in first.curve}["every place"] == whole.effect
    for wrong in (0, -1, 2.5, True):
        with pytest.raises(ConfigError, match="depth"):
            Design(depth=wrong)

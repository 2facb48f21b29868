"""Propensity on real campaigns: past ones teach, later ones judge, and no row of a later one comes in."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.audience import campaign_data
from experiments.audience.campaign_data import NAMES, parts, rows_of, rows_of_past
from experiments.audience.campaign_figures import ranked_figures
from experiments.audience.kind import AUDIENCE
from experiments.audience.run import run_audience
from experiments.audience.spec import expand_audience
from experiments.audience.summary import summarise_audience
from experiments.runs import RunStore
from experiments.scenario import DataSettings
from experiments.scenario_file import load_scenario, validate
from experiments.worker import execute
from retail import columns as c
from retail.campaigns import load_campaigns
from retail.complete_journey_stores import MEMBER_STORES
from retail.errors import ConfigError
from retail.responses import Responses

DATA = DataSettings()
DAYS = {"earlier": 17_379, "now": 17_440}


def scenario(*arms, **options):
    return validate(
        {
            "kind": "audience",
            "name": "small",
            "method": "campaigns",
            "draws": 30,
            "federation": {"rounds": 3},
            "options": {"noises": 2, **options},
            "arms": [{"name": one["model"], **one} for one in arms],
        },
        source="test",
    )


def specs_of(made):
    return expand_audience(made, code_version="v", fingerprint=lambda one: "same")


def outcome(tmp_path, *arms, **options):
    made = scenario(*arms, **options)
    specs = specs_of(made)
    store = RunStore.open(tmp_path)
    for spec in specs:
        status = execute(store, spec, run_audience, retry=False, report=lambda text: None).status
        assert status == "finished", store.failure(spec)
    return summarise_audience(made, specs, store)


def test_rules_rank_the_same_recipients(tmp_path):
    summary = outcome(tmp_path, *({"model": one} for one in ("random", "baskets", "redeemed", "bought")))
    row = {one["arm"]: one for one in summary.rows}
    assert len({one["n_shoppers"] for one in row.values()}) == 1
    assert row["random"]["auc"] == pytest.approx(0.5)
    assert row["random"]["lift10"] == pytest.approx(1.0)
    assert row["redeemed"]["auc"] > row["bought"]["auc"] > row["baskets"]["auc"]
    assert "judged on 7 later ones" in row["random"]["said"][0]


@pytest.mark.slow
def test_models_rank_the_same_recipients_better(tmp_path):
    models = ("random", "redeemed", "isolated", "federated", "pooled")
    summary = outcome(tmp_path, *({"model": one} for one in models))
    row = {one["arm"]: one for one in summary.rows}
    assert len({one["n_shoppers"] for one in row.values()}) == 1
    assert row["federated"]["auc"] > row["redeemed"]["auc"] > row["random"]["auc"]
    assert row["federated"]["auc"] > row["isolated"]["auc"] + 0.03
    assert row["pooled"]["auc"] == pytest.approx(row["federated"]["auc"], abs=0.02)
    assert "caution of" in " ".join(row["federated"]["said"])
    gain = next(one for one in summary.differences if one.name == "difference(auc, federated, random)")
    assert gain.lo > 0.2


@pytest.mark.slow
def test_a_private_arm_chooses_nothing_and_says_what_it_spent(tmp_path):
    row = outcome(tmp_path, {"model": "federated", "epsilon": 4.0}).rows[0]
    assert 3 < row["epsilon_pld"] <= row["epsilon_spent"] <= 4
    assert "with all that it bought and redeemed" in row["privacy_unit"]
    assert not any("chosen" in sentence for sentence in row["said"])
    assert 0.6 < row["auc"] < 0.9


def test_parts_do_not_overlap_and_nothing_runs_over_their_borders():
    found, records = parts(**DAYS), load_campaigns()
    begins, ends = (
        {one: day for one, day in zip(records.listed[c.CAMPAIGN], records.listed[name], strict=True)}
        for name in ("first_day", "last_day")
    )
    assert not set(found.past) & set(found.judged)
    assert not set(found.first) & set(found.chosen_on)
    assert max(ends[one] for one in found.past) < 17_440 <= min(begins[one] for one in found.judged)
    assert max(ends[one] for one in found.first) < 17_379 <= min(begins[one] for one in found.chosen_on)


def test_everybody_stands_once_in_the_past_by_the_preferred_campaign():
    past = parts(**DAYS).past
    rows = rows_of_past(DATA, MEMBER_STORES, past)
    assert len(set(rows.persons.tolist())) == len(rows)
    first = rows_of(DATA, MEMBER_STORES, past[0])
    assert np.array_equal(rows.features[: len(first)], first.features)


def test_nothing_after_a_campaign_began_changes_what_is_known_of_its_recipients(monkeypatch):
    records = load_campaigns()
    first, _ = records.days(13)
    begun = records.listed.loc[records.listed["first_day"] < first, c.CAMPAIGN]
    before = campaign_data._rows.__wrapped__(DATA, MEMBER_STORES[:30], 13)
    assert before.responded.sum() > 0
    cut = replace(
        records,
        redeemed=records.redeemed[records.redeemed[c.DAY] < first],
        sent=records.sent[records.sent[c.CAMPAIGN].isin([13, *begun])],
    )
    monkeypatch.setattr(campaign_data, "load_campaigns", lambda: cut)
    after = campaign_data._rows.__wrapped__(DATA, MEMBER_STORES[:30], 13)
    assert np.array_equal(before.features, after.features)
    assert not after.responded.any()


@pytest.mark.parametrize(("arm", "options", "why"), [
    ({"model": "pooled", "epsilon": 1.0}, {}, "only federated has one"),
    ({"model": "federated", "regime": "pooled"}, {}, "has its own"),
    ({"model": "federated"}, {"now": 17_000}, "the earlier one first"),
    ({"model": "federated"}, {"noises": 0}, "from 1 to 100"),
    ({"model": "federated"}, {"campaigns": []}, "list numbers"),
    ({"model": "federated"}, {"campaigns": [18, 18]}, "each once"),
    ({"model": "federated"}, {"learner": "x"}, "leave it out"),
    ({"model": "federated"}, {"height": 1}, "options.height is unknown; choose from now, earlier, campaigns"),
])  # fmt: skip
def test_what_cannot_be_meant_is_refused_before_any_run(tmp_path, arm, options, why):
    with pytest.raises(ConfigError, match=why):
        AUDIENCE.check(scenario(arm, **options), tmp_path)


def test_data_without_campaigns_on_record_are_refused(tmp_path):
    made = scenario({"model": "federated"})
    made = made.model_copy(update={"data": DataSettings(source="generated", shoppers=100)})
    with pytest.raises(ConfigError, match="on record in the Complete Journey alone"):
        AUDIENCE.check(made, tmp_path)


@pytest.mark.parametrize(("campaigns", "why"), [
    ([99], "campaign 99 is unknown"),
    ([13], "campaign 13 cannot be judged: it began before"),
    ([23], "campaign 23 cannot be judged"),
])  # fmt: skip
def test_campaigns_that_cannot_be_judged_are_one_message(tmp_path, campaigns, why):
    with pytest.raises(ConfigError, match=why):
        AUDIENCE.check(scenario({"model": "random"}, campaigns=campaigns), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(("campaigns", "why"), [
    ([21], r"campaign 21: 0 of \d+ people responded, so there is nothing to tell apart"),
    (None, r"campaigns 16, 17, .*: nobody with a home at these merchants redeemed"),
])  # fmt: skip
def test_campaigns_without_outcome_are_one_message_before_any_run(tmp_path, campaigns, why):
    made = scenario({"model": "random"}, **({} if campaigns is None else {"campaigns": campaigns}))
    few = MEMBER_STORES[:10] if campaigns else MEMBER_STORES[:1]
    made = made.model_copy(update={"partition": made.partition.model_copy(update={"merchants": few})})
    with pytest.raises(ConfigError, match=why):
        AUDIENCE.check(made, tmp_path)
    assert not list(tmp_path.iterdir())


def recipients(yes, persons):
    n = len(yes)
    return Responses(
        np.array(persons),
        np.zeros(n, dtype=int),
        np.zeros((n, 1)),
        ("x",),
        np.ones(n, dtype=bool),
        np.array(yes, float),
    )


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=3, max_size=40))
@settings(max_examples=50, deadline=None)
def test_auc_of_one_campaign_is_the_share_of_pairs_in_order(people):
    yes, score = np.array(people).T
    if 0 < yes.sum() < len(yes):
        rows = recipients(yes, range(len(yes)))
        figures = ranked_figures([rows], [[score.astype(float)]], draws=25)
        apart = score[yes == 1][:, None] - score[yes == 0]
        assert figures[0].value == pytest.approx(((apart > 0) + (apart == 0) / 2).mean())


def test_campaigns_are_ranked_within_themselves():
    first, second = recipients([1, 0], [1, 2]), recipients([1, 0, 0], [1, 2, 3])
    figures = ranked_figures([first, second], [[np.array([9.0, 8.0]), np.array([1.0, 2.0, 0.0])]], draws=25)
    assert figures[0].value == pytest.approx(2 / 3)  # 1 of 1 pair, and 1 of 2
    assert figures[0].n == 3


def test_the_best_tenth_is_counted_by_hand():
    rows = recipients([1] + [0] * 18 + [1], range(20))
    lift = ranked_figures([rows], [[np.arange(20, 0, -1.0)]], draws=25)[1].value
    assert lift == pytest.approx(1 / (0.1 * 2))  # one of two redeemers stands among the best two of 20


def test_all_names_have_a_feature():
    assert rows_of(DATA, MEMBER_STORES, 16).features.shape[1] == len(NAMES)


def test_the_bundled_scenario_can_be_run():
    AUDIENCE.check(load_scenario("campaigns", ()), None)

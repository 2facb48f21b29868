"""Attributes of households: judged by models that never saw them, and refused where nobody may ask."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from apps.runs.run_record import read_run
from experiments.audience import attribute_data, attributes_run, training
from experiments.audience.attribute_data import folds_of, judged, judged_figures
from experiments.audience.kind import AUDIENCE
from experiments.audience.run import run_audience
from experiments.audience.spec import expand_audience
from experiments.audience.summary import summarise_audience
from experiments.documents import read_json
from experiments.runs import RunStore
from experiments.scenario import DataSettings, PartitionSettings
from experiments.scenario_file import load_scenario, validate
from experiments.worker import execute
from privacy.accounting import epsilon_rdp
from retail import attributes
from retail import columns as c
from retail.complete_journey_stores import MEMBER_STORES
from retail.errors import ConfigError, PolicyError

FEW = MEMBER_STORES[:40]


def scenario(*arms, policy=None, merchants=FEW, **options):
    return validate(
        {
            "kind": "audience",
            "name": "small",
            "method": "attributes",
            "draws": 30,
            "partition": {"by": "home_store", "merchants": list(merchants)},
            "options": {
                "attributes": ["age"],
                "folds": 2,
                "sizes": [25, 100],
                "turns": [0.0, 0.3],
                "noises": 2,
                **options,
            },
            "policy": policy or {},
            "arms": [{"name": one["model"], **one} for one in arms],
        },
        source="test",
    )


def outcome(tmp_path, *arms, **options):
    made = scenario(*arms, **options)
    specs = expand_audience(made, code_version="v", fingerprint=lambda one: "same")
    store = RunStore.open(tmp_path)
    for spec in specs:
        status = execute(store, spec, run_audience, retry=False, report=lambda text: None).status
        assert status == "finished", store.failure(spec)
    return summarise_audience(made, specs, store), store, specs


def test_arms_judge_the_same_households(tmp_path):
    arms = [{"model": one} for one in ("majority", "isolated", "federated", "pooled")]
    summary, _, _ = outcome(tmp_path, *arms)
    row = {one["arm"]: one for one in summary.rows}
    assert row["majority"]["auc_age"] == pytest.approx(0.5)
    assert row["majority"]["lift10_age"] == pytest.approx(1.0)
    assert row["federated"]["auc_age"] > row["isolated"]["auc_age"] + 0.1
    assert row["pooled"]["auc_age"] > 0.7
    assert row["isolated"]["inside_age"] > row["federated"]["inside_age"]
    assert "turn" in row["federated"]["said"][0]
    assert any(one.name == "difference(auc_age, federated, majority)" and one.lo > 0 for one in summary.differences)


@pytest.mark.slow
def test_a_private_arm_says_what_it_spent_on_whom_and_which_features_were_chosen(tmp_path, monkeypatch):
    seeds, real = [], training.noise_seed
    monkeypatch.setattr(training, "noise_seed", lambda spec, name: seeds.append(real(spec, name)) or seeds[-1])
    summary, store, specs = outcome(
        tmp_path, {"model": "federated", "epsilon": 8.0}, attributes=["age", "income"], sizes=[25], merchants=FEW[:20]
    )
    row = summary.rows[0]
    assert 6 < row["epsilon_pld"] <= row["epsilon_spent"] <= 8
    assert row["said"][0].startswith("age: 25 features")
    # Each of two attributes has one training that somebody is in: with two folds, that of the other fold.
    rounds = read_json(store.directory(specs[0]) / "run.json")["rounds"]
    costs = [sum(one["cost"] for one in rounds)] * 2
    assert row["epsilon_total"] == pytest.approx(epsilon_rdp(costs, delta=1e-5))
    assert row["privacy_unit"].startswith("One household in one training")
    assert read_run(store.records("small")[0]).covers().unit == row["privacy_unit"]
    # Two attributes, two folds, two draws: no two trainings share their noise.
    assert len(seeds) == len(set(seeds)) == 8
    # What repeats a training has as much noise as the one that was paid for.
    paid = {one["name"]: one["noise_multiplier"] for one in rounds}
    planned = training.Training(name="age", task="attribute", options={}, merchants=FEW).lone_task(9, 25).rounds()
    assert training._sigma(8.0, 1e-5, tuple((one.name, one.share) for one in planned)) == pytest.approx(paid)


def test_no_model_sees_the_household_that_it_judges(tmp_path, monkeypatch):
    taught, met = [], []
    learn, judge = attributes_run.learn_often, attributes_run._by

    def watched_learn(spec, directory, known, *rest, **way):
        learnt = learn(spec, directory, known, *rest, **way)
        taught.extend((one, set(known.persons)) for one in learnt)
        return learnt

    def watched_judge(learnt, people, size, rows):
        met.append((next(known for one, known in taught if one is learnt), set(rows.persons)))
        return judge(learnt, people, size, rows)

    monkeypatch.setattr(attributes_run, "learn_often", watched_learn)
    monkeypatch.setattr(attributes_run, "_by", watched_judge)
    outcome(tmp_path, {"model": "pooled"})
    judged_apart = [rows for known, rows in met if not known & rows]
    assert len(judged_apart) == 2
    assert not judged_apart[0] & judged_apart[1]


@pytest.mark.parametrize("name", list(attributes.SENSITIVE))
def test_special_categories_are_refused_by_the_policy_before_anything_is_read(tmp_path, monkeypatch, name):
    monkeypatch.setattr(attribute_data, "DataSource", None)
    made = scenario({"model": "federated"}, attributes=["age", name])
    with pytest.raises(ConfigError, match=r"base-special.*GDPR Art\. 9\(1\); PIPL Art\. 28"):
        AUDIENCE.check(made, tmp_path)
    spec = expand_audience(made, code_version="v", fingerprint=lambda one: "same")[0]
    with pytest.raises(PolicyError, match=r"base-special.*health, beliefs and other special categories"):
        run_audience(spec, tmp_path, lambda line: None)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("arm", "options", "why"), [
    ({"model": "pooled", "epsilon": 1.0}, {}, "only federated has one"),
    ({"model": "federated", "regime": "pooled"}, {}, "has its own"),
    ({"model": "federated"}, {"attributes": ["height"]}, "'height' is unknown; choose from children"),
    ({"model": "federated"}, {"attributes": []}, "list names"),
    ({"model": "federated"}, {"attributes": ["age", "age"]}, "each once"),
    ({"model": "federated"}, {"folds": 1}, "at least 2 folds"),
    ({"model": "federated"}, {"sizes": [0]}, "at least 1"),
    ({"model": "federated"}, {"turns": [1.0]}, "below 1"),
    ({"model": "federated"}, {"noises": 0}, "from 1 to 100"),
    ({"model": "federated"}, {"size": 3}, "unknown"),
])  # fmt: skip
def test_what_cannot_be_meant_is_refused_before_any_run(tmp_path, arm, options, why):
    with pytest.raises(ConfigError, match=why):
        AUDIENCE.check(scenario(arm, **options), tmp_path)


@pytest.mark.parametrize("everybody", [True, False])
def test_an_attribute_that_everybody_or_nobody_has_is_one_message_before_any_run(tmp_path, monkeypatch, everybody):
    made = attributes.Attribute("is a household", False, lambda data, day: _ones(data) * everybody, ())
    monkeypatch.setattr(attributes, "ATTRIBUTES", {**attributes.ATTRIBUTES, "all": made})
    with pytest.raises(ConfigError, match=r"attribute all: \d+ of \d+ people have it, so there is nothing to tell"):
        AUDIENCE.check(scenario({"model": "pooled"}, attributes=["all"]), tmp_path)
    assert not list(tmp_path.iterdir())


def _ones(data):
    return pd.Series(1.0, index=data.customers[c.PERSON])


def test_a_home_store_does_not_see_what_was_bought_elsewhere():
    home, everywhere = (
        judged(DataSettings(), PartitionSettings(merchants=FEW), "age", now=17_440, pooled=pooled)
        for pooled in (False, True)
    )
    assert np.array_equal(home.rows.persons, everywhere.rows.persons)
    assert home.rows.names == everywhere.rows.names
    assert (home.rows.features[:, 0] <= everywhere.rows.features[:, 0] + 1e-9).all()
    assert home.rows.features.min() >= 0
    assert home.rows.features.max() <= attribute_data.MOST


def test_labels_about_later_purchases_come_from_later_lines():
    data = SimpleNamespace(
        name="small",
        transactions=pd.DataFrame({c.PERSON: [1, 1, 2, 3], c.PRODUCT: [1, 2, 2, 1], c.DAY: [0, 9, 9, 0]}),
        products=pd.DataFrame({c.PRODUCT: [1, 2], c.CATEGORY: ["BAG SNACKS", "MILK"]}),
    )
    assert attributes.ATTRIBUTES["salty"].labels(data, 5).to_dict() == {1: 0.0, 2: 0.0}
    assert attributes.ATTRIBUTES["salty"].labels(data, 0).to_dict() == {1: 1.0, 2: 0.0, 3: 1.0}


def test_figures_by_hand():
    yes, score = np.array([1.0, 0, 1, 0]), np.array([[0.9, 0.5, 0.4, 0.1], [0.9, 0.1, 0.4, 0.0]])
    half = np.full((2, 4), 0.5)
    figures = {one.name: one for one in judged_figures("a", yes, score, half, np.array([1.0, 1.0]), draws=200)}
    assert figures["auc_a"].value == pytest.approx((0.75 + 1) / 2)  # the mean of two trainings
    assert figures["inside_a"].value == pytest.approx(1 - 0.875)
    assert figures["lift10_a"].value == pytest.approx(2.0)
    assert figures["miscalibration_a"].value == pytest.approx(0.5)  # fifths of four households hold one at most
    # Draws take one training after the other: those of the second, which is always right, find no pair out of order.
    assert np.nanmin(figures["auc_a"].redrawn[1::2]) == 1 > np.nanmin(figures["auc_a"].redrawn[::2])


def test_a_household_less_moves_nobody_to_another_fold():
    persons = np.arange(500)
    fold = folds_of(persons, folds=4, seed=0)
    assert np.array_equal(folds_of(persons[1:], folds=4, seed=0), fold[1:])
    assert np.bincount(fold).min() > 90
    assert not np.array_equal(folds_of(persons, folds=4, seed=1), fold)


def test_the_bundled_scenario_can_be_run():
    AUDIENCE.check(load_scenario("attributes", ()), None)

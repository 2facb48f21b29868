"""Attributes of households: judged by models that never saw them, and refused where nobody may ask."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from experiments.audience import attribute_data, attributes_run
from experiments.audience.attribute_data import auc_of, judged, judged_figures
from experiments.audience.kind import AUDIENCE
from experiments.audience.run import run_audience
from experiments.audience.spec import expand_audience
from experiments.audience.summary import summarise_audience
from experiments.runs import RunStore
from experiments.scenario import DataSettings, PartitionSettings
from experiments.scenario_file import load_scenario, validate
from experiments.worker import execute
from retail import attributes
from retail import columns as c
from retail.complete_journey_stores import MEMBER_STORES
from retail.errors import ConfigError, DataError, PolicyError

FEW = MEMBER_STORES[:40]


def scenario(*arms, policy=None, **options):
    return validate(
        {
            "kind": "audience",
            "name": "small",
            "method": "attributes",
            "draws": 30,
            "partition": {"by": "home_store", "merchants": list(FEW)},
            "options": {"attributes": ["age"], "folds": 2, "sizes": [25, 100], **options},
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
    assert any(one.name == "difference(auc_age, federated, majority)" and one.lo > 0 for one in summary.differences)


def test_a_private_arm_says_what_it_spent_and_which_features_were_chosen(tmp_path):
    summary, _, _ = outcome(tmp_path, {"model": "federated", "epsilon": 8.0})
    row = summary.rows[0]
    assert 6 < row["epsilon_pld"] <= row["epsilon_spent"] <= 8
    assert row["said"][0].startswith("age: ")
    assert "chosen for each fold within the other folds" in row["said"][0]


def test_no_model_sees_the_household_that_it_judges(tmp_path, monkeypatch):
    met = []
    real = attributes_run._learn

    def watched(spec, people, known, *rest):
        predict, cost = real(spec, people, known, *rest)
        return (lambda rows: met.append((set(known.persons), set(rows.persons))) or predict(rows)), cost

    monkeypatch.setattr(attributes_run, "_learn", watched)
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
    ({"model": "federated", "regime": "pooled"}, {}, "no regime"),
    ({"model": "federated"}, {"attributes": ["height"]}, "'height' is unknown; choose from children"),
    ({"model": "federated"}, {"attributes": []}, "list names"),
    ({"model": "federated"}, {"attributes": ["age", "age"]}, "each once"),
    ({"model": "federated"}, {"folds": 1}, "at least 2 folds"),
    ({"model": "federated"}, {"sizes": [0]}, "at least 1"),
    ({"model": "federated"}, {"size": 3}, "unknown"),
])  # fmt: skip
def test_what_cannot_be_meant_is_refused_before_any_run(tmp_path, arm, options, why):
    with pytest.raises(ConfigError, match=why):
        AUDIENCE.check(scenario(arm, **options), tmp_path)


def test_an_attribute_that_everybody_has_is_one_message(tmp_path, monkeypatch):
    everybody = attributes.Attribute("is a household", False, lambda data, day: _ones(data), ())
    monkeypatch.setattr(attributes, "ATTRIBUTES", {**attributes.ATTRIBUTES, "all": everybody})
    spec = expand_audience(
        scenario({"model": "pooled"}, attributes=["all"]), code_version="v", fingerprint=lambda o: ""
    )[0]
    with pytest.raises(DataError, match=r"attribute all: (\d+) of \1 people responded, so there is nothing to tell"):
        run_audience(spec, tmp_path, lambda line: None)


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
    yes, score = np.array([1.0, 0, 1, 0]), np.array([0.9, 0.5, 0.4, 0.1])
    assert auc_of(score, yes) == pytest.approx(0.75)
    figures = {one.name: one for one in judged_figures("a", yes, score, np.full(4, 0.5), np.array([1.0]), draws=30)}
    assert figures["auc_a"].value == pytest.approx(0.75)
    assert figures["inside_a"].value == pytest.approx(0.25)
    assert figures["lift10_a"].value == pytest.approx(2.0)
    assert np.isnan(auc_of(score, np.ones(4)))


def test_the_bundled_scenario_can_be_run():
    AUDIENCE.check(load_scenario("attributes", ()), None)

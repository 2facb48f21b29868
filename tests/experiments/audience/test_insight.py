"""The arms of `insight`, on a folder of made-up shops whose tastes are known."""

import datetime as dt
import json

import numpy as np
import pandas as pd
import pytest

from experiments.audience.kind import AUDIENCE
from experiments.audience.run import run_audience
from experiments.audience.spec import expand_audience
from experiments.audience.summary import summarise_audience
from experiments.runs import RunStore
from experiments.scenario_file import load_scenario, validate
from experiments.worker import execute
from retail import columns as c
from retail.errors import ConfigError

ARMS = ("shares", "own", "logit", "mixed")
WEIGHT = -1.5
LIKING = {"10": 0.0, "20": 0.6, "30": -0.4}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two hundred households choose seven times among three brands of tea; each likes brands in its own way."""
    rng = np.random.default_rng(0)
    weeks, people, times = 26, 200, 7
    price = np.array([3.0, 3.4, 2.6]) * np.exp(0.15 * rng.standard_normal((weeks, 3)))
    person = np.repeat(np.arange(people), times)
    week = rng.integers(0, weeks, len(person))
    taste = 1.5 * rng.standard_normal((people, 3)) + list(LIKING.values())
    utility = taste[person] + WEIGHT * price[week] + rng.gumbel(size=(len(person), 3))
    brand = utility.argmax(axis=1)
    place = tmp_path_factory.mktemp("tables")
    start = pd.Timestamp("2024-01-01")
    pd.DataFrame(
        {
            c.PERSON: person,
            c.BASKET: np.arange(len(person)),
            c.PRODUCT: brand + 1,
            c.STORE: 1,
            c.TIME: [(start + pd.Timedelta(days=7 * int(one) + 2)).strftime("%Y-%m-%d 10:00:00") for one in week],
            c.QUANTITY: 1,
            c.SALES: price[week, brand].round(4),
        }
    ).to_csv(place / "transactions.csv", index=False)
    pd.DataFrame(
        {
            c.PRODUCT: [1, 2, 3],
            c.TYPE: "TEA",
            c.CATEGORY: "TEA",
            c.MANUFACTURER: [10, 20, 30],
            c.BRAND: "National",
            c.DEPARTMENT: "GROCERY",
            c.PACKAGE: "10 CT",
        }
    ).to_csv(place / "products.csv", index=False)
    return place


def scenario(folder, *arms, **options):
    data = {"source": "folder", "path": str(folder), "timezone": "UTC", "currency": "EUR", "population": 200}
    return validate(
        {
            "kind": "audience",
            "name": "small",
            "method": "insight",
            "draws": 100,
            "data": {**data, "start": dt.date(2024, 1, 1), "end": dt.date(2024, 6, 30)},
            "options": {"kind": "TEA", "product": "30", "taste_draws": 60, **options},
            "arms": [{"name": one["model"], **one} for one in arms],
        },
        source="test",
    )


def outcome(tmp_path, made):
    specs = expand_audience(made, code_version="v", fingerprint=lambda one: "same")
    store = RunStore.open(tmp_path)
    statuses = {spec.arm.name: execute(store, spec, run_audience, retry=False, report=lambda text: None).status
                for spec in specs}  # fmt: skip
    return statuses, summarise_audience(made, specs, store), store, specs


@pytest.fixture(scope="module")
def done(folder, tmp_path_factory):
    made = scenario(folder, *({"model": name} for name in ARMS))
    statuses, summary, store, specs = outcome(tmp_path_factory.mktemp("runs"), made)
    assert set(statuses.values()) == {"finished"}, [store.failure(spec) for spec in specs]
    return {row["arm"]: row for row in summary.rows}


def test_more_data_and_differing_tastes_tell_held_out_people_better(done):
    assert done["shares"]["told"] < done["logit"]["told"] < done["mixed"]["told"]
    assert done["own"]["told_ours"] < done["logit"]["told_ours"]
    assert done["logit"]["told"] > np.log(1 / 3)


def test_the_mixed_logit_finds_the_weight_of_prices_again_and_the_plain_one_takes_too_little(done):
    row = done["mixed"]
    assert row["price_weight_lo"] < WEIGHT < row["price_weight_hi"]
    assert done["logit"]["price_weight"] > WEIGHT  # tastes that are left out flatten it


def test_a_lower_price_gains_and_a_larger_gain_needs_heavier_prices(done):
    for name in ("own", "logit", "mixed"):
        row = done[name]
        assert 0 < row["gain_price_lo"] < row["gain_price"] < row["gain_price_hi"]
        assert (row["gain_price"] < 60) == (row["needed_price"] < row["price_weight"])
        assert row["needed_unmeasured_lo"] <= row["needed_unmeasured"] <= row["needed_unmeasured_hi"]
        assert row["needed_as_price"] == pytest.approx(-row["needed_unmeasured"] / row["price_weight"])


def test_a_data_set_without_offers_has_no_figures_of_them(done):
    assert not any("display" in name for name in done["logit"] if done["logit"][name] is not None)


@pytest.mark.parametrize(
    ("model", "regime", "finishes"),
    [
        ("logit", "isolated", False),
        ("logit", "federated_dp", False),
        ("logit", "pooled", True),
        ("mixed", "federated", False),
        pytest.param("mixed", "pooled", True, marks=pytest.mark.slow),
        ("own", "isolated", True),
    ],
)
def test_rivals_rows_come_in_only_where_the_regime_lets_them(folder, tmp_path, model, regime, finishes):
    made = scenario(folder, {"model": model, "regime": regime}, taste_draws=10)
    statuses, _, store, specs = outcome(tmp_path, made)
    if finishes:
        assert statuses == {model: "finished"}
    else:
        assert statuses == {model: "refused"}
        assert f"under {regime} no maker may have a model of rivals" in json.dumps(store.failure(specs[0]))


def test_a_data_set_without_promotions_has_no_drivers(folder, tmp_path):
    statuses, _, store, specs = outcome(tmp_path, scenario(folder, {"model": "drivers"}))
    assert statuses == {"drivers": "refused"}
    assert "has no promotions" in json.dumps(store.failure(specs[0]))


@pytest.mark.slow
def test_reviews_are_told_by_keywords_and_by_learning_and_new_wordings_show_the_difference(folder, tmp_path):
    made = scenario(folder, *({"model": f"review_{way}"} for way in ("keywords", "learned", "both")))
    made = made.model_copy(update={"arms": tuple(one.model_copy(update={"name": one.model}) for one in made.arms)})
    statuses, summary, _, _ = outcome(tmp_path, made)
    assert set(statuses.values()) == {"finished"}
    keywords, learned, both = (
        next(row for row in summary.rows if row["model"] == f"review_{way}") for way in ("keywords", "learned", "both")
    )
    assert learned["f1_known"] > keywords["f1_known_hi"]
    assert learned["f1_new"] < keywords["f1_new_lo"]
    assert both["f1_known"] > keywords["f1_known"]
    assert both["f1_new"] > learned["f1_new"]
    assert keywords["f1_new_lo"] < keywords["f1_new"] < keywords["f1_new_hi"]


@pytest.mark.slow
def test_offers_sell_diapers_in_the_complete_journey(tmp_path):
    made = load_scenario("insight", {})
    made = made.model_copy(update={"arms": tuple(arm for arm in made.arms if arm.model == "drivers"), "targets": {}})
    statuses, summary, _, _ = outcome(tmp_path, made.model_copy(update={"reference": None}))
    assert statuses == {"drivers": "finished"}
    (row,) = summary.rows
    for name in ("display", "mailer"):
        assert 0 < row[f"sold_{name}_lo"] < row[f"sold_{name}"] < row[f"sold_{name}_hi"]
        assert row[f"ahead_{name}_lo"] < row[f"ahead_{name}"] < row[f"ahead_{name}_hi"]


@pytest.mark.parametrize(
    ("options", "arm", "says"),
    [
        ({"products": "30"}, {}, "options of insight are"),
        ({"held_out": 0}, {}, "options.held_out"),
        ({"cut": 2.0}, {}, "options.cut"),
        ({"taste_draws": 3}, {}, "whole number from 10"),
        ({"kind": ""}, {}, "write a text"),
        ({"kind": "Te a"}, {}, "no type of the products table; write one of it, such as 'TEA'"),
        ({"product": "99"}, {}, "makes no TEA; choose of 10, 20, 30"),
        ({}, {"epsilon": 1.0}, "no model of insight adds noise"),
        ({}, {"regime": "anarchy"}, "anarchy"),
        ({}, {"model": "guess"}, "is none of method"),
    ],
)
def test_settings_that_make_no_sense_are_refused_before_any_run(folder, tmp_path, options, arm, says):
    made = scenario(folder, {"model": "logit", **arm}, **options)
    with pytest.raises(ConfigError, match=says):
        AUDIENCE.check(made, tmp_path)


def test_the_bundled_scenario_passes_its_checks(tmp_path):
    made = load_scenario("insight", {})
    AUDIENCE.check(made, tmp_path)
    assert [arm.model for arm in made.arms] == [*ARMS, "drivers", "review_keywords", "review_learned", "review_both"]

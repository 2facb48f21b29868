"""Counts of conversions leave by the release gate: noisy, bounded, paid for, and refused where nothing happened."""

import re
from dataclasses import replace

import numpy as np
import pytest

from apps.command.audience_summary import print_audience
from experiments.audience import measurement_run
from experiments.audience.kind import AUDIENCE
from experiments.audience.measured import TABLE_FILE
from experiments.audience.run import run_audience
from experiments.audience.spec import expand_audience
from experiments.audience.summary import summarise_audience
from experiments.documents import read_frame
from experiments.logbook import RUN_BOOKS
from experiments.runs import RunStore
from experiments.scenario_file import load_scenario, validate
from experiments.worker import execute
from privacy import Budget, Ledger, cap
from privacy.log import Log
from retail import columns as c
from retail.campaigns import load_campaigns
from retail.errors import ConfigError, PolicyError


def scenario(*arms, policy=None, **options):
    return validate(
        {
            "kind": "audience",
            "name": "small",
            "method": "measurement",
            "options": {"campaigns": [8, 13, 18, 27], **options},
            "policy": policy or {},
            "arms": [{"name": f"arm-{place}", "epsilon": 1.0, **one} for place, one in enumerate(arms)],
        },
        source="test",
    )


def specs_of(made):
    return expand_audience(made, code_version="v", fingerprint=lambda one: "same")


def outcome(tmp_path, *arms, **options):
    made = scenario(*arms, **options)
    specs, store = specs_of(made), RunStore.open(tmp_path)
    for spec in specs:
        status = execute(store, spec, run_audience, retry=False, report=lambda text: None).status
        assert status == "finished", store.failure(spec)
    return summarise_audience(made, specs, store), [store.directory(spec) for spec in specs]


def test_measured_counts_stand_beside_exact_ones_with_their_noise_and_cost(tmp_path):
    summary, folders = outcome(tmp_path, {"model": "redeemers", "epsilon": 4.0}, {"model": "redeemers"})
    exact, private = summary.rows
    for row in summary.rows:
        assert (row["campaign_8_exact"], row["campaign_13_exact"], row["campaign_18_exact"]) == (158, 196, 214)
        assert row["campaign_18_hi"] - row["campaign_18"] == row["error_95"]
        assert 0 <= row["lost"] < 0.2
    assert abs(exact["campaign_18"] - 214) < 60  # 30 times the noise, and a tenth lost to bounds
    assert private["error_95"] > exact["error_95"]
    assert 0 < private["cost"] < exact["cost"]
    table = read_frame(folders[0] / "artifacts" / TABLE_FILE)
    assert table["exact"].tolist() == [158, 196, 214, 36]


def test_the_release_is_charged_to_the_ledger_and_logged(tmp_path):
    summary, (folder,) = outcome(tmp_path, {"model": "redemptions"})
    ledger = Ledger.open(folder / RUN_BOOKS, scope="run", budget=Budget("conversions of small", 1.0, 1e-5, 2469))
    assert 0 < ledger.spent <= cap(epsilon=1.0, delta=1e-5)
    assert ledger.spent / 1e9 == pytest.approx(summary.rows[0]["cost"])
    kinds = [entry.kind for entry in Log.open(ledger.books, origin=None, key=None).entries()]
    assert kinds.count("release") == 1
    assert "access" in kinds


def test_wider_bounds_lose_less_and_cost_noise(tmp_path):
    narrow, wide = outcome(tmp_path, {"model": "redeemers", "options": {"most_campaigns": 1}}, {"model": "redeemers"})[
        0
    ].rows
    assert narrow["lost"] > wide["lost"]
    assert narrow["error_95"] < wide["error_95"]


def test_buyers_are_more_than_redeemers_of_the_same_campaigns(tmp_path):
    redeemers, buyers = outcome(tmp_path, {"model": "redeemers"}, {"model": "buyers"})[0].rows
    for campaign in (8, 13, 18, 27):
        assert buyers[f"campaign_{campaign}_exact"] > redeemers[f"campaign_{campaign}_exact"]


def test_a_small_count_is_not_shown(tmp_path):
    row = outcome(tmp_path, {"model": "redeemers", "epsilon": 0.1}, campaigns=[14, 16])[0].rows[0]
    assert row["shown"] < 2
    assert np.isnan(row["campaign_14"]) or np.isnan(row["campaign_16"])
    assert "are not shown" in row["said"][0]


def test_people_read_that_noise_is_drawn_anew(tmp_path, capsys):
    summary, _ = outcome(tmp_path, {"model": "redeemers"})
    print_audience(summary.document())
    shown = capsys.readouterr().out
    assert "another run gives other counts" in shown
    assert "comes from a seed" not in shown
    assert "attributed, not caused" in shown
    count = summary.rows[0]["campaign_18"]
    assert re.search(rf"campaign 18 +{count:.0f} \[\d+, \d+\]", shown), "a count of people has no decimals"


@pytest.mark.parametrize(("model", "why"), [
    ("redeemers", "campaign 24: none of its 12 recipients redeemed a coupon of it, so there is nothing to measure"),
    ("buyers", "campaign 24: none of its 12 recipients bought what its coupons were for"),
])  # fmt: skip
def test_a_campaign_without_outcome_is_one_message_before_any_run(tmp_path, monkeypatch, model, why):
    records = load_campaigns()
    nothing = replace(records, products=records.products[records.products[c.CAMPAIGN] != 24])
    monkeypatch.setattr(measurement_run, "load_campaigns", lambda: nothing)
    with pytest.raises(ConfigError, match=why):
        AUDIENCE.check(scenario({"model": model}, campaigns=[13, 24]), tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("model", ["redeemers", "buyers"])
def test_an_unknown_campaign_is_named_before_any_run(tmp_path, model):
    with pytest.raises(ConfigError, match="campaign 99 is unknown"):
        AUDIENCE.check(scenario({"model": model}, campaigns=[99]), tmp_path)


def test_a_single_campaign_is_always_shown(tmp_path):
    row = outcome(tmp_path, {"model": "redeemers", "epsilon": 4.0}, campaigns=[18])[0].rows[0]
    assert row["shown"] == 1
    assert row["lost"] == 0
    assert "every count is shown" in row["said"][0]


def test_rules_that_forbid_the_release_stop_it(tmp_path):
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "rules.csv").write_text(
        "id,who,effect,action,whose,kind,form,purpose,when,unless,jurisdiction,article,sentence\n"
        "ours-none,any,may not,release,any,any,any,any,,,any,house rule,No count leaves.\n"
    )
    spec = specs_of(scenario({"model": "redeemers"}, policy={"packs": [str(tmp_path / "rules")]}))[0]
    with pytest.raises(PolicyError, match=r"chain may not have this release: Denied by ours-none"):
        run_audience(spec, tmp_path / "scenario" / "run", lambda line: None)


@pytest.mark.parametrize(("arm", "options", "why"), [
    ({"model": "redeemers", "epsilon": None}, {}, "epsilon is missing"),
    ({"model": "redeemers", "noise": "every_node"}, {}, "adds its noise once"),
    ({"model": "redeemers", "regime": "pooled"}, {}, "remove both"),
    ({"model": "redeemers"}, {"campaigns": []}, "list numbers"),
    ({"model": "redeemers"}, {"campaigns": [8, 8]}, "each once"),
    ({"model": "redeemers"}, {"most_campaigns": 0}, "from 1 to 1,000,000"),
    ({"model": "redeemers"}, {"most": 1}, "options.most is unknown"),
])  # fmt: skip
def test_what_cannot_be_meant_is_refused_before_any_run(tmp_path, arm, options, why):
    with pytest.raises(ConfigError, match=why):
        AUDIENCE.check(scenario(arm, **options), tmp_path)


def test_the_bundled_scenario_can_be_run():
    AUDIENCE.check(load_scenario("measurement", ()), None)

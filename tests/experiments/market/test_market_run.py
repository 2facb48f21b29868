"""A small market scenario through the whole spine: run, resume, table, targets, log, bad input."""

import json
import math

import pandas as pd
import pytest

from apps.command.main import main
from apps.command.tables import print_summary
from experiments.attacking import attack_run
from experiments.documents import json_ready
from experiments.execute import run_scenario
from experiments.market.figures import FIGURES, regime_metrics
from experiments.market.periods import PERIODS_FILE
from experiments.market.spec import SEEDS_FILE
from experiments.report import build_report
from experiments.runs import RunStore
from experiments.scenario_file import bundled_scenarios, load_scenario, scenario_text, validate
from retail.errors import ConfigError
from retail.market_log import read_log
from simulation.market import MarketSettings, simulate
from simulation.store.intervals import paired

TINY = {
    "kind": "market",
    "name": "tiny",
    "replications": 3,
    "seed": 5,
    "periods": 12,
    "settings": {"merchants": 12, "products": 40, "consumers": 200},
    "arms": [
        {"name": "pure", "regime": "pure"},
        {"name": "isolated", "label": "Own label", "regime": "isolated"},
        {"name": "neutral", "regime": "self_preferencing", "remedies": {"non_discrimination": True}},
        {"name": "firewall", "regime": "firewall"},
        {"name": "capped", "regime": "isolated", "remedies": {"fee_cap": 0.1}},
    ],
    "targets": {
        "difference(merchant_surplus, capped, isolated)": "> 0",
        "hhi(pure)": "< 0",
        "ratio(fee, capped, pure)": "< 1",
    },
}


def scenario(**changes):
    return validate({**TINY, **changes}, source="tiny")


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    folder = tmp_path_factory.mktemp("market")
    return run_scenario(scenario(), store=folder, jobs=1), RunStore(folder)


def test_every_arm_has_its_figures_on_the_same_markets_and_every_target_its_answer(done):
    summary, _ = done
    assert not summary.failures
    assert not summary.unfinished
    assert [row["arm"] for row in summary.rows] == ["pure", "isolated", "neutral", "firewall", "capped"]
    for row in summary.rows:
        assert row["seeds"] == [5, 6, 7]
        assert row["welfare_lo"] <= row["welfare"] <= row["welfare_hi"]
    names = {one.name for one in summary.differences}
    assert {"difference(welfare, firewall, isolated)", "difference(welfare, firewall, pure)"} <= names
    met = {one.name: (one.met, one.value) for one in summary.targets}
    assert met["hhi(pure)"][0] is False
    assert met["ratio(fee, capped, pure)"] == (True, pytest.approx(0.1 / 0.15))


def test_figures_are_those_of_the_model_called_directly(done):
    _, store = done
    (record,) = [one for one in store.records("tiny") if one["arm"] == "firewall"]
    table = pd.read_parquet(store.root / "tiny" / record["run_id"] / "artifacts" / SEEDS_FILE).set_index("seed")
    run = simulate(MarketSettings(**TINY["settings"]), "firewall", seed=6, periods=12)
    assert table.loc[6, "consumer_surplus"] == run.kpis["consumer_surplus"]


def test_an_arm_whose_remedy_undoes_its_rule_differs_in_nothing(done):
    summary, _ = done
    rows = {row["arm"]: row for row in summary.rows}
    for metric in ("consumer_surplus", "merchant_surplus", "platform_profit", "own_first"):
        assert rows["neutral"][metric] == rows["firewall"][metric]


def test_the_log_of_the_first_market_is_kept_for_an_audit(done):
    _, store = done
    for record in store.records("tiny"):
        log = read_log(store.root / "tiny" / record["run_id"] / "artifacts" / "log")
        assert log.impressions is not None
        assert len(log.impressions)


def test_the_same_command_again_runs_nothing_and_gives_the_same_table(done):
    summary, store = done
    again = run_scenario(scenario(), store=store.root, jobs=1)
    assert again.document() == summary.document()


def test_any_number_of_workers_gives_the_same_figures(done, tmp_path):
    summary, _ = done
    again = run_scenario(scenario(), store=tmp_path, jobs=2)
    drop = {"seconds", "run_ids"}
    assert [{k: v for k, v in row.items() if k not in drop} for row in again.rows] == [
        {k: v for k, v in row.items() if k not in drop} for row in summary.rows
    ]


def test_the_printed_table_says_who_gains_against_which_reference(done, capsys):
    summary, _ = done
    print_summary(json.loads(json.dumps(summary.document())))
    out = capsys.readouterr().out
    assert "less isolated" in out
    assert "less pure" in out
    assert "less capped" not in out
    assert "Own label" in out


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"settings": {"merchants": 0}}, "merchants = 0"),
        ({"settings": {"fee": 1.0}}, "fee = 1.0 must be below 1"),
        ({"settings": {"marchants": 3}}, "no such market setting: marchants"),
        ({"periods": 10**9}, "periods"),
        ({"replications": 1}, "replications"),
        ({"arms": [{"name": "a", "regime": "purely"}]}, "there is no regime 'purely'"),
        ({"arms": [{"name": "a", "regime": "pure", "remedies": {"fee_cup": 0.1}}]}, "there is no 'fee_cup'"),
        ({"arms": [{"name": "a", "regime": "pure", "remedies": {"fee_cap": 2}}]}, "cap of the fee = 2"),
        ({"arms": [{"name": "a", "regime": "pure", "remedies": {"non_discrimination": 1}}]}, "must be true or false"),
        ({"arms": [{"name": "a"}]}, "regime is missing"),
        ({"arms": [{"name": "a", "regime": "pure", "experiment": "x"}]}, "experiment is not read"),
        ({"method": "signs", "arms": [{"name": "a", "experiment": "none"}], "targets": {}}, "no experiment 'none'"),
        ({"reference": "nobody"}, "reference = 'nobody' is no arm"),
        ({"settings": {"fee": 1.0}}, "tiny: [settings]: fee = 1.0"),
        ({"arms": [{"name": "a", "regime": "pure", "settings": {"fee": 1.0}}]}, "tiny: arm a: fee = 1.0"),
        ({"settings": {"marchants": 3}}, "[settings]: no such market setting: marchants (did you mean merchants?)"),
        ({"targets": {"hih(pure)": "> 0"}}, "\"hih(pure)\" asks for 'hih', which is not measured; did you mean hhi?"),
        ({"targets": {"difference(nonsense, capped, pure)": "> 0"}}, "choose one of consumer_surplus, merchant_"),
        ({"targets": {"consumer_surplus_segment_4(pure)": "> 0"}}, "did you mean consumer_surplus_segment_3"),
        (
            {"method": "signs", "arms": [{"name": "a", "experiment": "none"}], "targets": {"hhi(a)": "> 0"}},
            "choose one of effect, without_assumption",
        ),
    ],
)
def test_what_has_no_meaning_is_refused_in_one_line_before_any_run(changes, words, tmp_path):
    given = {**TINY, "targets": {}, **changes}
    with pytest.raises(ConfigError) as refused:
        run_scenario(validate(given, source="tiny"), store=tmp_path, jobs=1)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("name", [one for one in bundled_scenarios() if one.startswith("market")])
def test_bundled_scenarios_are_read(name):
    scenario = load_scenario(name)
    assert scenario.runs_wanted >= (5 if scenario.method == "label" else 9)


def test_bad_input_of_the_command_ends_with_2_and_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["run", "market-demo", "--set", "settings.fee=1.5"]) == 2
    err = capsys.readouterr().err
    assert "fee = 1.5 must be below 1" in err
    assert err.count("\n") == 1


def test_a_run_that_was_killed_after_its_log_was_written_goes_on(done, tmp_path):
    _, store = done
    (record,) = [one for one in store.records("tiny") if one["arm"] == "pure"]
    left = tmp_path / "tiny" / record["run_id"] / "artifacts" / "log"
    left.mkdir(parents=True)
    (left / "sales.csv").write_text("half")
    summary = run_scenario(scenario(), store=tmp_path, jobs=1)
    assert not summary.failures
    assert not (left / "sales.csv").exists()


def test_without_pure_or_isolated_arms_are_compared_with_the_first(tmp_path):
    arms = [
        {"name": "plain", "regime": "pooled"},
        {"name": "cap", "regime": "pooled", "remedies": {"fee_cap": 0.1}},
    ]
    summary = run_scenario(scenario(arms=arms, targets={}), store=tmp_path, jobs=1)
    assert "difference(welfare, cap, plain)" in {one.name for one in summary.differences}


def test_a_figure_that_is_the_same_on_every_market_is_certain(done):
    summary, _ = done
    row = next(row for row in summary.rows if row["arm"] == "capped")
    assert [row["fee"], row["fee_lo"], row["fee_hi"]] == pytest.approx([0.1, 0.1, 0.1])


def test_a_report_of_a_market_is_refused_with_what_to_do_instead(done):
    _, store = done
    with pytest.raises(ConfigError, match="--rules all --report"):
        build_report(store.root, "tiny")


def test_the_interval_of_a_share_stays_within_0_and_1_and_that_of_a_difference_need_not(done):
    summary, store = done
    shares = {name for name, figure in FIGURES.items() if figure.unit == "share" or name.startswith("knowledge")}
    table = by_seed(store, "firewall")
    reaching = [name for name in shares & set(table) if len(table) and leaves(table[name])]
    assert reaching, "no share leaves its room here, so nothing is tested"
    row = next(row for row in summary.rows if row["arm"] == "firewall")
    results = {one.name: one for one in summary.arms}
    (record,) = [one for one in store.records("tiny") if one["arm"] == "firewall"]
    metrics = store.run_metrics("tiny", record["run_id"]).set_index("name")
    for name in shares & set(table):
        result = results[f"{name}(firewall)"]
        for lo, hi in (
            (row[f"{name}_lo"], row[f"{name}_hi"]),
            (result.lo, result.hi),
            (metrics.lo[name], metrics.hi[name]),
        ):
            assert lo != lo or 0 <= lo, name
            assert hi != hi or hi <= 1, name
    plain = next(name for name in shares & set(table) if name not in reaching and table[name].std() > 0)
    found = paired(table[plain].to_numpy())
    assert (row[f"{plain}_lo"], row[f"{plain}_hi"]) == (found.lo, found.hi)


def by_seed(store, arm):
    (record,) = [one for one in store.records("tiny") if one["arm"] == arm]
    return pd.read_parquet(store.root / "tiny" / record["run_id"] / "artifacts" / SEEDS_FILE).set_index("seed")


def leaves(values):
    found = paired(values.dropna().to_numpy())
    return found is not None and values.std() > 0 and (found.lo < 0 or found.hi > 1)


def test_a_market_without_sales_is_told_in_words(tmp_path, capsys):
    arms = [{"name": "pure", "regime": "pure"}, {"name": "isolated", "regime": "isolated"}]
    dead = scenario(arms=arms, targets={}, settings={**TINY["settings"], "fee": 0.99, "service_take": 0}, periods=30)
    summary = run_scenario(dead, store=tmp_path, jobs=1)
    print_summary(json.loads(json.dumps(summary.document())))
    out = capsys.readouterr().out
    assert "pure: in 3 of 3 markets nobody sold anything" in out
    assert "isolated: in 3 of 3 markets no merchant sold anything in the periods that count, only the platform" in out


def test_a_market_with_sales_and_targets_speaks_of_neither_dead_markets_nor_shoppers(done, capsys):
    summary, _ = done
    document = json.loads(json.dumps(summary.document()))
    document["targets"][0] |= {"lo": -1.0, "hi": 1.0}
    print_summary(document)
    out = capsys.readouterr().out
    assert "sold anything" not in out
    assert "on other markets it might come out the other way" in out
    assert "shoppers" not in out


def test_a_run_of_a_market_cannot_be_attacked_and_says_why(done):
    _, store = done
    with pytest.raises(ConfigError, match="simulated a market: nothing was federated"):
        attack_run(store, f"tiny/{store.records('tiny')[0]['run_id']}")


def test_targets_may_ask_for_every_figure_of_a_run_and_for_no_other(done):
    _, store = done
    assert set(regime_metrics()) == set(by_seed(store, "pure").columns)


@pytest.mark.parametrize(
    "changes",
    [
        {"settings": {**TINY["settings"], "segments": 6}},
        {"sweep": {"settings.segments": [2, 6]}},
        {"arms": [*TINY["arms"], {"name": "six", "regime": "pure", "settings": {"segments": 6}}]},
    ],
)
def test_targets_may_ask_for_every_segment_of_consumers_that_some_arm_has(changes):
    assert scenario(**changes, targets={"consumer_surplus_segment_5(pure)": "> 0"}).targets
    with pytest.raises(ConfigError, match="consumer_surplus_segment_6"):
        scenario(**changes, targets={"consumer_surplus_segment_6(pure)": "> 0"})


@pytest.mark.parametrize(("merchants", "lacks"), [(1, {"small", "large"}), (4, {"large"}), (5, set())])
def test_sizes_without_a_merchant_have_no_figures(merchants, lacks, tmp_path, capsys):
    small = {"merchants": merchants, "products": 10, "consumers": 100}
    arms = [{"name": "pure", "regime": "pure"}, {"name": "firewall", "regime": "firewall"}]
    wanted = {"merchant_surplus_large(pure)": "< 1e9", "difference(active_small, firewall, pure)": "< 1e9"}
    summary = run_scenario(scenario(settings=small, arms=arms, targets=wanted), store=tmp_path, jobs=1)
    for row in summary.rows:
        for size in ("small", "medium", "large"):
            for what in ("merchant_surplus", "active", "knowledge", "adopted"):
                assert math.isnan(row[f"{what}_{size}"]) == (size in lacks), (what, size)
        assert math.isnan(row["small_gap"]) == bool(lacks)
        assert not math.isnan(row["welfare"])
    met = {one.name: one.met for one in summary.targets}
    assert met["merchant_surplus_large(pure)"] is (None if "large" in lacks else True)
    assert met["difference(active_small, firewall, pure)"] is (None if "small" in lacks else True)
    print_summary(json.loads(json.dumps(json_ready(summary.document()))))
    out = capsys.readouterr().out
    assert ("not measured" in out) == bool(lacks)
    assert ("nan" in out.lower()) is False
    run = next(tmp_path.glob("tiny/*/artifacts"))
    periods = pd.read_parquet(run / PERIODS_FILE)
    assert periods["merchant_surplus_large"].isna().all() == ("large" in lacks)
    assert periods["merchant_surplus_medium"].notna().all()


def test_first_places_of_affiliates_are_called_so(tmp_path, capsys):
    arms = [
        {"name": "isolated", "regime": "isolated"},
        {"name": "held", "label": "Held", "regime": "affiliated_stores"},
    ]
    print_summary(run_scenario(scenario(arms=arms, targets={}), store=tmp_path, jobs=1).document())
    out = capsys.readouterr().out
    assert "Held: no own label is sold; first places are those of merchants in whom the platform holds a stake." in out


def test_progress_counts_markets_and_the_document_has_the_targets_by_themselves(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    arms = [{"name": "pure", "regime": "pure"}]
    (tmp_path / "tiny.toml").write_text(scenario_text(scenario(arms=arms, targets={"hhi(pure)": "< 0"})))
    assert main(["run", "tiny.toml", "--json", "--jobs", "1"]) == 0
    said = capsys.readouterr()
    assert "pure seed 5 markets 3: starts" in said.err
    (target,) = json.loads(said.out)["targets"]
    assert (target["name"], target["target"], target["met"]) == ("hhi(pure)", "< 0", False)

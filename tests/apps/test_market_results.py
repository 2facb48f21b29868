"""The page Results of scenarios with markets: what it says is what the intervals allow."""

import math

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from apps.market import words as market_words
from apps.market.charts import gains_table
from apps.market.regimes import uses
from apps.market.results import frame
from apps.market.signs import sign_table
from apps.market.table import Gain
from experiments.documents import read_json
from experiments.execute import run_scenario
from experiments.scenario_file import validate

SCENARIO = {
    "kind": "market",
    "name": "regimes",
    "title": "Who wins and loses",
    "replications": 3,
    "periods": 12,
    "settings": {"merchants": 12, "products": 40, "consumers": 200},
    "arms": [
        {"name": "pure", "label": "Marketplace only", "regime": "pure"},
        {"name": "isolated", "label": "Nothing shared", "regime": "isolated"},
        {"name": "firewall", "label": "Firewall", "regime": "firewall"},
        {"name": "ranked-up", "label": "Ranked up", "regime": "self_preferencing"},
    ],
    "targets": {"difference(merchant_surplus, pure, isolated)": "> 0"},
}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("market-results")
    swept = {**SCENARIO, "name": "swept", "sweep": {"periods": [6, 12]}, "targets": {}}
    single = {**SCENARIO, "name": "single", "arms": [SCENARIO["arms"][2]], "targets": {}}
    for raw in (SCENARIO, swept, single):
        run_scenario(validate(raw, source=raw["name"]), store=folder, jobs=1)
    return folder


def _page(root, scenario, document=None):
    from pathlib import Path

    from apps.market.results import show_market_results
    from experiments.documents import read_json
    from experiments.runs import RunStore

    document = document or read_json(Path(root) / scenario / "summary.json")
    show_market_results(RunStore(Path(root)), scenario, document)


def shown(root, scenario, document=None):
    app = AppTest.from_function(_page, args=(str(root), scenario, document), default_timeout=60).run()
    assert not app.exception
    return app


def texts(app):
    kinds = (app.title, app.header, app.markdown, app.caption, app.info, app.warning)
    return "\n".join(element.value for kind in kinds for element in kind).replace("\\", "")


def title(app):
    return app.title[0].value.replace("\\", "")


def gain(metric, value, lo, hi, label="Firewall"):
    return Gain(label.lower(), label, metric, (value, lo, hi))


def test_a_title_names_gain_loss_and_what_cannot_be_told_each_with_its_interval():
    said = market_words.finding(
        "Firewall",
        [
            gain("consumer_surplus", 0.05, 0.02, 0.08),
            gain("merchant_surplus", -0.02, -0.03, -0.01),
            gain("platform_profit", 0.01, -0.01, 0.03),
        ],
    )
    assert said == (
        "Firewall: consumers gain 0.050 [0.020, 0.080]; merchants lose 0.020 [0.010, 0.030]; for the platform "
        "(+0.010 [-0.010, +0.030]) it cannot be told"
    )


def test_a_gain_without_an_interval_is_not_told():
    one = gain("merchant_surplus_small", 0.4, math.nan, math.nan)
    assert "cannot be told" in market_words.clause(one)
    assert market_words.percent_of(one, 1.0) == "+40%"
    assert market_words.percent_of(one, 0.0) == ""


def test_a_long_sentence_is_not_cut():
    words = "own label_takes sales. " * 60
    assert market_words.plain_sentences(words).replace("\\", "") == words


def test_a_count_names_the_few_and_counts_the_many():
    many = [gain("merchant_surplus", 0.1, 0.05, 0.2, label=f"Arm {at}") for at in range(3)]
    said = market_words.counted([*many, gain("merchant_surplus", -0.1, -0.2, -0.05, label="Bad")], "merchant_surplus")
    assert said == "Merchants gain under 3 of 4 regimes and lose under 1 of 4 (Bad 0.100 [0.050, 0.200])."


def test_a_count_names_what_cannot_be_told_with_its_sign():
    said = market_words.counted([gain("platform_profit", -0.01, -0.03, 0.01)], "platform_profit")
    assert said == "The platform: under 1 of 1 it cannot be told (Firewall -0.010 [-0.030, +0.010])."


def test_the_page_says_who_gains_and_has_a_table_for_each_chart(root):
    app = shown(root, "regimes")
    assert title(app).startswith("Firewall: ")
    assert "Against Nothing shared" in texts(app)
    for header in ("Who gains and who loses", "Merchants by size", "How prominent the own label is",
                   "What the rules refused", "Every regime", "Targets"):  # fmt: skip
        assert header in [one.value for one in app.header]
    heads = [set(one.value.columns) for one in app.dataframe]
    assert {"Regime", "Consumers", "Merchants", "Platform", "All together"} in heads
    assert {"Period", "small", "medium", "large"} in heads
    assert any("95% interval of each period by itself as a band" in one.value for one in app.caption)
    prominence = next(
        one.value for one in app.dataframe if "of first places, %" in one.value and "HHI" not in one.value
    )
    assert prominence.iloc[-1].tolist() == ["Published (Amazon)", "5.8", "-", "19.5"]
    assert "Marketplace only" not in prominence["Regime"].tolist()
    refused = next(one.value for one in app.dataframe if "Refused" in one.value).set_index("Regime")
    assert refused.loc["Nothing shared", "Allowed"] == 0
    assert refused.loc["Firewall", "Allowed"] > 0


def test_the_reference_can_be_switched(root):
    app = shown(root, "regimes")
    app.get_by_key("market_against").set_value("Marketplace only").run()
    assert not app.exception
    assert "Against Marketplace only" in texts(app)
    assert "Marketplace only" not in app.selectbox(key="market_arm").options


def test_the_regime_of_the_title_can_be_chosen(root):
    app = shown(root, "regimes")
    app.selectbox(key="market_arm").set_value("Ranked up").run()
    assert title(app).startswith("Ranked up: ")


def test_a_sweep_is_shown_point_by_point(root):
    app = shown(root, "swept")
    assert app.selectbox(key="market_point").options == ["periods = 6", "periods = 12"]
    app.selectbox(key="market_point").set_value("periods = 6").run()
    assert not app.exception


def test_an_arm_alone_is_shown_without_a_comparison(root):
    app = shown(root, "single")
    assert "No arm was compared" in texts(app)
    assert title(app) == "Who wins and loses"


def test_a_missing_run_is_named_and_claims_nothing(root):
    document = read_json(root / "regimes" / "summary.json")
    row = next(one for one in document["rows"] if one["arm"] == "firewall")
    kept = ("arm", "method", "label", "regime", "sweep")
    document["rows"][document["rows"].index(row)] = {
        **{key: row[key] for key in kept}, "seeds": [], "run_ids": [], "missing_runs": 1,
    }  # fmt: skip
    document["differences"] = [one for one in document["differences"] if "firewall" not in one["name"]]
    app = shown(root, "regimes", document)
    assert "nothing to compare" in title(app) or "Firewall" not in title(app)
    assert any("Firewall (missing)" in one.value.to_string() for one in app.dataframe)


def test_everything_can_be_downloaded_with_both_ends_of_every_interval(root):
    table = frame(read_json(root / "regimes" / "summary.json")["rows"])
    assert {"arm", "regime", "consumer_surplus", "consumer_surplus_lo", "consumer_surplus_hi"} <= set(table.columns)
    assert (table["seeds"] == 3).all()


def test_uses_of_data_add_up_to_the_log(root):
    import pandas as pd

    run = next((root / "regimes").glob("*/artifacts/log/reads.parquet"))
    reads = pd.read_parquet(run)
    table = uses(reads)
    assert table["Allowed"].sum() + table["Refused"].sum() == len(reads)
    assert list(table.columns) == ["Use", "Allowed", "Refused"]


def test_a_chart_has_a_row_for_each_side_with_the_ends_of_its_interval():
    table = gains_table([gain("consumer_surplus", 0.1, -0.1, 0.3)])
    assert table.loc[0, ["Side", "Verdict"]].tolist() == ["Consumers", "cannot be told"]
    assert np.allclose(table.loc[0, ["value", "lo", "hi"]].astype(float), [0.1, -0.1, 0.3])


SIGN = {
    "arm": "ban", "method": "signs", "label": "Ban of the dual role", "regime": None, "experiment": "ban",
    "effect": 0.02, "effect_lo": 0.01, "effect_hi": 0.03,
    "without_assumption": None, "without_assumption_lo": None, "without_assumption_hi": None,
    "expected": "+", "verdict": "shown", "number": 1, "question": "Do merchants gain?", "source": "Hagiu 2022",
    "assumption": "own label takes sales", "unit": "money", "seeds": [0, 1], "run_ids": ["x"], "missing_runs": 0,
    "sweep": {}, "epsilon": None,
}  # fmt: skip


def test_signs_are_counted_and_each_has_its_effect_assumption_and_source(tmp_path):
    wrong = {**SIGN, "arm": "fee", "label": "Fee cap", "verdict": "opposite", "number": 14}
    unknown = {**SIGN, "arm": "open", "label": "Open question", "verdict": "reported", "expected": "?", "number": 3}
    document = {"title": "Signs", "rows": [SIGN, wrong, unknown], "differences": [], "targets": [], "failures": [],
                "unfinished": []}  # fmt: skip
    app = shown(tmp_path, "signs", document)
    assert title(app) == (
        "1 of 2 expected signs show beyond chance, 1 shows the opposite; 1 without an expected sign is reported"
    )
    table = app.dataframe[0].value
    assert table["Verdict"].tolist() == ["shown", "opposite", "reported"]
    assert table["Effect"].iloc[0] == "0.020 [0.010, 0.030]"
    assert table["Without its assumption"].tolist() == ["-", "-", "-"]
    assert "The opposite shows:** Fee cap (14)" in texts(app)
    told = app.table[0].value
    assert "Hagiu 2022" in told["Experiment"].tolist()
    assert "own label takes sales" in told["Experiment"].tolist()


def test_an_experiment_that_did_not_run_is_not_measured():
    bare = {key: SIGN[key] for key in ("arm", "method", "label", "sweep")}
    assert sign_table([bare])["Verdict"].tolist() == ["not measured"]
    assert market_words.signs_finding([bare]) == "Nothing was measured yet"


def test_a_real_own_label_is_shown_in_its_currency_with_what_its_intervals_mean(root):
    def arm(name, label, consumers):
        return {
            "arm": name, "label": label, "method": "label", "currency": "USD", "interval": "Over draws.", "seeds": [0],
            "sweep": {}, "missing_runs": 0, "run_ids": ["a"], "regime": None, "own_sales": 0.3, "own_sales_lo": 0.3,
            "own_sales_hi": 0.3, "consumer_surplus": consumers, "consumer_surplus_lo": consumers - 0.1,
            "consumer_surplus_hi": consumers + 0.1, "left_out": "bread 40%" if name == "none" else "",
        }  # fmt: skip

    paired = {"value": -0.45, "lo": -0.49, "hi": -0.42, "provenance": {"runs": ["a"]}}
    document = {
        "kind": "market", "scenario": "label", "title": "A real own label", "failures": [], "unfinished": [],
        "targets": [], "rows": [arm("as-is", "As it is", 1.5), arm("none", "No own label", 1.1)],
        "differences": [{"name": "difference(consumer_surplus, none, as-is)", **paired}],
    }  # fmt: skip
    app = shown(root, "label", document)
    assert app.title[0].value == "A real own label"
    assert [one.value for one in app.header] == ["Less as-is, USD a visit", "Each market, USD a visit", "Shares"]
    said = " ".join(one.value for one in app.caption)
    assert "Over draws." in said
    assert "bread 40%" in said
    assert "simulated markets" not in said
    assert app.table[0].value.loc["No own label", "Consumers"] == "-0.4500 [-0.4900, -0.4200]"


def test_sizes_without_a_merchant_have_no_figure_and_affiliates_are_told_apart(tmp_path):
    arms = [*SCENARIO["arms"][:3], {"name": "held", "label": "Held", "regime": "affiliated_stores"}]
    alone = {**SCENARIO, "arms": arms, "settings": {"merchants": 1, "products": 10, "consumers": 100}, "targets": {}}
    run_scenario(validate(alone, source="alone"), store=tmp_path, jobs=1)
    app = shown(tmp_path, "regimes")
    said = "\n".join(one.value for one in app.markdown)
    assert "a small shop has no figure" in said
    assert any(verdict in said for verdict in ("for a medium shop", "a medium shop gains", "a medium shop loses"))
    (sizes,) = [one.value for one in app.dataframe if "A small merchant" in one.value]
    assert set(sizes["A small merchant"]) == set(sizes["A large one"]) == {"-"}
    assert "-" not in set(sizes["A medium one"])
    (over,) = [one.value for one in app.dataframe if "Period" in one.value]
    assert list(over) == ["Period", "medium"]
    assert any("first places are those of merchants in whom" in one.value for one in app.caption)

"""The pages, rerun as Streamlit reruns them, on a store that a real small runner filled."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from apps.command.web import STORE_VARIABLE
from apps.figure_text import percent

ROOT = Path(__file__).parent.parent.parent
MAIN = ROOT / "apps" / "main.py"


@pytest.fixture
def visit(run_store, monkeypatch):
    """Open a page of the app on a store, with a query such as `scenario="market"`."""

    def open_page(page="results", *, store=run_store, **query):
        monkeypatch.setenv(STORE_VARIABLE, str(store))
        app = AppTest.from_file(MAIN, default_timeout=120)
        for key, value in query.items():
            app.query_params[key] = value
        app.switch_page(f"app_pages/{page}.py")
        app.run()
        assert not app.exception
        return app

    return open_page


def summary_of(store, scenario):
    return json.loads((store / scenario / "summary.json").read_text())


def texts(app):
    kinds = (
        app.title,
        app.header,
        app.subheader,
        app.markdown,
        app.caption,
        app.info,
        app.warning,
        app.error,
        app.code,
    )
    return "\n".join(element.value for kind in kinds for element in kind)


def test_the_headline_is_the_ratio_that_the_summary_holds(visit, run_store):
    name = "ratio(explore_ndcg10, federated-dp-1, pooled)"
    ratio = next(row for row in summary_of(run_store, "market")["differences"] if row["name"] == name)
    app = visit(scenario="market")
    shown = app.title[0].value
    assert shown.startswith("At epsilon 1, federated training")
    assert shown.endswith("of pooled exploration")
    assert float(shown.split("%")[0].split()[-1]) == pytest.approx(100 * ratio["value"], abs=0.5)
    assert "95% interval" in app.markdown[0].value


def test_another_metric_changes_headline_and_chart(visit):
    app = visit(scenario="market", metric="Total")
    assert "pooled overall ranking quality" in app.title[0].value
    app.get_by_key("metric").set_value("Repeat").run()
    assert "pooled repeat-purchase quality" in app.title[0].value
    assert not app.exception


def test_the_table_of_arms_is_the_summary_with_intervals(visit, run_store):
    table = next(frame.value for frame in visit(scenario="market").dataframe if "Explore NDCG@10" in frame.value)
    rows = summary_of(run_store, "market")["rows"]
    assert list(table["Arm"]) == [row["label"] for row in rows]
    assert list(table["Epsilon"]) == ["none" if row["epsilon"] is None else f"{row['epsilon']:g}" for row in rows]
    first = rows[0]
    values = [f"{first[f'explore_ndcg10{end}']:.4f}" for end in ("", "_lo", "_hi")]
    assert table["Explore NDCG@10"][0] == f"{values[0]} [{values[1]}, {values[2]}]"


def test_targets_are_shown_as_met_or_missed_with_their_bound(visit, run_store):
    table = visit(scenario="growing", point="data.shoppers = 400").table[0].value
    target = summary_of(run_store, "growing")["targets"][0]
    assert ("missed" in table["Result"].iloc[0]) == (target["met"] is False)
    assert table["Bound"].iloc[0] == "≥ 0.98"
    assert "Federated, private, ε 1 divided by Federated" in table["Target"].iloc[0]


def test_the_reference_of_the_paired_differences_can_be_chosen(visit, run_store):
    app = visit(scenario="market", against="Pooled raw data")
    shown = next(frame.value for frame in app.dataframe if "Ratio" in frame.value)
    name = "difference(explore_ndcg10, popularity, pooled)"
    row = next(row for row in summary_of(run_store, "market")["differences"] if row["name"] == name)
    worst = shown[shown["Arm"] == "Global popularity"].iloc[0]
    assert worst["Difference"].startswith(f"{row['value']:+.4f}")
    assert worst["Clear"] == "worse"


def test_charts_carry_a_text_for_those_who_cannot_see_them(visit):
    charts = visit(scenario="market").get("vega_lite_chart")
    assert len(charts) == 3
    assert all("Explore NDCG@10" in chart.proto.alt for chart in charts)


def test_a_scenario_without_a_sweep_says_which_command_draws_the_curve(visit, run_store, tmp_path):
    page = visit("shoppers", scenario="market")
    assert [button.label for button in page.button] == ["Open growing"]
    page.button[0].click().run()
    assert page.session_state["scenario"] == "growing"
    shutil.copytree(run_store / "market", tmp_path / "market")
    assert "tradefair run" in texts(visit("shoppers", store=tmp_path))


def test_the_curve_over_shoppers_has_every_size_and_the_chosen_arms(visit, run_store):
    app = visit("shoppers", scenario="growing")
    assert app.title[0].value.startswith("With 4,000 shoppers, epsilon 1 ")
    table = app.dataframe[0].value
    assert sorted(set(table["shoppers"])) == [400, 1200, 4000]
    app.multiselect(key="lines").set_value(["Global popularity"]).run()
    assert set(app.dataframe[0].value["series"]) == {"Global popularity"}
    app.multiselect(key="lines").set_value([]).run()
    assert "Choose at least one arm" in app.info[0].value


def test_a_curve_is_drawn_over_any_swept_number(visit, run_store, tmp_path):
    shutil.copytree(run_store / "growing", tmp_path / "growing")
    for name in ("summary.json", "scenario.toml"):
        path = tmp_path / "growing" / name
        path.write_text(path.read_text().replace("data.shoppers", "federation.rounds"))
    app = visit("shoppers", store=tmp_path)
    assert app.title[0].value.startswith("With 4,000 rounds, epsilon 1 ")
    assert sorted(set(app.dataframe[0].value["rounds"])) == [400, 1200, 4000]
    assert "against federation.rounds" in app.get("vega_lite_chart")[0].proto.alt


def test_shares_of_pooled_are_the_ratios_of_the_summary(visit, run_store):
    app = visit("shoppers", scenario="growing", scale="Share of pooled")
    table = app.dataframe[0].value
    wanted = [
        row["value"]
        for row in summary_of(run_store, "growing")["differences"]
        if row["name"] == "ratio(explore_ndcg10, federated-dp-1, pooled)"
    ]
    assert sorted(table[table["series"] == "Federated, private, ε 1"]["value"]) == pytest.approx(sorted(wanted))


def test_one_run_shows_its_ledger_and_what_its_epsilon_covers(visit):
    app = visit("runs", scenario="market")
    run = next(title for title in app.selectbox(key="run").options if title.startswith("every-node"))
    app.selectbox(key="run").set_value(run).run()
    assert not app.exception
    ledger = next(frame.value for frame in app.dataframe if "Share of cap" in frame.value)
    assert list(ledger["Purpose"]) == ["popularity", "affinity"]
    assert ledger["Share of cap"].sum() == pytest.approx(1, abs=1e-6)
    tables = "\n".join(table.value.to_string() for table in app.table)
    assert "noised before it leaves its merchant" in " ".join(tables.split())
    assert "Fingerprint of the data (SHA-256)" in tables
    assert "Uncommitted changes" in tables
    assert "key_hex" not in tables
    assert any("in all 2 test windows" in one.value for one in app.caption)
    assert 'noise = "every_node"' not in texts(app)
    app.session_state["config_open"] = True
    assert 'noise = "every_node"' in texts(app.run())


def test_a_run_without_epsilon_says_that_it_makes_no_claim(visit):
    app = visit("runs", scenario="market")
    run = next(title for title in app.selectbox(key="run").options if title.startswith("pooled"))
    app.selectbox(key="run").set_value(run).run()
    assert "makes no privacy claim" in texts(app)
    assert "Privacy ledger" not in texts(app)


def test_failed_runs_are_visible_with_their_reason_and_what_to_do(visit):
    assert "1 run of arm federated-dp-8 refused: the ledger is spent" in texts(visit(scenario="broken"))
    shown = texts(visit("runs", scenario="broken"))
    assert "1 run refused" in shown
    assert "PrivacyError: the ledger is spent" in shown
    assert "--retry-failed" in shown
    assert "Traceback (most recent call last)" in shown


def test_an_empty_store_says_how_to_fill_it(visit, tmp_path):
    assert "tradefair demo --store" in texts(visit(store=tmp_path / "nothing"))
    overview = visit("overview", store=tmp_path / "nothing")
    assert [button.label for button in overview.button] == ["Start"]
    assert "tradefair run demo --store" in texts(overview)


def test_the_overview_gives_the_newest_findings_with_interval_and_runs(visit, run_store):
    summary = summary_of(run_store, "market")
    ratio = next(
        one for one in summary["differences"] if one["name"] == "ratio(explore_ndcg10, federated-dp-1, pooled)"
    )
    shown = texts(visit("overview"))
    assert f"federated training keeps {percent(ratio['value'])} of pooled exploration**" in shown
    assert f"95% interval {percent(ratio['lo'])} to {percent(ratio['hi'])}" in shown
    assert f"scenario market: {len(summary['runs'])} runs, the first is {summary['runs'][0]}, which ended 20" in shown
    assert "scenario broken: 4 runs" in shown
    assert "1 more gave nothing" in shown


def test_a_link_to_results_from_before_there_was_an_overview_still_shows_them(visit):
    app = visit("overview", scenario="market", metric="Total")
    assert "of pooled overall ranking quality" in app.title[0].value


def test_a_sweep_that_still_runs_shows_how_far_it_is(visit, run_store, tmp_path):
    shutil.copytree(run_store / "market", tmp_path / "market")
    (tmp_path / "market" / "summary.json").unlink()
    stopped = next(path.parent for path in (tmp_path / "market").glob("*/run.json"))
    (stopped / "run.json").unlink()
    app = visit(store=tmp_path)
    assert "no table yet" in app.title[0].value
    assert app.get("progress")[0].proto.text == "21 of 22 runs finished"
    assert "Resume" in [button.label for button in app.button]
    assert "1 run unfinished" in visit("runs", store=tmp_path).title[0].value


def test_a_damaged_summary_is_one_message(visit, run_store, tmp_path):
    shutil.copytree(run_store / "broken", tmp_path / "broken")
    (tmp_path / "broken" / "summary.json").write_text("{")
    assert "is not JSON" in visit(store=tmp_path).error[0].value
    (tmp_path / "broken" / "summary.json").write_text("{}")
    assert "run the scenario again" in visit(store=tmp_path).error[0].value


def test_an_unknown_choice_in_the_address_falls_back(visit):
    app = visit(scenario="nobody", metric="Nothing")
    assert app.selectbox(key="scenario").value in ("market", "growing", "broken")


def test_the_pages_load_no_learning_framework(run_store):
    code = (
        "import os, sys\n"
        f"os.environ[{STORE_VARIABLE!r}] = {str(run_store)!r}\n"
        "from streamlit.testing.v1 import AppTest\n"
        f"app = AppTest.from_file({str(MAIN)!r}, default_timeout=60).run()\n"
        "for page in ('results', 'shoppers', 'runs', 'scenarios'):\n"
        "    app.switch_page(f'app_pages/{page}.py').run()\n"
        "assert not app.exception\n"
        "print(sorted({'torch', 'flwr', 'ray', 'implicit', 'numba'} & {*sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"

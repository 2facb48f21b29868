"""Runs of market scenarios on the pages Compliance and Runs and in the list of runs: their regimes and epsilons."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from apps.command.main import main
from apps.command.web import STORE_VARIABLE
from experiments.execute import run_scenario
from experiments.scenario_file import validate

MAIN = Path(__file__).parents[2] / "apps" / "main.py"
SCENARIO = {
    "kind": "market",
    "name": "rules",
    "replications": 2,
    "periods": 12,
    "settings": {"merchants": 12, "products": 40, "consumers": 200},
    "arms": [
        {"name": "isolated", "regime": "isolated"},
        {"name": "exact", "regime": "federated"},
        {"name": "usual", "regime": "federated_dp"},
        {"name": "half", "label": "Federated, epsilon .5", "regime": "federated_dp", "settings": {"epsilon": 0.5}},
    ],
}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("market-runs")
    run_scenario(validate(SCENARIO, source="rules"), store=folder, jobs=1)
    return folder


@pytest.fixture
def visit(root, monkeypatch):
    def open_page(page, **query):
        monkeypatch.setenv(STORE_VARIABLE, str(root))
        app = AppTest.from_file(MAIN, default_timeout=120)
        for key, value in {"scenario": "rules", **query}.items():
            app.query_params[key] = value
        app.switch_page(f"app_pages/{page}.py").run()
        assert not app.exception
        return app

    return open_page


def texts(app):
    kinds = (app.title, app.markdown, app.caption, app.info)
    return "\n".join(element.value for kind in kinds for element in kind).replace("\\", "")


@pytest.mark.slow
def test_compliance_knows_the_regimes_of_market_runs_and_where_their_reads_are_shown(visit):
    shown = texts(visit("compliance"))
    assert "under federated_dp" in shown
    assert "This scenario's runs use it." in shown
    assert "simulated markets under isolated, federated, federated_dp: nobody's rows are read" in shown
    assert "on the page *Results*" in shown
    assert "No run of this scenario uses it." in texts(visit("compliance", regime="pooled"))


def test_the_rules_of_a_market_are_those_that_its_own_parties_read_under(visit):
    assert visit("compliance").multiselect[0].value == ["House rules"]


@pytest.mark.parametrize("part", ["What happened", "Budgets", "Log", "Report"])
def test_the_other_parts_of_compliance_open_for_market_runs(visit, part):
    assert "simulated markets under" in texts(visit("compliance", part=part))


def test_the_epsilon_of_a_simulated_market_is_shown_and_promises_nothing(visit, root):
    app = visit("runs")
    titles = app.selectbox(key="run").options
    app.selectbox(key="run").select(next(one for one in titles if one.startswith("half"))).run()
    shown = texts(app)
    assert "Epsilon 0.5 is a rule of the simulated market." in shown
    assert "makes no privacy claim" in shown
    app.selectbox(key="run").select(next(one for one in titles if one.startswith("exact"))).run()
    assert "This arm has no epsilon" in texts(app)


def test_the_list_of_runs_shows_the_epsilon_of_each_arm_that_has_one(root, capsys):
    assert main(["runs", "list", "--store", str(root)]) == 0
    lines = capsys.readouterr().out.splitlines()
    column = next(line for line in lines if "epsilon" in line).index("epsilon")
    found = {arm: line[column : column + 8].strip() for line in lines for arm in ("isolated", "exact", "usual", "half")
             if f" {arm} " in line}  # fmt: skip
    assert found == {"isolated": "-", "exact": "-", "usual": "1", "half": "0.5"}

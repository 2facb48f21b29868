"""Any two arms side by side: held against the tables of scenarios, and as a page."""

import itertools
import json
from pathlib import Path

import pytest
from audience_store import make_audience_store
from made_once import made_once
from streamlit.testing.v1 import AppTest

from apps.command.web import STORE_VARIABLE
from apps.market.figure_names import figure_name
from apps.research.opening_pair import references_of
from experiments.pairs import arms_of, pair_up
from experiments.runs import RunStore
from retail.errors import ConfigError
from simulation.market.kpis import MEASURES

MAIN = Path(__file__).parents[3] / "apps" / "main.py"


def held_against_its_table(root, scenario, *, most):
    """Pair arms that the scenario's table compares, and return how many of its differences came out the same."""
    store = RunStore(root)
    document = json.loads((root / scenario / "summary.json").read_text())
    known = {row["name"]: row for row in document["differences"] if row["name"].startswith("difference(")}
    arms = {side.arm: side for side in arms_of(store, scenario)}
    same = 0
    for first, second in itertools.islice(
        (
            pair
            for pair in itertools.permutations(arms, 2)
            if any(name.endswith(f"{', '.join(pair)})") for name in known)
        ),
        most,
    ):
        for pair in pair_up(store, arms[first], arms[second]).pairs:
            row = known.get(pair.difference.name)
            if row is not None:
                ends = [row["value"], row["lo"], row["hi"]]
                found = [pair.difference.value, pair.difference.lo, pair.difference.hi]
                assert found == pytest.approx([float("nan") if end is None else end for end in ends], nan_ok=True)
                same += 1
    return same


def test_a_pair_is_what_the_table_of_the_scenario_says(run_store):
    assert held_against_its_table(run_store, "market", most=2) == 10


@pytest.mark.slow
def test_a_pair_of_audiences_is_what_the_table_says(tmp_path_factory):
    audiences = made_once(tmp_path_factory, "audience-store", make_audience_store)
    scenario = next(name for name in RunStore(audiences).scenarios() if len(arms_of(RunStore(audiences), name)) > 1)
    assert held_against_its_table(audiences, scenario, most=2) > 0


def test_arms_that_no_table_compares_are_paired_either_way_round(run_store):
    store = RunStore(run_store)
    arms = {side.arm: side for side in arms_of(store, "market")}
    there = pair_up(store, arms["federated-dp-1"], arms["isolated"])
    back = pair_up(store, arms["isolated"], arms["federated-dp-1"])
    assert there.settings["arm.epsilon"] == (1.0, None)
    for one, other in zip(there.pairs, back.pairs, strict=True):
        turned = [-other.difference.value, -other.difference.hi, -other.difference.lo]
        assert [one.difference.value, one.difference.lo, one.difference.hi] == pytest.approx(turned)


def test_arms_that_met_other_people_are_not_paired(run_store):
    store = RunStore(run_store)
    market, growing = arms_of(store, "market"), arms_of(store, "growing")
    found = pair_up(store, market[0], growing[0])
    assert "the two differ in data.shoppers" in found.why_not
    assert all(pair.difference.value != pair.difference.value for pair in found.pairs)
    assert "data.shoppers" in pair_up(store, growing[0], growing[-1]).why_not
    with pytest.raises(ConfigError, match="both sides are the same"):
        pair_up(store, market[0], market[0])
    first, *_, other = arms_of(store, "market", single_runs=True)[:3]
    assert (len(first.run_ids), first.arm != other.arm) == (1, True)


@pytest.fixture
def visit(run_store, monkeypatch):
    def open_page(*, store=run_store, **query):
        monkeypatch.setenv(STORE_VARIABLE, str(store))
        app = AppTest.from_file(MAIN, default_timeout=60)
        for key, value in query.items():
            app.query_params[key] = value
        app.switch_page("app_pages/compare.py").run()
        assert not app.exception
        return app

    return open_page


def test_the_title_is_the_paired_difference_and_a_link_keeps_the_choice(visit, run_store):
    app = visit(first="market", first_arm="Isolated stores", second_arm="Pooled raw data", figure="Total NDCG@10")
    document = json.loads((run_store / "market" / "summary.json").read_text())
    row = next(row for row in document["differences"] if row["name"] == "difference(total_ndcg10, isolated, pooled)")
    amount = f"{-row['value']:.4f} \\[{-row['hi']:.4f}, {-row['lo']:.4f}\\] lower for Isolated stores than for"
    assert amount in app.title[0].value
    assert row["hi"] < 0
    table = app.dataframe[0].value
    assert table.set_index("Figure").loc["Total NDCG@10", "Clear"] == "lower"
    assert all(chart.proto.alt.count("[") for chart in app.get("vega_lite_chart"))


def test_it_opens_with_a_leading_arm_less_the_reference_of_the_table(visit, run_store):
    app = visit(first="market")
    document = json.loads((run_store / "market" / "summary.json").read_text())
    assert app.selectbox(key="first_arm").value == "Federated"
    assert app.selectbox(key="second_arm").value == "Pooled raw data"
    assert references_of(document)[:2] == ["pooled", "popularity"]


def test_every_figure_of_a_market_has_a_name():
    raw = [one.name for one in MEASURES if figure_name(one.name) == one.name.replace("_", " ")]
    assert raw == []
    assert len({figure_name(one.name) for one in MEASURES}) == len(MEASURES)
    assert figure_name("cr4") == "Share of the four largest"


def test_what_cannot_be_compared_says_what_to_do(visit, tmp_path):
    same = visit(first="market", first_arm="Federated", second_arm="Federated")
    assert "choose another arm" in same.warning[0].value
    assert "no paired difference" in visit(first="market", second="growing").info[0].value
    assert "once a scenario has its table" in visit(store=tmp_path).info[0].value
    gone = visit(first="gone", first_arm="nobody")
    assert gone.selectbox(key="first").value in ("market", "growing", "broken")

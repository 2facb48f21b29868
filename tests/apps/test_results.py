"""Sentences, tables and charts made of stored figures, without Streamlit."""

import json
import math

import pytest

from apps.figure_text import percent, with_interval
from apps.runs import chart_tables, charts, findings, result_tables
from apps.runs.stored_results import read_results
from experiments.results import Result
from experiments.runs import RunStore


@pytest.fixture(scope="module")
def market(run_store):
    return read_results(RunStore(run_store), "market").points[0]


@pytest.fixture(scope="module")
def growing(run_store):
    points = read_results(RunStore(run_store), "growing").points
    return {float(point.sweep["data.shoppers"]): point for point in points}


def ratio(value, lo=math.nan, hi=math.nan):
    return Result("ratio(m, a, b)", value, lo, hi, "ratio", 10)


def test_a_scenario_without_a_summary_has_no_results(run_store, tmp_path):
    assert read_results(RunStore(tmp_path), "market") is None


def test_figures_are_written_with_their_interval_or_not_at_all():
    assert with_interval(ratio(1.187, 1.15, 1.231)) == "1.19 [1.15, 1.23]"
    assert with_interval(ratio(1.187)) == "1.19"
    assert with_interval(ratio(math.nan)) == with_interval(None) == "not measured"
    assert with_interval(Result("d", 0.00321, -0.001, 0.007, "1", 5), signed=True) == "+0.0032 [-0.0010, +0.0070]"
    assert with_interval(Result("d", -0.00001, -0.00002, 0.0, "1", 5)) == "0.0000 [0.0000, 0.0000]"
    assert [percent(share) for share in (0.9724, 0.916, 1.02, 0.013)] == ["97.2%", "92%", "102%", "1.3%"]


def test_arms_are_told_apart_by_epsilon_unless_their_label_says_it(market):
    assert market.names["federated-dp-4"] == "Federated, private, ε 4"
    assert market.names["pooled"] == "Pooled raw data"
    assert len(set(market.names.values())) == len(market.names)


def test_the_strictest_epsilon_leads_and_noise_at_every_node_comes_last(market):
    assert market.find("federated", private=True) == [
        "federated-dp-1",
        "federated-dp-4",
        "federated-dp-8",
        "every-node",
    ]
    assert next(iter(findings.kept_of_pooled(market, "explore_ndcg10"))) == "federated-dp-1"


def test_without_a_pooled_arm_the_headline_names_the_best_arm(run_store):
    point = read_results(RunStore(run_store), "broken").points[0]
    best = max(point.find("federated", private=False) + point.find("popularity", private=False),
               key=lambda arm: point.value("explore_ndcg10", arm).value)  # fmt: skip
    assert findings.headline(point, "explore_ndcg10").sentence.startswith(point.names[best])


def test_a_cost_inside_its_interval_is_not_called_a_cost(growing):
    finding = findings.price_of_privacy(growing, "explore_ndcg10")
    figure = growing[4000.0].compared("ratio", "explore_ndcg10", "federated-dp-1", "federated")
    assert ("no measurable" in finding.sentence) == (figure.lo <= 1 <= figure.hi)
    small = findings.price_of_privacy({400.0: growing[400.0]}, "explore_ndcg10")
    figure = growing[400.0].compared("ratio", "explore_ndcg10", "federated-dp-1", "federated")
    assert figure.hi < 1
    assert small.sentence == f"With 400 shoppers, epsilon 1 costs {percent(1 - figure.value)} of exploration"


def test_the_frontier_has_one_series_per_method_and_noise_placement(market):
    table = chart_tables.frontier_table(market, "explore_ndcg10")
    series = table.groupby("series")["epsilon"].apply(list).to_dict()
    assert sorted(series["Federated, private"]) == ["1", "4", "8", "no noise"]
    assert series["Federated, private, every node adds noise"] == ["4"]
    assert sorted(series["Noisy popularity only"]) == ["1", "4", "8"]
    assert set(chart_tables.reference_table(market, "explore_ndcg10")["Arm"]) == {
        "Global popularity",
        "Pooled raw data",
    }


def test_epsilon_is_ordered_by_size_with_no_noise_last(market):
    table, references = chart_tables.frontier_table(market, "hit10"), chart_tables.reference_table(market, "hit10")
    assert axis_domain(charts.frontier(table, references, metric="hit10")) == ["1", "4", "8", "no noise", ""]
    assert axis_domain(charts.frontier(table, references.iloc[:0], metric="hit10")) == ["1", "4", "8", "no noise"]


def axis_domain(chart):
    layers = chart.to_dict()["layer"]
    return next(layer["encoding"]["x"]["scale"]["domain"] for layer in layers if "x" in layer["encoding"])


def test_charts_read_nothing_from_another_host(market, growing):
    difference = result_tables.differences(market, "explore_ndcg10", "pooled")
    table, references = chart_tables.frontier_table(market, "hit10"), chart_tables.reference_table(market, "hit10")
    drawn = (
        charts.frontier(table, references, metric="hit10"),
        charts.differences(difference, metric="explore_ndcg10", reference="Pooled raw data"),
        charts.growth(chart_tables.growth_table(growing, "hit10", ["federated", "pooled"]), title="Hit rate"),
    )
    for chart in drawn:
        specification = {key: value for key, value in chart.to_dict().items() if key != "$schema"}
        assert "http" not in json.dumps(specification)


def test_a_private_arm_that_was_not_measured_leaves_a_gap_not_a_zero(run_store):
    point = read_results(RunStore(run_store), "broken").points[0]
    assert point.value("explore_ndcg10", "federated-dp-8") is None
    assert "8" not in set(chart_tables.frontier_table(point, "explore_ndcg10")["epsilon"])
    table = result_tables.arms(point)
    row = table[table["Missing runs"] == 1].iloc[0]
    assert row["Explore NDCG@10"] == "not measured"


def test_the_download_holds_numbers_with_both_ends(market):
    figures = result_tables.figures(market).set_index("arm")
    assert (figures["explore_ndcg10_lo"] <= figures["explore_ndcg10"]).all()
    assert figures.loc["federated-dp-4", "epsilon"] == 4

"""A search through the runner that workers use, with few layouts and few days."""

import json
import shutil
import tomllib

import numpy as np
import pandas as pd
import pytest

from experiments.execute import expand_scenario, run_scenario
from experiments.runs import RunStore
from experiments.scenario_file import load_scenario, validate
from experiments.store.arm_days import between_arms
from experiments.store.comparing import HEAT
from experiments.store.layout_search import EDITS, searched_so_far
from experiments.store.run import run_store
from experiments.store.scenario import Objective, StoreScenario
from experiments.store.scenario import Strategy as StrategyName
from experiments.store.summary import summarise_store
from retail.errors import ConfigError
from simulation.store.compare import compare
from simulation.store.demand_model import complete_journey_demand
from simulation.store.kpi import KPIS
from simulation.store.plan import apply_edits, load_plan
from simulation.store.search import HELD_OUT, STRATEGIES

SMALL = {
    "kind": "store",
    "name": "small",
    "method": "search",
    "plan": "convenience",
    "shoppers": 120,
    "parameter_draws": 2,
    "days": {"workers": 1},
    "search": {
        "objective": "unplanned_picks", "steps": 6, "training_days": 2, "held_out_days": 3, "fixed": ["dairy"],
        "movable": ["store-front-1"],
    },
    "arms": [{"name": "annealed", "search": "annealed"}, {"name": "lucky", "search": "random"}],
    "targets": {
        "difference(unplanned_picks, annealed, as-is)": "> 0",
        "difference(unplanned_picks, annealed, lucky)": "> 0",
        "difference(path_m, lucky, annealed)": "< 0",
        "optimism(annealed)": "< 1",
    },
}  # fmt: skip


def scenario(**changes):
    return validate({**SMALL, **changes}, source="small")


def run(folder, *, workers=1, arm="annealed", lines=None):
    (folder / "artifacts").mkdir(parents=True)
    spec = next(spec for spec in expand_scenario(scenario(days={"workers": workers})) if spec.arm.name == arm)
    return run_store(spec, folder, (lines if lines is not None else []).append)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("search")
    lines = []
    return run(folder, lines=lines), folder / "artifacts", lines


@pytest.fixture(scope="module")
def summary(tmp_path_factory):
    folder = tmp_path_factory.mktemp("searched")
    return run_scenario(scenario(), store=folder, jobs=1), RunStore(folder)


def test_the_winner_is_left_as_a_plan_that_its_edits_lead_to(finished):
    result, artifacts, _ = finished
    base, winner = (load_plan(artifacts / f"{name}.toml") for name in ("base", "other"))
    edits = tomllib.loads((artifacts / EDITS).read_text())["edits"]
    assert base == load_plan("convenience")
    assert apply_edits(base, edits) == winner
    assert result.info["edits"] == edits
    held = {one.name: one.categories for one in base.shelves if "dairy" in one.categories}
    assert held == {one.name: one.categories for one in winner.shelves if "dairy" in one.categories}
    with np.load(artifacts / HEAT) as kept:
        assert kept["days"] == 3


def test_the_verdict_is_that_of_a_comparison_on_the_held_out_days(finished):
    result, artifacts, _ = finished
    again = compare(
        load_plan("convenience"), load_plan(artifacts / "other.toml"), model=complete_journey_demand(), shoppers=120,
        seed=0, block=3, most=3, parameter_draws=2, first_day=HELD_OUT, workers=1,
    )  # fmt: skip
    table = result.metrics.set_index("name")
    for one in again.rows:
        if ":" not in one.name:
            line = table.loc[f"difference({one.name}, annealed, as-is)"]
            assert line["value"] == pytest.approx(one.difference, nan_ok=True)
            assert (line["verdict"], line["source"]) == (one.verdict, one.provenance)


def test_gain_and_optimism_add_up(finished):
    table = finished[0].metrics.set_index("name")["value"]
    gain = table["training_mean(annealed)"] - table["training_mean(as-is)"]
    assert table["training_gain(annealed)"] == pytest.approx(gain)
    held = table["difference(unplanned_picks, annealed, as-is)"]
    assert table["optimism(annealed)"] == pytest.approx(gain - held)
    assert table["layouts(annealed)"] == 6
    assert table["edits(annealed)"] == len(finished[0].info["edits"]) > 0
    optimism = finished[0].metrics.set_index("name").loc["optimism(annealed)"]
    assert optimism["lo"] <= optimism["value"] <= optimism["hi"]


def test_progress_says_how_far_the_search_is_and_then_its_verdict(finished):
    lines = finished[2]
    assert lines[0].startswith("0 of 6 layouts: unplanned picks")
    assert lines[0].endswith("nothing better yet")
    assert any(line.startswith("6 of 6 layouts") and "on the training days" in line for line in lines)
    assert lines[-1].startswith("held out, 3 days, 2 draws: unplanned picks")


def test_any_number_of_workers_gives_the_same_table(finished, tmp_path):
    pd.testing.assert_frame_equal(run(tmp_path / "two", workers=2).metrics, finished[0].metrics)


def test_two_arms_are_compared_where_a_target_asks_for_it(summary):
    found, store = summary
    assert not found.failures
    figures = {one.name: one for one in found.differences}
    pair = figures["difference(unplanned_picks, annealed, lucky)"]
    ways = [figures[f"difference(unplanned_picks, {arm}, as-is)"].value for arm in ("annealed", "lucky")]
    assert pair.value == pytest.approx(ways[0] - ways[1])
    assert pair.lo <= pair.value <= pair.hi
    assert len(pair.provenance["runs"]) == 2
    alone = figures["simulation_difference(unplanned_picks, annealed, lucky)"]
    assert pair.lo <= alone.lo <= alone.hi <= pair.hi
    assert "difference(path_m, lucky, annealed)" in figures
    assert "difference(path_m, annealed, lucky)" not in figures  # nobody asked
    assert [one.met is not None for one in found.targets] == [True] * 4
    assert all(row["edits"] is not None for row in found.rows)
    document = json.loads((store.root / "small" / "summary.json").read_text())
    assert [row["arm"] for row in document["rows"]] == ["annealed", "lucky"]


def test_two_arms_compared_by_their_days_are_as_if_simulated_side_by_side(summary):
    store = summary[1]
    records = {one["arm"]: one for one in store.records("small")}
    folders = {name: store.root / "small" / one["run_id"] / "artifacts" for name, one in records.items()}
    kept = {one["name"]: one for one in between_arms("annealed", "lucky", folders, records["annealed"])}
    lucky, annealed = (load_plan(folders[name] / "other.toml") for name in ("lucky", "annealed"))
    side_by_side = compare(
        lucky, annealed, model=complete_journey_demand(), shoppers=120, seed=0, block=3, most=3, parameter_draws=2,
        first_day=HELD_OUT, workers=1,
    )  # fmt: skip
    row = side_by_side.row("sales_visit")
    line = kept["difference(sales_visit, annealed, lucky)"]
    assert line["value"] == pytest.approx(row.difference)
    assert (line["lo"], line["hi"]) == pytest.approx((row.combined.lo, row.combined.hi))
    assert line["verdict"] == row.verdict
    assert kept["simulation_difference(sales_visit, annealed, lucky)"]["lo"] == pytest.approx(row.noise.lo)


def test_an_arm_that_gave_nothing_leaves_its_pairs_unmeasured(summary, tmp_path):
    shutil.copytree(summary[1].root, tmp_path / "runs")
    store, specs = RunStore(tmp_path / "runs"), expand_scenario(scenario())
    shutil.rmtree(store.directory(specs[1]))
    partly = summarise_store(scenario(), specs, store)
    assert [one.met is None for one in partly.targets] == [False, True, True, False]


def test_a_scenario_knows_the_figures_and_strategies_of_the_simulation():
    one_way = {one.name for one in KPIS if one.better and not one.family and one.rests_on}
    assert set(Objective.__args__) == one_way
    assert StrategyName.__args__ == STRATEGIES


def test_the_bundled_search_keeps_its_held_out_days_apart_and_has_its_controls():
    bundled = load_scenario("store-search")
    assert isinstance(bundled, StoreScenario)
    assert {arm.search for arm in bundled.arms} == set(STRATEGIES)
    assert bundled.search.training_days < HELD_OUT
    assert len(expand_scenario(bundled)) == 4 * len(bundled.sweep["seed"])


def test_progress_of_a_search_has_the_digits_of_its_figure():
    from simulation.store.search import Found

    plan = load_plan("convenience")
    found = Found(plan, (), "trip_min", "annealed", 5.0, 4.75, 4.9, 3, 12, False)
    assert searched_so_far(found) == "3 of 12 layouts: trip 5.00, 0.25 less on the training days"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"search": {"objective": "path_m"}}, r"search\.objective = 'path_m' must be 'sales_visit'"),
        ({"search": {"steps": 0}}, r"search\.steps = 0 must be greater than or equal to 1"),
        ({"search": {"reach_m": 0.5}}, r"search\.reach_m = 0\.5 must be greater"),
        ({"search": {"fixed": "dairy"}}, r"search\.fixed = 'dairy' must be a list"),
        ({"search": {"fixed": ["gold"]}}, r"small: search: fixed category 'gold' is on no shelf"),
        ({"search": {"movable": ["piano"]}}, r"small: search: plan .* has no fixture 'piano'"),
        ({"search": {"shelves": []}}, r"small: search: the rules leave nothing to change"),
        ({"search": {"stepps": 3}}, r"unknown key search\.stepps; did you mean search\.steps"),
        ({"arms": [{"name": "a"}], "targets": {}}, r"arm a: search is missing"),
        ({"arms": [{"name": "a", "search": "luck"}], "targets": {}}, r"arms\.a\.search = 'luck' must be 'annealed'"),
        ({"arms": [{"name": "a", "search": "random", "edits": [{"remove": "x"}]}], "targets": {}}, "edits is not read"),
        ({"reference": {"name": "as-is", "search": "random"}}, r"reference: search is for arms"),
        ({"method": "compare"}, r"search is not read by method = 'compare'"),
    ],
)
def test_bad_input_is_one_line_that_names_the_key(change, message):
    with pytest.raises(ConfigError, match=message) as caught:
        expand_scenario(scenario(**change))
    assert "\n" not in str(caught.value)

"""Choosing displays by a heat map: what is chosen, what it sells, and when a private map is called as good."""

import dataclasses
import math

import numpy as np
import pytest

from experiments.execute import expand_scenario, run_scenario
from experiments.scenario_file import load_scenario, validate
from experiments.store.display_choice import Choice, gain_by_category, squares_near, visits_at_displays
from experiments.store.display_sales import Sales, SalesOfDay, expected_sales, mean_sales
from experiments.store.heat_figures import Judged, Repeated, heat_rows
from experiments.store.heat_rehearsal import best_clip, clips
from experiments.store.run import run_store
from simulation.store.behaviour import plan_day
from simulation.store.day import prepare, run_day
from simulation.store.demand_model import complete_journey_demand
from simulation.store.kpi import spending
from simulation.store.plan import apply_edit, load_plan
from simulation.store.routes import presence
from simulation.store.settings import StoreSettings

SETTINGS = StoreSettings.default()


@pytest.fixture(scope="module")
def model():
    return complete_journey_demand()


@pytest.fixture(scope="module")
def store():
    return prepare(load_plan("convenience"), SETTINGS)


def drawn(model, store, day, shoppers=300):
    return model.draw(day, seed=2, shoppers=shoppers, hours=store.hours, settings=SETTINGS)


def test_the_best_categories_go_to_the_places_that_matter_most_and_the_others_stay_empty():
    choice = Choice(np.array([1.4, 1.2, 1.4, 1.0]), np.array([5.0, 9.0, 7.0, 1.0, 2.0]), 2)
    shown = choice.by_visits(np.array([10.0, 100.0, 30.0, 500.0]), np.random.default_rng(0))
    assert (shown.display.tolist(), shown.category.tolist()) == ([1, 2], [1, 2])
    assert shown.sales(np.arange(20.0).reshape(4, 5)) == 6 + 12


def test_a_map_of_nothing_leaves_the_kind_of_place_and_then_chance():
    choice = Choice(np.array([1.4, 1.2, 1.4, 1.0, 1.4]), np.arange(5.0), 2)
    rng = np.random.default_rng(0)
    for choose in (lambda: choice.by_visits(np.zeros(5), rng), lambda: choice.without_map(rng)):
        used = {tuple(sorted(choose().display.tolist())) for _ in range(60)}
        assert used == {(0, 2), (0, 4), (2, 4)}
    assert len({tuple(sorted(choice.by_chance(rng).display.tolist())) for _ in range(200)}) == 10


def test_a_busy_square_counts_for_the_displays_seen_from_it(store):
    floor = store.floor
    rows, columns = (-(-side // 2) for side in floor.walkable.shape)
    quiet, squares = np.ones((rows, columns)), squares_near(floor, columns=columns, side_cells=2)
    assert visits_at_displays(squares, quiet) == pytest.approx(np.ones(len(floor.display_category)))
    cell = int(np.flatnonzero(np.diff(floor.seen_start) > 0)[0])
    wide = floor.walkable.shape[1]
    quiet[cell // wide // 2, cell % wide // 2] = 100
    near = floor.seen[floor.seen_start[cell] : floor.seen_start[cell + 1]]
    assert (visits_at_displays(squares, quiet)[near] > 1).all()


def test_categories_that_nobody_asks_for_bring_nothing(model):
    worth = gain_by_category(model.draw(0, seed=0, shoppers=10), ("bakery", "unheard of"))
    assert worth[0] > 0
    assert worth[1] == 0


def test_what_displays_show_changes_nobodys_way(model, store):
    plan = load_plan("convenience")
    changed = apply_edit(plan, {"show": plan.displays[0].name, "category": "snacks"})
    demand = drawn(model, store, 0)
    one, other = (run_day(prepare(each, SETTINGS), demand, SETTINGS).walked for each in (plan, changed))
    assert (one.exposed == other.exposed).all()
    assert (one.unplanned != other.unplanned).any()


def test_expected_sales_are_the_mean_of_what_is_bought_and_far_less_noisy(model, store):
    floor, real, expected = store.floor, [], []
    for number in range(24):
        demand = drawn(model, store, number)
        day = run_day(store, demand, SETTINGS)
        paid = day.served.till >= 0
        planned, unplanned = spending(floor, demand, day.walked)
        found = expected_sales(floor, demand, day)
        assert found.planned == pytest.approx(planned[paid].sum() / demand.shoppers)
        real.append(unplanned[paid].sum() / demand.shoppers)
        expected.append(found.shown[np.arange(len(floor.display_category)), floor.display_category].sum())
    change = np.array(real) - np.array(expected)
    assert abs(change.mean()) < 4 * change.std(ddof=1) / math.sqrt(len(change))
    assert np.std(expected) < 0.5 * np.std(real)
    assert np.mean(expected) > 0.3


def test_a_day_without_shoppers_sells_nothing(model, store):
    found = SalesOfDay(store, model, 0, 1, SETTINGS)(0)
    assert found.planned == 0
    assert not found.shown.any()
    assert mean_sales([found, Sales(2.0, found.shown + 4)]).planned == 1


@pytest.fixture(scope="module")
def rehearsed(model, store):
    return [
        presence(store.floor, plan_day(store.floor, drawn(model, store, day), SETTINGS), side_cells=2)
        for day in range(3)
    ]


@pytest.fixture(scope="module")
def choice(model, store, rehearsed):
    worth = gain_by_category(drawn(model, store, 0), store.floor.categories)
    near = squares_near(store.floor, columns=rehearsed[0].columns, side_cells=2)
    return Choice(store.floor.display_lift, worth, 3, near)


def test_no_choice_promises_more_than_that_of_the_map_itself(choice, rehearsed):
    rng = np.random.default_rng(0)
    visits = rehearsed[0].counts.astype(float)
    promised, best = choice.promised(visits), choice.by_map(visits, rng)
    others = [choice.by_chance(rng) for _ in range(100)] + [choice.by_map(np.sqrt(visits), rng)]
    assert all(one.sales(promised) <= best.sales(promised) for one in others)
    shown = promised[best.display, best.category]
    assert (shown[:-1] >= shown[1:]).all()


def test_the_number_of_squares_depends_on_the_noise_and_on_nothing_unseeded(choice, rehearsed, store):
    def chosen(noise):
        return best_clip(rehearsed, noise, choice, store.floor, seed=4, rng=np.random.default_rng(1))

    tried = clips(rehearsed)
    assert tried == tuple(sorted(set(tried)))
    assert max(tried) <= max(int(np.bincount(day.visit).max()) for day in rehearsed)
    noise = [(clip, 5.0) for clip in (5, *tried)]
    assert chosen(noise) == chosen(noise)
    assert chosen([(5, 1e6), (60, 0.0)]) == 60
    assert chosen([(1, 0.0), (max(tried), 0.0)]) == max(tried)


def repeated(kept, *, spread=0.0, gain=0.3, gain_spread=0.01, repetitions=16, seed=0):
    """Repetitions in which an arm keeps this share of the exact map's gain on average."""
    rng = np.random.default_rng(seed)

    def one():
        mine = gain + rng.normal(0, gain_spread)
        return Judged(30 + mine, 30 + mine * (kept + rng.normal(0, spread)), 30.0, 0.1)

    return Repeated([one() for _ in range(repetitions)], [[one() for _ in range(6)] for _ in range(8)], 64)


def judged(found, **others):
    rows = heat_rows(found, "dp", "exact", **{"currency": "USD", "margin": 0.1, "unseeded": True, **others})
    return {one["name"]: one for one in rows}


@pytest.mark.parametrize(
    ("kept", "spread", "says"),
    [(1.0, 0.0, "as good"), (0.97, 0.02, "as good"), (0.0, 0.1, "not as good"), (0.9, 0.1, "cannot be told"),
     (1.0, 0.6, "cannot be told"), (1.5, 0.02, "better")],
)  # fmt: skip
def test_a_map_is_as_good_only_where_the_whole_interval_lies_within_the_margin(kept, spread, says):
    row = judged(repeated(kept, spread=spread))["gain_kept(dp)"]
    assert row["note"].startswith(f"{says}: margin 10% of that gain; the gate's noise has no seed")
    assert row["verdict"] == says
    if says == "as good":
        assert 0.9 < row["lo"] <= row["value"] <= row["hi"] < 1.1


@pytest.mark.parametrize(("gain", "spread"), [(0.01, 0.2), (0.0, 0.0), (-0.3, 0.01)])
def test_where_the_exact_map_brings_nothing_clear_no_map_can_be_compared_with_it(gain, spread):
    row = judged(repeated(1.0, spread=0.1, gain=gain, gain_spread=spread))["gain_kept(dp)"]
    assert math.isnan(row["value"])
    assert row["note"].startswith("cannot be told: the exact map brings nothing clear")


def test_a_map_at_the_margin_is_hardly_ever_called_as_good():
    called = [
        judged(repeated(0.9, spread=0.02, repetitions=8, seed=seed))["gain_kept(dp)"]["verdict"] == "as good"
        for seed in range(150)
    ]
    assert np.mean(called) <= 0.025 + 3 * math.sqrt(0.025 * 0.975 / 150)


def test_the_difference_is_that_of_the_sales_beside_it_and_says_when_it_has_no_seed():
    rows = judged(repeated(0.8, spread=0.05))
    change = rows["difference(sales_visit, dp, exact)"]
    assert change["other"] - change["base"] == pytest.approx(change["value"])
    assert (change["verdict"], change["unit"]) == ("worse", "USD")
    assert "no seed" in change["note"]
    assert rows["ratio(sales_visit, dp, exact)"]["value"] == pytest.approx(change["other"] / change["base"])
    assert rows["map_gain(exact)"]["value"] == pytest.approx(0.3, abs=0.02)
    exact = judged(repeated(0.8), unseeded=False, mapped=False)
    assert not [name for name in exact if name.startswith(("gain_kept", "map_error"))]
    assert exact["difference(sales_visit, dp, exact)"]["note"] == ""


@pytest.mark.parametrize("draws", [0, 2])
def test_without_enough_draws_of_the_parameters_nothing_is_called_better_or_worse(draws):
    many = repeated(0.5, spread=0.01)
    found = judged(dataclasses.replace(many, drawn=many.drawn[:draws]))
    assert found["difference(sales_visit, dp, exact)"]["verdict"] == "not judged"
    assert found["gain_kept(dp)"]["verdict"] == "cannot be told"
    assert f"{draws} draws of the parameters, at least 8 are needed" in found["gain_kept(dp)"]["note"]


SMALL = {
    "kind": "store", "name": "maps", "method": "heat_map", "plan": "corner-shop", "shoppers": 60, "parameter_draws": 2,
    "heat_map": {"displays": 1, "repetitions": 2, "held_out_days": 1},
    "reference": {"name": "exact", "map": "exact"},
    "arms": [{"name": "dp", "map": "dp", "epsilon": 50.0}, {"name": "no-map", "map": "none"}],
}  # fmt: skip


@pytest.fixture(scope="module")
def twice(tmp_path_factory):
    """Both arms of a small scenario, run twice."""
    found = {}
    for spec in expand_scenario(validate(SMALL, source="maps")):
        for time in (1, 2):
            folder = tmp_path_factory.mktemp("maps") / "maps" / str(time)
            (folder / "artifacts").mkdir(parents=True)
            found[spec.arm.name, time] = run_store(spec, folder, lambda _: None)
    return found


def test_a_run_says_in_its_record_that_its_noise_has_no_seed(twice):
    private, public = twice["dp", 1], twice["no-map", 1]
    assert private.info["unseeded"] == "the gate's noise has no seed: another run differs"
    assert "unseeded" not in public.info
    assert (public.metrics["note"] == "").all()
    assert private.info["days"] == 2


def test_what_the_gate_has_no_part_in_is_the_same_in_every_run(twice):
    one, two = (twice["no-map", time].metrics for time in (1, 2))
    assert one.equals(two)
    first, second = (twice["dp", time] for time in (1, 2))
    assert first.info["max_cells"] == second.info["max_cells"]
    public = ["sales_visit(exact)", "map_gain(exact)"]
    same = [run.metrics.set_index("name").loc[public, ["value", "lo", "hi"]] for run in (first, second)]
    assert same[0].equals(same[1])
    errors = [run.metrics.set_index("name").loc["map_error(dp)", "value"] for run in (first, second)]
    assert errors[0] != errors[1]


@pytest.mark.slow
def test_a_layout_chosen_with_much_epsilon_is_that_of_the_exact_map(tmp_path):
    scenario = load_scenario(
        "store-heat-map",
        ["plan=convenience", "shoppers=600", "heat_map.repetitions=3", "heat_map.held_out_days=2",
         "heat_map.displays=3", "parameter_draws=0", "targets={}", "arms.dp-4.epsilon=50"],
    )  # fmt: skip
    summary = run_scenario(scenario, store=tmp_path, jobs=1)
    assert not summary.failures
    found = {one.name: one.value for one in summary.results()}
    assert found["ratio(sales_visit, dp-4, exact)"] == pytest.approx(1, abs=0.002)
    assert found["map_error(dp-4)"] < found["map_error(dp-1)"] < found["map_error(dp-0.1)"]

import dataclasses

import pytest

from retail.errors import ConfigError
from simulation.store.checks import check_plan
from simulation.store.demand_model import complete_journey_demand
from simulation.store.plan import apply_edits, load_plan, read_plan
from simulation.store.search import HELD_OUT, STRATEGIES, Rules, on_held_out_days, search, searching

SMALL = {"shoppers": 80, "seed": 2, "objective": "trip_min", "steps": 12, "training_days": 2, "workers": 1}
JUDGED = {"parameter_draws": 2, "draw_days": 1}
KIOSK = """
name = "Kiosk with its display in a corner that nobody passes"
cell_m = 0.5
opens_h = 8
closes_h = 22
map = '''
..............................
.DD...........................
..............................
..............................
..............................
..............................
..............................
..............................
..............................
ssss......................dddd
..............................
..............................
..............................
..........LL..................
..............................
..............XX......EE......
'''
[legend]
E = { kind = "entrance" }
X = { kind = "exit" }
L = { kind = "till", till = "lane", sides = ["north"] }
s = { kind = "shelf", category = "snacks", sides = ["south"] }
d = { kind = "fridge", category = "dairy", sides = ["south"] }
D = { kind = "display", display = "store_front", category = "snacks", name = "promotion" }
"""


@pytest.fixture(scope="module")
def model():
    return complete_journey_demand()


@pytest.fixture(scope="module")
def plan():
    return load_plan("convenience")


@pytest.fixture(scope="module")
def look(plan, model):
    def run(**others):
        return search(plan, model=model, held_out_days=8, **{**SMALL, **JUDGED, **others})

    return run


@pytest.fixture(scope="module")
def found(look):
    return look(rules=Rules(fixed=("dairy",)))


def test_the_winner_is_what_its_edits_lead_to(plan, found):
    assert apply_edits(plan, found.edits) == found.plan


def test_the_winner_is_at_least_as_good_on_the_training_days(found):
    assert found.gain <= 0  # minutes: fewer are better
    assert 1 <= found.tried <= found.steps


def test_optimism_is_what_the_training_days_promised_and_others_did_not_keep(found):
    kept = found.held_out.row("trip_min").difference
    assert found.optimism == pytest.approx(kept - found.gain)


def test_the_days_of_the_verdict_are_others_than_those_of_the_search(plan, found, model):
    assert found.held_out.leading == "trip_min"
    assert found.held_out.row("trip_min").base != pytest.approx(found.start, rel=1e-9)
    with pytest.raises(ConfigError, match=rf"days less than {HELD_OUT}"):
        next(searching(plan, model=model, **{**SMALL, "training_days": HELD_OUT}))
    unjudged = dataclasses.replace(found, held_out=None)
    arguments = {"model": model, "shoppers": 80, "seed": 2, "workers": 1, **JUDGED}
    *_, again = on_held_out_days(
        plan, unjudged, days=8, first_day=0, **arguments
    )  # an asked-for first day does not count
    assert again.document() == found.held_out.document()
    assert unjudged.optimism is None


def test_fixed_categories_stay_and_no_new_warning_comes(plan, found):
    where = [(one.name, one.categories) for one in plan.shelves if "dairy" in one.categories]
    assert [(one.name, one.categories) for one in found.plan.shelves if "dairy" in one.categories] == where
    before, after = (
        {(one.code, one.fixtures) for one in check_plan(each) if one.severity == "warning"}
        for each in (plan, found.plan)
    )
    assert after <= before


def test_the_same_seed_finds_the_same_on_any_number_of_threads(look, found):
    again = look(rules=Rules(fixed=("dairy",)), workers=3)
    assert again.edits == found.edits
    assert again.trained == found.trained
    assert again.held_out.document() == found.held_out.document()


def test_only_named_fixtures_move_and_not_far(model):
    kiosk = read_plan(KIOSK)
    rules = Rules(shelves=(), movable=("promotion-1",), reach_m=2.0)
    *_, moved = searching(kiosk, model=model, **{**SMALL, "training_days": 1}, rules=rules)
    assert {edit.move for edit in moved.edits} <= {"promotion-1"}
    here, there = kiosk.fixture("promotion-1"), moved.plan.fixture("promotion-1")
    assert max(abs(here.x - there.x), abs(here.y - there.y)) <= 2.0


def test_a_display_in_a_dead_corner_is_brought_to_where_shoppers_pass(model):
    found = search(
        read_plan(KIOSK), model=model, shoppers=200, seed=1, objective="unplanned_picks",
        rules=Rules(shelves=(), movable=("promotion-1",), reach_m=6.0), steps=30, training_days=1, workers=1,
        held_out_days=4, parameter_draws=0,
    )  # fmt: skip
    exposure = found.held_out.row("exposure_pct.store-front-snacks")
    assert exposure.base < 5
    assert exposure.other > 50
    assert found.held_out.row("unplanned_picks").noise.lo > 0
    assert len(found.edits) == 1


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_strategy_has_the_same_budget_and_keeps_the_best_it_has_tried(plan, model, strategy):
    steps = list(searching(plan, model=model, **{**SMALL, "steps": 5}, strategy=strategy))
    assert [one.tried for one in steps[:-1]] == list(range(len(steps) - 1))
    assert (steps[0].plan, steps[0].edits, steps[0].gain) == (plan, (), 0.0)
    assert [one.finished for one in steps] == [False] * (len(steps) - 1) + [True]
    assert steps[-1].tried == (1 if strategy == "rule_of_thumb" else 5)
    if strategy == "rule_of_thumb":
        assert steps[-1].plan != plan  # whatever it is worth
    else:
        assert steps[-1].trained == min(one.here for one in steps)


def test_a_search_without_more_layouts_ends_early(model):
    rules = Rules(shelves=(), movable=("promotion-1",), reach_m=1.0)
    *_, last = searching(read_plan(KIOSK), model=model, **{**SMALL, "steps": 500, "training_days": 1}, rules=rules)
    assert last.finished
    assert last.tried <= 8


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"objective": "path_m"}, "neither way"),
        ({"objective": "joy"}, "'joy'"),
        ({"strategy": "luck"}, "no strategy is called 'luck'; use one of annealed"),
        ({"rules": Rules(fixed=("gold",))}, "'gold' is on no shelf"),
        ({"rules": Rules(shelves=("nowhere",))}, "'nowhere' is no shelf"),
        ({"rules": Rules(movable=("nowhere",))}, "'nowhere'"),
        ({"rules": Rules(shelves=())}, "nothing to change"),
        ({"rules": Rules(fixed=("dairy",), movable=("dairy-1",))}, "'dairy-1' may move, and holds 'dairy'"),
        ({"rules": Rules(movable=("dairy-1",), reach_m=0.5)}, "reach_m = 0.5 is less than"),
        ({"rules": Rules(movable=("dairy-1",), reach_m=float("nan"))}, "reach_m = nan"),
        ({"steps": 0}, "steps = 0"),
        ({"shoppers": 0}, "0 shoppers"),
    ],
)
def test_what_cannot_be_searched_is_refused_in_one_line(look, wrong, named):
    with pytest.raises(ConfigError, match=named) as caught:
        look(**wrong)
    assert "\n" not in str(caught.value)

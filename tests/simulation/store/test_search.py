import pytest

from retail.errors import ConfigError
from simulation.store.checks import check_plan
from simulation.store.demand_model import complete_journey_demand
from simulation.store.plan import apply_edits, load_plan
from simulation.store.search import HELD_OUT, Rules, search


@pytest.fixture(scope="module")
def plan():
    return load_plan("convenience")


@pytest.fixture(scope="module")
def look(plan):
    def run(**others):
        arguments = {
            "shoppers": 80, "seed": 2, "objective": "trip_min", "steps": 12, "training_days": 2, "workers": 1,
            "most": 8, "parameter_draws": 2, "draw_days": 1,
        } | others  # fmt: skip
        return search(plan, model=complete_journey_demand(), **arguments)

    return run


@pytest.fixture(scope="module")
def found(look):
    return look(rules=Rules(fixed=("dairy",)))


def test_the_winner_is_what_its_edits_lead_to(plan, found):
    assert apply_edits(plan, found.edits) == found.plan


def test_the_winner_is_at_least_as_good_on_the_training_days(found):
    assert found.gain <= 0  # minutes: fewer are better
    assert found.tried > 1


def test_the_verdict_comes_from_days_that_took_no_part(plan, found, look):
    assert found.held_out.leading == "trip_min"
    assert found.held_out.row("trip_min").base != pytest.approx(found.start, rel=1e-9)
    assert HELD_OUT > 1000


def test_fixed_categories_stay_and_no_new_warning_comes(plan, found):
    where = [(one.name, one.categories) for one in plan.shelves if "dairy" in one.categories]
    assert [(one.name, one.categories) for one in found.plan.shelves if "dairy" in one.categories] == where
    before, after = (
        {(one.code, one.fixtures) for one in check_plan(each) if one.severity == "warning"}
        for each in (plan, found.plan)
    )
    assert after <= before


def test_the_same_seed_finds_the_same(look, found):
    again = look(rules=Rules(fixed=("dairy",)))
    assert again.edits == found.edits
    assert again.held_out.document() == found.held_out.document()


def test_only_named_fixtures_move_and_not_far(plan, look):
    name = plan.displays[0].name
    moved = look(rules=Rules(shelves=(), movable=(name,), reach_m=1.0), steps=6)
    assert {edit.move for edit in moved.edits} <= {name}
    here, there = plan.fixture(name), moved.plan.fixture(name)
    assert max(abs(here.x - there.x), abs(here.y - there.y)) <= 1.0


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"objective": "path_m"}, "neither way"),
        ({"rules": Rules(fixed=("gold",))}, "'gold'"),
        ({"rules": Rules(shelves=("nowhere",))}, "'nowhere'"),
        ({"rules": Rules(movable=("nowhere",))}, "'nowhere'"),
        ({"rules": Rules(shelves=())}, "nothing to change"),
        ({"steps": 0}, "steps = 0"),
        ({"shoppers": 0}, "0 shoppers"),
    ],
)
def test_what_cannot_be_searched_is_refused(look, wrong, named):
    with pytest.raises(ConfigError, match=named):
        look(**wrong)

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.store.categories import CATEGORIES
from simulation.store.checks import EGRESS_M, check_demand, check_plan
from simulation.store.clearance import EDGE, passages, queue_room_m
from simulation.store.plan import Fixture, StorePlan, apply_edit, bundled_plans, load_plan, rasterise
from simulation.store.plan.kinds import DISPLAY_KINDS


def shelf(name, x, y, width, depth, rotation=0.0):
    return Fixture(name, "shelf", x, y, width, depth, rotation, categories=("dairy",))


def store(*fixtures, width=20.0, depth=20.0, till=None):
    return StorePlan(
        "Test",
        width,
        depth,
        (
            *fixtures,
            Fixture("in", "entrance", width - 2, depth - 0.5, 2.0, 0.5),
            Fixture("out", "exit", 0.0, depth - 0.5, 2.0, 0.5),
            till or Fixture("till", "till", width / 2, depth - 4, 1.0, 2.0, till="lane", sides=("north",)),
        ),
    )


def codes(plan):
    return {one.code for one in check_plan(plan)}


def test_an_airy_store_has_no_findings():
    assert check_plan(store(shelf("s", 5, 5, 5, 1))) == ()


@settings(deadline=None, max_examples=40)
@given(st.floats(0.31, 1.19), st.floats(0, 360))
def test_a_gap_is_measured_exactly_at_any_angle(gap, angle):
    reach = 1.0 + gap
    away = math.radians(angle)
    x, y = 10 + reach * math.sin(away), 8 - reach * math.cos(away)
    plan = store(shelf("a", 7.5, 7.5, 5, 1, angle), shelf("b", x - 2.5, y - 0.5, 5, 1, angle))
    (found,) = passages(plan, below_m=1.2)
    assert {found.first, found.second} == {"a", "b"}
    assert found.width_m == pytest.approx(gap, abs=1e-9)


def test_a_narrow_passage_is_named_with_both_fixtures_and_its_width():
    plan = store(shelf("a", 5, 5, 5, 1), shelf("b", 5, 6.8, 5, 1), shelf("c", 5, 8.9, 5, 1))
    first, second = check_plan(plan)
    assert (first.code, first.severity, first.fixtures) == ("narrow-passage", "warning", ("a", "b"))
    assert "0.80 m between a and b is less than 0.9 m" in first.message
    assert (second.severity, second.fixtures) == ("note", ("b", "c"))
    assert 5 <= first.place[0] <= 10
    assert first.place[1] == pytest.approx(6.4)


def test_the_outer_wall_counts_and_slits_do_not():
    near = passages(store(shelf("a", 0.7, 5, 5, 1), shelf("b", 8, 0.2, 5, 1)), below_m=1.2)
    assert [(one.first, one.second, round(one.width_m, 3)) for one in near] == [("a", EDGE, 0.7)]


def test_fixtures_back_to_back_and_those_behind_others_are_no_passage():
    plan = store(shelf("a", 5, 5, 5, 0.3), shelf("b", 5, 5.3, 5, 0.3), shelf("c", 5, 5.6, 5, 0.3))
    assert passages(plan, below_m=1.2) == ()


def test_four_shelves_that_face_one_aisle_give_two_passages():
    plan = store(shelf("a", 5, 5, 3, 1), shelf("b", 8, 5, 3, 1), shelf("c", 5, 7, 3, 1), shelf("d", 8, 7, 3, 1))
    assert {(one.first, one.second) for one in passages(plan, below_m=1.2)} == {("a", "c"), ("b", "d")}


def test_a_shelf_behind_a_narrow_gate_is_reached_by_a_narrow_way():
    walls = (Fixture("w", "wall", 0, 5, 9.6, 0.5), Fixture("v", "wall", 10.4, 5, 9.6, 0.5))
    found = [one for one in check_plan(store(shelf("s", 5, 1, 5, 1), *walls)) if one.code == "narrow-way"]
    assert [one.fixtures for one in found] == [("s",)]
    wide = (Fixture("w", "wall", 0, 5, 9.5, 0.5), Fixture("v", "wall", 10.5, 5, 9.5, 0.5))
    assert "narrow-way" not in codes(store(shelf("s", 5, 1, 5, 1), *wide))


def test_a_long_way_out_is_told_with_its_length():
    plan = store(shelf("s", 5, 5, 5, 1), width=80.0)
    (found,) = check_plan(plan)
    floor = rasterise(plan)
    longest = floor.distance_m[floor.exit_target][floor.walkable.ravel()].max()
    assert longest > EGRESS_M
    assert (found.code, f"{longest:.0f} m of walking" in found.message) == ("egress-distance", True)
    assert found.place == (79.75, 0.25)


@settings(deadline=None, max_examples=40)
@given(st.floats(0.1, 5.0), st.floats(0, 360))
def test_room_for_a_queue_is_measured_from_the_face_of_the_till(gap, angle):
    away = math.radians(angle)
    reach = 1.0 + gap + 0.5
    x, y = 10 + reach * math.sin(away), 10 - reach * math.cos(away)
    till = Fixture("till", "till", 9.5, 9, 1.0, 2.0, angle, till="lane", sides=("north",))
    plan = store(shelf("s", x - 1, y - 0.5, 2, 1, angle), till=till)
    assert queue_room_m(plan, till, most_m=3.0) == pytest.approx(min(gap, 3.0), abs=1e-6)


def test_a_till_without_room_for_a_queue_is_a_warning():
    plan = store(shelf("s", 9, 14, 3, 1))
    (found,) = [one for one in check_plan(plan) if one.code == "queue-space"]
    assert (found.severity, found.fixtures) == ("warning", ("till",))
    assert "1.0 m for a queue" in found.message


def test_closed_off_floor_and_hidden_displays_are_told():
    walls = [Fixture("w", "wall", 0, 3, 4, 0.5), Fixture("v", "wall", 4, 0, 0.5, 3.5)]
    hidden = Fixture("d", "display", 1, 1, 1, 1, categories=("dairy",), display=DISPLAY_KINDS[0])
    found = {one.code: one for one in check_plan(store(shelf("s", 8, 5, 5, 1), *walls, hidden))}
    assert set(found) == {"enclosed-floor", "hidden-display"}
    assert "11.0 m2 of floor" in found["enclosed-floor"].message


def test_wanted_categories_without_a_shelf_and_shelves_nobody_wants_are_told():
    plan = load_plan("corner-shop")
    found = check_demand(plan, [*plan.categories[1:], "diary"])
    assert [(one.code, one.fixtures) for one in found] == [
        ("category-without-shelf", ()),
        ("shelf-without-demand", ("bakery-1",)),
    ]
    assert "'diary'" in found[0].message


@pytest.mark.parametrize("name", bundled_plans())
def test_bundled_stores_let_a_wheelchair_through(name):
    plan = load_plan(name)
    warned = {one.code for one in check_plan(plan) if one.severity == "warning"}
    assert not warned & {"narrow-passage", "narrow-way", "queue-space", "hidden-display"}
    if name not in ("corner-shop", "convenience"):
        assert check_demand(plan, CATEGORIES) == ()


def test_an_edit_that_narrows_an_aisle_shows_in_the_findings():
    plan = load_plan("supermarket")
    moved = apply_edit(plan, {"move": "till-2", "x": 3.8, "y": 31.5})
    before, after = ({one.fixtures for one in check_plan(one)} for one in (plan, moved))
    assert ("till-1", "till-2") not in before
    assert ("till-1", "till-2") in after

import numpy as np
import pytest

from retail.errors import ConfigError
from simulation.store.plan import (
    AddTill,
    Move,
    Remove,
    Show,
    Swap,
    apply_edit,
    apply_edits,
    edit_table,
    load_plan,
    rasterise,
    read_edit,
    read_plan,
)


@pytest.fixture(scope="module")
def plan():
    return load_plan("supermarket")


def contents(plan):
    return {one.name: one.categories for one in plan.fixtures}


def test_swapping_categories_swaps_all_their_shelves_and_leaves_displays(plan):
    changed = apply_edit(plan, {"swap": ["snacks", "dairy"]})
    before, after = contents(plan), contents(changed)
    differ = {name for name in before if before[name] != after[name]}
    assert differ == {one.name for one in plan.shelves if set(one.categories) & {"snacks", "dairy"}}
    assert after["snacks-1"] == ("dairy",)
    assert after["rear-end-cap-3"] == ("snacks",)
    old, new = rasterise(plan), rasterise(changed)
    dairy, snacks = old.categories.index("dairy"), old.categories.index("snacks")
    assert np.array_equal(old.distance_m[dairy], new.distance_m[snacks])


def test_swapping_two_shelves_leaves_the_others(plan):
    before, after = contents(plan), contents(apply_edit(plan, Swap(("snacks-1", "dairy-1"))))
    assert {name for name in before if before[name] != after[name]} == {"snacks-1", "dairy-1"}


def test_swapping_twice_is_no_change(plan):
    edit = Swap(("produce", "meat"))
    assert apply_edits(plan, [edit, edit]) == plan


def test_moving_keeps_everything_but_the_place(plan):
    changed = apply_edit(plan, {"move": "till-2", "x": 5, "y": 30.5})
    moved = changed.fixture("till-2")
    assert (moved.x, moved.y, moved.rotation, moved.till) == (5.0, 30.5, 0.0, plan.fixture("till-2").till)
    assert [one.name for one in changed.fixtures] == [one.name for one in plan.fixtures]
    assert apply_edit(plan, Move("till-2", 5.0, 30.5, 90.0)).fixture("till-2").rotation == 90.0


def test_a_new_till_gets_the_next_free_number(plan):
    table = {"add_till": "tray", "x": 24, "y": 34.5, "depth": 1.0, "sides": ["north"]}
    changed = apply_edit(plan, table)
    assert [one.name for one in changed.tills][-1] == "till-9"
    assert changed.tills[-1].till == "tray"
    gap = apply_edits(plan, [Remove("till-3"), read_edit(table)])
    assert gap.tills[-1].name == "till-3"


def test_removing_takes_one_fixture_away(plan):
    changed = apply_edit(plan, {"remove": "till-1"})
    assert len(changed.fixtures) == len(plan.fixtures) - 1
    assert "till-1" not in contents(changed)


def test_a_display_shows_another_category(plan):
    changed = apply_edit(plan, Show("store-front-1", "coffee and tea"))
    assert changed.fixture("store-front-1").categories == ("coffee and tea",)
    assert rasterise(changed).display_category[-1] == rasterise(plan).categories.index("coffee and tea")


def test_the_plan_itself_never_changes(plan):
    before = contents(plan)
    apply_edit(plan, {"swap": ["snacks", "dairy"]})
    assert contents(plan) == before


@pytest.mark.parametrize(
    "edit",
    [
        Swap(("dairy", "bakery")),
        Move("shelf-1", 1.0, 2.0),
        Move("shelf-1", 1.0, 2.0, 45.0),
        AddTill("lane", 1.0, 2.0),
        AddTill("express", 1.0, 2.0, 1.5, 2.5, 2, 10, ("north", "west"), "extra"),
        Remove("till-1"),
        Show("a", "b"),
    ],
)
def test_edits_read_back_from_their_tables(edit):
    assert read_edit(edit_table(edit)) == edit


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({}, 'names no edit; write for example { swap = ["dairy", "bakery"] } or { move = "till-3"'),
        ({"swop": ["dairy", "eggs"]}, '\'swop\' is no edit; did you mean { swap = ["dairy", "eggs"] }?'),
        ({"add_tills": "lane", "x": 1, "y": 2}, 'did you mean { add_till = "lane", x = 1, y = 2 }?'),
        ({"swap": ["a", "b"], "remove": "c"}, "is swap and remove at once; write each as an edit of its own"),
        ({"swap": ["dairy"]}, "swap needs exactly two names, got 1"),
        ({"swap": "dairy"}, "swap = 'dairy' must be a list of two names; write { swap = ["),
        ({"swap": ["dairy", "dairy"]}, "'dairy' cannot be swapped with itself"),
        ({"swap": ["dairy", "dary"]}, "'dary' is neither a category nor the name of a shelf; take one of dairy"),
        ({"swap": ["dairy", "snacks-1"]}, "'dairy' is a category, the other one a shelf"),
        ({"move": "till-1", "x": 1}, 'y is missing; write { move = "till-1", x = 1, y = 30.5 }'),
        ({"move": ["till-1", 3, 6.4]}, 'takes one name, then x = and y =; write { move = "till-1", x = 3, y = 6.4 }'),
        ({"add_till": "lane"}, 'x and y are missing; write { add_till = "lane", x = 24, y = 35 }'),
        ({"show": "store-front-1"}, 'write { show = "store-front-1", category = "eggs" }'),
        ({"remove": ["till-1", "till-2"]}, "remove takes one name, got 2 values"),
        ({"move": "till-1", "x": "1", "y": 2}, "x = '1' must be a number"),
        ({"move": "till-1", "x": True, "y": 2}, "x = True must be a number"),
        ({"move": "till-1", "x": float("nan"), "y": 2}, "x = nan must be a finite number"),
        ({"move": "till-1", "x": -3, "y": 30}, "reaches 3.00 m out of the plan"),
        ({"move": "till-1", "x": 4, "y": 30, "z": 1}, "move takes no 'z', only move, x, y, rotation"),
        ({"move": "tills-1", "x": 4, "y": 30}, "has no fixture 'tills-1'; take one of till-1"),
        ({"add_till": "fast", "x": 4, "y": 30}, "'fast' is no kind of till; use one of lane"),
        ({"add_till": "lane", "x": 2, "y": 31.5}, "overlap by"),
        ({"add_till": "lane", "x": 4, "y": 30, "servers": 1.5}, "servers = 1.5 must be a whole number"),
        ({"add_till": "lane", "x": 4, "y": 30, "sides": ["up"]}, "must be among north, east, south, west"),
        ({"remove": "entrance-1"}, "has no entrance"),
        ({"remove": 3}, "remove = 3 must be a name; write"),
        ({"show": "till-1", "category": "dairy"}, "till 'till-1' is no display; name one of"),
        ({"show": "store-front-1", "category": "diary"}, "shows 'diary', which is on no shelf; show one of dairy"),
    ],
)
def test_an_impossible_edit_is_refused_in_one_line(plan, table, message):
    with pytest.raises(ConfigError) as caught:
        apply_edit(plan, table)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_edit_that_walls_in_a_shelf_is_refused():
    plan = read_plan('''
name = "Tiny"
map = """
a..#..
......
...###
......
bb....
L.....
X....E
"""
[legend]
a = { kind = "shelf", category = "dairy" }
b = { kind = "shelf", category = "bakery" }
L = { kind = "till", till = "lane" }
X = { kind = "exit" }
E = { kind = "entrance" }
''')
    still_open = apply_edit(plan, {"move": "wall-1", "x": 1.0, "y": 0.0})
    with pytest.raises(ConfigError, match=r"edit .*'dairy-1' at x 0 m, y 0 m, which sells dairy, cannot be reached"):
        apply_edit(still_open, {"move": "wall-2", "x": 0.0, "y": 0.5})

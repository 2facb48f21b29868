import dataclasses

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.store.plan import Move, Swap, apply_edit, apply_edits, load_plan, read_plan
from simulation.store.search.rules import Rules, room_in
from simulation.store.search.shortest import shortest_edits

PLAN = load_plan("corner-shop")
SHELVES = [one.name for one in PLAN.shelves]
ROOM = room_in(PLAN, Rules(movable=("front-end-cap-1", "store-front-1", "till-1")))
TWO = """
name = "Two tables behind one another"
width = 8
depth = 6
fixtures = [
  { name = "in", kind = "entrance", x = 0, y = 5, width = 2, depth = 0.5 },
  { name = "out", kind = "exit", x = 6, y = 5, width = 2, depth = 0.5 },
  { name = "till", kind = "till", till = "lane", x = 6, y = 1, width = 0.5, depth = 0.5 },
  { name = "left", kind = "shelf", categories = ["snacks"], x = 2, y = 2, width = 1, depth = 0.5 },
  { name = "right", kind = "shelf", categories = ["dairy"], x = 3, y = 2, width = 1, depth = 0.5 },
]
"""


@given(pairs=st.lists(st.tuples(st.sampled_from(SHELVES), st.sampled_from(SHELVES)), max_size=12))
@settings(max_examples=25, deadline=None)
def test_swaps_lead_to_the_same_contents_in_no_more_steps(pairs):
    edits, here = [], PLAN
    for first, second in pairs:
        if here.fixture(first).categories != here.fixture(second).categories:
            edits.append(Swap((first, second)))
            here = apply_edit(here, edits[-1])
    found = shortest_edits(PLAN, here)
    assert apply_edits(PLAN, found) == here
    wrong = sum(was.categories != now.categories for was, now in zip(PLAN.shelves, here.shelves, strict=True))
    assert len(found) <= min(len(edits), max(0, wrong - 1))


@given(seed=st.integers(0, 2**32), steps=st.integers(1, 10))
@settings(max_examples=15, deadline=None)
def test_any_walk_within_the_rules_is_shortened_to_one_move_a_fixture(seed, steps):
    rng, here = np.random.default_rng(seed), PLAN
    for _ in range(steps):
        here = ROOM.neighbour(here, rng)[1]
    found = shortest_edits(PLAN, here)
    assert apply_edits(PLAN, found) == here
    moved = [one.move for one in found if isinstance(one, Move)]
    assert len(moved) == len(set(moved))
    assert len(found) <= steps


def test_a_plan_itself_needs_no_edit():
    assert shortest_edits(PLAN, PLAN) == ()


def test_a_fixture_is_moved_only_once_the_place_is_free():
    plan = read_plan(TWO)
    there = apply_edits(plan, [Move("right", 4, 2), Move("left", 3, 2)])
    assert [one.move for one in shortest_edits(plan, there)] == ["right", "left"]
    assert apply_edits(plan, shortest_edits(plan, there)) == there


def test_moves_that_get_into_each_others_way_have_no_short_form():
    plan = read_plan(TWO)
    there = apply_edits(plan, [Move("left", 4, 3), Move("right", 2, 2), Move("left", 3, 2)])
    assert shortest_edits(plan, there) is None


def test_another_difference_is_no_matter_of_swaps_and_moves():
    assert shortest_edits(PLAN, dataclasses.replace(PLAN, closes_h=20.0)) is None

import dataclasses
import math

import numpy as np
import pytest

from retail.errors import ConfigError
from simulation.store.plan import Swap, apply_edits, load_plan
from simulation.store.search.rules import Rules, room_in, warnings_of
from simulation.store.search.strategies import Annealed, Candidate, Greedy, RuleOfThumb, Scattered

PLAN = load_plan("convenience")
ROOM = room_in(PLAN, Rules(fixed=("dairy",)))
START = Candidate(PLAN)


def test_contents_are_swapped_between_shelves_of_one_kind_only():
    kinds = {one.name: one.kind for one in PLAN.fixtures}
    assert ROOM.pairs
    assert all(kinds[first] == kinds[second] for first, second in ROOM.pairs)
    assert not any("dairy" in PLAN.fixture(name).categories for pair in ROOM.pairs for name in pair)


def test_shelves_that_are_named_like_categories_are_not_swapped_by_name():
    plan = dataclasses.replace(
        PLAN, fixtures=tuple(dataclasses.replace(one, name=one.name.removesuffix("-1")) for one in PLAN.fixtures)
    )
    known = set(plan.categories)
    named = tuple(one.name for one in plan.shelves if one.name in known)
    assert len(named) > 3
    assert not {name for pair in room_in(plan, Rules()).pairs for name in pair} & known
    with pytest.raises(ConfigError, match=r"named like categories, such as '.*', are left out; rename"):
        room_in(plan, Rules(shelves=named))


def test_annealing_goes_downhill_while_hot_and_hardly_ever_when_cold():
    def share(spent):
        went = 0
        for seed in range(200):
            walk = Annealed(ROOM, 1, np.random.default_rng(seed), START, 10.0)
            worse = Candidate(PLAN, (Swap(("a", "b")),))
            walk.judge(worse, 9.0, spent)
            went += walk.here is worse
        return went / 200

    assert share(0.0) == pytest.approx(math.exp(-2), abs=0.07)  # the temperature is half of the one change seen
    assert share(1.0) == 0


@pytest.mark.parametrize("way", [1, -1])
def test_a_greedy_walk_goes_only_where_it_is_better(way):
    walk = Greedy(ROOM, way, np.random.default_rng(0), START, 10.0)
    for value, goes in ((10.0 - way, False), (10.0, False), (math.nan, False), (10.0 + way, True)):
        candidate = walk.propose()
        walk.judge(candidate, value, 0.5)
        assert (walk.here is candidate) == goes


def test_a_layout_without_the_figure_is_left_and_does_not_set_the_temperature():
    walk = Annealed(ROOM, 1, np.random.default_rng(0), START, 10.0)
    walk.judge(walk.propose(), math.nan, 0.0)
    assert walk.here is START
    better = walk.propose()
    walk.judge(better, 11.0, 0.0)
    assert walk.here is better


def test_random_layouts_change_little_or_much_and_keep_to_the_rules():
    walk = Scattered(ROOM, np.random.default_rng(1))
    found = [walk.propose() for _ in range(20)]
    sizes = {len(one.edits) for one in found}
    assert {1, 2} <= sizes
    assert 4 < max(sizes) <= ROOM.size
    for one in found[:5]:
        assert apply_edits(PLAN, one.edits) == one.plan
        assert warnings_of(one.plan) <= warnings_of(PLAN)


@pytest.mark.parametrize("far", [True, False])
def test_the_rule_of_thumb_puts_what_most_come_for_farthest_or_nearest(far):
    room = room_in(PLAN, Rules())
    pull = {name: number / 100 for number, name in enumerate(PLAN.categories)}
    rule = RuleOfThumb(room, far, pull)
    found = rule.propose()
    assert rule.propose() is None  # it says what it has to say once
    door = next(one.middle for one in PLAN.fixtures if one.kind == "entrance")
    for kind in {one.kind for one in PLAN.shelves}:
        shelves = sorted(
            (one for one in found.plan.shelves if one.kind == kind), key=lambda one: math.dist(one.middle, door)
        )
        worth = [sum(pull[name] for name in one.categories) for one in shelves]
        assert worth == sorted(worth, reverse=not far)

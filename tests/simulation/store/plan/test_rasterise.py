import dataclasses

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from retail.errors import ConfigError
from simulation.store.floor import CELL_M, OUTSIDE
from simulation.store.plan import Fixture, StorePlan, Zone, bundled_plans, load_plan, mirror, rasterise, read_plan
from simulation.store.plan.cells import cut
from simulation.store.plan.rasterise import ELSEWHERE

LEGEND = """
a = { kind = "shelf", category = "dairy" }
b = { kind = "shelf", category = "bakery" }
d = { kind = "display", display = "rear_end_cap", category = "bakery" }
f = { kind = "display", display = "in_aisle", category = "dairy" }
L = { kind = "till", till = "lane" }
X = { kind = "exit" }
E = { kind = "entrance" }
"""


def drawn(rows):
    return read_plan("name = 'Tiny'\nmap = '''\n" + "\n".join(rows) + "\n'''\n[legend]\n" + LEGEND)


def picture(cells, shape):
    out = np.full(shape, ".")
    out.ravel()[cells] = "x"
    return ["".join(row) for row in out]


def at_target(floor, target):
    return picture(np.flatnonzero(floor.distance_m[target] == 0), floor.walkable.shape)


def test_a_shelf_is_used_from_the_free_cells_beside_it():
    floor = rasterise(drawn([".....", ".aab.", ".....", "L....", "X...E"]))
    assert floor.categories == ("bakery", "dairy")
    assert at_target(floor, 1) == [".xx..", "x....", ".xx..", ".....", "....."]
    assert at_target(floor, 0) == ["...x.", "....x", "...x.", ".....", "....."]
    assert at_target(floor, floor.tills_target) == [".....", ".....", "x....", ".x...", "x...."]
    assert at_target(floor, floor.exit_target) == [".....", ".....", ".....", ".....", "x...."]
    assert floor.entrance.tolist() == [24]


@pytest.mark.parametrize(
    ("rotation", "expected"),
    [
        (0, [".....", ".xxx.", ".....", "....."]),
        (90, [".....", "...x.", "...x.", "...x."]),
        (180, [".....", ".....", ".....", ".xxx."]),
        (-90, [".....", ".x...", ".x...", ".x..."]),
    ],
)
def test_open_sides_turn_clockwise_with_the_fixture(rotation, expected):
    shelf = Fixture("s", "shelf", 0.5, 1.0, 1.5, 0.5, rotation, categories=("dairy",), sides=("north",))
    assert at_target(rasterise(with_door(shelf, depth=4.5)), 0)[:4] == expected


def with_door(*fixtures, width=2.5, depth=3.5):
    doors = (
        Fixture("in", "entrance", width - 0.5, depth - 0.5, 0.5, 0.5),
        Fixture("out", "exit", 0.0, depth - 0.5, 0.5, 0.5),
        Fixture("till", "till", 1.0, depth - 0.5, 0.5, 0.5, till="lane"),
    )
    return StorePlan("Tiny", width, depth, (*fixtures, *doors))


@pytest.mark.parametrize("rotation", [0.0, 17.0, 45.0, 63.0, 90.0])
def test_a_thin_wall_at_any_angle_has_no_holes(rotation):
    wall = Fixture("wall", "wall", 1.0, 5.0, 8.0, 0.02, rotation)
    shelf = Fixture("s", "shelf", 0.0, 0.0, 1.0, 0.5, categories=("dairy",))
    plan = with_door(wall, shelf, width=10.0, depth=10.0)
    cells = cut(plan)
    assert len(cells.covered[0]) >= 8.0 / CELL_M / np.sqrt(2)
    # Every cell of the wall touches another one, by a side or a corner: nobody slips through.
    row, column = np.divmod(cells.covered[0], 20)
    gaps = np.maximum(np.abs(row[:, None] - row), np.abs(column[:, None] - column)) == 1
    assert gaps.any(axis=1).all()
    assert rasterise(plan).walkable.sum() == 400 - len(np.union1d(cells.covered[0], cells.covered[1])) - 1


def test_cells_that_no_entrance_leads_to_are_not_walkable():
    floor = rasterise(drawn(["..#aa", "###..", ".....", "L....", "X...E"]))
    assert floor.walkable[0].tolist() == [False] * 5
    assert np.isfinite(floor.distance_m[:, floor.walkable.ravel()]).all()
    assert np.isinf(floor.distance_m[:, ~floor.walkable.ravel()]).all()


def test_a_last_cell_that_lies_mostly_outside_is_no_floor():
    shelf = Fixture("s", "shelf", 0.0, 0.0, 1.0, 0.5, categories=("dairy",))
    assert cut(with_door(shelf, width=2.7)).free[:, 5].sum() == 0
    assert cut(with_door(shelf, width=2.8)).free[:, 5].sum() > 0


def test_displays_are_seen_within_sight_and_not_through_shelves():
    floor = rasterise(
        drawn(["d...........", "............", "bbbbbb......", "............", "L..........E", "X..aa......."])
    )
    seen = np.zeros(floor.walkable.size, bool)
    for cell in range(floor.walkable.size):
        seen[cell] = floor.seen_start[cell + 1] > floor.seen_start[cell]
    assert picture(np.flatnonzero(seen), floor.walkable.shape) == [
        ".xxxxxx.....",
        "xxxxxx......",
        "............",
        "............",
        "............",
        "............",
    ]
    assert floor.display_kind == ("rear_end_cap",)
    assert floor.display_lift.tolist() == [1.4]
    assert floor.display_category.tolist() == [0]


def test_a_display_of_an_unmeasured_kind_lifts_nothing():
    floor = rasterise(drawn(["f....", ".aab.", ".....", "L....", "X...E"]))
    assert floor.display_lift.tolist() == [1.0]


def test_windows_count_the_walkable_cells_of_five_by_five():
    floor = rasterise(load_plan("corner-shop"))
    rows, columns = floor.walkable.shape
    for cell in range(0, rows * columns, 13):
        row, column = divmod(cell, columns)
        part = floor.walkable[max(0, row - 2) : row + 3, max(0, column - 2) : column + 3]
        assert floor.window_cells[cell] == part.sum()


def test_zones_hold_their_cells_and_the_first_one_counts():
    shelf = Fixture("s", "shelf", 0.0, 0.0, 1.0, 0.5, categories=("dairy",))
    plan = with_door(shelf)
    zones = (Zone("left", 0, 0, 1.0, 9), Zone("top", 0, 0, 9, 1.0), Zone("left", 2.0, 2.0, 1.0, 0.5))
    floor = rasterise(dataclasses.replace(plan, zones=zones))
    assert floor.zones == ("left", "top", ELSEWHERE)
    zone = floor.zone.reshape(floor.walkable.shape)
    assert (zone[0, 0], zone[1, 0], zone[1, 2], zone[2, 2], zone[4, 4]) == (OUTSIDE, 0, 1, 2, 0)


@pytest.mark.parametrize("name", bundled_plans())
def test_mirrored_bundled_plans_give_mirrored_floors(name):
    plan = load_plan(name)
    for one, twice in zip(plan.fixtures, mirror(mirror(plan)).fixtures, strict=True):
        assert dataclasses.replace(twice, x=one.x) == one
        assert twice.x == pytest.approx(one.x, abs=1e-9)
    check_mirrored(plan)


@st.composite
def maps(draw):
    rows, columns = draw(st.integers(5, 9)), draw(st.integers(5, 11))
    inner = draw(st.lists(st.sampled_from("............aabd#"), min_size=rows * columns, max_size=rows * columns))
    lines = ["".join(inner[row * columns : (row + 1) * columns]) for row in range(rows)]
    lines[0], lines[1] = "aab" + "." * (columns - 3), "." * columns
    return [*lines, "." * columns, "L" + "." * (columns - 1), "X" + "." * (columns - 2) + "E"]


@settings(deadline=None, max_examples=60)
@given(maps())
def test_mirrored_maps_give_mirrored_floors(rows):
    try:
        plan = drawn(rows)
    except ConfigError:
        assume(False)
    check_mirrored(plan)


def check_mirrored(plan):
    here, there = rasterise(plan), rasterise(mirror(plan))
    shape = here.walkable.shape

    def flip(values):
        return np.asarray(values).reshape(*np.shape(values)[:-1], *shape)[..., ::-1].reshape(np.shape(values))

    assert np.array_equal(here.walkable[:, ::-1], there.walkable)
    assert np.array_equal(flip(here.distance_m), there.distance_m)
    check_steps(here, there, flip)
    assert np.array_equal(flip(here.window_cells), there.window_cells)
    assert np.array_equal(flip(here.zone), there.zone)
    numbers = np.arange(here.walkable.size)
    for cell, twin in zip(numbers, flip(numbers), strict=True):
        ours = here.seen[here.seen_start[cell] : here.seen_start[cell + 1]]
        assert np.array_equal(ours, there.seen[there.seen_start[twin] : there.seen_start[twin + 1]])


def check_steps(here, there, flip):
    """Steps are mirrored, but where stepping to the east and to the west is equally good."""
    columns = here.walkable.shape[1]
    expected = flip(here.next_cell)
    expected = np.where(expected == OUTSIDE, OUTSIDE, expected // columns * columns + columns - 1 - expected % columns)
    for target, cell in zip(*np.nonzero(expected != there.next_cell), strict=True):
        row, east_west = cell // columns, {expected[target, cell], there.next_cell[target, cell]}
        ours, theirs = sorted(east_west)
        assert there.distance_m[target, ours] == there.distance_m[target, theirs]
        assert {other % columns - cell % columns for other in east_west} == {-1, 1}
        assert len({(other // columns == row) for other in east_west}) == 1


def test_a_plan_seen_before_is_answered_from_memory():
    assert rasterise(load_plan("corner-shop")) is rasterise(load_plan("corner-shop"))

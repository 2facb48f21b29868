import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import dijkstra

from retail.errors import ConfigError
from simulation.store.fields import distance_fields
from simulation.store.floor import CELL_M, OUTSIDE
from simulation.store.plan import load_plan, rasterise

ROOT = np.sqrt(2.0)


def independent(walkable, cells):
    """Distances by scipy, on a graph put together cell by cell."""
    rows, columns = walkable.shape
    heads, tails, lengths = [], [], []
    for row in range(rows):
        for column in range(columns):
            for down in (-1, 0, 1):
                for right in (-1, 0, 1):
                    to_row, to_column = row + down, column + right
                    if (down, right) == (0, 0) or not (0 <= to_row < rows and 0 <= to_column < columns):
                        continue
                    corners = [(row, column), (to_row, to_column), (row, to_column), (to_row, column)]
                    if all(walkable[corner] for corner in corners):
                        heads.append(row * columns + column)
                        tails.append(to_row * columns + to_column)
                        lengths.append(np.hypot(down, right) * CELL_M)
    graph = coo_matrix((lengths, (heads, tails)), shape=(rows * columns,) * 2).tocsr()
    return dijkstra(graph, indices=cells, min_only=True)


@st.composite
def floors(draw):
    rows, columns = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    walkable = np.array(draw(st.lists(st.booleans(), min_size=rows * columns, max_size=rows * columns)))
    walkable[draw(st.integers(0, rows * columns - 1))] = True
    free = np.flatnonzero(walkable)
    cells = draw(st.lists(st.sampled_from(free.tolist()), min_size=1, max_size=3, unique=True))
    return walkable.reshape(rows, columns), np.array(sorted(cells), np.int32)


@settings(deadline=None, max_examples=150)
@given(floors())
def test_distances_are_those_of_scipys_dijkstra(floor):
    walkable, cells = floor
    distance, _ = distance_fields(walkable, [cells])
    expected = independent(walkable, cells)
    expected[~walkable.ravel()] = np.inf
    np.testing.assert_allclose(distance[0], expected, rtol=0, atol=1e-9)


@settings(deadline=None, max_examples=150)
@given(floors())
def test_each_next_cell_is_the_first_of_the_best_steps(floor):
    walkable, cells = floor
    columns = walkable.shape[1]
    (distance,), (following,) = distance_fields(walkable, [cells])
    order = [(-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1)]
    for cell in range(walkable.size):
        row, column = divmod(cell, columns)
        best = OUTSIDE
        for down, right in order:
            to_row, to_column = row + down, column + right
            if not (0 <= to_row < walkable.shape[0] and 0 <= to_column < columns) or not np.isfinite(distance[cell]):
                continue
            if not (walkable[row, to_column] and walkable[to_row, column] and walkable[to_row, to_column]):
                continue
            step = CELL_M * (ROOT if down and right else 1.0)
            if distance[cell] > 0 and abs(distance[to_row * columns + to_column] + step - distance[cell]) < 1e-9:
                best = to_row * columns + to_column
                break
        assert following[cell] == best


@settings(deadline=None, max_examples=100)
@given(floors())
def test_a_mirrored_floor_has_mirrored_distances_to_the_last_bit(floor):
    walkable, cells = floor
    columns = walkable.shape[1]
    mirrored = cells // columns * columns + columns - 1 - cells % columns
    here, _ = distance_fields(walkable, [cells])
    there, _ = distance_fields(np.ascontiguousarray(walkable[:, ::-1]), [np.sort(mirrored)])
    assert np.array_equal(here.reshape(walkable.shape)[:, ::-1], there.reshape(walkable.shape))


def test_the_fields_of_the_supermarket_are_those_of_scipys_dijkstra():
    floor = rasterise(load_plan("supermarket"))
    for target in (0, floor.categories.index("dairy"), floor.tills_target, floor.exit_target):
        cells = np.flatnonzero(floor.distance_m[target] == 0)
        expected = independent(floor.walkable, cells)
        np.testing.assert_allclose(floor.distance_m[target], expected, rtol=0, atol=1e-9)


def test_an_open_floor_has_octile_distances():
    walkable = np.ones((30, 40), bool)
    (distance,), _ = distance_fields(walkable, [np.array([0], np.int32)])
    row, column = np.indices(walkable.shape)
    straight, diagonal = np.abs(row - column), np.minimum(row, column)
    np.testing.assert_array_equal(distance.reshape(walkable.shape), (straight + diagonal * ROOT) * CELL_M)


def test_following_next_cells_walks_exactly_the_distance():
    rng = np.random.default_rng(3)
    walkable = rng.random((40, 50)) > 0.3
    target = np.flatnonzero(walkable)[:1].astype(np.int32)
    (distance,), (following,) = distance_fields(walkable, [target])
    for start in np.flatnonzero(np.isfinite(distance))[::7]:
        at, walked = start, 0.0
        while following[at] != OUTSIDE:
            step = abs(following[at] - at)
            walked += CELL_M * (1.0 if step in (1, 50) else ROOT)
            at = following[at]
        assert at == target[0]
        assert walked == pytest.approx(distance[start], abs=1e-9)


def test_no_way_cuts_the_corner_between_two_blocked_cells():
    walkable = np.array([[True, False], [False, True]])
    (distance,), (following,) = distance_fields(walkable, [np.array([0], np.int32)])
    assert distance.tolist() == [0.0, np.inf, np.inf, np.inf]
    assert set(following) == {OUTSIDE}


def test_a_target_without_cells_is_out_of_reach():
    distance, following = distance_fields(np.ones((2, 3), bool), [np.zeros(0, np.int32)])
    assert np.isinf(distance).all()
    assert (following == OUTSIDE).all()


@pytest.mark.parametrize("cell", [1, -1, 4])
def test_a_target_inside_a_wall_or_outside_is_refused(cell):
    with pytest.raises(ConfigError, match=f"cell {cell} of a target is not walkable"):
        distance_fields(np.array([[True, False], [True, True]]), [np.array([cell], np.int32)])

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retail.errors import ConfigError, DataError
from simulation.store.heat import HeatMap, averaged, difference, heat_of
from simulation.store.kernel import walk
from simulation.store.routes import presence
from tests.simulation.store.small_floors import random_case


def route(floor, itinerary, shopper):
    """Follow one shopper in plain Python."""
    cell = int(itinerary.entrance[shopper])
    cells = [cell]
    stops = list(itinerary.target[itinerary.start[shopper] : itinerary.start[shopper + 1]])
    for aim in [*stops, floor.tills_target]:
        while floor.next_cell[aim, cell] >= 0:
            cell = int(floor.next_cell[aim, cell])
            cells.append(cell)
    return cells


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 4))
def test_presence_is_where_a_plain_walk_goes(seed, side):
    floor, itinerary = random_case(np.random.default_rng(seed))
    _rows, columns = floor.walkable.shape
    found = presence(floor, itinerary, side_cells=side)
    wide = -(-columns // side)
    for shopper in range(len(itinerary.enter_s)):
        squares = [c // columns // side * wide + c % columns // side for c in route(floor, itinerary, shopper)]
        mine = found.visit == shopper
        assert found.square[mine].tolist() == list(dict.fromkeys(squares))
        assert found.steps[mine].tolist() == [squares.count(one) for one in dict.fromkeys(squares)]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_cells_have_the_visits_dwell_and_flow_of_the_engine(seed):
    floor, itinerary = random_case(np.random.default_rng(seed))
    walked = walk(floor, itinerary)
    shape = floor.walkable.shape
    assert (heat_of(floor, itinerary, walked).values == walked.visits.reshape(shape)).all()
    assert (heat_of(floor, itinerary, walked, what="dwell").values == walked.dwell_s.reshape(shape)).all()
    assert (heat_of(floor, itinerary, walked, what="flow_north").values == walked.flow[3].reshape(shape)).all()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_coarser_squares_keep_seconds_and_the_moves_over_their_borders(seed):
    floor, itinerary = random_case(np.random.default_rng(seed))
    walked = walk(floor, itinerary)
    dwell = heat_of(floor, itinerary, walked, what="dwell", side_cells=2)
    assert dwell.values.sum() == walked.dwell_s.sum()
    assert (dwell.side_m, dwell.unit) == (1.0, "s")
    columns = floor.walkable.shape[1]
    east = np.zeros((6, 7))
    for shopper in range(len(itinerary.enter_s)):
        cells = route(floor, itinerary, shopper)
        for one, after in itertools.pairwise(cells):
            if after % columns // 2 > one % columns // 2:
                east[one // columns // 2, one % columns // 2] += 1
    assert (heat_of(floor, itinerary, walked, what="flow_east", side_cells=2).values == east).all()


def test_maps_are_averaged_by_their_days():
    one = HeatMap("visits", np.full((2, 2), 4.0), 1.0, 1)
    three = HeatMap("visits", np.zeros((2, 2)), 1.0, 3)
    assert averaged([one, three]).values.tolist() == [[1, 1], [1, 1]]
    assert averaged([one, three]).days == 4


def test_the_mask_marks_what_changed_and_leaves_noise_alone():
    rng = np.random.default_rng(1)
    base = [HeatMap("visits", rng.poisson(50, (20, 20)).astype(float), 0.5, 1) for _ in range(12)]
    other = [HeatMap("visits", one.values + rng.normal(0, 3, (20, 20)), 0.5, 1) for one in base]
    for one in other:
        one.values[5:8, 5:8] += 20
    change = difference(base, other)
    assert change.marked[5:8, 5:8].all()
    assert change.marked.sum() <= 11
    assert change.values[6, 6] == pytest.approx(20, abs=4)


def test_the_same_maps_differ_nowhere():
    maps = [HeatMap("dwell", np.full((3, 3), float(day)), 0.5, 1) for day in range(4)]
    change = difference(maps, maps)
    assert not change.marked.any()
    assert (change.values == 0).all()


def test_what_does_not_fit_together_is_refused():
    one = HeatMap("visits", np.zeros((2, 2)), 1.0, 1)
    other = HeatMap("visits", np.zeros((2, 3)), 1.0, 1)
    with pytest.raises(DataError, match=r"\(2, 3\)"):
        averaged([one, other])
    with pytest.raises(DataError, match="no heat map"):
        averaged([])
    with pytest.raises(DataError, match="1 days"):
        difference([one], [one, one])


def test_unknown_maps_and_squares_are_refused():
    floor, itinerary = random_case(np.random.default_rng(1))
    walked = walk(floor, itinerary)
    with pytest.raises(ConfigError, match="'smell'"):
        heat_of(floor, itinerary, walked, what="smell")
    for what in ("visits", "dwell"):
        with pytest.raises(ConfigError, match="got 0"):
            heat_of(floor, itinerary, walked, what=what, side_cells=0)

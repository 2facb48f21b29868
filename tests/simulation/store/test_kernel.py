import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retail.errors import DataError
from simulation.store import agents, kernel
from simulation.store.floor import CELL_M, OUTSIDE
from simulation.store.itinerary import Itinerary
from simulation.store.speed import MOST_PEOPLE, WINDOW, speed_factors, weidmann

with pytest.MonkeyPatch.context() as patch:
    patch.syspath_prepend(Path(__file__).parent)
    from small_floors import aisles, make_floor, random_case

ROOT = 2**0.5


def assert_same_bytes(one, other):
    for field in dataclasses.fields(one):
        a, b = getattr(one, field.name), getattr(other, field.name)
        assert (a.dtype, a.shape) == (b.dtype, b.shape), field.name
        assert a.tobytes() == b.tobytes(), field.name


def stroll(*, cells, stops=(), enter_s=None, speed=1.0, tempted=None, pause_s=0.0, displays=0):
    """Shoppers who start in `cells` and all make the same stops, (category, dwell)."""
    n, k = len(cells), len(stops)
    return Itinerary(
        enter_s=np.zeros(n) if enter_s is None else np.asarray(enter_s, dtype=float),
        entrance=np.asarray(cells, dtype=np.int32),
        speed=np.full(n, float(speed)),
        start=np.arange(n + 1, dtype=np.int64) * k,
        target=np.array([one for one, _ in stops] * n, dtype=np.int32),
        dwell_s=np.array([one for _, one in stops] * n, dtype=float),
        items=np.ones(n * k, dtype=np.int32),
        tempted=np.zeros((n, displays), dtype=bool) if tempted is None else np.asarray(tempted, dtype=bool),
        pause_s=pause_s,
    )


def hall(rows, columns, targets=None, displays=()):
    """An empty rectangle with the entrance at the left and the tills at the right edge."""
    ends = [[row * columns + edge for row in range(rows)] for edge in (0, columns - 1)]
    walkable = np.ones((rows, columns), dtype=bool)
    return make_floor(walkable, targets or {}, tills=ends[1], entrance=ends[0], displays=displays)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32 - 1), rows=st.integers(1, 13), columns=st.integers(2, 15), crowd=st.integers(0, 60))
def test_the_mesa_twin_gives_the_same_bytes_on_random_floors(seed, rows, columns, crowd):
    floor, itinerary = random_case(np.random.default_rng(seed), rows=rows, columns=columns, shoppers=crowd)
    assert_same_bytes(kernel.walk(floor, itinerary), agents.walk(floor, itinerary))


@pytest.mark.slow
def test_the_mesa_twin_gives_the_same_bytes_on_a_supermarket_and_many_random_floors():
    for seed in range(300):
        floor, itinerary = random_case(np.random.default_rng(seed), shoppers=100)
        assert_same_bytes(kernel.walk(floor, itinerary), agents.walk(floor, itinerary))
    floor = aisles()
    rng = np.random.default_rng(0)
    counts = rng.poisson(6, 300)
    itinerary = Itinerary(
        enter_s=np.sort(rng.random(300) * 1800),
        entrance=rng.choice(floor.entrance, 300),
        speed=rng.uniform(0.7, 1.6, 300),
        start=np.concatenate([[0], np.cumsum(counts)]),
        target=rng.integers(0, 35, counts.sum()).astype(np.int32),
        dwell_s=rng.exponential(15, counts.sum()),
        items=np.ones(counts.sum(), dtype=np.int32),
        tempted=rng.random((300, 20)) < 0.1,
        pause_s=10.0,
    )
    assert_same_bytes(kernel.walk(floor, itinerary), agents.walk(floor, itinerary))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_whoever_enters_reaches_the_tills_and_every_second_is_booked_once(seed):
    floor, itinerary = random_case(np.random.default_rng(seed))
    walked = kernel.walk(floor, itinerary)
    n = len(itinerary.enter_s)
    tick = np.ceil(itinerary.enter_s)
    assert (walked.reach_s >= tick).all()
    assert walked.dwell_s.sum() == walked.present.sum()
    times = np.arange(len(walked.present))[:, np.newaxis]
    # Someone is there from the first tick after entering to the tick in which the tills are reached.
    there = (tick <= times) & ((walked.reach_s > times) | (tick == times))
    late = (tick <= times) & (walked.reach_s == times)
    assert (walked.present >= there.sum(axis=1)).all()
    assert (walked.present <= (there | late).sum(axis=1)).all()
    assert walked.visits[~floor.walkable.ravel()].sum() == 0
    assert walked.visits.max() <= n
    moved = walked.flow.sum()
    assert walked.path_m.sum() <= moved * CELL_M + 1e-9 <= walked.path_m.sum() * ROOT + 1e-6
    assert not (walked.unplanned & ~walked.exposed).any()
    assert not (walked.unplanned & ~itinerary.tempted).any()


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_paths_are_as_long_as_the_distance_fields_say_and_crowds_change_only_times(seed):
    floor, itinerary = random_case(np.random.default_rng(seed))
    one_by_one = dataclasses.replace(itinerary, enter_s=np.arange(len(itinerary.enter_s)) * 5000.0)
    crowded, alone = kernel.walk(floor, itinerary), kernel.walk(floor, one_by_one)
    for name in ("path_m", "unplanned", "exposed", "visits", "flow"):
        assert np.array_equal(getattr(crowded, name), getattr(alone, name))
    slack = 1e-9
    assert ((alone.reach_s - one_by_one.enter_s) <= crowded.reach_s - itinerary.enter_s + 1 + slack).mean() > 0.5
    direct = itinerary.start[1:] == itinerary.start[:-1]
    straight_m = floor.distance_m[floor.tills_target, itinerary.entrance]
    assert np.allclose(crowded.path_m[direct], straight_m[direct])
    assert (crowded.path_m >= straight_m - 1e-9).all()


def test_a_lone_shopper_walks_at_the_free_speed():
    walked = kernel.walk(hall(1, 41), stroll(cells=[0], speed=1.3, enter_s=[2.4]))
    assert walked.path_m == pytest.approx([20.0])
    assert walked.reach_s == pytest.approx([3 + 20.0 / 1.3])
    assert walked.present[:4].tolist() == [0, 0, 0, 1]


def test_a_stop_ends_at_the_first_whole_second_and_costs_its_time():
    floor = hall(1, 41, {"milk": [20]})
    walked = kernel.walk(floor, stroll(cells=[0], stops=[(0, 30.0)], speed=1.0))
    assert walked.reach_s == pytest.approx([10 + 30 + 10])
    assert walked.dwell_s[20] == 30 + 1  # the stop, and the second in which the walk goes on
    assert kernel.walk(floor, stroll(cells=[0], stops=[(0, 0.0)])).reach_s == pytest.approx([20.0])


def test_a_display_is_met_once_and_a_category_bought_once():
    floor = hall(1, 41, {"milk": [20]}, displays=[("milk", 1.4, "side", [8, 9]), ("milk", 1.4, "side", [12])])
    lured = stroll(cells=[0], tempted=[[True, True]], pause_s=5.0, displays=2)
    walked = kernel.walk(floor, lured)
    assert walked.exposed.tolist() == [[True, True]]
    assert walked.unplanned.tolist() == [[True, False]]
    assert walked.reach_s == pytest.approx([25.0])


def test_a_display_at_the_entrance_holds_a_shopper_there():
    floor = hall(1, 11, {"milk": [5]}, displays=[("milk", 1.4, "store_front", [0])])
    walked = kernel.walk(floor, stroll(cells=[0], tempted=[[True]], pause_s=7.0, displays=1))
    assert walked.reach_s == pytest.approx([7 + 5.0])
    assert walked.dwell_s[0] >= 7


def test_people_ahead_slow_a_walker_and_people_behind_do_not():
    floor = hall(5, 60, {"milk": [30 + 60 * row for row in range(5)]})
    crowd = [10 + 60 * row + column for row in range(5) for column in range(5)] * 2
    behind = kernel.walk(floor, stroll(cells=[*crowd, 2 * 60 + 20]))
    ahead = kernel.walk(floor, stroll(cells=[*crowd, 2 * 60 + 5]))
    alone = kernel.walk(floor, stroll(cells=[2 * 60 + 20]))
    assert behind.reach_s[-1] == alone.reach_s[0]
    assert ahead.reach_s[-1] > (59 - 5) * CELL_M / 1.0 + 3


@pytest.mark.slow
@pytest.mark.parametrize(("density", "within"), [(0.25, 0.15), (0.5, 0.15), (1.0, 0.15), (1.5, 0.30), (2.0, 0.30)])
@pytest.mark.parametrize("rows", [5, 12])
def test_a_full_corridor_flows_as_weidmann_measured(density, within, rows):
    # 200 m long and evenly full at the start. The open end reaches back no further than people walk meanwhile, so that
    # those who start in the first half meet the density all the way.
    columns, rng = 400, np.random.default_rng(3)
    cells = rng.integers(0, rows * columns, int(density * rows * columns * CELL_M**2))
    walked = kernel.walk(hall(rows, columns), stroll(cells=cells, speed=1.34))
    first_half = cells % columns < columns // 2
    speed = walked.path_m[first_half].sum() / walked.reach_s[first_half].sum()
    assert speed == pytest.approx(1.34 * weidmann(density), rel=within)


def test_even_a_jam_resolves():
    walked = kernel.walk(hall(5, 20), stroll(cells=[2] * 400))
    assert np.isfinite(walked.reach_s).all()
    assert walked.crowd.max() > 5.4


def test_a_day_without_shoppers_is_empty():
    walked = kernel.walk(hall(2, 5), stroll(cells=[]))
    assert (len(walked.reach_s), len(walked.present), walked.visits.sum()) == (0, 0, 0)
    assert_same_bytes(walked, agents.walk(hall(2, 5), stroll(cells=[])))


def test_the_speed_table_is_weidmanns_curve_with_a_floor():
    table = speed_factors()
    assert table.shape == (MOST_PEOPLE, WINDOW**2 + 1)
    assert (np.diff(table, axis=0) <= 0).all()
    assert table[0, 25] == 1
    assert table[25, 25] == pytest.approx(1 - np.exp(-1.913 * (1 / 4 - 1 / 5.4)))
    assert table.min() == 0.05
    assert WINDOW // 2 == kernel._MARGIN


def test_a_path_in_a_circle_is_an_error_in_both_engines():
    floor = hall(1, 6, {"milk": [3]})
    onward = floor.next_cell.copy()
    onward[floor.tills_target, [1, 2]] = [2, 1]
    broken = dataclasses.replace(floor, next_cell=onward)
    for engine in (kernel, agents):
        with pytest.raises(DataError, match="shopper 0 walks in a circle"):
            engine.walk(broken, stroll(cells=[0]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"speed": np.array([-1.0])}, "shopper 0 walks at m/s -1.0"),
        ({"speed": np.array([np.nan])}, "shopper 0 walks at m/s nan"),
        ({"dwell_s": np.array([np.inf])}, "stop 0 lasts inf"),
        ({"enter_s": np.array([-1.0])}, "shopper 0 comes in at second -1.0"),
        ({"entrance": np.array([99], dtype=np.int32)}, "shopper 0 comes in at cell 99, where nobody can stand"),
        ({"target": np.array([4], dtype=np.int32)}, "stop 0 is at category 4 of 1"),
        ({"pause_s": -2.0}, "pause_s = -2.0"),
        ({"start": np.array([0, 2])}, "start must rise from 0 to 1"),
        ({"speed": np.ones(2)}, "itinerary.speed has the size 2 where 1 belongs"),
    ],
)
def test_unusable_itineraries_are_refused_with_the_value(change, message):
    floor = hall(1, 9, {"milk": [4]})
    itinerary = dataclasses.replace(stroll(cells=[0], stops=[(0, 1.0)]), **change)
    for engine in (kernel, agents):
        with pytest.raises(DataError, match=message):
            engine.walk(floor, itinerary)


def test_a_shelf_behind_a_wall_is_named():
    walkable = np.array([[True, True, False, True]])
    floor = make_floor(walkable, {"milk": [3]}, tills=[1], entrance=[0])
    with pytest.raises(DataError, match="no way leads from entrance cell 0 to milk"):
        kernel.walk(floor, stroll(cells=[0], stops=[(0, 1.0)]))
    assert floor.next_cell[0, 0] == OUTSIDE


@pytest.mark.slow  # compiles the engine once more
def test_a_day_that_is_too_full_for_small_numbers_gives_the_same_bytes(monkeypatch):
    floor, itinerary = random_case(np.random.default_rng(5), rows=9, columns=12, shoppers=40)
    wanted = kernel.walk(floor, itinerary)
    most = int(wanted.present.max())
    for small in (1, most - 1, most):
        monkeypatch.setattr(kernel, "_MOST_SMALL", small)
        assert_same_bytes(kernel.walk(floor, itinerary), wanted)

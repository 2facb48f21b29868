"""Single shoppers' ways through a day with their times, to be played: from a day that the fast engine simulated.

Where somebody walks, how long each stop takes, and when the shopper comes in, reaches the tills and has paid, are the
day's own. The engines slow walkers down second by second where it is crowded, and keep no note of it; here each shopper
walks at one pace, the mean of that visit, and is mostly within a metre of where the readable engine has them
(tests/simulation/store/test_walks.py). `simulation.store.picture.filmed` has the very places, in a hundred times the
time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulation.store.day import Day
from simulation.store.floor import CELL_M, Floor
from simulation.store.itinerary import Itinerary
from simulation.store.plan import StorePlan
from simulation.store.trail import MARGIN, SHIFT, Trail, follow

WALKS: Final = 0
STANDS: Final = 1
"""At a shelf or a display, taking something."""
WAITS: Final = 2
"""In the queue."""
PAYS: Final = 3
STEP_UP_S: Final = 5.0
"""At most, from where a shopper reaches the tills to the till: for the eye, since the model lets nobody walk there."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Walk:
    """One shopper's visit, as k points; between two of them the shopper moves evenly on a straight line.

    Attributes:
        shopper: number of the day's shopper.
        time_s: (k,) float64 seconds from opening, never falling; the last is when the shopper had paid or given up.
        x: (k,) float64 metres.
        y: (k,) float64 metres.
        does: (k,) int8: WALKS, STANDS, WAITS or PAYS, from this point to the next.
        walk_s: time under way, from coming in to the tills.
        stand_s: time at shelves and displays.
        path_m: metres from the entrance to the tills.
        wait_s: time in the queue; NaN for somebody who does not pay.
        service_s: scanning and paying; NaN likewise.
    """

    shopper: int
    time_s: Floats
    x: Floats
    y: Floats
    does: NDArray[np.int8]
    walk_s: float
    stand_s: float
    path_m: float
    wait_s: float
    service_s: float


def walks(plan: StorePlan, floor: Floor, day: Day, shoppers: Sequence[int]) -> tuple[Walk, ...]:
    """Lay out the ways of some shoppers of a day.

    Args:
        plan: the layout.
        floor: of the plan, on which the day was simulated.
        day: from `simulation.store.day.run_day`.
        shoppers: numbers, from 0.

    Returns: one for each of `shoppers`, in their order.
    """
    trail = follow(floor, day.itinerary)
    queues = _queues(plan, floor)
    return tuple(_walk(plan, day, trail, queues, int(shopper)) for shopper in shoppers)


def who_comes_in(itinerary: Itinerary, *, from_s: float, to_s: float, most: int) -> NDArray[np.int64]:
    """Return the first shoppers, at most `most`, who come in from a time to before another."""
    first, last = np.searchsorted(itinerary.enter_s, [from_s, to_s])
    return np.arange(first, min(last, first + most), dtype=np.int64)


def _walk(plan: StorePlan, day: Day, trail: Trail, queues: Floats, shopper: int) -> Walk:
    itinerary, walked, served = day.itinerary, day.walked, day.served
    x, y, holds_s = _places(itinerary, trail, shopper)
    enter_s, reach_s = float(itinerary.enter_s[shopper]), float(walked.reach_s[shopper])
    stand_s = float(holds_s.sum())
    walk_s = max(reach_s - enter_s - stand_s, 0.0)
    hops = np.hypot(np.diff(x), np.diff(y))
    path_m = float(hops.sum())
    along = np.concatenate([[0.0], np.cumsum(hops)]) / path_m if path_m else np.zeros(len(x))
    leave_s = enter_s + along * walk_s + np.cumsum(holds_s)
    arrive_s = leave_s - holds_s

    # Ends, corners and stops are points; a stop is two, its begin and its end.
    held = holds_s > 0
    kept = held.copy()
    kept[[0, -1]] = True
    kept[1:-1] |= (np.diff(x, n=2) != 0) | (np.diff(y, n=2) != 0)
    place = np.repeat(np.flatnonzero(kept), 1 + held[kept])
    begins = np.concatenate([[True], np.diff(place) > 0])
    time_s = np.where(begins, arrive_s[place], leave_s[place])
    does = np.where(held[place] & begins, STANDS, WALKS)
    points = list(zip(time_s, x[place], y[place], does, strict=True))
    points += _at_the_tills(plan, queues, points[-1][1:3], reach_s, served.till[shopper], served.wait_s[shopper],
                            served.service_s[shopper])  # fmt: skip
    columns = np.array(points, dtype=np.float64).T
    return Walk(
        shopper=shopper,
        time_s=np.maximum.accumulate(columns[0]),
        x=columns[1],
        y=columns[2],
        does=columns[3].astype(np.int8),
        walk_s=walk_s,
        stand_s=stand_s,
        path_m=path_m,
        wait_s=float(served.wait_s[shopper]),
        service_s=float(served.service_s[shopper]),
    )


def _places(itinerary: Itinerary, trail: Trail, shopper: int) -> tuple[Floats, Floats, Floats]:
    """Middles of the cells that a shopper enters, in order, and how long the shopper is held up in each."""
    first, last = int(itinerary.start[shopper]), int(itinerary.start[shopper + 1])
    legs = trail.leg[first + shopper : last + shopper + 1]
    # A leg begins in the cell where the one before ended.
    ways = [trail.way[trail.leg_from[leg] + (place > 0) : trail.leg_from[leg + 1]] for place, leg in enumerate(legs)]
    cells = np.concatenate(ways) >> SHIFT
    moves = np.cumsum([len(way) for way in ways]) - 1
    holds_s = np.zeros(len(cells))
    np.add.at(holds_s, moves[:-1], itinerary.dwell_s[first:last])
    picks = slice(int(trail.pick_start[shopper]), int(trail.pick_start[shopper + 1]))
    np.add.at(holds_s, trail.pick_move[picks], trail.pick_count[picks] * itinerary.pause_s)
    row, column = cells // trail.width - MARGIN, cells % trail.width - MARGIN
    x, y = (np.asarray((one + 0.5) * CELL_M, dtype=np.float64) for one in (column, row))
    return x, y, holds_s


def _queues(plan: StorePlan, floor: Floor) -> Floats:
    """Where the queue of each till is drawn: the nearest cell to its middle in which some queue begins; (tills, 2)."""
    cells = np.flatnonzero(floor.distance_m[floor.tills_target] == 0)
    columns = floor.walkable.shape[1]
    middles = np.stack([cells % columns + 0.5, cells // columns + 0.5], axis=1) * CELL_M
    tills = np.array([till.middle for till in plan.tills], dtype=np.float64).reshape(-1, 2)
    far = np.hypot(*(tills[:, np.newaxis] - middles).T)
    return np.asarray(middles[far.argmin(axis=0)])


def _at_the_tills(
    plan: StorePlan, queues: Floats, here: tuple[float, float], reach_s: float, till: int, wait_s: float,
    service_s: float,
) -> list[tuple[float, float, float, int]]:  # fmt: skip
    """Points from reaching the tills on; none for somebody who does not pay."""
    if till < 0:
        return []
    serve_s, done_s = reach_s + wait_s, reach_s + wait_s + service_s
    queue, middle = (float(queues[till, 0]), float(queues[till, 1])), plan.tills[till].middle
    waits = [(reach_s, *here, WAITS), (reach_s + min(STEP_UP_S, wait_s), *queue, WAITS)] if wait_s > 0 else []
    stood = queue if waits else here
    step_s = min(STEP_UP_S, service_s / 2)
    return [*waits, (serve_s, *stood, PAYS), (serve_s + step_s, *middle, PAYS), (done_s, *middle, PAYS)]

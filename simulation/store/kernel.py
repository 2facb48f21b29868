"""The fast engine for the floor: the rules of `agents`, compiled.

Where a shopper walks does not depend on the crowd, only when: `_trace` follows every shopper alone, for path, visits,
displays and flow, and `_clock` then moves all of them together, second by second, for times and density. Cells are
numbered on the floor with a margin of two cells around it, so that no square around a walker leaves the arrays.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from retail.errors import DataError
from simulation.store.admission import admit
from simulation.store.floor import CELL_M, Floor
from simulation.store.itinerary import Itinerary
from simulation.store.outcome import Walked
from simulation.store.speed import LOOK_AHEAD, speed_factors

# Numba's cache on disk notices a change of this file and of no other: what other files say comes in as an argument.
_MARGIN: Final = 2
"""Cells from the middle of a walker's square to its edge."""
_STAY: Final = 4
_DIAGONAL_M: Final = CELL_M * np.sqrt(2.0)
_HOP_M: Final = np.array([CELL_M if (code % 2) else _DIAGONAL_M for code in range(9)])
_FACTORS: Final = speed_factors()
_WALKER: Final = np.dtype(
    [(name, np.int32) for name in ("at", "aim", "moves", "next_pick")]
    + [(name, np.int64) for name in ("stop", "pick", "sleeper")]
    + [(name, np.float64) for name in ("progress", "speed", "pace")],
    align=True,
)
"""A walker in one line of cache; `aim` is where the row of `step` begins that leads to the target."""


def walk(floor: Floor, itinerary: Itinerary) -> Walked:
    """Walk one day.

    The same bytes as `simulation.store.agents.walk`. Releases the interpreter's lock, so that threads run days side by
    side.

    Raises: DataError: the itinerary cannot be walked on this floor, or the floor's next hops lead in a circle.
    """
    admit(floor, itinerary)
    rows, columns = floor.walkable.shape
    width = columns + 2 * _MARGIN
    offset = np.array([(code // 3 - 1) * width + code % 3 - 1 for code in range(9)], dtype=np.int32)
    step = _steps(floor.next_cell, rows, columns, _MARGIN)
    entrance = (itinerary.entrance // columns + _MARGIN) * width + itinerary.entrance % columns + _MARGIN
    entrance = entrance.astype(np.int32)
    tills = floor.tills_target
    route = (itinerary.start, itinerary.target, entrance, tills, step, offset)
    ways, visits, moves, exposed, unplanned, pick_start, pick_move, pick_count, lost = _trace(
        *route,
        _padded_starts(floor, width),
        floor.seen,
        floor.display_category,
        itinerary.tempted,
        floor.walkable.size,
    )
    if lost >= 0:
        raise DataError(f"shopper {lost} walks in a circle: next_cell of the floor never reaches a target; rebuild it")
    area = np.zeros((rows + 2 * _MARGIN, width), dtype=np.int32)
    area[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN] = floor.window_cells.reshape(rows, columns)
    reach_s, dwell, present, crowd_people, crowd_cells = _clock(
        *route,
        itinerary.enter_s,
        itinerary.speed,
        itinerary.dwell_s,
        float(itinerary.pause_s),
        pick_start,
        pick_move,
        pick_count,
        area.ravel(),
        width,
        _FACTORS,
        LOOK_AHEAD,
        _HOP_M,
    )

    def inner(padded: NDArray[Any]) -> NDArray[Any]:
        square = padded.reshape(*padded.shape[:-1], rows + 2 * _MARGIN, width)
        return square[..., _MARGIN:-_MARGIN, _MARGIN:-_MARGIN].reshape(*padded.shape[:-1], rows * columns)

    west, east, north, south = ([0, 3, 6], [2, 5, 8], [0, 1, 2], [6, 7, 8])
    flow = np.stack([inner(ways[codes].sum(axis=0)) for codes in (east, west, south, north)])
    return Walked(
        reach_s=reach_s,
        path_m=moves[:, 0] * CELL_M + moves[:, 1] * _DIAGONAL_M,
        unplanned=unplanned,
        exposed=exposed,
        visits=inner(visits).copy(),
        dwell_s=inner(dwell).astype(np.float64),
        flow=flow,
        present=present,
        crowd=crowd_people / (np.maximum(crowd_cells, 1) * CELL_M**2),
    )


def _padded_starts(floor: Floor, width: int) -> NDArray[np.int64]:
    """Where the displays seen from a cell with margin begin and end, (cells, 2)."""
    rows, columns = floor.walkable.shape
    starts = np.zeros((rows + 2 * _MARGIN, width, 2), dtype=np.int64)
    inside = starts[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN]
    inside[..., 0] = floor.seen_start[:-1].reshape(rows, columns)
    inside[..., 1] = floor.seen_start[1:].reshape(rows, columns)
    return starts.reshape(-1, 2)


@njit(cache=True, nogil=True)
def _steps(next_cell, rows, columns, margin):  # type: ignore[no-untyped-def]
    """Direction of the next hop by target and cell with margin: 0 north-west to 8 south-east by rows, 4 for none."""
    width = columns + 2 * margin
    step = np.full((len(next_cell), (rows + 2 * margin) * width), _STAY, dtype=np.uint8)
    for target in range(len(next_cell)):
        cell = 0
        for row in range(rows):
            for column in range(columns):
                onward = next_cell[target, cell]
                if onward >= 0:
                    down = onward // columns - row
                    across = onward % columns - column
                    step[target, (row + margin) * width + column + margin] = (down + 1) * 3 + across + 1
                cell += 1
    return step


@njit(cache=True, nogil=True)
def _trace(start, target, entrance, tills, step, offset, seen_at, seen, shows, tempted, longest_leg):  # type: ignore[no-untyped-def]
    """Follow each shopper from the entrance to the tills, without time."""
    n, displays = tempted.shape
    cells = step.shape[1]
    ways = np.zeros((9, cells), dtype=np.int64)
    visits = np.zeros(cells, dtype=np.int64)
    moves = np.zeros((n, 2), dtype=np.int64)
    exposed = np.zeros((n, displays), dtype=np.bool_)
    unplanned = np.zeros((n, displays), dtype=np.bool_)
    most = 0
    for shopper in range(n):
        for display in range(displays):
            most += tempted[shopper, display]
    pick_start = np.zeros(n + 1, dtype=np.int64)
    pick_move = np.zeros(most, dtype=np.int64)
    pick_count = np.zeros(most, dtype=np.int64)
    visitor = np.zeros(cells, dtype=np.int64)  # the last one, numbered from 1
    picks = 0
    for shopper in range(n):
        cell = entrance[shopper]
        straight = diagonal = 0
        stop = start[shopper]
        aim = target[stop] if stop < start[shopper + 1] else tills
        leg = 0
        while True:
            if visitor[cell] != shopper + 1:
                visitor[cell] = shopper + 1
                visits[cell] += 1
                bought = 0
                for entry in range(seen_at[cell, 0], seen_at[cell, 1]):
                    display = seen[entry]
                    if not exposed[shopper, display]:
                        exposed[shopper, display] = True
                        if tempted[shopper, display] and not _has(unplanned[shopper], shows, shows[display]):
                            unplanned[shopper, display] = True
                            bought += 1
                if bought > 0:
                    pick_move[picks] = straight + diagonal
                    pick_count[picks] = bought
                    picks += 1
            code = step[aim, cell]
            while code == _STAY and stop < start[shopper + 1]:
                stop += 1
                aim = target[stop] if stop < start[shopper + 1] else tills
                code = step[aim, cell]
                leg = 0
            if code == _STAY:
                break
            ways[code, cell] += 1
            straight += code & 1
            diagonal += 1 - (code & 1)
            cell += offset[code]
            leg += 1
            if leg > longest_leg:
                return ways, visits, moves, exposed, unplanned, pick_start, pick_move, pick_count, shopper
        moves[shopper, 0] = straight
        moves[shopper, 1] = diagonal
        pick_start[shopper + 1] = picks
    return ways, visits, moves, exposed, unplanned, pick_start, pick_move, pick_count, -1


@njit(cache=True, nogil=True)
def _has(bought, shows, category):  # type: ignore[no-untyped-def]
    """Whether a shopper already bought a category at some display."""
    for display in range(len(bought)):
        if bought[display] and shows[display] == category:
            return True
    return False


@njit(cache=True, nogil=True)
def _longer(values, tick):  # type: ignore[no-untyped-def]
    """The same numbers with room for a tick, and zeros in the new room."""
    if tick < len(values):
        return values
    grown = np.zeros(max(2 * len(values), tick + 1), dtype=values.dtype)
    for place in range(len(values)):  # a slice would double the time to compile
        grown[place] = values[place]
    return grown


@njit(cache=True, nogil=True)
def _place(beside, cell, people):  # type: ignore[no-untyped-def]
    """Add people to, or take them from, a cell."""
    for near in range(cell - _MARGIN, cell + _MARGIN + 1):
        beside[near] += people


@njit(cache=True, nogil=True)
def _around(beside, cell, width):  # type: ignore[no-untyped-def]
    """People in the square around a cell."""
    people = beside[cell]
    for row in range(1, _MARGIN + 1):
        people += beside[cell - row * width] + beside[cell + row * width]
    return people


@njit(cache=True, nogil=True)
def _clock(  # type: ignore[no-untyped-def]
    start, target, entrance, tills, step, offset,
    enter_s, speed, dwell_s, pause_s, pick_start, pick_move, pick_count, area, width, factors, look_ahead, hop_m,
):  # fmt: skip
    """Move all shoppers second by second.

    `beside` holds how many people are in the five cells of a row around each cell. Shoppers who stand still leave the
    list of walkers for a list of those who walk again in the same second: `waking` names the first, numbered from 1.
    """
    n = len(enter_s)
    cells = step.shape[1]
    step = step.ravel()
    walker = np.zeros(n, dtype=_WALKER)
    reach_s = np.zeros(n)
    dwell = np.zeros(cells, dtype=np.int64)
    beside = np.zeros(cells, dtype=np.int32)
    active = np.zeros(n, dtype=np.int64)
    size = 3600 + (int(enter_s[n - 1]) if n > 0 else 0)
    waking = np.zeros(size, dtype=np.int64)
    present = np.zeros(size, dtype=np.int32)
    crowd_people = np.zeros(size, dtype=np.int32)
    crowd_cells = np.zeros(size, dtype=np.int32)
    walking = here = entered = tick = 0
    while entered < n or here > 0:
        if tick >= len(present):
            waking, present = _longer(waking, tick), _longer(present, tick)
            crowd_people, crowd_cells = _longer(crowd_people, tick), _longer(crowd_cells, tick)
        shopper = waking[tick] - 1 if tick < len(waking) else -1
        while shopper >= 0:
            active[walking] = shopper
            walking += 1
            shopper = walker[shopper].sleeper - 1
        while entered < n and enter_s[entered] <= tick:
            one = walker[entered]
            one.at, one.stop, one.pick, one.speed = (
                entrance[entered],
                start[entered],
                pick_start[entered],
                speed[entered],
            )
            one.aim = cells * (target[one.stop] if one.stop < start[entered + 1] else tills)
            one.next_pick = pick_move[one.pick] if one.pick < pick_start[entered + 1] else -1
            _place(beside, one.at, 1)
            here += 1
            wake = tick
            if one.next_pick == 0:  # a display at the entrance
                wake = int(np.ceil(tick + pick_count[one.pick] * pause_s))
                one.pick += 1
                one.next_pick = pick_move[one.pick] if one.pick < pick_start[entered + 1] else -1
            if wake > tick:
                waking = _longer(waking, wake)
                one.sleeper = waking[wake]
                waking[wake] = entered + 1
                dwell[one.at] += wake - tick
            else:
                active[walking] = entered
                walking += 1
            entered += 1
        present[tick] = here
        most_people, most_cells = 0, 1
        for slot in range(walking):
            one = walker[active[slot]]
            cell = one.at
            dwell[cell] += 1
            ahead, down, across = cell, 0, 0
            for _ in range(look_ahead):
                code = step[one.aim + ahead]
                ahead += offset[code]
                down += code // 3 - 1
                across += code % 3 - 1
            people = _around(beside, ahead, width)
            people -= abs(down) <= _MARGIN and abs(across) <= _MARGIN  # nobody is in their own way
            one.pace = one.speed * factors[min(people, len(factors) - 1), area[ahead]]
            people = _around(beside, cell, width)
            if people * most_cells > most_people * area[cell]:
                most_people, most_cells = people, area[cell]
        crowd_people[tick], crowd_cells[tick] = most_people, most_cells
        slot = 0
        while slot < walking:
            shopper = active[slot]
            one = walker[shopper]
            cell, aim, moves, pace = one.at, one.aim, one.moves, one.pace
            metres = one.progress + pace
            moved = gone = False
            held_s = 0.0
            while True:
                code = step[aim + cell]
                if code == _STAY:
                    if one.stop == start[shopper + 1]:
                        gone = True
                        break
                    held_s = dwell_s[one.stop]
                    one.stop += 1
                    aim = cells * (target[one.stop] if one.stop < start[shopper + 1] else tills)
                    if held_s > 0:
                        break
                    continue
                hop = hop_m[code]
                if metres < hop:
                    break
                metres -= hop
                _place(beside, cell, -1)
                cell += offset[code]
                _place(beside, cell, 1)
                moves += 1
                moved = True
                if moves == one.next_pick:
                    held_s = pick_count[one.pick] * pause_s
                    one.pick += 1
                    one.next_pick = pick_move[one.pick] if one.pick < pick_start[shopper + 1] else -1
                    if held_s > 0:
                        break
            one.at, one.aim, one.moves, one.progress = cell, aim, moves, metres
            if not gone and held_s == 0:
                slot += 1
                continue
            now = tick + 1 - metres / pace if moved else float(tick)
            if gone:
                reach_s[shopper] = now
                _place(beside, cell, -1)
                here -= 1
            else:
                wake = max(int(np.ceil(now + held_s)), tick + 1)
                waking = _longer(waking, wake)
                one.progress = 0.0
                one.sleeper = waking[wake]
                waking[wake] = shopper + 1
                dwell[cell] += wake - tick - 1
            walking -= 1
            active[slot] = active[walking]
        tick += 1
    return reach_s, dwell, present[:tick], crowd_people[:tick], crowd_cells[:tick]

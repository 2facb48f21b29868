"""The fast engine for the floor: the rules of `agents`, compiled.

`trail` follows every shopper alone; the clock here then moves all of them together along their trails, second by
second, for times and density.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit

from simulation.store.admission import admit
from simulation.store.floor import CELL_M, Floor
from simulation.store.itinerary import Itinerary
from simulation.store.outcome import Walked
from simulation.store.speed import LOOK_AHEAD, speed_factors
from simulation.store.trail import DIAGONAL, NEAR, SHIFT, follow, inner

# Numba's cache on disk notices a change of this file and of no other: what other files say comes in as an argument.
_MARGIN: Final = 2
"""Cells from the middle of a walker's square to its edge."""
_MOST_SMALL: Final = int(np.iinfo(np.int16).max)
"""People at once that numbers of two bytes can count."""
_DIAGONAL_M: Final = CELL_M * np.sqrt(2.0)
_HOP_M: Final = np.array([CELL_M, _DIAGONAL_M])
_FACTORS: Final = speed_factors()
_WALKER: Final = np.dtype(
    [(name, np.int32) for name in ("at", "moves", "next_pick", "sleeper", "hop", "end", "place", "pick")]
    + [(name, np.float64) for name in ("progress", "speed", "pace")],
    align=True,
)
"""A walker in one line of cache: `hop` is where the walker is in the ways, `end` the last entry of the leg there,
`place` the leg's among all shoppers' legs."""


def walk(floor: Floor, itinerary: Itinerary) -> Walked:
    """Walk one day.

    The same bytes as `simulation.store.agents.walk`. Releases the interpreter's lock, so that threads run days side by
    side.

    Raises: DataError: the itinerary cannot be walked on this floor, or the floor's next hops lead in a circle.
    """
    admit(floor, itinerary)
    trail = follow(floor, itinerary)
    rows, columns = floor.walkable.shape
    area = np.zeros((rows + 2 * _MARGIN, trail.width), dtype=np.uint8)
    area[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN] = floor.window_cells.reshape(rows, columns)
    # Small numbers stay in the cache, and must hold everybody in one place: a day that turns out too full begins again.
    for number, most in ((np.int16, _MOST_SMALL), (np.int32, np.iinfo(np.int32).max)):
        full, reach_s, dwell, present, crowd_people, crowd_cells = _clock(
            itinerary.start,
            itinerary.enter_s,
            itinerary.speed,
            itinerary.dwell_s,
            float(itinerary.pause_s),
            trail.way,
            trail.leg_from,
            trail.leg,
            SHIFT,
            DIAGONAL,
            NEAR,
            trail.pick_start,
            trail.pick_move,
            trail.pick_count,
            area.ravel(),
            np.zeros(area.size, dtype=number),
            most,
            trail.width,
            _FACTORS,
            LOOK_AHEAD,
            _HOP_M,
        )
        if not full:
            break
    return Walked(
        reach_s=reach_s,
        path_m=trail.straight * CELL_M + trail.diagonal * _DIAGONAL_M,
        unplanned=trail.unplanned,
        exposed=trail.exposed,
        visits=trail.visits,
        dwell_s=inner(dwell, floor).astype(np.float64),
        flow=trail.flow,
        present=present,
        crowd=crowd_people / (np.maximum(crowd_cells, 1) * CELL_M**2),
    )


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
    left = np.uint64(cell - _MARGIN)  # unsigned: numba then asks no more whether a place counts from the end
    for near in range(2 * _MARGIN + 1):
        beside[left + np.uint64(near)] += people


@njit(cache=True, nogil=True)
def _around(beside, cell, width):  # type: ignore[no-untyped-def]
    """People in the square around a cell."""
    row, down = np.uint64(cell - _MARGIN * width), np.uint64(width)
    people = 0
    for _ in range(2 * _MARGIN + 1):
        people += beside[row]
        row += down
    return people


@njit(cache=True, nogil=True)
def _clock(  # type: ignore[no-untyped-def]
    start, enter_s, speed, dwell_s, pause_s, way, leg_from, leg, shift, diagonal, near,
    pick_start, pick_move, pick_count, area, beside, most, width, factors, look_ahead, hop_m,
):  # fmt: skip
    """Move all shoppers second by second.

    The first value returned is whether more than `most` people were inside at once; then the others mean nothing.
    `beside` holds how many people are in the five cells of a row around each cell. Shoppers who stand still leave the
    list of walkers for a list of those who walk again in the same second: `waking` names the first, numbered from 1.
    """
    n = len(enter_s)
    cells = len(area)
    walker = np.zeros(n, dtype=_WALKER)
    reach_s = np.zeros(n)
    dwell = np.zeros(cells, dtype=np.int32)
    active = np.zeros(n, dtype=np.int64)
    change = np.zeros((n, 2), dtype=np.int32)
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
            one.place, one.pick, one.speed = start[entered] + entered, pick_start[entered], speed[entered]
            one.hop = leg_from[leg[one.place]]
            one.end = leg_from[leg[one.place] + 1] - 1
            one.at = way[one.hop] >> shift
            one.next_pick = pick_move[one.pick] if one.pick < pick_start[entered + 1] else -1
            if here == most:
                return True, reach_s, dwell, present[:tick], crowd_people[:tick], crowd_cells[:tick]
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
        for slot in range(walking):  # before anybody moves; apart from moving, so that cells are fetched side by side
            one = walker[active[slot]]
            cell, hop = one.at, one.hop
            dwell[cell] += 1
            ahead = way[min(hop + look_ahead, one.end)] >> shift
            people = _around(beside, ahead, width)
            people -= (way[hop] & near) != 0  # nobody is in their own way
            one.pace = one.speed * factors[min(people, len(factors) - 1), area[ahead]]
            people, room = _around(beside, cell, width), int(area[cell])
            if people * most_cells > most_people * room:
                most_people, most_cells = people, room
        slot = changes = 0
        while slot < walking:
            shopper = active[slot]
            one = walker[shopper]
            cell, hop, end, pace = one.at, one.hop, one.end, one.pace
            metres, moves = one.progress + pace, one.moves
            gone = False
            held_s = 0.0
            while True:
                if hop == end:
                    if one.place == start[shopper + 1] + shopper:
                        gone = True
                        break
                    held_s = dwell_s[one.place - shopper]
                    one.place += 1
                    hop = leg_from[leg[one.place]]
                    end = one.end = leg_from[leg[one.place] + 1] - 1
                    if held_s > 0:
                        break
                    continue
                needed = hop_m[way[hop] & diagonal]
                if metres < needed:
                    break
                metres -= needed
                hop += 1
                moves += 1
                if moves == one.next_pick:
                    held_s = pick_count[one.pick] * pause_s
                    one.pick += 1
                    one.next_pick = pick_move[one.pick] if one.pick < pick_start[shopper + 1] else -1
                    if held_s > 0:
                        break
            moved = moves > one.moves
            cell = way[hop] >> shift
            if moved or gone:  # seen by others from the next second on
                change[changes, 0] = one.at
                change[changes, 1] = 0 if gone else cell
                changes += 1
            one.at, one.hop, one.moves, one.progress = cell, hop, moves, metres
            if not gone and held_s == 0:
                slot += 1
                continue
            now = tick + 1 - metres / pace if moved else float(tick)
            if gone:
                reach_s[shopper] = now
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
        for number in range(changes):
            _place(beside, change[number, 0], -1)
            if change[number, 1] > 0:
                _place(beside, change[number, 1], 1)
        crowd_people[tick], crowd_cells[tick] = most_people, most_cells
        tick += 1
    return False, reach_s, dwell, present[:tick], crowd_people[:tick], crowd_cells[:tick]

"""Where shoppers walk, without time: each one from the entrance past all stops to the tills, leg by leg.

The crowd changes when a shopper is somewhere, never where. So one pass here settles path, visits, displays and flow,
and leaves trails for the clock of `kernel`. A leg leads from a cell to the shelves of one category or to the tills, and
whoever walks it walks the same cells; in a large building few legs serve many shoppers. They are laid out once, so that
the clock reads a few million numbers in a row, instead of next hops of the floor that no processor's cache holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from retail.errors import DataError
from simulation.store.floor import Floor
from simulation.store.itinerary import Itinerary
from simulation.store.speed import LOOK_AHEAD

MARGIN: Final = 2
"""Rows and columns that are laid around the floor, so that no square around a walker leaves the arrays."""
DIAGONAL: Final = 1
"""In an entry of `Trail.way`: the hop out of this cell goes to a corner."""
NEAR: Final = 2
"""In an entry of `Trail.way`: the walker is within the square in the middle of which the crowd ahead is looked at."""
SHIFT: Final = 2
"""An entry of `Trail.way` is the cell times 2**SHIFT, and these flags."""
# What one cell needs, side by side.
_VISITOR, _VISITS = 0, 1


@dataclass(frozen=True, eq=False)
class Trail:
    """The ways of n shoppers with k stops in all. Cells are numbered on the floor with its margin.

    Attributes:
        width: columns with both margins.
        way: (entries,) int32: cells of all legs, both ends included, with flags.
        leg_from: (legs + 1,) int64: where each leg begins in `way`.
        leg: (k + n,) int32: shopper i walks the legs leg[start[i] + i:start[i + 1] + i + 1].
        straight: (n,) int64: hops to one of four sides.
        diagonal: (n,) int64: hops to one of four corners.
        exposed: (n, displays) bool.
        unplanned: (n, displays) bool.
        pick_start: (n + 1,) int64: unplanned picks of each shopper in the arrays below.
        pick_move: int64: after how many moves.
        pick_count: int64: how many at once.
        visits: (cells,) int64, without margin.
        flow: (4, cells) int64, without margin.
    """

    width: int
    way: NDArray[np.int32]
    leg_from: NDArray[np.int64]
    leg: NDArray[np.int32]
    straight: NDArray[np.int64]
    diagonal: NDArray[np.int64]
    exposed: NDArray[np.bool_]
    unplanned: NDArray[np.bool_]
    pick_start: NDArray[np.int64]
    pick_move: NDArray[np.int64]
    pick_count: NDArray[np.int64]
    visits: NDArray[np.int64]
    flow: NDArray[np.int64]


def follow(floor: Floor, itinerary: Itinerary) -> Trail:
    """Follow every shopper.

    Raises: DataError: the floor's next hops lead in a circle.
    """
    rows, columns = floor.walkable.shape
    width = columns + 2 * MARGIN
    lost, way, leg_from, leg, sight_from, sight_move, sight_display = _lay(
        itinerary.start,
        itinerary.target,
        itinerary.entrance,
        floor.tills_target,
        floor.next_cell,
        columns,
        floor.seen_start,
        floor.seen,
        len(floor.display_category),
        LOOK_AHEAD,
    )
    if lost >= 0:
        raise DataError(f"shopper {lost} walks in a circle: next_cell of the floor never reaches a target; rebuild it")
    visits, flow, straight, diagonal = _tread(itinerary.start, leg, leg_from, way, width, (rows + 2 * MARGIN) * width)
    exposed, unplanned, pick_start, pick_move, pick_count = _see(
        itinerary.start, leg, leg_from, sight_from, sight_move, sight_display, floor.display_category, itinerary.tempted
    )
    return Trail(
        width=width,
        way=way,
        leg_from=leg_from,
        leg=leg,
        straight=straight,
        diagonal=diagonal,
        exposed=exposed,
        unplanned=unplanned,
        pick_start=pick_start,
        pick_move=pick_move,
        pick_count=pick_count,
        visits=inner(visits, floor),
        flow=np.stack([inner(one, floor) for one in flow]),
    )


def inner(padded: NDArray[Any], floor: Floor) -> NDArray[Any]:
    """Cut off the margin, (cells,)."""
    rows, columns = floor.walkable.shape
    return padded.reshape(rows + 2 * MARGIN, -1)[MARGIN:-MARGIN, MARGIN:-MARGIN].reshape(rows * columns)


@njit(cache=True, nogil=True)
def _lay(start, target, entrance, tills, next_cell, columns, seen_start, seen, displays, look_ahead):  # type: ignore[no-untyped-def]
    """Lay out every leg that somebody walks, and what is seen along it for the first time in the leg.

    The first value returned is a shopper who walks in a circle, or -1.
    """
    n = len(entrance)
    width = columns + 2 * MARGIN
    known = np.zeros((len(next_cell), next_cell.shape[1]), dtype=np.int32)  # number of the leg, from 1
    way = np.zeros(4096, dtype=np.int32)
    end = np.zeros(1024, dtype=np.int32)  # the cell where a leg ends, without margin
    leg_from = np.zeros(1024, dtype=np.int64)
    sight_from = np.zeros(1024, dtype=np.int64)
    sight_move = np.zeros(1024, dtype=np.int32)
    sight_display = np.zeros(1024, dtype=np.int32)
    noticed = np.zeros(displays, dtype=np.int32)
    leg = np.zeros(len(target) + n, dtype=np.int32)
    legs = used = sights = 0
    lost = -1
    for shopper in range(n):
        cell = entrance[shopper]
        for place in range(start[shopper] + shopper, start[shopper + 1] + shopper + 1):
            stop = place - shopper
            aim = target[stop] if stop < start[shopper + 1] else tills
            number = known[aim, cell]
            if number == 0:
                legs += 1
                number = known[aim, cell] = legs
                if legs >= len(leg_from):
                    end, leg_from, sight_from = _longer(end, legs), _longer(leg_from, legs), _longer(sight_from, legs)
                first = used
                while True:
                    if used >= len(way):
                        way = _longer(way, used)
                    way[used] = cell
                    for entry in range(seen_start[cell], seen_start[cell + 1]):
                        if noticed[seen[entry]] != legs:
                            noticed[seen[entry]] = legs
                            if sights >= len(sight_move):
                                sight_move, sight_display = _longer(sight_move, sights), _longer(sight_display, sights)
                            sight_move[sights], sight_display[sights] = used - first, seen[entry]
                            sights += 1
                    used += 1
                    onward = next_cell[aim, cell]
                    if onward < 0:
                        break
                    cell = onward
                    if used - first > next_cell.shape[1]:
                        lost = shopper
                        break
                if lost >= 0:
                    break
                end[legs - 1], leg_from[legs], sight_from[legs] = cell, used, sights
                _mark(way, first, used, columns, width, look_ahead)
            leg[place] = number - 1
            cell = end[number - 1]
        if lost >= 0:
            break
    return lost, way[:used], leg_from[: legs + 1], leg, sight_from[: legs + 1], sight_move, sight_display


@njit(cache=True, nogil=True)
def _mark(way, first, last, columns, width, look_ahead):  # type: ignore[no-untyped-def]
    """Number the cells of a leg with the margin, and set the flags of each."""
    for place in range(first, last):
        cell = way[place]
        row, column = cell // columns, cell % columns
        # Behind this place the way is still numbered without the margin.
        ahead = way[min(place + look_ahead, last - 1)]
        near = abs(ahead // columns - row) <= MARGIN and abs(ahead % columns - column) <= MARGIN
        onward = way[min(place + 1, last - 1)]
        diagonal = onward // columns != row and onward % columns != column
        padded = (row + MARGIN) * width + column + MARGIN
        way[place] = (padded << SHIFT) | (NEAR if near else 0) | (DIAGONAL if diagonal else 0)


@njit(cache=True, nogil=True)
def _tread(start, leg, leg_from, way, width, cells):  # type: ignore[no-untyped-def]
    """Visits and flow (east, west, south, north) by cell with margin; straight and diagonal hops by shopper."""
    n, legs = len(start) - 1, len(leg_from) - 1
    cell = np.zeros((cells, 2), dtype=np.int32)
    flow = np.zeros((4, cells), dtype=np.int64)
    walked = np.zeros(legs, dtype=np.int64)
    corners = np.zeros(legs, dtype=np.int64)
    straight = np.zeros(n, dtype=np.int64)
    diagonal = np.zeros(n, dtype=np.int64)
    for number in range(legs):
        for place in range(leg_from[number], leg_from[number + 1] - 1):
            corners[number] += way[place] & DIAGONAL
    for shopper in range(n):
        hops = slanted = 0
        for place in range(start[shopper] + shopper, start[shopper + 1] + shopper + 1):
            number = leg[place]
            walked[number] += 1
            hops += leg_from[number + 1] - leg_from[number] - 1
            slanted += corners[number]
            for entry in range(leg_from[number], leg_from[number + 1]):
                here = np.uint64(way[entry] >> SHIFT)
                if cell[here, _VISITOR] != shopper + 1:
                    cell[here, _VISITOR] = shopper + 1
                    cell[here, _VISITS] += 1
        straight[shopper], diagonal[shopper] = hops - slanted, slanted
    for number in range(legs):
        for entry in range(leg_from[number], leg_from[number + 1] - 1):
            here, onward = way[entry] >> SHIFT, way[entry + 1] >> SHIFT
            across = onward % width - here % width
            down = onward // width - here // width
            if across != 0:
                flow[0 if across > 0 else 1, here] += walked[number]
            if down != 0:
                flow[2 if down > 0 else 3, here] += walked[number]
    return cell[:, _VISITS].astype(np.int64), flow, straight, diagonal


@njit(cache=True, nogil=True)
def _see(start, leg, leg_from, sight_from, sight_move, sight_display, shows, tempted):  # type: ignore[no-untyped-def]
    """What each shopper sees and buys unplanned, and after how many moves."""
    n, displays = tempted.shape
    exposed = np.zeros((n, displays), dtype=np.bool_)
    unplanned = np.zeros((n, displays), dtype=np.bool_)
    most = 0
    for shopper in range(n):
        for display in range(displays):
            most += tempted[shopper, display]
    pick_start = np.zeros(n + 1, dtype=np.int64)
    pick_move = np.zeros(most, dtype=np.int64)
    pick_count = np.zeros(most, dtype=np.int64)
    picks = 0
    for shopper in range(n):
        moves = 0
        for place in range(start[shopper] + shopper, start[shopper + 1] + shopper + 1):
            number = leg[place]
            for sight in range(sight_from[number], sight_from[number + 1]):
                display = sight_display[sight]
                if exposed[shopper, display]:
                    continue
                exposed[shopper, display] = True
                if not tempted[shopper, display] or _has(unplanned[shopper], shows, shows[display]):
                    continue
                unplanned[shopper, display] = True
                after = moves + sight_move[sight]
                if picks > pick_start[shopper] and pick_move[picks - 1] == after:
                    pick_count[picks - 1] += 1
                else:
                    pick_move[picks], pick_count[picks] = after, 1
                    picks += 1
            moves += leg_from[number + 1] - leg_from[number] - 1
        pick_start[shopper + 1] = picks
    return exposed, unplanned, pick_start, pick_move, pick_count


@njit(cache=True, nogil=True)
def _has(bought, shows, category):  # type: ignore[no-untyped-def]
    """Whether a shopper already bought a category at some display."""
    for display in range(len(bought)):
        if bought[display] and shows[display] == category:
            return True
    return False


@njit(cache=True, nogil=True)
def _longer(values, used):  # type: ignore[no-untyped-def]
    """The same numbers, and room for as many again."""
    grown = np.zeros(2 * used + 1, dtype=values.dtype)
    for place in range(len(values)):  # a slice would double the time to compile
        grown[place] = values[place]
    return grown

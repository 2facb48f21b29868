"""Where shoppers walk, without time: each one alone from the entrance past all stops to the tills.

The crowd changes when a shopper is somewhere, never where. So one pass here settles path, visits, displays and flow,
and leaves a trail of hops for the clock of `kernel`, which then needs no next hops of the floor: in a large building
those do not fit into the processor's cache, a trail is read in a row.
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

MARGIN: Final = 2
"""Rows and columns that are laid around the floor, so that no square around a walker leaves the arrays."""
STAY: Final = 4
"""Hop that leads nowhere: a stop or the tills are reached. Others by rows, from 0 north-west to 8 south-east."""
# What one cell needs, side by side: hops out of it by direction, then these.
_VISITOR, _VISITS, _SEEN_FROM, _SEEN_TO, _FIELDS = 9, 10, 11, 12, 16


@dataclass(frozen=True, eq=False)
class Trail:
    """The ways of n shoppers. Cells are numbered on the floor with its margin.

    Attributes:
        width: columns with both margins.
        offset: (9,) int32: from a cell to the next one by hop.
        entrance: (n,) int32.
        hop_start: (n,) int64: where each shopper's hops begin.
        hop: uint8: hops, STAY once for each stop and once for the tills.
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
    offset: NDArray[np.int32]
    entrance: NDArray[np.int32]
    hop_start: NDArray[np.int64]
    hop: NDArray[np.uint8]
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
    offset = np.array([(code // 3 - 1) * width + code % 3 - 1 for code in range(9)], dtype=np.int32)
    entrance = (itinerary.entrance // columns + MARGIN) * width + itinerary.entrance % columns + MARGIN
    cell = np.zeros((rows + 2 * MARGIN, width, _FIELDS), dtype=np.int32)
    inside = cell[MARGIN:-MARGIN, MARGIN:-MARGIN]
    inside[..., _SEEN_FROM] = floor.seen_start[:-1].reshape(rows, columns)
    inside[..., _SEEN_TO] = floor.seen_start[1:].reshape(rows, columns)
    lost, hop_start, hop, straight, diagonal, exposed, unplanned, pick_start, pick_move, pick_count = _follow(
        itinerary.start,
        itinerary.target,
        entrance.astype(np.int32),
        floor.tills_target,
        _steps(floor.next_cell, rows, columns),
        offset,
        cell.reshape(-1, _FIELDS),
        floor.seen,
        floor.display_category,
        itinerary.tempted,
        floor.walkable.size,
    )
    if lost >= 0:
        raise DataError(f"shopper {lost} walks in a circle: next_cell of the floor never reaches a target; rebuild it")
    ways = inside[..., :9].reshape(rows * columns, 9).astype(np.int64)
    west, east, north, south = ([0, 3, 6], [2, 5, 8], [0, 1, 2], [6, 7, 8])
    flow = np.stack([ways[:, hops].sum(axis=1) for hops in (east, west, south, north)])
    visits = inside[..., _VISITS].reshape(-1).astype(np.int64)
    return Trail(
        width=width,
        offset=offset,
        entrance=entrance.astype(np.int32),
        hop_start=hop_start,
        hop=hop,
        straight=straight,
        diagonal=diagonal,
        exposed=exposed,
        unplanned=unplanned,
        pick_start=pick_start,
        pick_move=pick_move,
        pick_count=pick_count,
        visits=visits,
        flow=flow,
    )


def inner(padded: NDArray[Any], floor: Floor) -> NDArray[Any]:
    """Cut off the margin, (cells,)."""
    rows, columns = floor.walkable.shape
    return padded.reshape(rows + 2 * MARGIN, -1)[MARGIN:-MARGIN, MARGIN:-MARGIN].reshape(rows * columns)


@njit(cache=True, nogil=True)
def _steps(next_cell, rows, columns):  # type: ignore[no-untyped-def]
    """Next hop by target and cell with margin."""
    width = columns + 2 * MARGIN
    step = np.zeros((len(next_cell), (rows + 2 * MARGIN) * width), dtype=np.uint8)
    for target in range(len(next_cell)):
        cell = 0
        for row in range(rows):
            for column in range(columns):
                onward = next_cell[target, cell]
                code = STAY
                if onward >= 0:
                    code = (onward // columns - row + 1) * 3 + onward % columns - column + 1
                step[target, (row + MARGIN) * width + column + MARGIN] = code
                cell += 1
    return step


@njit(cache=True, nogil=True)
def _follow(start, target, entrance, tills, step, offset, cells, seen, shows, tempted, longest_leg):  # type: ignore[no-untyped-def]
    """Follow each shopper; the first value returned is one who walks in a circle, or -1."""
    n, displays = tempted.shape
    straight = np.zeros(n, dtype=np.int64)
    diagonal = np.zeros(n, dtype=np.int64)
    exposed = np.zeros((n, displays), dtype=np.bool_)
    unplanned = np.zeros((n, displays), dtype=np.bool_)
    most = 0
    for shopper in range(n):
        for display in range(displays):
            most += tempted[shopper, display]
    pick_start = np.zeros(n + 1, dtype=np.int64)
    pick_move = np.zeros(most, dtype=np.int64)
    pick_count = np.zeros(most, dtype=np.int64)
    hop_start = np.zeros(n, dtype=np.int64)
    hop = np.zeros(256 * n + 1024, dtype=np.uint8)
    picks = hops = 0
    lost = -1
    for shopper in range(n):
        hop_start[shopper] = hops
        cell = entrance[shopper]
        stop = start[shopper]
        aim = target[stop] if stop < start[shopper + 1] else tills
        leg = moves = sides = 0
        while True:
            if cells[cell, _VISITOR] != shopper + 1:
                cells[cell, _VISITOR] = shopper + 1
                cells[cell, _VISITS] += 1
                bought = 0
                for entry in range(cells[cell, _SEEN_FROM], cells[cell, _SEEN_TO]):
                    display = seen[entry]
                    if not exposed[shopper, display]:
                        exposed[shopper, display] = True
                        if tempted[shopper, display] and not _has(unplanned[shopper], shows, shows[display]):
                            unplanned[shopper, display] = True
                            bought += 1
                if bought > 0:
                    pick_move[picks] = moves
                    pick_count[picks] = bought
                    picks += 1
            while True:
                if hops >= len(hop):
                    hop = _longer(hop, hops, n / (shopper + 1))
                code = step[aim, cell]
                hop[hops] = code
                hops += 1
                if code != STAY or stop == start[shopper + 1]:
                    break
                stop += 1
                aim = target[stop] if stop < start[shopper + 1] else tills
                leg = 0
            if code == STAY:
                break
            cells[cell, code] += 1
            moves += 1
            sides += code & 1
            cell += offset[code]
            leg += 1
            if leg > longest_leg:
                lost = shopper
                break
        straight[shopper], diagonal[shopper] = sides, moves - sides
        pick_start[shopper + 1] = picks
        if lost >= 0:
            break
    return lost, hop_start, hop, straight, diagonal, exposed, unplanned, pick_start, pick_move, pick_count


@njit(cache=True, nogil=True)
def _has(bought, shows, category):  # type: ignore[no-untyped-def]
    """Whether a shopper already bought a category at some display."""
    for display in range(len(bought)):
        if bought[display] and shows[display] == category:
            return True
    return False


@njit(cache=True, nogil=True)
def _longer(hop, used, share):  # type: ignore[no-untyped-def]
    """The same hops with room for as many as all shoppers will need if the rest walk as far as those so far."""
    grown = np.zeros(max(int(1.05 * used * share), used + used // 4) + 1024, dtype=np.uint8)
    for place in range(used):
        grown[place] = hop[place]
    return grown

"""How far every cell is from every target, and where to step next, over eight neighbours without cutting corners.

A shortest way has so many straight and so many diagonal steps. Both are counted as whole numbers, and since the square
root of 2 is irrational, two ways are equally long exactly if both counts agree. Lengths therefore do not depend on the
order of steps, ties are exact, and a mirrored floor gives mirrored fields.

Method: Dijkstra with three buckets in rotation (Denardo and Fox 1979): a bucket is as wide as the shortest step, so no
cell of a bucket can shorten the way of another one in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from retail.errors import ConfigError
from simulation.store.floor import CELL_M, OUTSIDE

_ROOT: Final = float(np.sqrt(2.0))
_FAR: Final = np.int32(1 << 29)
_BUCKETS: Final = 3


def distance_fields(
    walkable: NDArray[np.bool_], targets: Sequence[NDArray[np.int32]]
) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Find the shortest ways from all cells to each target.

    Args:
        walkable: (rows, columns) bool.
        targets: for each target the numbers of its cells, all of them walkable. A target without cells is out of reach.

    Returns: distance_m and next_cell, (targets, cells) each, as `floor.Floor` describes them.
    Raises: ConfigError: a cell of a target is not walkable.
    """
    free = np.ascontiguousarray(walkable, dtype=np.bool_)
    start = np.zeros(len(targets) + 1, np.int64)
    np.cumsum([len(cells) for cells in targets], out=start[1:])
    cells = np.concatenate([np.asarray(one, np.int32) for one in targets]) if len(targets) else np.zeros(0, np.int32)
    flat = free.ravel()
    wrong = cells[(cells < 0) | (cells >= flat.size) | ~flat[np.clip(cells, 0, flat.size - 1)]] if cells.size else cells
    if wrong.size:
        raise ConfigError(f"cell {wrong[0]} of a target is not walkable; targets are cells that shoppers can stand on")
    distance_m, next_cell = _fields(free, start, cells)
    return distance_m, next_cell


@njit(cache=True, nogil=True)
def _ways(free):  # type: ignore[no-untyped-def]
    """For each cell a bit for each neighbour that one step leads to: N, S, W, E, NW, NE, SW, SE."""
    rows, columns = free.shape
    ways = np.zeros(rows * columns, np.uint8)
    for row in range(rows):
        for column in range(columns):
            if not free[row, column]:
                continue
            north = row > 0 and free[row - 1, column]
            south = row < rows - 1 and free[row + 1, column]
            west = column > 0 and free[row, column - 1]
            east = column < columns - 1 and free[row, column + 1]
            bits = 1 * north + 2 * south + 4 * west + 8 * east
            if north and west and free[row - 1, column - 1]:
                bits += 16
            if north and east and free[row - 1, column + 1]:
                bits += 32
            if south and west and free[row + 1, column - 1]:
                bits += 64
            if south and east and free[row + 1, column + 1]:
                bits += 128
            ways[row * columns + column] = bits
    return ways


@njit(cache=True, nogil=True)
def _fields(free, start, cells):  # type: ignore[no-untyped-def]
    rows, columns = free.shape
    size = rows * columns
    ways = _ways(free)
    # In the order in which equally good steps are preferred: vertical, horizontal, diagonal; then the smaller number.
    step = np.array([-columns, columns, -1, 1, -columns - 1, -columns + 1, columns - 1, columns + 1], dtype=np.int64)
    targets = len(start) - 1
    distance = np.full((targets, size), np.inf)
    following = np.full((targets, size), OUTSIDE, np.int32)
    straight = np.empty(size, np.int32)
    diagonal = np.empty(size, np.int32)
    length = np.empty(size, np.float64)
    place = np.empty(size, np.int64)
    bucket = np.empty((_BUCKETS, size), np.int32)
    filled = np.zeros(_BUCKETS, np.int64)
    for target in range(targets):
        straight[:] = _FAR
        diagonal[:] = _FAR
        length[:] = np.inf
        place[:] = -1
        filled[:] = 0
        for at in range(start[target], start[target + 1]):
            cell = cells[at]
            if place[cell] < 0:
                straight[cell], diagonal[cell], length[cell], place[cell] = 0, 0, 0.0, 0
                bucket[0, filled[0]] = cell
                filled[0] += 1
        now, empty = 0, 0
        while empty < _BUCKETS:
            here = now % _BUCKETS
            empty = 0 if filled[here] else empty + 1
            for at in range(filled[here]):
                cell = bucket[here, at]
                if place[cell] != now:
                    continue
                bits = ways[cell]
                for way in range(8):
                    if not bits >> way & 1:
                        continue
                    other = cell + step[way]
                    more_straight = straight[cell] + (way < 4)
                    more_diagonal = diagonal[cell] + (way >= 4)
                    total = more_straight + more_diagonal * _ROOT
                    if total < length[other]:
                        straight[other], diagonal[other], length[other] = more_straight, more_diagonal, total
                        slot = np.int64(total)
                        if place[other] != slot:
                            place[other] = slot
                            slot %= _BUCKETS
                            bucket[slot, filled[slot]] = other
                            filled[slot] += 1
            filled[here] = 0
            now += 1
        for cell in range(size):
            if straight[cell] == _FAR:
                continue
            distance[target, cell] = length[cell] * CELL_M
            bits = ways[cell]
            for way in range(8):
                if bits >> way & 1:
                    other = cell + step[way]
                    if straight[other] + (way < 4) == straight[cell] and diagonal[other] + (way >= 4) == diagonal[cell]:
                        following[target, cell] = other
                        break
    return distance, following

"""Which displays are seen from where."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from simulation.store.floor import CELL_M


def seen_from(
    walkable: NDArray[np.bool_], tall: NDArray[np.bool_], displays: tuple[NDArray[np.int32], ...], *, sight_m: float
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Find the displays that a shopper notices from each cell.

    A display is noticed if the middle of one of its cells is within `sight_m` and nothing tall is between: no tall cell
    on the straight line, where a line through the corner of four cells is cut only if both cells beside it are tall.

    Args:
        walkable: (rows, columns) bool.
        tall: (rows, columns) bool: cells that one cannot look across.
        displays: for each display the numbers of its cells.
        sight_m: how far one sees.

    Returns: seen_start and seen, as `floor.Floor` describes them.
    """
    pairs = np.zeros((walkable.size, len(displays)), np.bool_)
    reach = int(sight_m / CELL_M)
    for number, cells in enumerate(displays):
        _mark(walkable, tall, cells, sight_m / CELL_M, reach, pairs[:, number])
    start = np.zeros(walkable.size + 1, np.int64)
    np.cumsum(pairs.sum(axis=1), out=start[1:])
    return start, np.nonzero(pairs)[1].astype(np.int32)


@njit(cache=True, nogil=True)
def _mark(walkable, tall, cells, radius, reach, marked):  # type: ignore[no-untyped-def]
    rows, columns = walkable.shape
    for cell in cells:
        row, column = cell // columns, cell % columns
        for other_row in range(max(0, row - reach), min(rows, row + reach + 1)):
            for other_column in range(max(0, column - reach), min(columns, column + reach + 1)):
                number = other_row * columns + other_column
                if marked[number] or not walkable[other_row, other_column]:
                    continue
                down, across = other_row - row, other_column - column
                if down * down + across * across <= radius * radius and _clear(tall, row, column, down, across):
                    marked[number] = True


@njit(cache=True, nogil=True)
def _clear(tall, row, column, down, across):  # type: ignore[no-untyped-def]
    """Follow the line from cell to cell; whole numbers only, so that mirrored lines agree."""
    far_down, far_across = abs(down), abs(across)
    to_down, to_across = (1 if down > 0 else -1), (1 if across > 0 else -1)
    done_down, done_across = 0, 0
    while done_down < far_down or done_across < far_across:
        side = (1 + 2 * done_across) * far_down - (1 + 2 * done_down) * far_across
        if side == 0:
            if tall[row + to_down, column] and tall[row, column + to_across]:
                return False
            row, column = row + to_down, column + to_across
            done_down, done_across = done_down + 1, done_across + 1
        elif side < 0:
            column, done_across = column + to_across, done_across + 1
        else:
            row, done_down = row + to_down, done_down + 1
        if tall[row, column]:
            return False
    return True

"""Where each visit went on the floor: presence, 0 or 1 per visit and square.

Who is in the way changes when a shopper gets somewhere, never where. So places follow from the itinerary alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from retail.errors import ConfigError, DataError
from simulation.store.floor import CELL_M, Floor
from simulation.store.itinerary import Itinerary

Ints = NDArray[np.int64]
Cells = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Presence:
    """Which squares each visit entered.

    A square is named by row * columns + column, like a cell of a floor.

    Attributes:
        visits: how many visits there were.
        rows: squares from top to bottom.
        columns: squares from left to right.
        side_m: edge of a square.
        visit: (n,) int64, number of the visit, rising.
        square: (n,) int64; each square once per visit, in the order of entering.
        steps: (n,) int64: how often the visit entered a cell within the square.
    """

    visits: int
    rows: int
    columns: int
    side_m: float
    visit: NDArray[np.int64]
    square: NDArray[np.int64]
    steps: NDArray[np.int64]

    @property
    def counts(self) -> NDArray[np.int64]:
        """(rows, columns) visits that entered each square."""
        return np.bincount(self.square, minlength=self.rows * self.columns).reshape(self.rows, self.columns)


def presence(floor: Floor, itinerary: Itinerary, *, side_cells: int = 1) -> Presence:
    """Follow every shopper of a day over the floor.

    Args:
        floor: the layout.
        itinerary: planned on it.
        side_cells: edge of a square in cells: 1 for .5 m, 2 for 1 m. Squares at the right and lower edge may stick out.

    Raises:
        ConfigError: `side_cells` is below 1.
        DataError: the floor's next hops lead in a circle.
    """
    if type(side_cells) is not int or side_cells < 1:
        raise ConfigError(f"a square's side must be a whole number of cells, at least 1, got {side_cells!r}")
    rows, columns = floor.walkable.shape
    wide = -(-columns // side_cells)
    high = -(-rows // side_cells)
    cell = np.arange(rows * columns)
    square_of = (cell // columns // side_cells) * wide + cell % columns // side_cells
    visit, square, steps, lost = _follow(
        itinerary.start,
        itinerary.target,
        itinerary.entrance,
        floor.next_cell,
        floor.tills_target,
        square_of.astype(np.int64),
        wide * high,
    )
    if lost >= 0:
        raise DataError(f"shopper {lost} walks in a circle: next_cell of the floor never reaches a target; rebuild it")
    return Presence(len(itinerary.enter_s), high, wide, side_cells * CELL_M, visit, square, steps)


def within_reach(floor: Floor, *, side_cells: int = 1) -> NDArray[np.bool_]:
    """Tell which squares a shopper can enter at all, on the grid of `presence`.

    Returns: (rows, columns) bool.
    """
    rows, columns = floor.walkable.shape
    reached = np.isfinite(floor.distance_m[floor.tills_target]).reshape(rows, columns)
    high, wide = -(-rows // side_cells), -(-columns // side_cells)
    padded = np.zeros((high * side_cells, wide * side_cells), dtype=np.bool_)
    padded[:rows, :columns] = np.logical_and(floor.walkable, reached)
    squares = padded.reshape(high, side_cells, wide, side_cells)
    return np.asarray(squares.any(axis=(1, 3)), dtype=np.bool_)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _follow(
    start: Ints, target: Cells, entrance: Cells, next_cell: Cells, tills: int, square_of: Ints, squares: int
) -> tuple[Ints, Ints, Ints, int]:
    """Visit, square and steps of each presence, and the shopper who walks in a circle, -1 for none."""
    n = len(entrance)
    visit = np.empty(max(16, 64 * n), dtype=np.int64)
    square = np.empty(len(visit), dtype=np.int64)
    steps = np.empty(len(visit), dtype=np.int64)
    last = np.full(squares, -1, dtype=np.int64)
    entry = np.zeros(squares, dtype=np.int64)
    used = 0
    longest = next_cell.shape[1]
    for shopper in range(n):
        cell = entrance[shopper]
        stop = start[shopper]
        leg = 0
        entering = True
        while True:
            if entering:
                here = square_of[cell]
                if last[here] != shopper:
                    last[here] = shopper
                    if used == len(visit):
                        visit, square, steps = _grown(visit), _grown(square), _grown(steps)
                    visit[used], square[used], steps[used] = shopper, here, 0
                    entry[here] = used
                    used += 1
                steps[entry[here]] += 1
            aim = target[stop] if stop < start[shopper + 1] else tills
            onward = next_cell[aim, cell]
            if onward < 0:
                if stop == start[shopper + 1]:
                    break
                stop += 1
                leg = 0
                entering = False
                continue
            cell = onward
            entering = True
            leg += 1
            if leg > longest:
                return visit[:used], square[:used], steps[:used], shopper
    return visit[:used], square[:used], steps[:used], -1


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _grown(values: Ints) -> Ints:
    """The same numbers with room for as many again."""
    grown = np.empty(2 * len(values), dtype=values.dtype)
    grown[: len(values)] = values
    return grown

"""A plan cut into square cells, as the engines walk on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

CELL_M: Final = 0.5
"""Edge of a cell, in metres."""
OUTSIDE: Final = -1
"""Next hop of a cell from which a target cannot be reached, and of the target itself."""


@dataclass(frozen=True, eq=False)
class Floor:
    """Cells, what can be reached from where, and what is seen from where.

    A cell is named by `row * columns + column`; row 0 is the upper edge of the plan. The centre of a cell is at
    x = (column + .5) * CELL_M, y = (row + .5) * CELL_M. Targets are numbered: first the categories in the order of
    `categories`, then TILLS, then EXIT (`tills_target`, `exit_target`).

    Attributes:
        walkable: (rows, columns) bool.
        categories: names of what is on the shelves, sorted; the index is the category's number on this floor.
        distance_m: (targets, cells) float64: metres to the nearest cell of a target over eight neighbours, never
            cutting a corner; inf where there is no way.
        next_cell: (targets, cells) int32: the neighbour on a shortest way; OUTSIDE at the target and where there is no
            way. Of equally good ones a vertical step comes first, then a horizontal one, then a diagonal one, then the
            smaller number; so a mirrored plan gives the mirrored map wherever east and west do not tie.
        entrance: cells where shoppers appear, sorted.
        display_category: (displays,) int32: number of the category that a display shows.
        display_lift: (displays,) float64: purchase rate of an exposed shopper over that of others.
        display_kind: (displays,) names, such as "front_end_cap".
        seen_start: (cells + 1,) int64; displays seen from cell i are `seen[seen_start[i]:seen_start[i + 1]]`.
        seen: (n,) int32 numbers of displays, rising within a cell.
        zone: (cells,) int32: number of the zone that a walkable cell belongs to; OUTSIDE elsewhere.
        zones: names of the zones.
        window_cells: (cells,) int32: walkable cells in the 5 x 5 square around each cell.
    """

    walkable: NDArray[np.bool_]
    categories: tuple[str, ...]
    distance_m: NDArray[np.float64]
    next_cell: NDArray[np.int32]
    entrance: NDArray[np.int32]
    display_category: NDArray[np.int32]
    display_lift: NDArray[np.float64]
    display_kind: tuple[str, ...]
    seen_start: NDArray[np.int64]
    seen: NDArray[np.int32]
    zone: NDArray[np.int32]
    zones: tuple[str, ...]
    window_cells: NDArray[np.int32]

    @property
    def tills_target(self) -> int:
        """Number of the target where queues begin."""
        return len(self.categories)

    @property
    def exit_target(self) -> int:
        """Number of the target where shoppers leave."""
        return len(self.categories) + 1

    @property
    def area_m2(self) -> float:
        """Walkable area."""
        return float(self.walkable.sum()) * CELL_M**2

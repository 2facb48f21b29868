"""How fast people walk in a crowd, as a table that every engine reads.

Source: U. Weidmann, Transporttechnik der Fussgaenger, IVT Schriftenreihe 90, ETH Zuerich 1993, for the curve. That the
crowd ahead counts, and not the one behind, is ours: with density all around, a queue stops those who walk away from it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulation.store.floor import CELL_M

LOOK_AHEAD: Final = 3
"""Steps from a walker to the middle of the square whose people slow that walker down."""
WINDOW: Final = 5
"""Edge of that square, in cells."""
JAM_PER_M2: Final = 5.4
"""Density at which Weidmann's curve comes to a halt."""
GAMMA_PER_M2: Final = 1.913
"""Shape of the curve."""
SLOWEST: Final = 0.05
"""Share of the free speed that remains in a jam, so that it resolves: people shuffle on."""
MOST_PEOPLE: Final = 64
"""Rows of the table; a square with more people counts as this full, which is past the halt on any floor."""


def weidmann(density: ArrayLike) -> NDArray[np.float64]:
    """Share of the free speed at a density.

    Args:
        density: people per m2, at least 0.
    Returns: float64 of the same shape, from 1 on an empty floor to 0 at JAM_PER_M2 and beyond.
    Source: Weidmann 1993, v = v0 (1 - exp(-1.913 (1 / D - 1 / 5.4))).
    """
    crowd = np.maximum(np.asarray(density, dtype=np.float64), 1e-9)
    share: NDArray[np.float64] = np.clip(1 - np.exp(-GAMMA_PER_M2 * (1 / crowd - 1 / JAM_PER_M2)), 0.0, 1.0)
    return share


def speed_factors() -> NDArray[np.float64]:
    """Share of the free speed by people and walkable cells in a walker's square.

    Returns: (MOST_PEOPLE, WINDOW**2 + 1) float64, at least SLOWEST. Computed once by one function, so that no engine
        evaluates an exponential and two engines cannot differ in its last digit.
    """
    people = np.arange(MOST_PEOPLE, dtype=np.float64)[:, np.newaxis]
    area = np.arange(WINDOW**2 + 1, dtype=np.float64)[np.newaxis, :] * CELL_M**2
    density = np.divide(people, area, out=np.full((MOST_PEOPLE, WINDOW**2 + 1), JAM_PER_M2), where=area > 0)
    return np.maximum(weidmann(density), SLOWEST)

"""What happened to every shopper of a day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Walked:
    """What an engine for the floor returns; the same bytes from each of them.

    Attributes:
        reach_s: (n,) float64, when the shopper reached the tills.
        path_m: (n,) float64, metres walked from the entrance to the tills.
        unplanned: (n, displays) bool: bought at the display.
        exposed: (n, displays) bool: saw the display.
        visits: (cells,) int64: shoppers who were in the cell at least once.
        dwell_s: (cells,) float64: seconds that shoppers stood or walked in the cell, in whole ticks.
        flow: (4, cells) int64: moves out of the cell to the east, west, south and north; a diagonal move counts in
            both.
        present: (ticks,) int32: shoppers on the floor at the start of each tick of one second.
        crowd: (ticks,) float64: highest density around any walking shopper at the start of the tick, per m2.
    """

    reach_s: NDArray[np.float64]
    path_m: NDArray[np.float64]
    unplanned: NDArray[np.bool_]
    exposed: NDArray[np.bool_]
    visits: NDArray[np.int64]
    dwell_s: NDArray[np.float64]
    flow: NDArray[np.int64]
    present: NDArray[np.int32]
    crowd: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Served:
    """What an engine for the tills returns; the same bytes from each of them.

    Attributes:
        wait_s: (n,) float64, time in the queue; NaN for those who left without paying.
        service_s: (n,) float64, scanning and paying; NaN likewise.
        done_s: (n,) float64, when the shopper had paid or given up.
        till: (n,) int32, index of the till; -1 for those who gave up.
        busy_s: (tills,) float64, time that each till served.
        staffed_s: (tills,) float64, time that each till was open.
    """

    wait_s: NDArray[np.float64]
    service_s: NDArray[np.float64]
    done_s: NDArray[np.float64]
    till: NDArray[np.int32]
    busy_s: NDArray[np.float64]
    staffed_s: NDArray[np.float64]

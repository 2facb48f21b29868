"""The stops that each shopper makes on one floor, in order: what the engines are given to walk."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Itinerary:
    """Stops of n shoppers, one after another, the tills left out (every shopper goes there last).

    Attributes:
        enter_s: (n,) float64, when the shopper comes in, rising.
        entrance: (n,) int32, the cell where the shopper appears.
        speed: (n,) float64, m/s when nobody is in the way.
        start: (n + 1,) int64; shopper i makes the stops start[i]:start[i + 1].
        target: (k,) int32, number of a category on the floor.
        dwell_s: (k,) float64; 0 where the shopper only passes by.
        items: (k,) int32; 0 for a detour.
        tempted: (n, displays) bool: whether seeing the display once makes the shopper buy there, unplanned.
        pause_s: how long an unplanned pick takes, in seconds.
    """

    enter_s: NDArray[np.float64]
    entrance: NDArray[np.int32]
    speed: NDArray[np.float64]
    start: NDArray[np.int64]
    target: NDArray[np.int32]
    dwell_s: NDArray[np.float64]
    items: NDArray[np.int32]
    tempted: NDArray[np.bool_]
    pause_s: float

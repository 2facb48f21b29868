"""What a day's shoppers want and how they are: every random number of a day, drawn before any layout is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Demand:
    """One day of n shoppers, m wanted (shopper, category) pairs and C categories.

    Category numbers here are those of `categories`, the demand's own sorted list; a floor has another list, and names
    bring the two together.

    Attributes:
        categories: names, sorted.
        arrive_s: (n,) float64, rising.
        start: (n + 1,) int64; shopper i wants the entries start[i]:start[i + 1] below.
        category: (m,) int32, rising within a shopper.
        items: (m,) int32, at least 1.
        spend: (m,) float64, money for all items of the entry.
        dwell_s: (m,) float64, time at the shelf.
        speed: (n,) float64, m/s when nobody is in the way.
        entrance_u: (n,) float64 in [0, 1): which entrance cell.
        detour_u: (m + n,) float64: one number for the leg before each entry, and one for the leg to the tills; shopper
            i has the numbers start[i] + i to start[i + 1] + i, both included.
        detour_to_u: (m + n,) float64: where a detour leads, if there is one.
        display_u: (n, C) float32: buys a category that a display shows if below the extra rate.
        unplanned_spend: (C,) float64: money for one unplanned item.
        base_rate: (C,) float64 in [0, 1): share of trips that buy the category.
        service_z: (n,) float64, standard normal: how fast this checkout goes.
        pay_u: (n,) float64: how the shopper pays, and which sort of till is preferred.
        patience_s: (n,) float64: longest wait that the shopper accepts when joining; inf for any.
        consent: (n,) bool: receives offers on card or phone.
        offer_u: (n, C) float32: takes up an offer if below its effect.
        open_s: how long the store is open, in seconds.
    """

    categories: tuple[str, ...]
    arrive_s: NDArray[np.float64]
    start: NDArray[np.int64]
    category: NDArray[np.int32]
    items: NDArray[np.int32]
    spend: NDArray[np.float64]
    dwell_s: NDArray[np.float64]
    speed: NDArray[np.float64]
    entrance_u: NDArray[np.float64]
    detour_u: NDArray[np.float64]
    detour_to_u: NDArray[np.float64]
    display_u: NDArray[np.float32]
    unplanned_spend: NDArray[np.float64]
    base_rate: NDArray[np.float64]
    service_z: NDArray[np.float64]
    pay_u: NDArray[np.float64]
    patience_s: NDArray[np.float64]
    consent: NDArray[np.bool_]
    offer_u: NDArray[np.float32]
    open_s: float

    @property
    def shoppers(self) -> int:
        """How many come."""
        return len(self.arrive_s)

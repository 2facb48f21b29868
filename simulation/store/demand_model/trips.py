"""Real shopping trips cut down to what a store simulation needs: the hour, and what was bought in each category."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retail.errors import DataError


@dataclass(frozen=True, eq=False)
class Trips:
    """b trips with k (trip, category) entries in C categories. No person, product, day or store is kept.

    Attributes:
        categories: names, sorted.
        hour_start: (25,) int64; trips hour_start[h]:hour_start[h + 1] began in hour h, local time.
        start: (b + 1,) int64; trip i has the entries start[i]:start[i + 1] below, at least one.
        category: (k,) int32, rising within a trip.
        lines: (k,) int32, different products of the entry.
        items: (k,) int32, at least 1.
        spend: (k,) float64, money for all items of the entry.
    """

    categories: tuple[str, ...]
    hour_start: NDArray[np.int64]
    start: NDArray[np.int64]
    category: NDArray[np.int32]
    lines: NDArray[np.int32]
    items: NDArray[np.int32]
    spend: NDArray[np.float64]

    @property
    def count(self) -> int:
        """How many trips."""
        return len(self.start) - 1

    @property
    def hour_shares(self) -> NDArray[np.float64]:
        """(24,) share of the trips that begin in each hour."""
        shares: NDArray[np.float64] = np.diff(self.hour_start) / max(self.count, 1)
        return shares

    @property
    def hour_rates(self) -> NDArray[np.float64]:
        """(24, C) share of an hour's trips that buy each category; 0 in hours without trips."""
        trip = np.repeat(np.arange(self.count), np.diff(self.start))
        hour = np.searchsorted(self.hour_start, trip, side="right") - 1
        width = len(self.categories)
        bought = np.bincount(hour * width + self.category, minlength=24 * width).reshape(24, width)
        rates: NDArray[np.float64] = bought / np.maximum(np.diff(self.hour_start), 1)[:, None]
        return rates

    @property
    def item_spend(self) -> NDArray[np.float64]:
        """(C,) mean money for one item of each category."""
        width = len(self.categories)
        spend = np.bincount(self.category, weights=self.spend, minlength=width)
        price: NDArray[np.float64] = spend / np.maximum(np.bincount(self.category, self.items, width), 1)
        return price


def trips_of(
    *,
    basket: NDArray[np.int64],
    hour: NDArray[np.int64],
    category: NDArray[np.str_] | NDArray[np.object_],
    quantity: NDArray[np.float64],
    spend: NDArray[np.float64],
) -> Trips:
    """Gather the lines of baskets into trips; the order of the lines does not matter.

    Args:
        basket: (lines,) number of the basket.
        hour: (lines,) 0 to 23, local; a basket begins in the smallest of its hours.
        category: (lines,) names.
        quantity: (lines,) units; parts of one (weighed goods) are rounded up.
        spend: (lines,) money.

    Raises: DataError: there are no lines, or an hour lies outside 0 to 23.
    """
    if not len(basket):
        raise DataError("no lines to learn demand from; give at least one basket with something bought")
    if hour.min() < 0 or hour.max() > 23:
        raise DataError(f"hours run from {hour.min()} to {hour.max()}; give local hours from 0 to 23")
    categories, number = np.unique(category.astype(str), return_inverse=True)
    _, trip = np.unique(basket, return_inverse=True)
    trips = int(trip.max()) + 1
    first = np.full(trips, 24, dtype=np.int64)
    np.minimum.at(first, trip, hour)
    place = np.empty(trips, dtype=np.int64)
    place[np.argsort(first, kind="stable")] = np.arange(trips)
    # Sums of money depend on the order in which lines are added up: sort them, so that no input order shows.
    order = np.lexsort((spend, quantity, number, place[trip]))
    key, entry = np.unique(place[trip[order]] * len(categories) + number[order], return_inverse=True)
    units = np.maximum(np.ceil(quantity[order]), 1)
    return Trips(
        categories=tuple(str(name) for name in categories),
        hour_start=np.searchsorted(np.sort(first), np.arange(25)).astype(np.int64),
        start=np.searchsorted(key, np.arange(trips + 1) * len(categories)).astype(np.int64),
        category=(key % len(categories)).astype(np.int32),
        lines=np.bincount(entry).astype(np.int32),
        items=np.bincount(entry, weights=units).astype(np.int32),
        spend=np.bincount(entry, weights=spend[order]).astype(np.float64),
    )

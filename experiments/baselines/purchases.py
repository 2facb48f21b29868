"""What the baselines see of a history: each product once a trip, and how long ago the trip was."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from retail.errors import ConfigError
from retail.interactions import Interactions


@dataclass(frozen=True, eq=False)
class Purchases:
    """One row for each distinct (person, trip, product); a trip is a distinct (day, basket) of a person.

    Attributes:
        person: (rows,) int64 row of the person.
        product: (rows,) int32 code.
        age_days: (rows,) int64 days from the trip to the last day before `now`, 0 for that day.
        trips_since: (rows,) int64 number of later trips of the same person, 0 for the last trip.
        trips: (persons,) int64 number of trips.
        n_products: size of the catalogue.
    """

    person: np.ndarray
    product: np.ndarray
    age_days: np.ndarray
    trips_since: np.ndarray
    trips: np.ndarray
    n_products: int


def purchases(history: Interactions, *, now: int) -> Purchases:
    """Count each product once a trip.

    Args:
        history: lines before `now`; the same product on two lines of one trip counts once.
        now: the first day that is not known yet.

    Raises:
        ConfigError: a line lies on or after `now`, so that a model would see what it must predict.
    """
    late = int(np.count_nonzero(history.day >= now))
    if late:
        raise ConfigError(f"{late} lines of the history lie on or after day {now}; cut it with between(None, {now})")
    person = history.rows()
    new_trip = np.ones(len(person), dtype=bool)
    new_trip[1:] = (np.diff(person) != 0) | (np.diff(history.day) != 0) | (np.diff(history.basket) != 0)
    new_row = new_trip.copy()
    new_row[1:] |= np.diff(history.product) != 0
    trip = np.cumsum(new_trip) - 1
    trips = np.bincount(person[new_trip], minlength=len(history.persons))
    last = np.cumsum(trips) - 1
    person, trip = person[new_row], trip[new_row]
    return Purchases(
        person=person,
        product=history.product[new_row],
        age_days=now - 1 - history.day[new_row].astype(np.int64),
        trips_since=last[person] - trip,
        trips=trips,
        n_products=history.n_products,
    )

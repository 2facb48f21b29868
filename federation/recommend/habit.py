"""Whether a person will buy again what that person bought before: features of one person's own purchases."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from retail.interactions import Interactions

HABIT_FEATURES = (
    "trips",
    "recency",
    "last_window",
    "last_quarter",
    "rate",
    "lateness",
    "activity",
    "popularity",
    "one",
)
HABIT_START = np.array([0.6, -0.4, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, -2.0])
"""Public start: the more trips and the fewer days since the last, the likelier."""
_CENTRE = np.array([0.8, 0.8, 0.15, 0.5, -0.8, 0.65, 0.5, -2.0, 0.0])
_SCALE = np.array([0.35, 1.0, 0.3, 0.45, 0.55, 1.1, 0.85, 1.6, 1.0])
"""Public constants that put the features on one scale, so that few gradient steps suffice."""


@dataclass(frozen=True, eq=False)
class Habits:
    """One row for each (person, product bought before).

    Attributes:
        person: (n,) row of the person.
        product: (n,) product code.
        features: (n, len(HABIT_FEATURES)) float32, centred and scaled by public constants.
    """

    person: np.ndarray
    product: np.ndarray
    features: np.ndarray


def habits(history: Interactions, popularity: np.ndarray, *, now: int, window_days: int) -> Habits:
    """Describe every product that each person bought before `now`.

    Args:
        history: rows before `now`.
        popularity: (products,) the released one.
        now: day at which the question is asked.
        window_days: length of the period asked about; the unit of time of the features.
    """
    key = history.rows() * history.n_products + history.product
    order = np.lexsort((history.basket, history.day, key))
    key, day, basket = key[order], history.day[order], history.basket[order]
    new_pair = np.ones(len(key), dtype=bool)
    new_pair[1:] = key[1:] != key[:-1]
    new_trip = new_pair.copy()
    new_trip[1:] |= (basket[1:] != basket[:-1]) | (day[1:] != day[:-1])
    pair = np.cumsum(new_pair) - 1
    n = int(pair[-1]) + 1 if len(pair) else 0
    trips = np.bincount(pair, weights=new_trip, minlength=n)
    ago = now - day

    def within(days: int) -> np.ndarray:
        return np.bincount(pair, weights=new_trip & (ago <= days), minlength=n)

    first = ago[new_pair].astype(float)
    last = np.minimum.reduceat(ago, np.flatnonzero(new_pair)).astype(float) if n else np.zeros(0)
    person = (key[new_pair] // history.n_products).astype(np.int64)
    product = (key[new_pair] % history.n_products).astype(np.int64)
    gap = (first - last) / np.maximum(trips - 1, 1) + (trips < 2) * 2.0 * window_days
    visits = _trips_per_person(history, now=now, days=3 * window_days)[person]
    unit = float(window_days)
    columns = [
        np.log1p(trips),
        np.log((last + 1) / unit),
        np.log1p(within(window_days)),
        np.log1p(within(4 * window_days)),
        np.log((trips + 0.5) / (first + unit) * unit),
        np.clip(last / np.maximum(gap, 1.0), 0, 4) - 1,
        np.log1p(visits) - 2,
        popularity[product],
        np.ones(n),
    ]
    features = ((np.stack(columns, axis=1) - _CENTRE) / _SCALE).astype(np.float32)
    return Habits(person, product, features)


def _trips_per_person(history: Interactions, *, now: int, days: int) -> np.ndarray:
    recent = history.between(now - days, now)
    trip = recent.rows() * (2**32) + recent.basket.astype(np.int64)
    persons = (np.unique(trip) // (2**32)).astype(np.int64)
    return np.bincount(persons, minlength=len(history.persons)).astype(float)


def bought_before(history: Interactions) -> csr_array:
    """(persons, products) float32, 1 where a person has bought a product."""
    counts = history.counts()
    return csr_array((np.ones_like(counts.data), counts.indices, counts.indptr), shape=counts.shape)

"""Global popularity: everybody gets the products that most trips of the last weeks held."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from experiments.baselines.purchases import Purchases, purchases
from retail.errors import ConfigError
from retail.interactions import Interactions

BACKFILL_DAYS = 56


@dataclass(frozen=True, eq=False)
class Popularity:
    """One ranking for everybody.

    Attributes:
        popularity: (products,) float32, the weighted number of trips.
        persons: how many persons the model knows.
    """

    popularity: np.ndarray
    persons: int

    def scores(self, persons: slice | np.ndarray) -> np.ndarray:
        """(u, products) float32, the same row for each person; a read-only view."""
        chosen = len(np.arange(self.persons)[persons])
        return np.broadcast_to(self.popularity, (chosen, len(self.popularity)))


def fit(
    history: Interactions,
    *,
    now: int,
    seed: int,
    window_days: int = 112,
    shape: Literal["buyers", "window", "exponential"] = "buyers",
) -> Popularity:
    """Count the buyers of, or the trips with, each product.

    "buyers" counts every product once a person and scales persons with more than 100 products down to the weight of
    100. It explores better than any count of trips (validation window of the oldest origin: .044 against .042).

    Args:
        history: lines before `now`.
        now: the first day that is not known yet.
        seed: not used, nothing is random.
        window_days: "buyers", "window": what is older does not count; "exponential": what is this old counts 1/e.
        shape: how the weight falls with a trip's age in days.

    Raises:
        ConfigError: window_days is not above 0, `shape` is unknown, or the history reaches past `now`.
    """
    del seed
    known = purchases(history, now=now)
    if shape == "buyers":
        return Popularity(buyer_counts(history, now=now, window_days=window_days), len(history.persons))
    weights = trip_counts(known, window_days=window_days, shape=shape)
    return Popularity(weights.astype(np.float32), len(history.persons))


def buyer_counts(history: Interactions, *, now: int, window_days: int) -> np.ndarray:
    """(products,) float32 number of buyers, each person's row scaled to at most 10 in L2; see `fit`."""
    if not window_days > 0:
        raise ConfigError(f"popularity: window_days is {window_days}; give a number of days above 0")
    bought = history.between(now - window_days, now).counts()
    bought.data[:] = 1
    length = np.sqrt(np.diff(bought.indptr))
    counts: np.ndarray = (bought.T @ (10 / np.maximum(length, 10))).astype(np.float32)
    return counts


def trip_counts(bought: Purchases, *, window_days: int, shape: str = "window") -> np.ndarray:
    """(products,) float64 weighted number of trips with each product; see `fit`."""
    if not window_days > 0:
        raise ConfigError(f"popularity: window_days is {window_days}; give a number of days above 0")
    if shape == "window":
        weights = (bought.age_days < window_days).astype(np.float64)
    elif shape == "exponential":
        weights = np.exp(-bought.age_days / window_days)
    else:
        raise ConfigError(f"popularity: shape is {shape!r}; give 'window' or 'exponential'")
    return np.bincount(bought.product, weights=weights, minlength=bought.n_products)


def backfill(scores: np.ndarray, popularity: np.ndarray) -> np.ndarray:
    """Rank by popularity what a model says nothing about, below everything it does speak of.

    Args:
        scores: (u, products) float32, none negative; changed in place. 0 means that the model has no opinion.
        popularity: (products,) none negative, some positive or all 0.

    Returns: `scores`, with each 0 replaced by a value in [-1, 0] that grows with popularity.
    """
    top = float(popularity.max(initial=0.0))
    below = (popularity / top - 1.0 if top > 0 else np.zeros_like(popularity)).astype(np.float32)
    np.copyto(scores, below, where=scores == 0)
    return scores

"""TIFU-KNN: one's own purchase frequencies, older trips fading, mixed with those of similar persons.

Source: Hu, He, Gao and Zhang 2020, "Modeling personalized item frequency information for next-basket
recommendation", SIGIR, section 4. Written from the paper.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from experiments.baselines.popularity import BACKFILL_DAYS, backfill, trip_counts
from experiments.baselines.purchases import Purchases, purchases
from retail.errors import ConfigError
from retail.interactions import Interactions


@dataclass(frozen=True, eq=False)
class TIFUKNN:
    """Personal frequency vectors and how to mix them.

    Attributes:
        frequency: (persons, products) csr float64, at most 1 an entry; see `frequencies`.
        neighbours: how many similar persons are averaged.
        alpha: share of one's own vector in the mix, the neighbours' mean has the rest.
        popularity: (products,) order of the products that neither holds.
    """

    frequency: csr_array
    neighbours: int
    alpha: float
    popularity: np.ndarray

    def scores(self, persons: slice | np.ndarray) -> np.ndarray:
        """(u, products) float32: the mix; the rest by popularity below 0."""
        nearest = self.nearest(persons)
        found = np.maximum(np.diff(nearest.indptr), 1)
        mean = csr_array(nearest.multiply((1.0 - self.alpha) / found[:, None])) @ self.frequency
        mix = self.alpha * self.frequency[persons] + mean
        return backfill(mix.toarray().astype(np.float32), self.popularity)

    def nearest(self, persons: slice | np.ndarray) -> csr_array:
        """(u, persons) csr of ones: the nearest others in Euclidean distance; ties go to the earlier row.

        Persons without a purchase are nobody's neighbours, and they have none.
        """
        everybody = self.frequency
        length = np.asarray(everybody.multiply(everybody).sum(axis=1)).ravel()
        rows = np.arange(everybody.shape[0])[persons]
        distance = -2.0 * (everybody[rows] @ everybody.T).toarray() + length + length[rows][:, None]
        distance[:, length == 0] = np.inf
        distance[length[rows] == 0, :] = np.inf
        distance[np.arange(len(rows)), rows] = np.inf
        keep = min(self.neighbours, len(length))
        furthest = np.partition(distance, keep - 1, axis=1)[:, keep - 1 : keep]
        nearer, tied = distance < furthest, distance == furthest
        room = keep - np.count_nonzero(nearer, axis=1, keepdims=True)
        chosen = (nearer | (tied & (np.cumsum(tied, axis=1) <= room))) & np.isfinite(distance)
        return csr_array(chosen, dtype=np.float64)


def fit(
    history: Interactions,
    *,
    now: int,
    seed: int,
    trip_decay: float = 1.0,
    group_decay: float = 0.9,
    group_trips: int = 3,
    neighbours: int = 300,
    alpha: float = 0.7,
) -> TIFUKNN:
    """Compute every person's frequency vector.

    Args:
        history: lines before `now`.
        now: the first day that is not known yet.
        seed: not used, nothing is random.
        trip_decay: weight of a trip relative to the next one in its group, r_b of the paper.
        group_decay: weight of a group relative to the next one, r_g of the paper.
        group_trips: trips in a group; the oldest group of a person may have fewer.
        neighbours: similar persons that are averaged.
        alpha: share of one's own vector.

    Raises:
        ConfigError: a decay lies outside (0, 1], alpha outside [0, 1], a number below 1, or the history reaches
            past `now`.
    """
    del seed
    if not (0 < trip_decay <= 1 and 0 < group_decay <= 1):
        raise ConfigError(f"TIFU-KNN: trip_decay is {trip_decay}, group_decay {group_decay}; both lie above 0, up to 1")
    if not 0 <= alpha <= 1:
        raise ConfigError(f"TIFU-KNN: alpha is {alpha}; give a share from 0 to 1")
    if group_trips < 1 or neighbours < 1:
        raise ConfigError(f"TIFU-KNN: group_trips is {group_trips}, neighbours {neighbours}; give 1 or more for both")
    bought = purchases(history, now=now)
    frequency = frequencies(bought, trip_decay=trip_decay, group_decay=group_decay, group_trips=group_trips)
    return TIFUKNN(frequency, neighbours, alpha, trip_counts(bought, window_days=BACKFILL_DAYS))


def frequencies(bought: Purchases, *, trip_decay: float, group_decay: float, group_trips: int) -> csr_array:
    """Mean over a person's groups of the means over their trips, both fading with age.

    A trip that is number b from the end of its group of t trips, in the group that is number g from the end of G,
    adds trip_decay^b / t * group_decay^g / G to each of its products.

    Returns: (persons, products) csr float64.
    """
    trips = bought.trips[bought.person]
    groups = -(-trips // group_trips)
    group, in_group = np.divmod(bought.trips_since, group_trips)
    oldest = trips - (groups - 1) * group_trips
    size = np.where(group == groups - 1, oldest, group_trips)
    weights = trip_decay**in_group / size * group_decay**group / groups
    shape = (len(bought.trips), bought.n_products)
    matrix = csr_array((weights, (bought.person, bought.product)), shape=shape)
    matrix.sum_duplicates()
    return matrix

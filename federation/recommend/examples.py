"""Training examples of one merchant: what was known before an earlier window, and what was bought in it.

Every array has one row, or one run of rows, for each person, and each depends on the broadcast model, public
constants and that person's rows only. A person whose rows vanish takes those rows along and changes no other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from federation.recommend.habit import bought_before, habits
from federation.recommend.settings import RecommendOptions
from federation.recommend.taste import LEVELS, affinities, expectations, profiles
from federation.task import Model, NodeData
from retail.interactions import Catalogue

EXPLORE_FEATURES = (*LEVELS, *(f"expected_{level}" for level in LEVELS), "popularity", "neighbours")
OWN = [*range(len(LEVELS)), len(EXPLORE_FEATURES) - 1]
"""Positions of the features that differ from person to person."""
SHARED = [*range(len(LEVELS), len(EXPLORE_FEATURES) - 1)]
"""Positions of the others, which are of the product alone: kept once, they cost no person anything."""
EXPLORE_START = np.array([0.1, 0.1, 0.1, 0.4, 0.4] + [0.0] * len(LEVELS) + [1.0, 0.2])
"""Public start, in round numbers, from windows of the Complete Journey before the first test window."""
NEIGHBOUR_UNIT = 20.0
"""Public scale of the neighbour feature, so that its weight is of the size of the others."""


@dataclass(frozen=True, eq=False)
class Window:
    """Examples of one label window.

    Attributes:
        own: (persons, candidates, len(OWN)) float32, features of a person and a candidate.
        shared: (candidates, len(SHARED)) float32, features of a candidate.
        open: (persons, candidates) bool, candidates the person had not bought before, for persons with history.
        taken: (persons, candidates) bool, of those, bought in the window.
        habit: (n, features) float32.
        habit_person: (n,) int64.
        again: (n,) bool, bought again in the window.
    """

    own: np.ndarray
    shared: np.ndarray
    open: np.ndarray
    taken: np.ndarray
    habit: np.ndarray
    habit_person: np.ndarray
    again: np.ndarray

    @property
    def explore(self) -> np.ndarray:
        """(persons, candidates, features) float32: both kinds in their places."""
        return _in_places(self.own, self.shared)


def windows(model: Model, node: NodeData, options: RecommendOptions, window_days: int) -> list[Window]:
    """Examples of the last `options.windows` windows before `node.now`, the latest first."""
    result = []
    shared = _shared(model, node.catalogue, model["candidates"], options)
    for back in range(options.windows):
        end = node.now - back * window_days
        start = end - window_days
        before = node.history.between(None, start)
        bought = bought_before(before)
        label = bought_before(node.history.between(start, end))
        candidates = model["candidates"]
        seen = bought[:, candidates].toarray() > 0
        known = np.asarray(bought.sum(axis=1)).reshape(-1, 1) > 0
        free = ~seen & known
        habit = habits(before, model["popularity"], now=start, window_days=window_days)
        result.append(
            Window(
                own=_own(model, bought, node.catalogue, candidates, options),
                shared=shared,
                open=free,
                taken=free & (label[:, candidates].toarray() > 0),
                habit=habit.features,
                habit_person=habit.person,
                again=_pairs(label, habit.person, habit.product),
            )
        )
    return result


def explore_features(
    model: Model, bought: csr_array, catalogue: Catalogue, items: np.ndarray, options: RecommendOptions
) -> np.ndarray:
    """(persons, items, len(EXPLORE_FEATURES)) float32 of products that a person might try.

    Args:
        model: holds "popularity", "shares" and, when rich, "neighbours" over "candidates".
        bought: (persons, products), 1 where bought.
        catalogue: the public catalogue.
        items: product codes; when rich, "candidates".
        options: the task's options.
    """
    own = _own(model, bought, catalogue, items, options)
    return _in_places(own, _shared(model, catalogue, items, options))


def _own(
    model: Model, bought: csr_array, catalogue: Catalogue, items: np.ndarray, options: RecommendOptions
) -> np.ndarray:
    features = np.zeros((bought.shape[0], len(items), len(OWN)), dtype=np.float32)
    if options.tastes:
        k = options.taste_smoothing
        features[:, :, : len(LEVELS)] = affinities(bought, catalogue, model["shares"], items, k)
    if options.rich:
        features[:, :, -1] = NEIGHBOUR_UNIT * (profiles(bought, catalogue) @ model["neighbours"])
    return features


def _shared(model: Model, catalogue: Catalogue, items: np.ndarray, options: RecommendOptions) -> np.ndarray:
    features = np.zeros((len(items), len(SHARED)), dtype=np.float32)
    if options.tastes and options.rich:
        features[:, : len(LEVELS)] = expectations(catalogue, model["shares"], items)
    features[:, -1] = model["popularity"][items]
    return features


def _in_places(own: np.ndarray, shared: np.ndarray) -> np.ndarray:
    features = np.empty((*own.shape[:2], len(EXPLORE_FEATURES)), dtype=np.float32)
    features[:, :, OWN] = own
    features[:, :, SHARED] = shared
    return features


def _pairs(matrix: csr_array, row: np.ndarray, column: np.ndarray) -> np.ndarray:
    """Whether each (row, column) is stored in a 0/1 matrix."""
    coo = matrix.tocoo()
    stored = coo.row.astype(np.int64) * matrix.shape[1] + coo.col
    found: np.ndarray = np.isin(row * matrix.shape[1] + column, stored)
    return found

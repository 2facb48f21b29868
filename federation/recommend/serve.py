"""Scores at the merchant: the shared model, each shopper's own purchases and, if wanted, the merchant's own shelf."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.sparse import csr_array

from federation.recommend.examples import explore_features
from federation.recommend.habit import bought_before, habits
from federation.recommend.objective import EXPLORE, HABIT, SCALE
from federation.recommend.settings import RecommendOptions
from federation.task import Model, NodeData

_BLOCK = 256
_LIFT_BUYERS = 60.0  # shoppers' worth of the shared popularity that a merchant's own counts are mixed with
_LIFT_WEIGHT = 0.6
_BELOW = -30.0  # log-odds under which products are ranked that are on nobody's shelf


def scores(model: Model, node: NodeData, options: RecommendOptions, window_days: int) -> Iterator[np.ndarray]:
    """Yield log-odds that each shopper buys each product in the coming window, in blocks of persons in order.

    Args:
        model: after the last round.
        node: the merchant's own data.
        options: the task's options.
        window_days: length of the coming window.

    Returns: (block, products) float32. Reads the merchant's own rows, at that merchant; nothing of it leaves.
    """
    weights = model["average"]
    items = model["candidates"]
    bought = bought_before(node.history)
    recent = bought_before(node.history.between(node.now - options.popularity_days, None))
    lift = local_lift(model, recent)[items] if options.local_lift else np.zeros(len(items), dtype=np.float32)
    habit = habits(node.history, model["popularity"], now=node.now, window_days=window_days)
    again = (habit.features @ weights[HABIT]).astype(np.float32)
    base = (model["popularity"] + _BELOW).astype(np.float32)
    for start in range(0, bought.shape[0], _BLOCK):
        rows = bought[start : start + _BLOCK]
        block = np.repeat(base[None], rows.shape[0], axis=0)
        explore = explore_features(model, rows, node.catalogue, items, options)
        score = explore @ weights[EXPLORE].astype(np.float32) + lift
        block[:, items] = weights[SCALE][0] * score + weights[SCALE][1]
        mine = (habit.person >= start) & (habit.person < start + rows.shape[0])
        block[habit.person[mine] - start, habit.product[mine]] = again[mine]
        yield block


def popularity_scores(model: Model, persons: int) -> np.ndarray:
    """(persons, products) float32: the released popularity alone, the same for everybody."""
    return np.broadcast_to(model["popularity"], (persons, len(model["popularity"])))


def local_lift(model: Model, recent: csr_array) -> np.ndarray:
    """(products,) float32: log of how much more this merchant's own shoppers buy a product than shoppers elsewhere.

    The merchant's counts are mixed with `_LIFT_BUYERS` shoppers who buy like the released popularity, so that
    a small merchant does not rank by chance alone; a merchant without recent purchases lifts nothing. This is not
    private towards other shoppers of the merchant: one buyer of a product that is rare elsewhere can move it up.
    """
    own = np.asarray(recent.sum(axis=0)).ravel()
    if not own.any():
        return np.zeros(len(own), dtype=np.float32)
    shared = np.exp(model["popularity"].astype(float))
    shared = shared / shared.sum() * own.sum() / max(recent.shape[0], 1)
    ratio = (own + _LIFT_BUYERS * shared) / ((recent.shape[0] + _LIFT_BUYERS) * np.maximum(shared, 1e-12))
    lift: np.ndarray = _LIFT_WEIGHT * np.log(np.maximum(ratio, 1e-6))
    return lift.astype(np.float32)

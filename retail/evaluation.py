"""How good recommendations are, told apart by whether the shopper already knew the product."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from retail import metrics
from retail.errors import DataError

CUT: Final = 10
COLUMNS: Final = (
    "total_ndcg10",
    "repeat_ndcg10",
    "explore_ndcg10",
    "total_recall10",
    "explore_hit10",
    "hit10",
)


def measure(scores: np.ndarray, bought: csr_array, relevant: csr_array) -> pd.DataFrame:
    """Judge scores by full ranking over the catalogue, in three kinds.

    `total` ranks all items against everything bought in the test window; `repeat` ranks only items bought before
    against those of them bought again; `explore` ranks only items never bought before against those bought for the
    first time. Nothing is sampled. Equal scores are ranked by item code.

    Args:
        scores: (users, items) float32 or float64. Pass users in blocks: 2,000 users of 92,000 items are 0.7 GB.
        bought: (users, items) history, positive where bought before the test window.
        relevant: (users, items) test window, positive where bought in it.

    Returns:
        One row for each user in the given order, columns `COLUMNS`, each in [0, 1]; NaN where the user has no
        relevant item of that kind.

    Raises:
        DataError: shapes differ, or a score is NaN.
    """
    shape = np.shape(scores)
    if len(shape) != 2:
        raise DataError(f"scores have shape {shape}; give one row for each user and one column for each item")
    known, wanted = metrics.positive(bought, shape), metrics.positive(relevant, shape)
    again = csr_array(wanted.multiply(known))
    new = _without(wanted, again)
    repeat = metrics.top_k_among(scores, CUT, among=known)
    explore = metrics.top_k(scores, CUT, exclude=known)
    total = _merge(scores, repeat, explore)
    columns = (
        metrics.ndcg(total, wanted, k=CUT),
        metrics.ndcg(repeat, again, k=CUT),
        metrics.ndcg(explore, new, k=CUT),
        metrics.recall(total, wanted, k=CUT),
        metrics.hit(explore, new, k=CUT),
        metrics.hit(total, wanted, k=CUT),
    )
    return pd.DataFrame(dict(zip(COLUMNS, columns, strict=True)))


def _without(wanted: csr_array, again: csr_array) -> csr_array:
    """Entries of `wanted` that are not in `again`."""
    return metrics.positive(csr_array(wanted.astype(np.int8) - again.astype(np.int8)), wanted.shape)


def _merge(scores: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The best of two lists over disjoint items: since each holds its own ten best, the ten best overall are here."""
    both = np.concatenate([first, second], axis=1)
    values = np.take_along_axis(scores, np.maximum(both, 0), axis=1).astype(np.float64)
    values[both < 0] = -np.inf
    order = np.lexsort((both, -values), axis=1)[:, :CUT]
    return np.take_along_axis(both, order, axis=1)

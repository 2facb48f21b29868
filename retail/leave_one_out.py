"""Leave-one-out measures: where a person's one held-out item stands, among sampled items or among all.

Sampled negatives flatter every model and may order models otherwise than full ranking does; they are here to stand
beside papers that use them, and full ranking is always given too.

Source: Krichene and Rendle 2020, "On sampled metrics for item recommendation".
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from retail.errors import DataError

Floats = NDArray[np.float64]


def sampled(known: NDArray[np.bool_], *, many: int, seed: int) -> NDArray[np.bool_]:
    """Draw for each person items that the person has nothing to do with.

    Args:
        known: (people, items) True where a person has chosen an item at any time, the held-out ones too.
        many: how many for each.
        seed: public and fixed, so that all models are compared among the same items.

    Returns: (people, items) True at the drawn items.

    Raises: DataError: somebody has too few items left.
    """
    free = (~known).sum(axis=1)
    if len(free) and free.min() < many:
        raise DataError(f"a person has {free.min()} items left to draw {many} from; draw fewer")
    keys = np.random.default_rng(np.random.SeedSequence([99, seed])).random(known.shape)
    keys[known] = 2.0
    drawn = np.zeros(known.shape, dtype=bool)
    np.put_along_axis(drawn, np.argpartition(keys, many - 1, axis=1)[:, :many], True, axis=1)
    return drawn


def places(scores: NDArray[Any], held_out: NDArray[np.int64], among: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the place of each person's held-out item, 1 for the best.

    Equal scores go before it, so that a model that knows nothing hits nothing.

    Args:
        scores: (people, items).
        held_out: (people,) item codes; -1 for people who are not tested.
        among: (people, items) True at the items that it competes with.

    Returns: (people,) places from 1 on; 0 for people who are not tested.

    Raises: DataError: a score that counts is NaN.
    """
    tested = held_out >= 0
    own = np.take_along_axis(scores, np.maximum(held_out, 0)[:, None], axis=1)
    others = among.copy()
    np.put_along_axis(others, np.maximum(held_out, 0)[:, None], False, axis=1)
    if np.isnan(own[tested]).any() or (np.isnan(scores) & others)[tested].any():
        raise DataError("a score is NaN; a model must give every item a number")
    return np.where(tested, 1 + ((scores >= own) & others).sum(axis=1), 0)


def hit(place: NDArray[np.int64], *, k: int = 10) -> Floats:
    """(people,) 1 where the held-out item is among the first k, else 0; NaN for people who are not tested."""
    return np.where(place > 0, place <= k, np.nan)


def gain(place: NDArray[np.int64], *, k: int = 10) -> Floats:
    """(people,) NDCG of one relevant item: 1 / log2(1 + place) among the first k, else 0; NaN as `hit`."""
    discounted = np.where(place <= k, 1.0 / np.log2(1.0 + np.maximum(place, 1)), 0.0)
    return np.where(place > 0, discounted, np.nan)

"""What a federation must beat: four recommenders that see everybody's rows in one place and promise no privacy.

In: `retail.interactions.Interactions` before a day. Out: a model whose `scores` ranks the whole catalogue.

    from experiments.baselines import BASELINES

    split = rolling_origins(data.period)[0]
    known = history.between(None, split.test[0])
    model = BASELINES["tifu_knn"](known, now=split.test[0], seed=0)
    model.scores(slice(0, 500))  # (500, products) float32; ask for blocks, a catalogue is wide

The defaults were chosen on the validation window of the oldest origin, which lies before every test window:
`python -m experiments.baselines.tune` repeats the choice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

import numpy as np

from experiments.baselines import ials, item_knn, popularity, tifu_knn

__all__ = ["BASELINES", "Model", "ials", "item_knn", "popularity", "tifu_knn"]


class Model(Protocol):
    """A fitted recommender."""

    def scores(self, persons: slice | np.ndarray) -> np.ndarray:
        """(u, products) float32 for the persons at these positions; a higher score ranks earlier."""
        ...


BASELINES: Final[dict[str, Callable[..., Model]]] = {
    "popularity": popularity.fit,
    "item_knn": item_knn.fit,
    "ials": ials.fit,
    "tifu_knn": tifu_knn.fit,
}
"""Each takes (history, *, now, seed) and its own hyper-parameters by keyword."""

"""Item-kNN: products that are bought by the same persons as those in one's own history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from implicit.nearest_neighbours import ItemItemRecommender, normalize, tfidf_weight
from scipy.sparse import csr_array, csr_matrix

from experiments.baselines.popularity import BACKFILL_DAYS, backfill, trip_counts
from experiments.baselines.purchases import purchases
from retail.errors import ConfigError
from retail.interactions import Interactions

_WEIGHTINGS = ("cosine", "tfidf")


@dataclass(frozen=True, eq=False)
class ItemKNN:
    """Similarity lists of the products that somebody bought.

    Attributes:
        counts: (persons, products) csr float32, trips of each person with each product.
        similarity: (products, products) csr float32; row p holds the kept neighbours of p, p itself among them.
        popularity: (products,) order of the products that no list reaches.
    """

    counts: csr_array
    similarity: csr_array
    popularity: np.ndarray

    def scores(self, persons: slice | np.ndarray) -> np.ndarray:
        """(u, products) float32: own counts times similarity, summed; the rest by popularity below 0."""
        scores = (self.counts[persons] @ self.similarity).toarray().astype(np.float32, copy=False)
        return backfill(scores, self.popularity)


def fit(
    history: Interactions,
    *,
    now: int,
    seed: int,
    neighbours: int = 1000,
    weighting: Literal["cosine", "tfidf"] = "cosine",
    min_persons: int = 20,
) -> ItemKNN:
    """Compute similarity lists with `implicit`, on one thread.

    Args:
        history: lines before `now`.
        now: the first day that is not known yet.
        seed: not used, nothing is random.
        neighbours: products kept in each list, the product itself included.
        weighting: "cosine" of the trip counts of all persons, or "tfidf" of them: persons with many different
            products count less, and counts by their square root.
        min_persons: products that fewer persons bought are in no list; two products of one and the same buyer would
            be as similar as can be.

    Raises:
        ConfigError: a number is below 1, `weighting` is unknown, or the history reaches past `now`.

    Source: Sarwar et al. 2001, "Item-based collaborative filtering recommendation algorithms", section 3.1.1.
    """
    del seed
    if neighbours < 1 or min_persons < 1:
        raise ConfigError(f"item-kNN: neighbours is {neighbours}, min_persons {min_persons}; give 1 or more for both")
    if weighting not in _WEIGHTINGS:
        raise ConfigError(f"item-kNN: weighting is {weighting!r}; give one of {', '.join(_WEIGHTINGS)}")
    popularity = trip_counts(purchases(history, now=now), window_days=BACKFILL_DAYS)
    counts = history.counts()
    listed = np.flatnonzero(np.bincount(counts.indices, minlength=counts.shape[1]) >= min_persons)
    similarity = csr_array(counts.shape[1:] * 2, dtype=np.float32)
    if len(listed):
        products = counts[:, listed].T
        products = normalize(tfidf_weight(products) if weighting == "tfidf" else products)
        model = ItemItemRecommender(K=neighbours, num_threads=1)
        model.fit(csr_matrix(products.T), show_progress=False)
        kept = model.similarity.tocoo()
        places = (listed[kept.row], listed[kept.col])
        similarity = csr_array((kept.data.astype(np.float32), places), shape=similarity.shape)
    return ItemKNN(counts, similarity, popularity)

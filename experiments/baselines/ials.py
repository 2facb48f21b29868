"""iALS: matrix factorisation of implicit feedback by alternating least squares."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from experiments.baselines.popularity import BACKFILL_DAYS, backfill, trip_counts
from experiments.baselines.purchases import purchases
from retail.errors import ConfigError
from retail.interactions import Interactions


@dataclass(frozen=True, eq=False)
class IALS:
    """Factors of persons and products.

    Attributes:
        person_factors: (persons, factors) float32.
        product_factors: (products, factors) float32; 0 for products that nobody bought.
        empty: (persons,) True for persons without a purchase: they get the popular products.
        popularity: (products,) the order for persons without a purchase.
    """

    person_factors: np.ndarray
    product_factors: np.ndarray
    empty: np.ndarray
    popularity: np.ndarray

    def scores(self, persons: slice | np.ndarray) -> np.ndarray:
        """(u, products) float32: dot products of the factors."""
        scores: np.ndarray = self.person_factors[persons] @ self.product_factors.T
        empty = self.empty[persons]
        if empty.any():
            scores[empty] = backfill(np.zeros((int(empty.sum()), scores.shape[1]), np.float32), self.popularity)
        return scores


def fit(
    history: Interactions,
    *,
    now: int,
    seed: int,
    factors: int = 128,
    regularization: float = 10.0,
    alpha: float = 0.5,
    iterations: int = 15,
) -> IALS:
    """Factorise the trip counts with `implicit`, on one thread so that a seed gives the same bytes.

    Args:
        history: lines before `now`.
        now: the first day that is not known yet.
        seed: draws the first product factors. Person factors start at 0: the first half-step computes them, and so
            the order of the persons does not matter.
        factors: length of a factor.
        regularization: weight of the squared factors.
        alpha: confidence of one trip; a product that was never bought has confidence 1.
        iterations: passes over persons and products.

    Raises:
        ConfigError: a number is not above 0, or the history reaches past `now`.

    Source: Hu, Koren and Volinsky 2008, "Collaborative filtering for implicit feedback datasets".
    """
    chosen = {"factors": factors, "regularization": regularization, "alpha": alpha, "iterations": iterations}
    wrong = [f"{name} is {value}" for name, value in chosen.items() if not value > 0]
    if wrong:
        raise ConfigError(f"iALS: {', '.join(wrong)}; give numbers above 0")
    popularity = trip_counts(purchases(history, now=now), window_days=BACKFILL_DAYS)
    counts = history.counts()
    n_persons, n_products = counts.shape
    bought = np.unique(counts.indices)
    person_factors = np.zeros((n_persons, factors), np.float32)
    product_factors = np.zeros((n_products, factors), np.float32)
    if len(bought):
        with threadpool_limits(1, "blas"):
            model = AlternatingLeastSquares(
                factors=factors, regularization=regularization, alpha=alpha, iterations=iterations, num_threads=1
            )
            model.user_factors = person_factors
            start = np.random.default_rng(seed).random((len(bought), factors), dtype=np.float32)
            model.item_factors = start * np.float32(0.01)
            model.fit(csr_matrix(counts[:, bought]), show_progress=False)
        product_factors[bought] = model.item_factors
    return IALS(person_factors, product_factors, np.diff(counts.indptr) == 0, popularity)

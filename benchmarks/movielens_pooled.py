"""Arms of `movielens.py` that see everybody's rows in one place; their settings are chosen on validation films."""

from __future__ import annotations

from functools import lru_cache
from itertools import product

import numpy as np
from movielens_protocol import NOW, Protocol

from experiments.baselines import ials as factors
from retail.interactions import Interactions

RIDGES, MEMORIES = (300.0, 500.0, 1000.0), (10.0, 20.0, 50.0, np.inf)
FACTORS, WEIGHTS, PENALTIES = (32, 64), (1.0, 4.0), (1.0, 10.0)


def popularity(history: Interactions) -> np.ndarray:
    """(people, films): how many people chose a film."""
    return np.tile(history.counts().sum(axis=0), (len(history.persons), 1))


def ease(history: Interactions, validation: Protocol) -> np.ndarray:
    """(people, films): the item-item model of Steck 2019, asked with choices that fade."""
    ridge, memory = _best_ease(validation)
    return _fading(history, memory) @ _weights(history, ridge)


def ials(history: Interactions, validation: Protocol, *, seed: int) -> np.ndarray:
    """(people, films): matrix factorisation by alternating least squares, the project's baseline."""
    return _ials(history, *_best_ials(validation), seed)


def _fading(history: Interactions, memory: float) -> np.ndarray:
    lengths = np.diff(history.indptr)
    age = np.repeat(history.indptr[1:], lengths) - 1 - np.arange(len(history.product))
    faded = np.zeros((len(lengths), history.n_products))
    faded[history.rows(), history.product] = np.exp(-age / memory)
    return faded


def _weights(history: Interactions, ridge: float) -> np.ndarray:
    chosen = _fading(history, np.inf)
    inverse = np.linalg.inv(chosen.T @ chosen + ridge * np.eye(history.n_products))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0.0)
    return weights


def _ials(history: Interactions, count: int, weight: float, penalty: float, seed: int) -> np.ndarray:
    model = factors.fit(history, now=NOW, seed=seed, factors=count, alpha=weight, regularization=penalty)
    return model.scores(slice(None))


def _quality(validation: Protocol, scores: np.ndarray) -> float:
    return float(np.mean(validation.measure(scores)["NDCG@10, 99"]))


@lru_cache(maxsize=1)
def _best_ease(validation: Protocol) -> tuple[float, float]:
    history = validation.history
    found = {}
    for ridge in RIDGES:
        weights = _weights(history, ridge)
        found |= {(ridge, one): _quality(validation, _fading(history, one) @ weights) for one in MEMORIES}
    return max(found, key=lambda one: found[one])


@lru_cache(maxsize=1)
def _best_ials(validation: Protocol) -> tuple[int, float, float]:
    tried = product(FACTORS, WEIGHTS, PENALTIES)
    found = {one: _quality(validation, _ials(validation.history, *one, 0)) for one in tried}
    return max(found, key=lambda one: found[one])

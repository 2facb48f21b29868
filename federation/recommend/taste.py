"""Personal affinity to a product, from that person's own purchases and a public description of everybody's.

An affinity says how much more often a person buys from a product's type, category, manufacturer, brand or department
than shoppers do on average. Every number here is a function of one person's rows, the public catalogue and the
released shares.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.sparse import csr_array

from retail import columns as c
from retail.interactions import Catalogue

LEVELS = c.TAXONOMY
LEVEL_WEIGHTS = np.array([0.6, 0.5, 0.5, 0.25, 0.25]) / np.linalg.norm([0.6, 0.5, 0.5, 0.25, 0.25])
"""How a person's unit of contribution is divided over the levels: more where there are more codes to estimate."""


@lru_cache(maxsize=8)
def _indicator(catalogue: Catalogue, level: str) -> csr_array:
    codes, size = catalogue.levels[level]
    ones = np.ones(len(codes), dtype=np.float32)
    return csr_array((ones, (np.arange(len(codes)), codes)), shape=(len(codes), size))


def level_counts(bought: csr_array, catalogue: Catalogue, level: str) -> csr_array:
    """(persons, codes) float32: how many distinct products of each code a person has bought.

    Args:
        bought: (persons, products), 1 where bought.
        catalogue: the public catalogue.
        level: one of `LEVELS`.
    """
    return csr_array(bought @ _indicator(catalogue, level))


def level_sizes(catalogue: Catalogue) -> tuple[int, ...]:
    """Number of codes of each of `LEVELS`."""
    return tuple(catalogue.levels[level][1] for level in LEVELS)


def taste_rows(bought: csr_array, catalogue: Catalogue) -> np.ndarray:
    """(persons, sum of level sizes) float32: each person's counts, scaled to `LEVEL_WEIGHTS` in L2 level by level.

    A person without purchases contributes zeros; everybody else contributes a vector of length 1.
    """
    blocks = []
    for level, weight in zip(LEVELS, LEVEL_WEIGHTS, strict=True):
        counts = level_counts(bought, catalogue, level).toarray()
        norm = np.linalg.norm(counts, axis=1, keepdims=True)
        blocks.append(counts * (weight / np.maximum(norm, 1e-12)))
    return np.concatenate(blocks, axis=1).astype(np.float32)


def affinities(bought: csr_array, catalogue: Catalogue, shares: np.ndarray, items: np.ndarray, k: float) -> np.ndarray:
    """Smoothed log ratios of a person's share of purchases to the average share.

    Args:
        bought: (persons, products), 1 where bought.
        catalogue: the public catalogue.
        shares: (sum of level sizes,) released shares, summing to 1 within each level.
        items: (i,) product codes.
        k: purchases' worth of the average that a person starts from.

    Returns: (persons, i, levels) float32; 0 means as often as average.
    """
    result = np.empty((bought.shape[0], len(items), len(LEVELS)), dtype=np.float32)
    start = 0
    total = np.asarray(bought.sum(axis=1)).reshape(-1, 1)
    for position, (level, size) in enumerate(zip(LEVELS, level_sizes(catalogue), strict=True)):
        average = shares[start : start + size]
        start += size
        used, inverse = np.unique(catalogue.levels[level][0][items], return_inverse=True)
        own = level_counts(bought, catalogue, level)[:, used].toarray()
        expected = average[used]
        ratio = np.log((own + k * expected) / ((total + k) * expected)).astype(np.float32)
        result[:, :, position] = ratio[:, inverse]
    return result


def expectations(catalogue: Catalogue, shares: np.ndarray, items: np.ndarray) -> np.ndarray:
    """How often products of the same type, category, ... are bought, for a product whose own count is mostly noise.

    Returns: (i, levels) float32, log of the released share of a product's code over the share of the catalogue that
        has that code; 0 where products of the code sell like the average product.
    """
    result = np.empty((len(items), len(LEVELS)), dtype=np.float32)
    start = 0
    for position, (level, size) in enumerate(zip(LEVELS, level_sizes(catalogue), strict=True)):
        codes = catalogue.levels[level][0]
        stocked = np.bincount(codes, minlength=size) / len(codes)
        ratio = np.log(shares[start : start + size] / np.maximum(stocked, 1e-12))
        result[:, position] = ratio[codes[items]]
        start += size
    return result


def profiles(bought: csr_array, catalogue: Catalogue) -> np.ndarray:
    """Which categories a person buys from, as a vector of length 1, so that inner products compare persons.

    Returns: (persons, categories) float32, log(1 + distinct products) scaled; zeros for a person without purchases.
    """
    counts = np.log1p(level_counts(bought, catalogue, c.CATEGORY).toarray())
    norm = np.linalg.norm(counts, axis=1, keepdims=True)
    scaled: np.ndarray = (counts / np.maximum(norm, 1e-12)).astype(np.float32)
    return scaled

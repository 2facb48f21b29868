import math

import numpy as np
import pytest

from matching.embeddings import Embeddings
from matching.index import VectorIndex

MODEL = "taste-1"


def unit(n, d=16, seed=0, *, people=None, spread=0.4) -> Embeddings:
    """Unit vectors; around few centres when `people` is given, as embeddings of shoppers or faces are."""
    rng = np.random.default_rng(seed)
    raw = rng.standard_normal((n, d))
    if people is not None:
        centres = np.random.default_rng(99).standard_normal((people, d))
        raw = centres[rng.integers(0, people, n)] + spread * raw
    return Embeddings.scaled(raw, MODEL)


def brute_force(ids, embeddings, queries, k, allowed=None):
    """Rank by exactly summed products, rounded to float32; smaller ids first among equals. Knows no faiss."""
    rows = [row for row, one in enumerate(ids) if allowed is None or one in set(allowed)]
    found = []
    for query in queries.vectors.astype(np.float64):
        cosine = [float(np.float32(math.fsum(embeddings.vectors[row].astype(np.float64) * query))) for row in rows]
        best = sorted(zip([-one for one in cosine], [int(ids[row]) for row in rows], strict=True))[:k]
        found.append([one for _, one in best])
    return np.array(found, dtype=np.int64).reshape(len(queries), min(k, len(rows)))


@pytest.fixture(scope="session")
def vectors():
    return unit


@pytest.fixture(scope="session")
def by_hand():
    return brute_force


@pytest.fixture
def filled():
    """Return an index over rows with these ids; with cells when `exact_below` is small."""

    def fill(ids, embeddings, **settings) -> VectorIndex:
        index = VectorIndex(embeddings.model, embeddings.dimension, **settings)
        index.add(np.asarray(ids, dtype=np.int64), embeddings)
        return index

    return fill

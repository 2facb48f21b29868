"""Exact search: the order of true cosines, whatever the order in which vectors came and however many ask at once.

faiss adds float32 products in an order that depends on the number of queries, and breaks ties as they come. So its
results are candidates here: all that may belong to the best k are taken, given rounding, and ranked by one rule.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import faiss
import numpy as np

from matching.embeddings import Vectors
from matching.ids import Ints
from matching.rows import Rows

SLACK: Final = 16
_ULP: Final = 2.0**-24
_AT_ONCE: Final = 2**22


def exact(rows: Rows, queries: Vectors, k: int, allowed: Ints | None) -> tuple[Ints, Vectors]:
    """Find the k nearest rows of each query.

    Args:
        rows: to search.
        queries: (q, d) unit vectors.
        k: 1 to the number of rows that may be compared.
        allowed: ascending positions that may be compared; None for all. No others are: faiss computes no product
            with them.

    Returns: positions (q, k) and cosines (q, k), by `ranked`.

    Guarantee: the k best by cosine rounded to float32, smaller ids first among equals. Assumes unit vectors: a float32
        sum of d products is then within d * 2^-24 of the truth in any order of summing.
    """
    count = len(rows) if allowed is None else len(allowed)
    take = min(count, k + SLACK)
    chosen = None
    if allowed is not None:
        few = count < len(rows) // 2  # a list is walked, bits are looked up for every row
        chosen = faiss.SearchParameters(sel=faiss.IDSelectorArray(allowed) if few else bit_selector(len(rows), allowed))
    margin = (2 * rows.dimension + 8) * _ULP
    positions, similarity = np.empty((len(queries), k), np.int64), np.empty((len(queries), k), np.float32)
    step = queries_at_once(take, rows.dimension)
    for start in range(0, len(queries), step):
        part = queries[start : start + step]
        with alone(len(part)):
            scores, found = rows.flat.search(part, take, params=chosen)
        at = slice(start, start + len(part))
        positions[at], similarity[at] = ranked(rows, part, found, k)
        if take == count:
            continue
        for row in np.flatnonzero(scores[:, -1] >= scores[:, k - 1] - margin):
            everyone = _within(rows, part[row], float(scores[row, k - 1]) - margin, chosen)
            positions[start + row], similarity[start + row] = ranked(rows, part[row : row + 1], everyone, k)
    return positions, similarity


def ranked(rows: Rows, queries: Vectors, candidates: Ints, k: int) -> tuple[Ints, Vectors]:
    """Rank candidates by cosine, computed in float64 and rounded to float32; smaller ids first among equals.

    Args:
        rows: where the candidates are.
        queries: (q, d).
        candidates: (q, m) positions, or -1 for none; every query has at least k.
        k: at most m.

    Returns: positions (q, k) and cosines (q, k).
    """
    near = rows.vectors[candidates].astype(np.float64)
    cosine = np.einsum("qmd,qd->qm", near, queries.astype(np.float64)).astype(np.float32)
    cosine[candidates < 0] = -np.inf
    order = np.lexsort((rows.ids[candidates], -cosine))[:, :k]
    return np.take_along_axis(candidates, order, axis=1), np.take_along_axis(cosine, order, axis=1)


def bit_selector(count: int, allowed: Ints) -> Any:
    """Return what keeps faiss from comparing with other positions than these: a bit for each of `count` rows."""
    marks = np.zeros(count, dtype=np.bool_)
    marks[allowed] = True
    return faiss.IDSelectorBitmap(np.packbits(marks, bitorder="little"))


@contextmanager
def alone(queries: int) -> Iterator[None]:
    """Answer a single query in the thread that asks.

    faiss would share it out, and its threads then wait for each other by spinning: where several callers ask at once,
    or other programs run, that takes several times as long. The setting is the calling thread's own: in OpenMP,
    nthreads-var belongs to the task that sets it.
    """
    usual = faiss.omp_get_max_threads()
    if queries == 1:
        faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(usual)


def queries_at_once(take: int, dimension: int) -> int:
    """Return how many queries to answer together, so that their candidates' vectors take some 50 MB."""
    return max(1, _AT_ONCE // (take * dimension))


def _within(rows: Rows, query: Vectors, least: float, chosen: Any) -> Ints:
    with alone(1):
        _, _, found = rows.flat.range_search(query[None], least, params=chosen)
    everyone: Ints = found[None].astype(np.int64)
    return everyone

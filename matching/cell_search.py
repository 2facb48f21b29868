"""Search through cells: candidates from near cells by rough codes, ranked by their exact vectors."""

from __future__ import annotations

import numpy as np

from matching.embeddings import Vectors
from matching.exact_search import alone, exact, queries_at_once, ranked
from matching.ids import Ints
from matching.inverted_lists import InvertedLists
from matching.rows import Rows


def through_cells(
    rows: Rows, lists: InvertedLists, queries: Vectors, k: int, cells: int, allowed: Ints | None
) -> tuple[Ints, Vectors]:
    """Find k near rows of each query.

    One byte a number alone puts close rows in the wrong order, so more than k candidates are ranked anew.

    Args:
        rows: to search.
        lists: over these rows.
        queries: (q, d) unit vectors.
        k: 1 to the number of rows that may be compared.
        cells: how many are read, the nearest first.
        allowed: see `exact`.

    Returns: positions (q, k) and true cosines (q, k), best first. Where the cells that were read have fewer than k
        rows that may be compared, all rows are searched instead of padding.
    """
    take = 2 * k + 8
    positions, similarity = np.empty((len(queries), k), np.int64), np.empty((len(queries), k), np.float32)
    step = queries_at_once(take, rows.dimension)
    for start in range(0, len(queries), step):
        at = slice(start, start + step)
        with alone(len(queries[at])):
            candidates = lists.candidates(queries[at], take, cells, allowed)
        positions[at], similarity[at] = ranked(rows, queries[at], candidates, k)
        short = start + np.flatnonzero((candidates >= 0).sum(axis=1) < k)
        if len(short):
            positions[short], similarity[short] = exact(rows, queries[short], k, allowed)
    return positions, similarity

"""Ranking metrics at a cut-off, for many users at once, and the ranking itself.

Gains are binary. A user without a relevant item has no score (NaN), so that `nanmean` averages over the users for whom
there was something to find.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np
from scipy.sparse import csr_array, issparse

from retail.errors import DataError

Relevance: TypeAlias = csr_array | Sequence[Iterable[int]]


def ndcg(ranked: np.ndarray, relevant: Relevance, *, k: int) -> np.ndarray:
    """Discounted gain of the hits over that of the best possible list, 1/log2(1 + place) for each place.

    Args:
        ranked: (users, at least 1) integer item codes, best first; -1 marks an empty place.
        relevant: (users, items) sparse matrix with positive entries at relevant items, or a list of codes a user.
        k: cut-off; places beyond the width of `ranked` count as misses.

    Returns: (users,) float64 in [0, 1], NaN for users without a relevant item.

    Raises:
        DataError: the numbers of users differ, or a user's list holds an item twice.
        ValueError: k < 1.

    Source: Järvelin & Kekäläinen 2002, with the logarithm of Burges et al. 2005.
    """
    found, wanted = _found(ranked, relevant, k)
    discount = 1.0 / np.log2(np.arange(2, k + 2))
    ideal = np.concatenate([[0.0], np.cumsum(discount)])[np.minimum(wanted, k)]
    return _share(found @ discount[: found.shape[1]], ideal)


def recall(ranked: np.ndarray, relevant: Relevance, *, k: int) -> np.ndarray:
    """Share of a user's relevant items among the first k places; arguments as for `ndcg`."""
    found, wanted = _found(ranked, relevant, k)
    return _share(found.sum(axis=1), wanted)


def hit(ranked: np.ndarray, relevant: Relevance, *, k: int) -> np.ndarray:
    """1 where at least one relevant item is among the first k places, else 0; arguments as for `ndcg`."""
    found, wanted = _found(ranked, relevant, k)
    return _share(found.max(axis=1, initial=False), np.minimum(wanted, 1))


def average_precision(ranked: np.ndarray, relevant: Relevance, *, k: int) -> np.ndarray:
    """Precision at each hit among the first k places, summed, over the number of relevant items; see `ndcg`.

    Source: Manning, Raghavan & Schütze 2008, section 8.4; all relevant items count, also when there are more than k.
    """
    found, wanted = _found(ranked, relevant, k)
    precision = np.cumsum(found, axis=1) / np.arange(1, found.shape[1] + 1)
    return _share((precision * found).sum(axis=1), wanted)


def top_k(scores: np.ndarray, k: int, *, exclude: csr_array | None = None) -> np.ndarray:
    """The k best items of each user, best first; equal scores go to the smaller code, so a list has one answer.

    Args:
        scores: (users, items) floats; minus infinity means "never show".
        k: how many.
        exclude: (users, items) sparse matrix; items with a positive entry are never shown.

    Returns: (users, k) int64 item codes; -1 where fewer than k items may be shown.

    Raises:
        DataError: a score is NaN, or the shapes differ.
        ValueError: k < 1.
    """
    _check_cut(k)
    banned = None if exclude is None else positive(exclude, scores.shape)
    users = len(scores)
    best = np.full((users, k), -1, dtype=np.int64)
    for user in range(users):
        line = scores[user]
        if banned is not None:
            line = line.copy()
            line[banned.indices[banned.indptr[user] : banned.indptr[user + 1]]] = -np.inf
        chosen = _best_of(line, k, user)
        best[user, : len(chosen)] = chosen
    return best


def top_k_among(scores: np.ndarray, k: int, *, among: csr_array) -> np.ndarray:
    """As `top_k`, but only items with a positive entry in `among` are ranked; quick when they are few."""
    _check_cut(k)
    allowed = positive(among, scores.shape)
    best = np.full((scores.shape[0], k), -1, dtype=np.int64)
    for user in range(scores.shape[0]):
        items = allowed.indices[allowed.indptr[user] : allowed.indptr[user + 1]]
        chosen = items[_best_of(scores[user, items], k, user)]
        best[user, : len(chosen)] = chosen
    return best


def positive(matrix: csr_array, shape: tuple[int, ...]) -> csr_array:
    """The positive entries of a sparse matrix, columns ascending within each row, each once.

    Raises:
        DataError: the matrix has another shape.
    """
    if tuple(matrix.shape) != tuple(shape):
        raise DataError(f"matrix of shape {tuple(matrix.shape)} does not go with scores of shape {tuple(shape)}")
    clean = csr_array(matrix, copy=True)
    clean.sum_duplicates()
    clean.data = clean.data > 0
    clean.eliminate_zeros()
    return clean


def _best_of(line: np.ndarray, k: int, user: int) -> np.ndarray:
    """Positions of the k largest finite-or-plus-infinite values, largest first, ties by position.

    The k-th largest of the maxima of disjoint blocks cannot exceed the k-th largest value, so everything below it is
    out of the race: one pass to find it, one to compare, and only a handful of candidates to sort.
    """
    width = 128
    whole = len(line) // width * width
    tops = line[:whole].reshape(-1, width).max(axis=1) if whole else line[:0]
    if whole < len(line):
        tops = np.append(tops, line[whole:].max())
    if np.isnan(tops).any():
        raise DataError(f"row {user} of the scores holds NaN; a model must give every item a number")
    floor = np.partition(tops, -k)[-k] if len(tops) > k else -np.inf
    candidates = np.flatnonzero((line >= floor) & (line > -np.inf) if floor == -np.inf else line >= floor)
    if len(candidates) > 64 * k:
        values = line[candidates]
        last = np.partition(values, -k)[-k]
        candidates = np.concatenate([candidates[values > last], candidates[values == last][:k]])
        candidates.sort()
    order = np.argsort(-line[candidates], kind="stable")[:k]
    return candidates[order]


def _found(ranked: np.ndarray, relevant: Relevance, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Which of the first k places hold a relevant item, and how many relevant items each user has."""
    _check_cut(k)
    users = len(ranked)
    if issparse(relevant):
        matrix: Any = relevant
        truth = positive(matrix, (users, matrix.shape[1]))
    elif len(relevant) != users:
        raise DataError(f"{users} ranked lists, but relevant items of {len(relevant)} users; give one for each")
    else:
        truth = _from_lists(relevant)
    shown = np.asarray(ranked)[:, :k].astype(np.int64)
    ordered = np.sort(shown, axis=1)
    repeated = ((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)).any(axis=1)
    if repeated.any():
        raise DataError(f"ranked list {int(np.flatnonzero(repeated)[0])} holds an item twice; rank each item once")
    wanted = np.diff(truth.indptr)
    items = max(int(shown.max(initial=-1)) + 1, truth.shape[1])
    keys = np.repeat(np.arange(users, dtype=np.int64), wanted) * items + truth.indices
    asked = np.arange(users, dtype=np.int64)[:, None] * items + shown
    place = np.searchsorted(keys, asked)
    found = np.append(keys, -1)[place] == asked
    return found & (shown >= 0), wanted


def _from_lists(relevant: Any) -> csr_array:
    """(users, items) matrix with a one at each listed code."""
    rows = [np.unique(np.fromiter(one, dtype=np.int64)) for one in relevant]
    indptr = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
    codes = np.concatenate(rows) if rows else np.zeros(0, dtype=np.int64)
    shape = (len(rows), int(codes.max(initial=-1)) + 1)
    return csr_array((np.ones(len(codes), dtype=bool), codes, indptr), shape=shape)


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Divide as float64, NaN where the whole is 0."""
    result = np.full(len(whole), np.nan)
    np.divide(part, whole, out=result, where=whole > 0)
    return result


def _check_cut(k: int) -> None:
    if k < 1:
        raise ValueError(f"k = {k}: a list needs at least one place")

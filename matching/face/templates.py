"""Templates of many people at once, to measure with: the mean of some embeddings of each, of length 1."""

from __future__ import annotations

from typing import Any

import numpy as np

from matching.face.rates import Floats, Ints


def templates_of(vectors: Any, person: Ints, chosen: Any = None) -> Floats:
    """Average the embeddings of each person.

    Args:
        vectors: (n, d) rows of one model.
        person: (n,) whose each is, numbered from 0.
        chosen: (n,) bool, which go into a template, at least one of each person; None for all.

    Returns: (people, d) float64, rows of length 1.
    """
    rows = np.asarray(vectors, dtype=np.float64)
    kept = np.ones(len(person), dtype=bool) if chosen is None else chosen
    means = np.stack([rows[kept & (person == one)].mean(axis=0) for one in range(int(person.max()) + 1)])
    return np.asarray(means / np.linalg.norm(means, axis=1, keepdims=True), dtype=np.float64)


def turns(person: Ints) -> Ints:
    """Return (n,) the place of each image among those of its person, from 0, in the order in which they come."""
    order = np.argsort(person, kind="stable")
    place = np.empty(len(person), dtype=np.int64)
    place[order] = np.arange(len(person)) - np.searchsorted(person[order], person[order])
    return place

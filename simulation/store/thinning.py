"""Fewer squares of each visit before a release, drawn evenly from all that it entered.

A release counts each visit in a bounded number of squares. Which ones the gate keeps is decided by rows and then by the
order of cells, so that a store's left side would keep more than its right. Drawn evenly, what is left of a map has the
same shape everywhere.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from retail.errors import ConfigError
from simulation.store.routes import Presence

_ODD = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


def thinned(day: Presence, *, most: int, seed: int) -> Presence:
    """Keep at most `most` squares of each visit, one step in each.

    What is kept of a visit depends on the seed, the number of the visit and its own squares alone, never on other
    visits: a release of what is left protects a visit as a release of everything would.

    Args:
        day: presence of the visits.
        most: squares of a visit, at least 1.
        seed: of the drawing; need not be secret.

    Raises: ConfigError: `most` is below 1.
    """
    if most < 1:
        raise ConfigError(f"most = {most} squares of a visit must be at least 1")
    kept = turns(day, seed=seed) < most
    return replace(day, visit=day.visit[kept], square=day.square[kept], steps=np.ones(kept.sum(), dtype=np.int64))


def turns(day: Presence, *, seed: int) -> NDArray[np.int64]:
    """Put the squares of each visit into a random order: (n,) places from 0, the first of which a thinned day keeps."""
    order = np.lexsort((_mixed(day.visit, day.square, seed), day.visit))
    turn = np.empty(len(order), dtype=np.int64)
    turn[order] = np.arange(len(order)) - np.searchsorted(day.visit, day.visit)
    return turn


def _mixed(visit: NDArray[np.int64], square: NDArray[np.int64], seed: int) -> NDArray[np.uint64]:
    """Numbers that look random, one for each visit and square.

    Source: the finaliser of SplitMix64 (Steele, Lea and Flood 2014), once for the visit and once for the square.
    """
    start = np.random.SeedSequence([seed]).generate_state(1, np.uint64)[0]
    return _final(_final(start + visit.astype(np.uint64) * _ODD[0]) + square.astype(np.uint64) * _ODD[0])


def _final(value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    value = (value ^ (value >> np.uint64(30))) * _ODD[1]
    value = (value ^ (value >> np.uint64(27))) * _ODD[2]
    return value ^ (value >> np.uint64(31))

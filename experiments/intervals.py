"""Intervals for figures and for the differences between arms: one paired bootstrap over shoppers and seeds.

A shopper is drawn with all that the shopper did, at every origin, in every arm and with every seed, so that
differences between arms are paired. Seeds are drawn as well; origins are strata and always all count. A figure is
the mean over origins of the mean over seeds of the mean over the shoppers that count there.

Source: Efron and Tibshirani 1993, chapters 6 and 13 (percentile intervals); Davison and Hinkley 1997, section 3.8
(clusters).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
LEVEL: Final = 0.95
_CELLS_AT_ONCE: Final = 8_000_000
_DRAWS_IN_ALL: Final = 200_000_000


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with its percentile interval; `n` is the number of shoppers behind it."""

    value: float
    lo: float
    hi: float
    n: int


@dataclass(frozen=True, eq=False)
class Bootstrap:
    """Resampled means of one metric: the measured ones and one set per replicate.

    Attributes:
        arms: names, the order of the first axis below.
        means: (arms, origins, seeds) float64 means over shoppers, NaN where a run is missing.
        replicates: (replicates, arms, origins, seeds) float64, the same for resampled shoppers.
        seed_weights: (replicates, seeds) how often each seed was drawn.
        counts: (arms,) shoppers that count at any origin.
    """

    arms: tuple[str, ...]
    means: Floats
    replicates: Floats
    seed_weights: Floats
    counts: npt.NDArray[np.int64]

    def value(self, arm: str) -> Interval:
        """Return the mean of one arm over the runs it has."""
        row = self._row(arm)
        present = ~np.isnan(self.means[row])
        return _interval(*self._statistic(row, present), int(self.counts[row]))

    def difference(self, arm: str, reference: str) -> Interval:
        """Return arm minus reference over the origins and seeds that both have."""
        mine, theirs, n = self._pair(arm, reference)
        return _interval(mine[0] - theirs[0], mine[1] - theirs[1], n)

    def ratio(self, arm: str, reference: str) -> Interval:
        """Return arm over reference over the origins and seeds that both have; NaN where the reference is 0."""
        mine, theirs, n = self._pair(arm, reference)
        with np.errstate(divide="ignore", invalid="ignore"):
            replicates = np.where(theirs[1] == 0, np.nan, mine[1] / theirs[1])
        return _interval(mine[0] / theirs[0] if theirs[0] else np.nan, replicates, n)

    def closed(self, arm: str, floor: str, ceiling: str) -> Interval:
        """Return which share of the way from `floor` to `ceiling` an arm goes; NaN where there is no way to go.

        Over the origins and seeds that all three have. A replicate in which the ceiling is no better than the floor
        counts as it is: the share may then be of any size or sign, and the interval is as wide as that makes it.
        """
        rows = [self._row(name) for name in (arm, floor, ceiling)]
        present = np.logical_and.reduce([~np.isnan(self.means[row]) for row in rows])
        mine, low, high = (self._statistic(row, present) for row in rows)
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.where(high[1] == low[1], np.nan, (mine[1] - low[1]) / (high[1] - low[1]))
        value = (mine[0] - low[0]) / (high[0] - low[0]) if high[0] != low[0] else np.nan
        return _interval(value, share, int(self.counts[rows].min()))

    def _row(self, arm: str) -> int:
        return self.arms.index(arm)

    def _pair(self, arm: str, reference: str) -> tuple[tuple[float, Floats], tuple[float, Floats], int]:
        rows = self._row(arm), self._row(reference)
        both = ~np.isnan(self.means[rows[0]]) & ~np.isnan(self.means[rows[1]])
        n = int(min(self.counts[rows[0]], self.counts[rows[1]]))
        return self._statistic(rows[0], both), self._statistic(rows[1], both), n

    def _statistic(self, row: int, present: npt.NDArray[np.bool_]) -> tuple[float, Floats]:
        """Mean over origins of the (weighted) mean over seeds, for the measured and the resampled shoppers."""
        ones = np.ones((1, self.means.shape[2]))
        point = _over_origins(self.means[None, row], ones, present)
        return float(point[0]), _over_origins(self.replicates[:, row], self.seed_weights, present)


def bootstrap(
    tables: Mapping[tuple[str, int, int], tuple[npt.NDArray[Any], Floats]],
    *,
    arms: Sequence[str],
    replicates: int = 2000,
    seed: int = 0,
) -> Bootstrap:
    """Resample shoppers and seeds.

    Args:
        tables: by (arm, origin, seed), the keys of the shoppers (unique within a table, the same person has the
            same key everywhere) and their values; NaN where a shopper does not count.
        arms: which arms, in order; an arm without a table has NaN everywhere.
        replicates: how many; fewer are drawn above 100,000 shoppers, at least 200.
        seed: seed of the resampling. Equal input and seed give equal intervals.
    """
    origins = sorted({origin for _, origin, _ in tables})
    seeds = sorted({run_seed for _, _, run_seed in tables})
    shoppers = np.unique(np.concatenate([keys for keys, _ in tables.values()])) if tables else np.zeros(0, np.int64)
    replicates = min(replicates, max(200, _DRAWS_IN_ALL // max(1, len(shoppers))))
    seed_stream, shopper_stream = (np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(2))
    n_seeds = max(1, len(seeds))
    seed_weights = seed_stream.multinomial(n_seeds, np.full(n_seeds, 1 / n_seeds), replicates).astype(np.float64)

    shape = (len(arms), max(1, len(origins)), n_seeds)
    cells: list[tuple[int, int, int]] = []
    values: list[Floats] = []
    patterns: list[Floats] = []
    pattern_of: list[int] = []
    known: dict[Hashable, int] = {}
    counted = np.zeros((len(arms), len(shoppers)), bool)
    for row, arm in enumerate(arms):
        for column, origin in enumerate(origins):
            for layer, run_seed in enumerate(seeds):
                if (arm, origin, run_seed) not in tables:
                    continue
                keys, column_values = tables[arm, origin, run_seed]
                full = np.full(len(shoppers), np.nan)
                full[np.searchsorted(shoppers, keys)] = column_values
                valid = ~np.isnan(full)
                counted[row] |= valid
                pattern = known.setdefault(np.packbits(valid).tobytes(), len(patterns))
                if pattern == len(patterns):
                    patterns.append(valid.astype(np.float64))
                cells.append((row, column, layer))
                values.append(np.where(valid, full, 0.0))
                pattern_of.append(pattern)

    means = np.full(shape, np.nan)
    resampled = np.full((replicates, *shape), np.nan)
    if cells:
        index = tuple(np.array(cells).T)
        value_matrix, pattern_matrix = np.array(values).T, np.array(patterns).T
        unit = np.ones((1, len(shoppers)))
        means[index] = _ratio(unit @ value_matrix, (unit @ pattern_matrix)[:, pattern_of])[0]
        for rows, weights in _weights(len(shoppers), replicates, shopper_stream):
            resampled[(rows, *(axis[None, :] for axis in index))] = _ratio(
                weights @ value_matrix, (weights @ pattern_matrix)[:, pattern_of]
            )
    return Bootstrap(tuple(arms), means, resampled, seed_weights, counted.sum(axis=1))


def _weights(people: int, replicates: int, rng: np.random.Generator) -> Iterator[tuple[npt.NDArray[np.int64], Floats]]:
    """Yield blocks of replicates: their numbers as a column, and how often each person was drawn, (block, people)."""
    block = max(1, _CELLS_AT_ONCE // max(1, people))
    for start in range(0, replicates, block):
        size = min(block, replicates - start)
        drawn = rng.integers(people, size=(size, people)) + np.arange(size)[:, None] * people
        counts = np.bincount(drawn.ravel(), minlength=size * people).reshape(size, people)
        yield np.arange(start, start + size)[:, None], counts.astype(np.float64)


def _ratio(sums: Floats, weights: Floats) -> Floats:
    """Return sums / weights, NaN where nobody counts."""
    shares: Floats = np.full(sums.shape, np.nan)
    np.divide(sums, weights, out=shares, where=weights > 0)
    return shares


def _over_origins(means: Floats, seed_weights: Floats, present: npt.NDArray[np.bool_]) -> Floats:
    """Reduce (replicates, origins, seeds) means to (replicates,), over present runs only."""
    usable = present[None] & ~np.isnan(means)
    weights = np.where(usable, seed_weights[:, None, :], 0.0)
    by_origin = _ratio((np.where(usable, means, 0.0) * weights).sum(axis=2), weights.sum(axis=2))
    counts = ~np.isnan(by_origin)
    return _ratio(np.where(counts, by_origin, 0.0).sum(axis=1), counts.sum(axis=1).astype(np.float64))


def _interval(value: float, replicates: Floats, n: int) -> Interval:
    usable = replicates[np.isfinite(replicates)]
    if not np.isfinite(value) or not len(usable):
        return Interval(float(value), float("nan"), float("nan"), n)
    lo, hi = np.quantile(usable, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(value), float(lo), float(hi), n)

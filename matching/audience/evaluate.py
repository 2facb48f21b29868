"""How good an order of households is: does it put later buyers first, over launches, with intervals.

Source: Hanley and McNeil 1982 (the area under the curve is the chance that a later buyer stands before another
household); Efron and Tibshirani 1993, chapter 13 (percentile intervals).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from retail.errors import DataError

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
TOP_SHARE: Final = 0.05
_CELLS: Final = 4_000_000


@dataclass(frozen=True, eq=False)
class Quality:
    """Quality of the scores of some launches, measured and drawn anew.

    Attributes:
        auc: (launches,) area under the curve; lift: (launches,) of the best `TOP_SHARE`.
        auc_redrawn: (draws,) mean over launches with launches and households drawn anew; lift_redrawn: the same.
        auc_of_each: (launches, draws) each launch by itself, households drawn anew; lift_of_each: the same.
    """

    auc: Floats
    lift: Floats
    auc_redrawn: Floats
    lift_redrawn: Floats
    auc_of_each: Floats
    lift_of_each: Floats


def auc(score: Floats, positive: Mask, weight: Floats | None = None) -> Floats:
    """Return the chance that a positive has a higher score than another; ties count half.

    Args:
        score: (n,) without NaN.
        positive: (n,).
        weight: (draws, n) how often each household counts; None for once each.

    Returns: (draws,) float64; NaN where there are no positives, or none but those.

    Raises: DataError: a NaN score.
    """
    times = _weights(score, weight)
    order = np.argsort(score, kind="stable")
    value, good, times = score[order], positive[order], times[:, order]
    ends = np.flatnonzero(np.append(value[1:] != value[:-1], True))  # of runs of equal scores
    below = np.cumsum(np.where(good, 0.0, times), axis=1)[:, ends]
    above = np.cumsum(np.where(good, times, 0.0), axis=1)[:, ends]
    zero = np.zeros((len(times), 1))
    hits, other = np.diff(above, axis=1, prepend=zero), np.diff(below, axis=1, prepend=zero)
    won = (hits * (below - other / 2)).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = won / (above[:, -1] * below[:, -1])
    return found


def lift(score: Floats, positive: Mask, weight: Floats | None = None, *, share: float = TOP_SHARE) -> Floats:
    """Return how many times more positives stand in the best share than in as many households drawn at random.

    The household at the end of the share counts in part; equal scores share what they stand for.

    Args:
        score: as for `auc`.
        positive: likewise.
        weight: likewise.
        share: of all households, in (0, 1].

    Returns: (draws,) float64; NaN where there are no positives.
    """
    times = _weights(score, weight)
    order = np.argsort(-score, kind="stable")
    value, good, times = score[order], positive[order], times[:, order]
    ends = np.flatnonzero(np.append(value[1:] != value[:-1], True))
    mass = np.cumsum(times, axis=1)[:, ends]
    hits = np.cumsum(np.where(good, times, 0.0), axis=1)[:, ends]
    zero = np.zeros((len(times), 1))
    size, gained = np.diff(mass, axis=1, prepend=zero), np.diff(hits, axis=1, prepend=zero)
    room = share * mass[:, -1:]
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.clip((room - (mass - size)) / size, 0.0, 1.0)
        inside = np.where(size > 0, part * gained, 0.0).sum(axis=1)
        found: Floats = inside / (share * hits[:, -1])
    return found


def measure(
    scores: Sequence[Floats],
    positives: Sequence[Mask],
    counted: Sequence[Mask],
    *,
    draws: int,
    seed: int,
) -> Quality:
    """Measure the scores of several launches, and draw launches and households anew.

    Each draw takes as many launches as there are, and as many households, with replacement; a household is drawn with
    all that it did at every launch. The same seed draws the same for any scores, so that methods can be compared draw
    by draw.

    Args:
        scores: of each launch, (persons,).
        positives: later buyers.
        counted: who is ranked at all: known before the launch, and no seed.
        draws: how many.
        seed: of the draws.

    Raises: DataError: no launches, a launch without later buyers among the counted, or a NaN score.
    """
    if not scores:
        raise DataError("there is no launch to measure on; lower the least number of buyers, or take a longer period")
    for number, (good, use) in enumerate(zip(positives, counted, strict=True)):
        if not (good & use).any() or not (~good & use).any():
            raise DataError(f"launch {number} has no later buyer, or nobody else, to tell apart; leave it out")
    persons = len(scores[0])
    rng = np.random.default_rng(seed)
    people = rng.multinomial(persons, np.full(persons, 1 / persons), size=draws).astype(np.float64)
    chosen = rng.multinomial(len(scores), np.full(len(scores), 1 / len(scores)), size=draws).astype(np.float64)
    plain, redrawn = np.zeros((2, len(scores))), np.zeros((2, draws, len(scores)))
    for number, (score, good, use) in enumerate(zip(scores, positives, counted, strict=True)):
        for row, statistic in enumerate((auc, lift)):
            plain[row, number] = statistic(score[use], good[use])[0]
            step = max(1, _CELLS // persons)
            for start in range(0, draws, step):
                part = slice(start, start + step)
                redrawn[row, part, number] = statistic(score[use], good[use], people[part][:, use])
    means = [_mean(values, chosen) for values in redrawn]
    return Quality(plain[0], plain[1], means[0], means[1], redrawn[0].T, redrawn[1].T)


def _weights(score: Floats, weight: Floats | None) -> Floats:
    if np.isnan(score).any():
        raise DataError(f"{int(np.isnan(score).sum())} of {len(score)} scores are NaN; find the fault in the method")
    return np.ones((1, len(score))) if weight is None else weight


def _mean(values: Floats, weight: Floats) -> Floats:
    usable = np.isfinite(values)
    counts = np.where(usable, weight, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = (np.where(usable, values, 0.0) * counts).sum(axis=1) / counts.sum(axis=1)
    return found

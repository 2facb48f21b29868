"""How good an order of households is: does it put later buyers first, over launches, with intervals.

Source: Efron and Tibshirani 1993, chapter 13 (percentile intervals).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
import numpy.typing as npt

from retail.errors import DataError
from retail.separation import auc, lift

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
TOP_SHARE: Final = 0.05
_CELLS: Final = 4_000_000
_STATISTICS: Final[tuple[Callable[..., Floats], ...]] = (auc, partial(lift, share=TOP_SHARE))


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
        for row, statistic in enumerate(_STATISTICS):
            plain[row, number] = statistic(score[use], good[use])[0]
            step = max(1, _CELLS // persons)
            for start in range(0, draws, step):
                part = slice(start, start + step)
                redrawn[row, part, number] = statistic(score[use], good[use], people[part][:, use])
    means = [_mean(values, chosen) for values in redrawn]
    return Quality(plain[0], plain[1], means[0], means[1], redrawn[0].T, redrawn[1].T)


def _mean(values: Floats, weight: Floats) -> Floats:
    usable = np.isfinite(values)
    counts = np.where(usable, weight, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = (np.where(usable, values, 0.0) * counts).sum(axis=1) / counts.sum(axis=1)
    return found

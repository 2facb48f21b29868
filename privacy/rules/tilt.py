r"""Percentiles that lean to the top: the law with density proportional to exp(t u) on [0, 1], used to test their mean.

Under "imitated at random among equally popular products" a percentile is uniform (t = 0, mean .5). A margin allows a
mean above .5; of all laws with that mean this one is nearest to the uniform (smallest Kullback-Leibler divergence).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_SMALL: Final = 1e-4
_STEEP: Final = 500.0


def tilt_mean(t: float) -> float:
    """Return the mean of the law."""
    if abs(t) < _SMALL:
        return 0.5 + t / 12
    return float(1 / -np.expm1(-t) - 1 / t)


def tilt_variance(t: float) -> float:
    """Return the variance of the law."""
    if abs(t) < 0.01:
        return 1 / 12 - t**2 / 240
    return float(1 / t**2 - np.exp(-abs(t)) / np.expm1(-abs(t)) ** 2)


def tilt_of_mean(mean: float) -> float:
    """Return t for a mean between 0 and 1; ends are cut at |t| = 500."""
    lo, hi = -_STEEP, _STEEP
    for _ in range(100):
        middle = (lo + hi) / 2
        lo, hi = (middle, hi) if tilt_mean(middle) < mean else (lo, middle)
    return (lo + hi) / 2


def tilted(v: Floats, t: float) -> Floats:
    """Turn uniform numbers into numbers of the law; they grow with t."""
    if abs(t) < _SMALL:
        return v
    if t < 0:
        return 1 - tilted(1 - v, -t)
    return np.asarray(1 + np.log(v + (1 - v) * np.exp(-t)) / t)


def mean_test(percentiles: Floats, *, null: float, draws: int, rng: np.random.Generator) -> tuple[float, float, float]:
    """Test that the mean of independent percentiles is at most `null`.

    Args:
        percentiles: (n,) each between 0 and 1.
        null: the largest mean that is no breach.
        draws: of n percentiles each.
        rng: for the draws.

    Returns: one-sided p value; ends of the 95% interval of the mean, by inverting the two one-sided tests.
    """
    observed = float(percentiles.mean())
    v = rng.random((draws, len(percentiles)))

    def at_least(t: float) -> float:
        return float((1 + (tilted(v, t).mean(axis=1) >= observed).sum()) / (draws + 1))

    def at_most(t: float) -> float:
        return float((1 + (tilted(v, t).mean(axis=1) <= observed).sum()) / (draws + 1))

    lo = _cross(at_least, rising=True)
    hi = _cross(at_most, rising=False)
    return at_least(tilt_of_mean(null)), tilt_mean(lo), tilt_mean(hi)


def _cross(p: Callable[[float], float], *, rising: bool) -> float:
    """Return t at which a monotone p value crosses .025."""
    lo, hi = -_STEEP, _STEEP
    for _ in range(26):
        middle = (lo + hi) / 2
        above = p(middle) > 0.025
        lo, hi = (lo, middle) if above == rising else (middle, hi)
    return (lo + hi) / 2

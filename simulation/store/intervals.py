"""How sure a difference of two layouts is: noise of the days, and doubt about the parameters.

Both layouts see the same shoppers, so that what counts is the difference within each day.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit  # as scipy.stats computes them, which takes a second to load

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95% interval.

    Attributes:
        lo: lower end.
        hi: upper end.
    """

    lo: float
    hi: float

    @property
    def half(self) -> float:
        """Half-width."""
        return (self.hi - self.lo) / 2

    def excludes(self, value: float) -> bool:
        """Whether a value lies outside."""
        return not self.lo <= value <= self.hi


def paired(differences: Floats, *, level: float = 0.95) -> Interval | None:
    """Student's interval of the mean difference, over days.

    Args:
        differences: (days,) other minus base, NaN on a day without a figure.
        level: in (0, 1).

    Returns: the interval; None with fewer than two days. Equal differences give an interval of width 0, but where they
        are other than 0 and too few to tell from chance (five or fewer at 95%), one that reaches to 0.
    """
    real = differences[~np.isnan(differences)]
    if len(real) < 2:
        return None
    centre = float(real.mean())
    if (real == real[0]).all():
        # Rounding must not make a null edit's 0 uncertain. Equal differences other than 0 may be a tie of whole
        # numbers: by their signs alone, as likely as 2 ** (1 - days) where nothing differs.
        wide = 0.0 if real[0] == 0 or 2.0 ** (1 - len(real)) <= 1 - level else abs(float(real[0]))
        return Interval(float(real[0]) - wide, float(real[0]) + wide)
    half = float(stdtrit(len(real) - 1, (1 + level) / 2)) * float(real.std(ddof=1)) / math.sqrt(len(real))
    return Interval(centre - half, centre + half)


def combined(central: Floats, drawn: Floats, *, level: float = 0.95) -> Interval | None:
    """Interval of the difference when neither the days nor the parameters are known.

    Each draw of the parameters is compared with the central ones on the same days. The mean square of those deviations
    is the doubt about parameters. It holds what noise these few days leave, so it errs on the wide side. It adds to the
    variance of the central mean. Degrees of freedom are Satterthwaite's.

    Args:
        central: (days,) differences at the central parameters.
        drawn: (draws, few) differences with drawn parameters, on the first `few` of the same days.
        level: in (0, 1).

    Returns: the interval, around the central mean; None with fewer than two days or two draws.

    Source: law of total variance; Satterthwaite 1946.
    """
    noise = paired(central, level=level)
    few = central[: drawn.shape[1]] if drawn.ndim == 2 else central[:0]
    shift = np.array([_mean(one - few) for one in drawn], dtype=np.float64)
    shift = shift[~np.isnan(shift)]
    real = central[~np.isnan(central)]
    if noise is None or len(shift) < 2:
        return None
    within = 0.0 if noise.lo == noise.hi else float(real.var(ddof=1)) / len(real)
    between = float((shift**2).mean())
    total = within + between
    centre = (noise.lo + noise.hi) / 2
    if total == 0:
        return noise
    freedom = total**2 / (within**2 / (len(real) - 1) + between**2 / len(shift))
    half = float(stdtrit(freedom, (1 + level) / 2)) * math.sqrt(total)
    half = max(half, noise.half)  # more degrees of freedom must not make the days look surer than they are
    return Interval(centre - half, centre + half)


def discoveries(differences: Floats, *, rate: float = 0.05) -> NDArray[np.bool_]:
    """Mark the places that differ beyond noise: paired t-tests, with Benjamini and Yekutieli's correction.

    Args:
        differences: (days, places) other minus base.
        rate: false discovery rate.

    Returns: (places,) bool. Nothing is marked with fewer than two days. A place that no day changes is not tested: that
        depends on the size of changes and not on their sign, so it leaves the chance of the others as it is.

    Guarantee: of the marked places at most `rate` are expected to be noise, however places depend on each other.
        Assumes that the mean over days is near normal.

    Source: Benjamini and Yekutieli 2001, theorem 1.3.
    """
    days, everywhere = differences.shape
    marked = np.zeros(everywhere, dtype=np.bool_)
    tested = np.flatnonzero((differences != 0).any(axis=0))
    differences, places = differences[:, tested], len(tested)
    if days < 2 or places == 0:
        return marked
    mean, spread = differences.mean(axis=0), differences.std(axis=0, ddof=1)
    steady = (differences == differences[0]).all(axis=0)
    score = np.divide(np.abs(mean) * math.sqrt(days), spread, out=np.zeros(places), where=~steady & (spread > 0))
    chance = np.asarray(2 * stdtr(days - 1, -score), dtype=np.float64)
    chance[steady] = 2.0 ** (1 - days)  # by the signs alone: counts are whole numbers, and ties say no more
    order = np.argsort(chance, kind="stable")
    harmonic = float((1 / np.arange(1, places + 1)).sum())
    passed = np.flatnonzero(chance[order] <= rate * np.arange(1, places + 1) / (places * harmonic))
    if len(passed):
        marked[tested[order[: passed[-1] + 1]]] = True
    return marked


def _mean(values: Floats) -> float:
    real = values[~np.isnan(values)]
    return float(real.mean()) if len(real) else math.nan

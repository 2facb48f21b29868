"""The Qini curve: conversions gained when the best by a score are advertised to, and one number for the whole curve.

The coefficient is the area between a ranking's curve and the straight line of random choice, as a share of the same
area for the best possible ranking: 1 for that ranking, 0 for chance, below 0 for worse than chance.

Source: Radcliffe 2007 (curve from a trial); the share of the best ranking's area as in later practice.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from matching.uplift.gain import Floats, check_scores, running
from retail.errors import DataError


def qini_curve(scores: Floats, uplift: Floats) -> tuple[npt.NDArray[np.int64], Floats]:
    """Return how many are advertised to, and what they gain in all: the points between which the curve is straight.

    Args:
        scores: (n,) a higher score comes earlier.
        uplift: (n,) true uplift of each person.

    Raises: DataError: nobody, unequal lengths, or NaN.
    """
    check_scores(scores, uplift)
    return running(scores, uplift)


def qini_area(scores: Floats, uplift: Floats) -> float:
    """Return the area between a ranking's curve and random choice: shares of people times conversions gained.

    Raises: DataError: as `qini_curve`.
    """
    return area_between(*qini_curve(scores, uplift))


def qini_of_truth(scores: Floats, uplift: Floats) -> float:
    """Return the Qini coefficient against known uplift; NaN where all people are moved alike.

    Raises: DataError: as `qini_curve`.
    """
    best = qini_area(uplift, uplift)
    return qini_area(scores, uplift) / best if best > 1e-12 else float("nan")


def qini_of_trial(scores: Floats, advertised: npt.NDArray[np.bool_], responded: Floats, *, sent: float) -> float:
    """Return the area above random choice by outcomes alone, per person: for choosing where no truth is known.

    Each outcome is turned into one whose mean is the person's uplift, y z / sent - y (1 - z) / (1 - sent); the curve of
    that has the mean of the true one.

    Args:
        scores: (n,).
        advertised: (n,) by a coin that knew nothing of the person.
        responded: (n,) 0 or 1.
        sent: the coin's share.

    Raises: DataError: as `qini_curve`; or a share that is none.
    """
    if not 0 < sent < 1:
        raise DataError(f"sent = {sent!r}: write the share of people advertised to, between 0 and 1")
    check_scores(scores, responded, advertised.astype(np.float64))
    outcome = np.where(advertised, responded / sent, -responded / (1 - sent))
    return area_between(*running(scores, outcome)) / len(scores)


def area_between(bounds: npt.NDArray[np.int64], totals: Floats) -> float:
    """Area between a curve and its chord, in shares of people times mean value."""
    share = bounds / bounds[-1]
    return float(np.trapezoid(totals - share * totals[-1], share))

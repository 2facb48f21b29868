"""The Qini curve: conversions gained when the best by a score are advertised to, and one number for the whole curve.

The coefficient is the area between a ranking's curve and the straight line of random choice, as a share of the same
area for the best possible ranking: 1 for that ranking, 0 for chance, below 0 for worse than chance.

Source: Radcliffe 2007 (the curve); the share of the best ranking's area as in later practice.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from matching.uplift.gain import Floats, check_scores, running


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


def area_between(bounds: npt.NDArray[np.int64], totals: Floats) -> float:
    """Area between a curve and its chord, in shares of people times mean value."""
    share = bounds / bounds[-1]
    return float(np.trapezoid(totals - share * totals[-1], share))

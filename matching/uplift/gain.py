"""What the best people by a score bring, with people of equal score counted by their mean."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from retail.errors import DataError

Floats = npt.NDArray[np.float64]


def gained_per_1000(scores: Floats, uplift: Floats, *, share: float) -> float:
    """Mean true uplift, times 1,000, of the best `share` of people by a score.

    Args:
        scores: (n,) a higher score is advertised to earlier; where equal scores straddle the line, chance decides, and
            the expected value is returned.
        uplift: (n,) by how much an advertisement raises each person's chance to convert.
        share: of people who are advertised to, above 0 and at most 1; at least one person is.

    Raises: DataError: nobody, unequal lengths, NaN, or a share out of range.
    """
    return 1000.0 * best_mean(scores, uplift, share=share)


def best_mean(scores: Floats, values: Floats, *, share: float) -> float:
    """Mean value of the best `share` of people; see `gained_per_1000`."""
    check_scores(scores, values)
    if not 0 < share <= 1:
        raise DataError(f"share = {share!r}: write a share of people above 0 and at most 1")
    count = max(1, round(share * len(scores)))
    bounds, totals = running(scores, values)
    return float(np.interp(count, bounds, totals)) / count


def running(scores: Floats, values: Floats) -> tuple[npt.NDArray[np.int64], Floats]:
    """Return numbers of people at which the score changes, from 0 on, and the sum of values of the best so many.

    Between two of them the expected sum, over the order of people with equal scores, is a straight line.
    """
    order = np.argsort(-scores, kind="stable")
    ranked, sums = scores[order], np.cumsum(values[order])
    last = np.flatnonzero(np.r_[ranked[1:] != ranked[:-1], True])
    return np.r_[0, last + 1], np.r_[0.0, sums[last]]


def check_scores(scores: Floats, *others: Floats) -> None:
    """Refuse what cannot be ranked. Raises: DataError: nobody, unequal lengths, or NaN among the scores."""
    if not len(scores) or any(len(one) != len(scores) for one in others):
        lengths = ", ".join(str(len(one)) for one in (scores, *others))
        raise DataError(f"scores and outcomes of {lengths} people: give at least one person, and one value for each")
    if np.isnan(scores).any():
        raise DataError("a score is NaN; give every person a number")

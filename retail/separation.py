"""How well scores tell some people from others: the area under the curve, and the lift of the best.

Source: Hanley and McNeil 1982 (the area under the curve is the chance that one of them stands before another person).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from retail.errors import DataError

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


def auc(score: Floats, positive: Mask, weight: Floats | None = None) -> Floats:
    """Return the chance that a positive has a higher score than another; ties count half.

    Args:
        score: (n,) without NaN.
        positive: (n,).
        weight: (draws, n) how often each person counts; None for once each.

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


def lift(score: Floats, positive: Mask, weight: Floats | None = None, *, share: float) -> Floats:
    """Return how many times more positives stand in the best share than in as many people drawn at random.

    The person at the end of the share counts in part; equal scores share what they stand for.

    Args:
        score: as for `auc`.
        positive: likewise.
        weight: likewise.
        share: of all people, in (0, 1].

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


def _weights(score: Floats, weight: Floats | None) -> Floats:
    if np.isnan(score).any():
        raise DataError(f"{int(np.isnan(score).sum())} of {len(score)} scores are NaN; find the fault in the method")
    return np.ones((1, len(score))) if weight is None else weight

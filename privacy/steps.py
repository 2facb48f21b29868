"""Contributions as whole numbers of a small step, so that sums are exact and no rounding passes a person's bound."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from privacy.clipping import OuterRows, Updates, clip_rows
from retail.errors import PrivacyError

STEPS: Final = 2**24
"""Steps in one bound: what cutting to steps loses is far below any noise in use."""
MOST_STEPS: Final = 2.0**53
"""Sums of whole numbers below this are exact in float64, in whatever order they are added."""


def step_of(bound: float) -> float:
    """Return the step for contributions of at most `bound` in L2: a power of two, so that scaling rounds nothing.

    Raises: PrivacyError: a bound that is not a finite number above 0.
    """
    if not (math.isfinite(bound) and bound > 0):
        raise PrivacyError(f"a step needs a bound above 0, got {bound!r}")
    return 2.0 ** (math.floor(math.log2(bound)) - round(math.log2(STEPS)))


def stepped_sum(updates: Updates, *, norm_bound: float | None, weight: float, step: float) -> NDArray[np.float64]:
    """Clip every person's update, weight it, cut it to whole steps towards zero, and add up.

    Args:
        updates: (persons, d), as for `privacy.clipping.clipped_sum`.
        norm_bound: C > 0; None clips nobody, and bounds nobody.
        weight: public factor, 1 / k_max.
        step: a power of two, such as `step_of(norm_bound * weight)`.

    Returns: (d,) float64, whole numbers of steps.

    Raises: PrivacyError: as `clipped_sum`; a step that is no power of two; or a sum of 2^53 steps or more.

    Guarantee: one person more or less changes the result by at most weight * C / step in L2, exactly: cutting towards
        zero makes no entry larger, and sums of whole numbers do not round. Rounding to the nearest step, or rounding
        a merchant's sum, would not keep that. Assumes one row per person.
    """
    if math.frexp(step)[0] != 0.5 or not math.isfinite(step):
        raise PrivacyError(f"a step must be a power of two, got {step!r}; use step_of")
    if isinstance(updates, OuterRows):
        total = _outer(updates, norm_bound, weight, step)
    else:
        rows = updates if norm_bound is None else clip_rows(updates, norm_bound=norm_bound)
        total = _rows(rows, weight, step)
    if not (np.abs(total) < MOST_STEPS).all():  # NaN too
        raise PrivacyError(f"the sum has more than 2^53 steps of {step!r}; norm_bound {norm_bound!r} is far too large")
    return total


def _rows(rows: Any, weight: float, step: float) -> NDArray[np.float64]:
    if sparse.issparse(rows):
        whole = _cut(rows.data, weight, step)
        return np.bincount(rows.indices, weights=whole, minlength=rows.shape[1]).astype(np.float64)
    return np.asarray(_cut(rows, weight, step).sum(axis=0), dtype=np.float64)


def _outer(updates: OuterRows, norm_bound: float | None, weight: float, step: float) -> NDArray[np.float64]:
    """Write the products out, one row of the left factor at a time: each entry of each person is cut by itself."""
    left, right = updates.left, updates.right
    if norm_bound is not None:
        left, right = clip_rows(left, norm_bound=1.0), clip_rows(right, norm_bound=norm_bound)
    if left.shape[0] != right.shape[0]:
        raise PrivacyError(
            f"outer rows have {left.shape[0]} left and {right.shape[0]} right factors; each person needs both"
        )
    left = left.astype(np.float64)
    total = np.zeros((left.shape[1], right.shape[1]))
    for k in range(left.shape[1]):
        if isinstance(right, np.ndarray):
            total[k] = _cut(left[:, k : k + 1] * right, weight, step).sum(axis=0)
        else:
            owner = np.repeat(np.arange(right.shape[0]), np.diff(right.indptr))
            whole = _cut(left[owner, k] * right.data, weight, step)
            total[k] = np.bincount(right.indices, weights=whole, minlength=right.shape[1])
    return total.ravel()


def _cut(values: NDArray[Any], weight: float, step: float) -> NDArray[np.float64]:
    return np.trunc(values.astype(np.float64) * weight / step)

"""From real contributions to whole numbers modulo 2^64, and back, without passing a person's bound."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from federation.secagg.masks import Ring
from retail.errors import PrivacyError

STEPS: Final = 2**24
"""Steps of the fixed point in one clip norm: what truncation loses is far below any noise in use."""
_HALF: Final = 2.0**62


def step_of(bound: float) -> float:
    """Return the step for contributions of at most `bound` in L2: a power of two, so that scaling rounds nothing."""
    if not (math.isfinite(bound) and bound > 0):
        raise PrivacyError(f"a step needs a bound above 0, got {bound!r}")
    return 2.0 ** (math.floor(math.log2(bound)) - round(math.log2(STEPS)))


def quantise(rows: NDArray[np.float64], *, step: float) -> NDArray[np.int64]:
    """Cut numbers to whole steps, towards zero.

    Args:
        rows: any shape, finite float64.
        step: a power of two.

    Returns: int64 of the same shape.

    Raises: PrivacyError: NaN, infinity, or a number beyond what 64 bits hold.

    Guarantee: no entry grows, so a row of L2 norm at most C has at most C / step steps of norm. Rounding to the
        nearest step would not keep that.
    """
    steps = np.trunc(rows / step)
    if not (np.isfinite(steps).all() and (np.abs(steps) < _HALF).all()):
        raise PrivacyError("a contribution is too large for the ring, or no number; lower the clip bound")
    return steps.astype(np.int64)


def to_ring(whole: NDArray[np.int64]) -> Ring:
    """Return whole numbers modulo 2^64."""
    return whole.astype(np.int64, copy=False).view(np.uint64).copy()


def from_ring(vector: Ring, *, step: float) -> NDArray[np.float64]:
    """Return real numbers; assumes that the true sum lies within 63 bits, which `check_room` makes sure of."""
    return vector.view(np.int64).astype(np.float64) * step


def check_room(*, people: int, bound: float, noise: float, step: float) -> None:
    """Refuse sums that could wrap around.

    Args:
        people: most persons in the sum, public.
        bound: most that one of them adds to an entry.
        noise: standard deviation of the noise in an entry.
        step: of the fixed point.

    Raises: PrivacyError: people or noise are too many for 62 bits; 40 standard deviations of noise are allowed for.
    """
    if (people * bound + 40 * noise) / step >= _HALF:
        raise PrivacyError(
            f"{people} persons and noise of {noise:g} do not fit the ring at step {step:g}; raise the step"
        )

"""From whole numbers of steps to numbers modulo 2^64, and back."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from federation.secagg.masks import Ring
from retail.errors import PrivacyError

_HALF: Final = 2.0**62


def to_ring(whole: NDArray[np.float64] | NDArray[np.int64]) -> Ring:
    """Return whole numbers modulo 2^64.

    Raises: PrivacyError: a number that is not whole, or of more than 62 bits.
    """
    if not ((np.abs(whole) < _HALF).all() and (np.trunc(whole) == whole).all()):
        raise PrivacyError("a vector for the ring holds a number that is not whole, or too large; nothing is sent")
    return whole.astype(np.int64).view(np.uint64)


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

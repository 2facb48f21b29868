"""Gaussian noise, from the operating system's cryptographic source unless a simulation asks for repeatable draws."""

from __future__ import annotations

import math
import operator
import os

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from retail.errors import PrivacyError


def gaussian(size: int, *, scale: float, rng: np.random.Generator | None = None) -> NDArray[np.float64]:
    """Draw independent Gaussian noise.

    Args:
        size: number of draws.
        scale: standard deviation, noise multiplier times L2 sensitivity; 0 gives zeros.
        rng: None outside simulation. A generator makes draws repeatable, and whoever knows its seed can subtract the
            noise: only for simulation on public data.

    Returns: (size,) float64.

    Raises: PrivacyError: scale is negative, NaN or infinite; size is no whole number >= 0; rng is no Generator; or the
        noise overflows.

    Guarantee: with rng None each draw is made from 64 fresh bits of `os.urandom` (sign, and a 63-bit uniform put
        through the inverse normal distribution function); nothing can seed or replay it. The tail ends at 9.16 standard
        deviations (lost mass below 1e-19, far below any delta in use). Assumes real-valued noise: floats have gaps,
        and an adversary who sees all bits of an unrounded result can learn more than the accountant says (Mironov
        2012; Holohan and Braghin 2021). That attack is outside this guarantee.

    Source: Dwork and Roth 2014, appendix A, for the mechanism; inverse transform sampling for the draws.
    """
    count = check_size(size)
    if isinstance(scale, bool) or not (math.isfinite(scale) and scale >= 0):
        raise PrivacyError(f"the noise scale must be a finite number of at least 0, got {scale!r}")
    if rng is not None and not isinstance(rng, np.random.Generator):
        raise PrivacyError(f"rng must be a numpy Generator or None, got {type(rng).__name__}; None draws secure noise")
    if scale == 0:
        return np.zeros(count)
    standard = _secure_standard_normal(count) if rng is None else rng.standard_normal(count)
    with np.errstate(over="ignore"):
        noise = standard * scale
    if not np.isfinite(noise).all():
        raise PrivacyError(f"noise of scale {scale!r} overflows float64; lower the clip bound or the noise multiplier")
    return noise


def check_size(size: int) -> int:
    """Return a number of draws. Raises: PrivacyError: it is no whole number >= 0."""
    try:
        count = -1 if isinstance(size, bool) else operator.index(size)
    except TypeError:
        count = -1
    if count < 0:
        raise PrivacyError(f"the number of draws must be a whole number of at least 0, got {size!r}")
    return count


def _secure_standard_normal(count: int) -> NDArray[np.float64]:
    bits = np.frombuffer(os.urandom(8 * count), dtype=np.uint64)
    sign = np.where(bits & np.uint64(1), 1.0, -1.0)
    lower_half = ((bits >> np.uint64(1)).astype(np.float64) + 0.5) * 2.0**-64
    return sign * -np.asarray(ndtri(lower_half), dtype=np.float64)

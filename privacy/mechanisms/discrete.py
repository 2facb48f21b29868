"""Noise for sums of whole numbers, drawn by many nodes so that only all of it together hides a person."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from privacy.mechanisms.gaussian import check_size
from retail.errors import PrivacyError

LEAST_SCALE: Final = 1_000.0
"""Least standard deviation of a share, in steps: there the sum of shares is a discrete Gaussian for every purpose."""

_NUDGE: Final = 1 + 2**-40
_MOST_SCALE: Final = 2.0**52


def share_scale(total: float, *, senders: int) -> float:
    """Return the standard deviation of each of several shares of noise.

    Args:
        total: standard deviation that the sum of shares needs, in steps.
        senders: fewest honest nodes whose shares are in the sum.

    Returns: total / sqrt(senders), raised by 2^-40 of itself.

    Raises: PrivacyError: fewer than one sender, or a share outside `LEAST_SCALE` to 2^52 steps.

    Guarantee: if a person moves a sum of whole numbers by at most D steps in L2, that sum with discrete Gaussian noise
        of this parameter from each of n >= `senders` nodes is rho-zCDP with rho = D^2 / (2 total^2). By Kairouz, Liu
        and Steinke 2021 (Theorem 1) it is (e^2/2)-zCDP with
        e^2 <= D^2 / (n s^2) + tau d / 2, tau = 10 sum_k exp(-2 pi^2 s^2 k / (k + 1)), over k from 1 to n - 1. With s
        at least 1,000, tau is below 10^-4000000, and the raise of 2^-40 pays for it.
    """
    if type(senders) is not int or senders < 1:
        raise PrivacyError(f"noise needs at least one honest node whose share is in the sum, got {senders!r}")
    scale = total / math.sqrt(senders) * _NUDGE
    if not LEAST_SCALE <= scale <= _MOST_SCALE:
        raise PrivacyError(
            f"a share of noise of {scale:g} steps cannot be used; it must lie from {LEAST_SCALE:g} to 2^52: change the "
            "step or the noise multiplier"
        )
    return scale


def discrete_gaussian(size: int, *, scale: float, rng: np.random.Generator | None = None) -> NDArray[np.int64]:
    """Draw independent discrete Gaussian noise: P(k) proportional to exp(-k^2 / (2 scale^2)) on whole numbers.

    Args:
        size: number of draws.
        scale: in steps.
        rng: None outside simulation, then OpenDP draws exactly and from its cryptographic source. A generator gives
            normal draws rounded to whole numbers, which hide nobody from those who know its seed: for simulations.

    Raises: PrivacyError: a size or scale that cannot be used, or a generator that is none.

    Source: Canonne, Kamath and Steinke 2020.
    """
    count = check_size(size)
    if not 0 < scale <= _MOST_SCALE:
        raise PrivacyError(f"the scale of discrete noise must lie above 0 and at most 2^52, got {scale!r}")
    if rng is not None:
        if not isinstance(rng, np.random.Generator):
            raise PrivacyError(f"rng must be a numpy Generator or None, got {type(rng).__name__}; None is secure")
        return np.rint(rng.standard_normal(count) * scale).astype(np.int64)
    if count == 0:
        return np.zeros(0, dtype=np.int64)
    import opendp.prelude as dp

    dp.enable_features("contrib")
    domain = dp.vector_domain(dp.atom_domain(T="i64"), size=count)
    drawn = np.asarray(dp.m.make_gaussian(domain, dp.l2_distance(T="f64"), scale=scale)([0] * count), dtype=np.int64)
    if drawn.shape != (count,):
        raise PrivacyError("OpenDP drew another number of noises than asked for; nothing may be sent")
    return drawn

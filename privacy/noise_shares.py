"""How much noise each of many nodes draws, so that all of it together hides a person in a sum that alone is seen."""

from __future__ import annotations

import math
from typing import Final

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

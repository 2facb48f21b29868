"""Intervals and bounds that several attacks share."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from privacy.accounting import check_delta, check_epsilon
from retail.errors import PrivacyError

Floats = NDArray[np.float64]


def vector(values: Any, name: str, *, least: int = 1) -> Floats:
    """Return `values` as (n,) float64.

    Raises: PrivacyError: another shape, fewer than `least` values, NaN or infinity.
    """
    found = np.asarray(values, dtype=np.float64)
    if found.ndim != 1 or len(found) < least:
        raise PrivacyError(f"{name} must be one row of at least {least} numbers, got shape {found.shape}")
    if not np.isfinite(found).all():
        raise PrivacyError(f"{name} holds NaN or infinity; an attack cannot be judged on those")
    return found


def mask(values: Any, name: str, size: int) -> NDArray[np.bool_]:
    """Return `values` as (size,) bool with at least one True and one False.

    Raises: PrivacyError: another shape or kind, or all values are the same.
    """
    found = np.asarray(values)
    if found.dtype != np.bool_ or found.shape != (size,):
        raise PrivacyError(f"{name} must be {size} booleans, got {found.dtype} of shape {found.shape}")
    if found.all() or not found.any():
        raise PrivacyError(f"{name} is {bool(found[0])} for everybody; an attack needs both kinds")
    return found


def proportion_interval(hits: int, n: int, *, confidence: float) -> tuple[float, float]:
    """Return the exact interval of a proportion.

    Raises: PrivacyError: no trials, more hits than trials, or a confidence outside (0, 1).

    Source: Clopper and Pearson 1934.
    """
    if n < 1 or not 0 <= hits <= n:
        raise PrivacyError(f"a proportion needs trials, got {hits} of {n}")
    half = (1 - check_confidence(confidence)) / 2
    lo = 0.0 if hits == 0 else float(special.betaincinv(hits, n - hits + 1, half))
    hi = 1.0 if hits == n else float(special.betaincinv(hits + 1, n - hits, 1 - half))
    return lo, hi


def check_confidence(confidence: float) -> float:
    """Return `confidence`.

    Raises: PrivacyError: it is outside (0, 1).
    """
    if isinstance(confidence, bool) or not 0 < confidence < 1:
        raise PrivacyError(f"confidence must lie strictly between 0 and 1, got {confidence!r}; .95 is usual")
    return float(confidence)


def gaussian_delta(epsilon: float, mu: float) -> float:
    """Return the least delta at which N(0, 1) and N(mu, 1) are (epsilon, delta)-close.

    Source: Balle and Wang 2018, theorem 8.
    """
    if mu <= 0:
        return 0.0
    first = float(special.ndtr(mu / 2 - epsilon / mu))
    with np.errstate(over="ignore"):
        second = math.exp(min(epsilon + float(special.log_ndtr(-mu / 2 - epsilon / mu)), 0.0))
    return max(0.0, first - second)


def gaussian_epsilon(mu: float, *, delta: float) -> float:
    """Return the least epsilon at which N(0, 1) and N(mu, 1) are (epsilon, delta)-close; 0 when they are the same.

    Raises: PrivacyError: mu is not a finite number, or delta is out of range.
    """
    check_delta(delta)
    if not math.isfinite(mu):
        raise PrivacyError(f"the distance of two Gaussians must be finite, got {mu!r}")
    mu = abs(mu)
    if gaussian_delta(0.0, mu) <= delta:
        return 0.0
    low, high = 0.0, 1.0
    while gaussian_delta(high, mu) > delta:
        low, high = high, 2 * high
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if gaussian_delta(middle, mu) > delta else (low, middle)
    return high


def most_advantage(epsilon: float, delta: float) -> float:
    """Return the most that (true positives - false positives) can be under (epsilon, delta)-DP, whatever the attack.

    Source: Kairouz, Oh and Viswanath 2015 (total variation of the two corner points).
    """
    grown = math.exp(min(check_epsilon(epsilon), 700.0))
    return min(1.0, (grown - 1 + 2 * check_delta(delta)) / (grown + 1))


def most_auc(epsilon: float, delta: float) -> float:
    """Return the largest area under the curve of true against false positives under (epsilon, delta)-DP.

    The curve lies below min(1, e^eps a + delta, 1 - e^-eps (1 - delta - a)) at false positive rate a.

    Source: Kairouz, Oh and Viswanath 2015, theorem 2.1.
    """
    grown, delta = math.exp(min(check_epsilon(epsilon), 700.0)), check_delta(delta)
    bend = (1 - delta) / (grown + 1)  # where the two lines cross
    height = grown * bend + delta
    top = 1 - delta  # where the upper line reaches 1
    return float(bend * (delta + height) / 2 + (top - bend) * (height + 1) / 2 + (1 - top))

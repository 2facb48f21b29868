"""What a release costs, what a budget buys, and what the sum of costs means as (epsilon, delta).

The unit of account is the nano-rho: one billionth of zero-concentrated differential privacy (zCDP). Costs are
integers, so sums are exact and a comparison with the cap cannot drift. A Gaussian release with noise multiplier z
(standard deviation of the noise divided by the L2 sensitivity) costs 1 / (2 z^2) rho.

Sources: Bun and Steinke 2016 (zCDP, Gaussian mechanism: Proposition 1.6, composition: Lemma 1.7); Canonne, Kamath
and Steinke 2020, Proposition 12 (conversion to epsilon), as implemented by Google's dp-accounting; Feldman and Zrnic
2021 (a fixed cap stays valid when each cost is chosen after seeing earlier answers).
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Mapping
from fractions import Fraction
from functools import lru_cache
from numbers import Real
from typing import Any, Final

import numpy as np

from retail.errors import PrivacyError

NANO: Final = 10**9
"""Nano-rho in one rho."""

MAX_COST: Final = 2**62
"""Largest cost or cap, so that a sum of two still fits a signed 64-bit integer."""

# dp-accounting uses orders above 1.01 only. A finer and longer grid than its default buys about 1% of noise at small
# epsilon; every order gives a valid bound, so the choice cannot make a claim wrong.
_ORDERS: Final = tuple(float(order) for order in 1 + np.geomspace(0.02, 1e5, 1000))


def check_epsilon(epsilon: float) -> float:
    """Return `epsilon` as a float.

    Raises: PrivacyError: it is not a finite number above 0.
    """
    value = _number(epsilon)
    if not (math.isfinite(value) and value > 0):
        raise PrivacyError(f"epsilon must be a finite number above 0, got {epsilon!r}; such as 1.0")
    return value


def check_delta(delta: float, *, population: int | None = None) -> float:
    """Return `delta` as a float.

    Args:
        delta: probability with which the epsilon bound may fail.
        population: publicly known number of persons; None skips the comparison with it.

    Raises: PrivacyError: delta is outside (0, 1), or not below 1 / population (publishing one random person's rows
        would then count as private).
    """
    value = _number(delta)
    if not 0 < value < 1:
        raise PrivacyError(f"delta must lie strictly between 0 and 1, got {delta!r}; 1e-5 or less is usual")
    if population is not None:
        if isinstance(population, bool) or not isinstance(population, int) or population < 1:
            raise PrivacyError(
                f"population must be a whole number of persons, at least 1, got {population!r}; "
                "give a publicly known figure, never a count of rows"
            )
        if Fraction(value) * population >= 1:
            raise PrivacyError(
                f"delta {delta!r} is not below 1/population (population {population}); "
                f"choose less than {1 / population:.3g}"
            )
    return value


def check_cost(cost: int) -> int:
    """Return `cost`, an integer of nano-rho.

    Raises: PrivacyError: it is no plain int (bool, float and numpy scalars are refused), or not in 1..2**62.
    """
    if type(cost) is not int or not 1 <= cost <= MAX_COST:
        raise PrivacyError(
            f"a cost must be an int of nano-rho from 1 to 2**62, got {cost!r} ({type(cost).__name__}); "
            "use privacy.cost(noise_multiplier)"
        )
    return cost


def cost(noise_multiplier: float) -> int:
    """Price one Gaussian release.

    Args:
        noise_multiplier: z > 0, standard deviation of the noise per unit of L2 sensitivity.

    Returns: ceil(1e9 / (2 z^2)) nano-rho, computed exactly from the float given.

    Raises: PrivacyError: z is not a finite number above 0, or so small that the cost passes 2**62.

    Guarantee: a release whose L2 sensitivity is s, noised with an exact N(0, (z s)^2) in each coordinate, is rho-zCDP
        for rho = cost / 1e9. Assumes that s bounds the change that one whole privacy unit can make.

    Source: Bun and Steinke 2016, Proposition 1.6.
    """
    z = _number(noise_multiplier)
    if not (math.isfinite(z) and z > 0):
        raise PrivacyError(f"the noise multiplier must be a finite number above 0, got {noise_multiplier!r}")
    nano_rho = _price(z)
    if nano_rho > MAX_COST:
        raise PrivacyError(f"noise multiplier {z!r} is too small to mean anything: its cost passes 2**62 nano-rho")
    return nano_rho


def noise_multiplier(nano_rho: int) -> float:
    """Return the least noise that a cost buys: the smallest float z with cost(z) <= nano_rho.

    Raises: PrivacyError: nano_rho is no valid cost.
    """
    check_cost(nano_rho)
    z = math.sqrt(NANO / (2 * nano_rho))
    while _price(z) > nano_rho:
        z = math.nextafter(z, math.inf)
    while _price(lower := math.nextafter(z, 0.0)) <= nano_rho:
        z = lower
    return z


def epsilon_rdp(costs: int | Iterable[int], *, delta: float) -> float:
    """Convert costs to the epsilon that the ledger admits by.

    Args:
        costs: one cost or several, in nano-rho.
        delta: in (0, 1).

    Returns: epsilon >= 0; 0 for no costs at all.

    Raises: PrivacyError: a cost or delta is out of range.

    Guarantee: releases that are each (cost / 1e9)-zCDP are together (epsilon, delta)-DP, whatever mechanism they use
        and also when later costs depend on earlier answers, as long as their sum stays within a cap fixed beforehand.

    Source: Canonne, Kamath and Steinke 2020, Proposition 12; dp-accounting's RdpAccountant.
    """
    check_delta(delta)
    total = check_cost(costs) if isinstance(costs, int) else sum(check_cost(each) for each in costs)
    return _epsilon_of(total, float(delta))


def cap(*, epsilon: float, delta: float) -> int:
    """Return the largest whole number of nano-rho whose `epsilon_rdp` is at most `epsilon`.

    Raises: PrivacyError: epsilon or delta is out of range, or epsilon is so small (or so large) that no cost fits.
    """
    return _cap(check_epsilon(epsilon), check_delta(delta))


def split_budget(total_cost: int, shares: Mapping[str, float]) -> dict[str, int]:
    """Divide a budget over purposes.

    Args:
        total_cost: nano-rho to divide.
        shares: weight of each purpose, above 0; only the proportions matter.

    Returns: nano-rho for each purpose, rounded down, in the order of `shares`; their sum never passes `total_cost`.

    Raises: PrivacyError: no shares, a share that is not a finite number above 0, or one that buys nothing.
    """
    check_cost(total_cost)
    if not shares:
        raise PrivacyError("no shares to split the budget over; name at least one purpose")
    exact: dict[str, Fraction] = {}
    for purpose, share in shares.items():
        weight = _number(share)
        if not (math.isfinite(weight) and weight > 0):
            raise PrivacyError(
                f"the share of {purpose!r} must be a finite number above 0, got {share!r}; drop it instead"
            )
        exact[purpose] = Fraction(weight)
    whole = sum(exact.values())
    parts = {purpose: math.floor(total_cost * weight / whole) for purpose, weight in exact.items()}
    for purpose, part in parts.items():
        if part < 1:
            raise PrivacyError(
                f"the share of {purpose!r} buys less than one nano-rho of {total_cost}; raise it or drop it"
            )
    return parts


def _price(z: float) -> int:
    return math.ceil(Fraction(NANO) / (2 * Fraction(z) ** 2))


def _number(value: Any) -> float:
    """Return a real number as a float, and NaN for anything else, which every range check refuses."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.inf


@lru_cache(maxsize=65536)
def _epsilon_of(nano_rho: int, delta: float) -> float:
    # Imported here because it takes about a second and most commands never need it.
    import dp_accounting
    from dp_accounting import rdp

    if nano_rho == 0:
        return 0.0
    accountant = rdp.RdpAccountant(_ORDERS)
    accountant.compose(dp_accounting.ZCDpEvent(rho=nano_rho / NANO))
    return float(accountant.get_epsilon(delta))


@lru_cache(maxsize=1024)
def _cap(epsilon: float, delta: float) -> int:
    affordable, too_much = 0, 1
    while _epsilon_of(too_much, delta) <= epsilon:
        affordable, too_much = too_much, too_much * 2
        if too_much > MAX_COST:
            raise PrivacyError(f"epsilon {epsilon!r} is too large to mean anything; choose one of 20 or less")
    while too_much - affordable > 1:
        middle = (affordable + too_much) // 2
        if _epsilon_of(middle, delta) <= epsilon:
            affordable = middle
        else:
            too_much = middle
    if affordable == 0:
        raise PrivacyError(
            f"epsilon {epsilon!r} at delta {delta!r} does not buy one nano-rho; "
            f"use at least {_epsilon_of(1, delta) or sys.float_info.min:.3g}"
        )
    return affordable

"""How sure the mean over simulated markets is, by what was measured on each of them."""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import special

from retail.errors import ConfigError
from simulation.store.intervals import Interval, paired

Spread: TypeAlias = Literal["mean", "share", "exact"]
"""Of a figure: a number that differs from market to market; 1 or 0 on each; or one that no market changes."""
Floats: TypeAlias = npt.NDArray[np.float64]


def over_markets(values: Floats, spread: Spread) -> Interval | None:
    """Return the 95% interval of a mean over markets.

    Args:
        values: (markets,); NaN for a market without a figure, which does not count.
        spread: "mean" for Student's interval; "share" for Clopper and Pearson's; "exact" for a figure that is the same
            on every market and so has no interval but itself.

    Returns: the interval; None where there is no value, and for "mean" below two.

    Raises: ConfigError: a share of values other than 0 and 1, or an exact figure that differs between markets.
    """
    real = values[~np.isnan(values)]
    if spread == "mean" or not len(real):
        return paired(real)
    if spread == "share":
        if not np.isin(real, (0.0, 1.0)).all():
            raise ConfigError(f"a share of markets is made of 0 and 1, got {real.tolist()}; its spread is a mean's")
        return of_share(int(real.sum()), len(real))
    if (real != real[0]).any():
        raise ConfigError(f"an exact figure is the same on every market, got {real.tolist()}; its spread is a mean's")
    return Interval(float(real[0]), float(real[0]))


def of_share(hits: int, n: int) -> Interval:
    """Return the exact 95% interval of a share, `hits` of `n`.

    `privacy.attacks.intervals.proportion_interval` is the same for attacks, whose source names no run; this one's does.

    Source: Clopper and Pearson 1934.
    """
    lo = 0.0 if hits == 0 else float(special.betaincinv(hits, n - hits + 1, 0.025))
    hi = 1.0 if hits == n else float(special.betaincinv(hits + 1, n - hits, 0.975))
    return Interval(lo, hi)


def ends(values: Floats, spread: Spread) -> tuple[float, float]:
    """Return what to print as the ends of the interval; NaN where there is none, which an exact figure has not."""
    found = None if spread == "exact" else over_markets(values, spread)
    return (math.nan, math.nan) if found is None else (found.lo, found.hi)

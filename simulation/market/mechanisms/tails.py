"""How widely the demand for a new product may turn out: one mean, and a thickness of the right tail.

The families keep the mean fixed, so that thickness alone changes: the thicker the tail, the more of all demand comes
from a few products. All figures that a threshold rule needs are closed forms.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import gamma, gammaincc, ndtr

from retail.errors import ConfigError


class Tail(Protocol):
    """A distribution of demand on the positive numbers.

    Attributes:
        mean: expected demand, money.
    """

    @property
    def mean(self) -> float: ...  # noqa: D102 - said above

    def share_above(self, level: float) -> float:
        """Chance that demand reaches a level, from 0 to 1."""

    def mean_above(self, level: float) -> float:
        """Expected demand counted only where it reaches a level, E[x; x >= level]; at most `mean`."""

    def seen(self, share: float) -> Tail:
        """Distribution of what is expected of a product once a share of its news is out: above 0, 1 is all of it."""

    def draw(self, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Draw (count,) demands."""


@dataclass(frozen=True, slots=True)
class Lognormal:
    """Demand whose logarithm is normal.

    Attributes:
        sigma: standard deviation of log demand, > 0 and at most 20: the thickness.
        mean: expected demand, money, > 0.

    Raises: ConfigError: a parameter out of range.

    >>> round(Lognormal(1.0).mean_above(1.0), 6)
    0.691462
    """

    sigma: float
    mean: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what is no distribution."""
        _check_mean(self.mean)
        if not 0 < self.sigma <= 20:
            raise ConfigError(f"sigma = {self.sigma}: give a number above 0 and at most 20")

    def share_above(self, level: float) -> float:
        """See `Tail`."""
        return self._above(level, -0.5)

    def mean_above(self, level: float) -> float:
        """See `Tail`."""
        return self.mean * self._above(level, 0.5)

    def seen(self, share: float) -> Lognormal:
        """See `Tail`: the signal is log demand with normal noise, and explains `share` of its variance."""
        if not 0 < share <= 1:
            raise ConfigError(f"share = {share}: give a number above 0 and at most 1")
        return Lognormal(self.sigma * math.sqrt(share), self.mean)

    def draw(self, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """See `Tail`."""
        return self.mean * np.exp(self.sigma * rng.standard_normal(count) - self.sigma**2 / 2)

    def _above(self, level: float, shift: float) -> float:
        if level <= 0:
            return 1.0
        return float(ndtr(shift * self.sigma - math.log(level / self.mean) / self.sigma))


@dataclass(frozen=True, slots=True)
class Weibull:
    """Demand with a tail exp(-x^(1 / thickness)): exponential at 1, thicker above, thinner below.

    Attributes:
        thickness: one over the usual shape, > 0 and at most 50.
        mean: expected demand, money, > 0.

    Raises: ConfigError: a parameter out of range.

    >>> round(Weibull(1.0).share_above(1.0), 6)
    0.367879
    """

    thickness: float
    mean: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what is no distribution."""
        _check_mean(self.mean)
        if not 0 < self.thickness <= 50:
            raise ConfigError(f"thickness = {self.thickness}: give a number above 0 and at most 50")

    def share_above(self, level: float) -> float:
        """See `Tail`."""
        return math.exp(-self._power(level))

    def mean_above(self, level: float) -> float:
        """See `Tail`."""
        return self.mean * float(gammaincc(1 + self.thickness, self._power(level)))

    def seen(self, share: float) -> Tail:
        """See `Tail`: all (1) can be seen here and no other share."""
        return _whole(self, share)

    def draw(self, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """See `Tail`."""
        return self._scale * rng.standard_exponential(count) ** self.thickness

    @property
    def _scale(self) -> float:
        return float(self.mean / gamma(1 + self.thickness))

    def _power(self, level: float) -> float:
        if level <= 0:
            return 0.0
        return math.exp(min(700.0, math.log(level / self._scale) / self.thickness))


@dataclass(frozen=True, slots=True)
class Pareto:
    """Demand with a power tail x^(-1 / thickness).

    Attributes:
        thickness: one over the usual exponent, in (0, 1): at 1 the mean would not exist.
        mean: expected demand, money, > 0.

    Raises: ConfigError: a parameter out of range.

    >>> Pareto(0.5).share_above(1.0)
    0.25
    """

    thickness: float
    mean: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what is no distribution."""
        _check_mean(self.mean)
        if not 0 < self.thickness < 1:
            raise ConfigError(f"thickness = {self.thickness}: give a number between 0 and 1, both left out")

    def share_above(self, level: float) -> float:
        """See `Tail`."""
        return float(min(1.0, self._least / level) ** (1 / self.thickness)) if level > 0 else 1.0

    def mean_above(self, level: float) -> float:
        """See `Tail`."""
        if level <= self._least:
            return self.mean
        return float(self.mean * (self._least / level) ** (1 / self.thickness - 1))

    def seen(self, share: float) -> Tail:
        """See `Tail`: all (1) can be seen here and no other share."""
        return _whole(self, share)

    def draw(self, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """See `Tail`."""
        return self._least * (1 + rng.pareto(1 / self.thickness, count))

    @property
    def _least(self) -> float:
        return self.mean * (1 - self.thickness)


def _whole(tail: Tail, share: float) -> Tail:
    if share != 1:
        raise ConfigError(f"share = {share}: what a part of the news tells is known for Lognormal only; use it, or 1")
    return tail


def _check_mean(mean: float) -> None:
    if not (math.isfinite(mean) and mean > 0):
        raise ConfigError(f"mean = {mean}: give a number above 0")

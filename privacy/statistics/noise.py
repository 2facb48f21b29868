"""How far discrete noise strays, computed from its distribution alone: for previews, thresholds and error bars.

Nothing here draws noise or sees data; `privacy.mechanisms.statistics` draws.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from privacy.accounting import MAX_COST
from retail.errors import PrivacyError

Shape = Literal["gaussian", "laplace"]

_SUMMED: Final = 1e4  # up to this scale the discrete Gaussian is summed term by term
_REACH: Final = 39  # standard deviations after which a float64 weight is 0


@dataclass(frozen=True, slots=True)
class CountNoise:
    """Discrete noise on the integers, centred at 0.

    Attributes:
        shape: "gaussian" has weights exp(-x^2 / (2 scale^2)), "laplace" exp(-|x| / scale).
        scale: above 0, in units of the count.

    Raises: PrivacyError: another shape, or a scale that is not a finite number above 0.

    Source: Canonne, Kamath and Steinke 2020.
    """

    shape: Shape
    scale: float

    def __post_init__(self) -> None:
        """Refuse noise that is none."""
        if self.shape not in ("gaussian", "laplace"):
            raise PrivacyError(f"noise must be 'gaussian' or 'laplace', got {self.shape!r}")
        if isinstance(self.scale, bool) or not (math.isfinite(self.scale) and self.scale > 0):
            raise PrivacyError(f"the noise scale must be a finite number above 0, got {self.scale!r}")

    def tail(self, least: int) -> float:
        """Return the chance that one draw is at least `least` (>= 1).

        Exact up to rounding; above scale 10^4 the Gaussian's is a bound from above.
        """
        if least < 1:
            raise PrivacyError(f"a tail starts at 1 or above, got {least!r}")
        if self.shape == "laplace":
            return math.exp(-least / self.scale) / (1 + math.exp(-1 / self.scale))
        if self.scale > _SUMMED:
            return float(ndtr(-(least - 1) / self.scale))
        tails = _gaussian_tails(self.scale)
        return float(tails[least]) if least < len(tails) else 0.0

    def beyond(self, failure: float, *, two_sided: bool = True) -> int:
        """Return the smallest t >= 0 such that a draw passes t (above, or on either side) with chance <= failure.

        Args:
            failure: in (0, 1).
            two_sided: count draws below -t too.
        """
        if not 0 < failure < 1:
            raise PrivacyError(f"a failure chance must lie strictly between 0 and 1, got {failure!r}")
        one_side = failure / 2 if two_sided else failure
        if self.shape == "laplace":
            guess = -self.scale * (math.log(one_side) + math.log1p(math.exp(-1 / self.scale)))
            return self._settle(max(0, math.ceil(guess) - 1), one_side)
        if self.scale > _SUMMED:
            return max(0, math.ceil(-self.scale * float(ndtri(one_side)))) if one_side < 0.5 else 0
        tails = _gaussian_tails(self.scale)
        return max(0, int(np.searchsorted(-tails, -one_side, side="left")) - 1)

    def error(self, *, draws: int = 1) -> int:
        """Return the half-width of the 95% interval.

        Args:
            draws: how many independent draws must all lie within it.
        """
        return self.beyond(-math.expm1(math.log(0.95) / draws))

    def _settle(self, start: int, one_side: float) -> int:
        """Walk from a guess to the smallest t with tail(t + 1) <= one_side: rounding may be off by one."""
        while self.tail(start + 1) > one_side:
            start += 1
        while start > 0 and self.tail(start) <= one_side:
            start -= 1
        return start


def least_cost(error_of: Callable[[int], float], *, error: float) -> int:
    """Return the smallest cost whose error is at most `error`.

    Args:
        error_of: error at a cost in nano-rho; must not rise with the cost.
        error: wanted, in the unit of `error_of`.

    Raises: PrivacyError: no cost up to 2**62 nano-rho is that accurate.
    """
    if error_of(MAX_COST) > error:
        raise PrivacyError(f"an error of {error:g} is out of reach; ask for more than {error_of(MAX_COST):g}")
    low, high = 0, MAX_COST  # high is always accurate enough
    while high - low > 1:
        middle = (low + high) // 2
        if error_of(middle) <= error:
            high = middle
        else:
            low = middle
    return high


@lru_cache(maxsize=8)
def _gaussian_tails(scale: float) -> NDArray[np.float64]:
    """Return P(X >= t) for t = 0, 1, ... until it underflows."""
    x = np.arange(max(2, math.ceil(_REACH * scale)) + 1, dtype=np.float64)
    weights = np.exp(-0.5 * (x / scale) ** 2)
    sums = np.cumsum(weights[::-1])[::-1]
    return np.asarray(sums / (2 * sums[0] - weights[0]))

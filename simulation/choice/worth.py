"""What an attribute is worth: how much more people would pay for one unit of it, with an interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from retail.errors import ConfigError
from simulation.choice.fit import Fit

Method = Literal["delta", "krinsky_robb", "fieller"]


@dataclass(frozen=True, slots=True)
class Worth:
    """Willingness to pay.

    Attributes:
        attribute: what for, one unit.
        value: in the unit of the price.
        lo: lower end of the interval; -inf where prices are not shown to matter.
        hi: upper end.
        method: how the interval was made.
    """

    attribute: str
    value: float
    lo: float
    hi: float
    method: str


def worth(
    fit: Fit,
    attribute: str,
    *,
    price: str,
    method: Method = "fieller",
    confidence: float = 0.95,
    draws: int = 20_000,
    rng: np.random.Generator | None = None,
) -> Worth:
    """Return the price rise that one unit of an attribute makes up for: -(weight of it) / (weight of the price).

    Args:
        fit: of a model in which the price has the same weight for all people; a taste's mean may be asked for.
        attribute: its name.
        price: name of the price.
        method: "fieller" is exact for normal estimates, and has no end where the price's weight is not clearly below or
            above 0; "delta" is symmetric; "krinsky_robb" takes quantiles over draws of the estimates.
        confidence: of the interval.
        draws: for "krinsky_robb".
        rng: for "krinsky_robb".

    Raises: ConfigError: an unknown name, a price whose weight differs between people (a ratio of two distributions has
        no mean, so ask for fixed price weights), or no rng for "krinsky_robb".

    Source: Fieller 1954; Krinsky and Robb 1986; Hole 2007 compares them.
    """
    at, cost = fit.place(attribute), fit.place(price)
    if price in fit.tastes or fit.tastes.get(attribute, "normal") != "normal":
        raise ConfigError(
            f"willingness to pay is a ratio of weights: {price!r} must weigh the same for all people, and "
            f"{attribute!r} be fixed or normal; estimate the model so"
        )
    if at == cost:
        raise ConfigError(f"{price!r} is the price itself; ask for another attribute")
    a, p = fit.estimates[[at, cost]]
    spread = fit.covariance[np.ix_([at, cost], [at, cost])]
    value = float(-a / p)
    z = _quantile(confidence)
    if method == "delta":
        slope = np.array([-1 / p, a / p**2])
        half = z * float(np.sqrt(slope @ spread @ slope))
        return Worth(attribute, value, value - half, value + half, method)
    if method == "krinsky_robb":
        if rng is None:
            raise ConfigError("draws of the estimates need a random generator; hand one in as rng")
        drawn = fit.draws(draws, rng)
        lo, hi = np.quantile(-drawn[:, at] / drawn[:, cost], [(1 - confidence) / 2, (1 + confidence) / 2])
        return Worth(attribute, value, float(lo), float(hi), method)
    if method != "fieller":
        raise ConfigError(f"the interval of a worth is made by fieller, delta or krinsky_robb, got {method!r}")
    # All w with (a + w p)^2 <= z^2 var(a + w p): a quadratic in w.
    second = p**2 - z**2 * spread[1, 1]
    first = 2 * (a * p - z**2 * spread[0, 1])
    rest = a**2 - z**2 * spread[0, 0]
    inside = first**2 - 4 * second * rest
    if second <= 0 or inside < 0:
        return Worth(attribute, value, -np.inf, np.inf, method)
    root = float(np.sqrt(inside))
    return Worth(attribute, value, (-first - root) / (2 * second), (-first + root) / (2 * second), method)


def _quantile(confidence: float) -> float:
    from scipy.special import ndtri

    if not 0 < confidence < 1:
        raise ConfigError(f"confidence must lie strictly between 0 and 1, got {confidence!r}")
    return float(ndtri(0.5 + confidence / 2))

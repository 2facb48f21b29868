"""How much people would have to care for a change of one product so that it brings a wanted gain, and how sure that is.

An answer may be infinite: where no weight is enough, or where a price cut shall be worth as much as an improvement and
people may not care about prices at all. So draws of the estimates keep their infinite answers, and an interval that
holds them has no end, rather than the end of the others.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit

from retail.errors import ConfigError
from simulation.choice.change import margins_of, situations_of, steps_of
from simulation.choice.choices import Choices
from simulation.choice.fit import Fit
from simulation.choice.mixed import population_weights

Floats = NDArray[np.float64]

_MOST_UTILITY = 40.0
_EXACT = 1e-7


def needed_weight(
    fit: Fit,
    choices: Choices,
    product: str,
    attribute: str,
    *,
    by: float | None = None,
    to: float | None = None,
    gain_pct: float,
    people: int = 200,
    estimates: Floats | None = None,
) -> float | None:
    """Return how much an attribute would have to weigh so that a change of it brings a gain of share.

    Shares before the change stay as the model has them: the question is how much people would have to care about the
    improvement, not how the market would look if they had always cared.

    Args:
        fit: of the model.
        choices: situations to look at; those without the product are left out.
        product: an alternative.
        attribute: which is changed; also one that the model does not have, such as a comfort that nobody measured.
        by: what is added to it; or
        to: what it becomes, for an attribute of the model.
        gain_pct: wanted, above 0.
        people: see `change`.
        estimates: (parameters,) to take instead of the fit's, such as a draw of them.

    Returns: the weight of one unit, the same for everybody; None where no weight is enough.

    Raises: ConfigError: an attribute or number that cannot be used. DataError: no such product.
    """
    here = situations_of(choices, product)
    if not (np.isfinite(gain_pct) and gain_pct > 0):
        raise ConfigError(f"a wanted gain is a number above 0, in percent, got {gain_pct!r}")
    if (by is None) == (to is None) or (by is not None and not (np.isfinite(by) and by != 0)):
        raise ConfigError(f"{attribute} changes by a number other than 0, or to a number; got by {by!r} and to {to!r}")
    if to is None:
        step = np.full(len(here.x), float(by or 0.0))
    else:
        step = steps_of(here, product, {}, {attribute: to})[:, here.attributes.index(attribute)]
    tastes = np.random.default_rng(0).standard_normal((people, len(fit.tastes))) if fit.tastes else np.zeros((1, 0))
    at = fit.estimates if estimates is None else estimates
    ahead = margins_of(here, product, population_weights(fit, at, tastes))

    def share(weight: float) -> float:
        return float(expit(ahead + weight * step).mean())

    aim = share(0.0) * (1 + gain_pct / 100)
    far = _MOST_UTILITY / np.abs(step).max(initial=1e-300)
    way = next((way for way in (1.0, -1.0) if share(way * far) >= aim), None)
    if aim >= 1 or way is None:
        return None
    near, beyond = 0.0, far / 32  # most answers are small
    while share(way * beyond) < aim:
        near, beyond = beyond, 2 * beyond
    return way * float(brentq(lambda size: share(way * size) - aim, near, beyond, xtol=_EXACT))


def needed_draws(
    fit: Fit,
    choices: Choices,
    product: str,
    attribute: str,
    *,
    by: float | None = None,
    to: float | None = None,
    gain_pct: float,
    people: int = 200,
    estimates: Floats,
) -> Floats:
    """Return the needed weight at each draw of the estimates.

    Args:
        fit: of the model; the other arguments, and errors, as of `needed_weight`.
        choices: see there.
        product: see there.
        attribute: see there.
        by: see there.
        to: see there.
        gain_pct: see there.
        people: see there.
        estimates: (draws, parameters), such as `Fit.draws`.

    Returns: (draws,) weights; infinite where no weight is enough, below 0 for a change that takes something away.
    """
    found = [
        needed_weight(fit, choices, product, attribute, by=by, to=to, gain_pct=gain_pct, people=people, estimates=one)
        for one in estimates
    ]
    never = -math.inf if by is not None and by < 0 else math.inf
    return np.array([never if one is None else one for one in found], dtype=np.float64)


def worth_of_needed(needed: Floats, price: Floats) -> Floats:
    """Return the price cut that people would take for an improvement of a needed weight, draw by draw.

    Needed weight and weight of the price come from the same draw, so that both are uncertain, and together.

    Args:
        needed: (draws,) from `needed_draws`.
        price: (draws,) weights of one unit of the price.

    Returns: (draws,) in the unit of the price; infinite where the price does not put people off, for then no cut is
        worth as much.

    Source: Krinsky and Robb 1986.
    """
    puts_off = price < 0
    return np.asarray(np.where(puts_off, needed / np.where(puts_off, -price, 1.0), np.inf))


def ends_of(draws: Iterable[float]) -> tuple[float, float]:
    """Return the ends of the 95% interval as two of the draws, so that infinite ones count as what they are.

    Of n draws the k-th from each end, with k the whole part of .025 (n + 1): between the two lie, on average,
    (n + 1 - 2 k) / (n + 1) of the distribution; of 200 draws 95.02%.

    Raises: ConfigError: fewer than 39 draws, which have no such ends, or one that is no number.
    """
    ranked = np.sort(np.asarray(list(draws), dtype=np.float64))
    k = int(0.025 * (len(ranked) + 1))
    if k < 1 or np.isnan(ranked).any():
        raise ConfigError(f"ends of an interval take 39 draws or more, all of them numbers; got {len(ranked)}")
    return float(ranked[k - 1]), float(ranked[-k])

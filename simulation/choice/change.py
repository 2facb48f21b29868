"""What a change of one product would do to its share, and how much people would have to care for it to do more.

Everything else stays: rivals do not answer, nobody new comes in, and people choose as they did. So a figure here is
what the model says about the same situations with another product, and no forecast.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit

from retail.errors import ConfigError, DataError
from simulation.choice.choices import Choices
from simulation.choice.fit import Fit
from simulation.choice.mixed import population_weights

Floats = NDArray[np.float64]

_MOST_UTILITY = 40.0


@dataclass(frozen=True, slots=True)
class Changed:
    """Shares of one product before and after a change.

    Attributes:
        product: whose.
        before: share of situations, by the model.
        after: the same with the change.
        gain_pct: 100 (after / before - 1).
        lo_pct: lower end of the 95% interval of the gain, over draws of the estimates.
        hi_pct: upper end.
        chance_of: share of the draws with at least the gain that was asked about; None where none was.
    """

    product: str
    before: float
    after: float
    gain_pct: float
    lo_pct: float
    hi_pct: float
    chance_of: float | None = None


def change(
    fit: Fit,
    choices: Choices,
    product: str,
    by: Mapping[str, float] | None = None,
    *,
    to: Mapping[str, float] | None = None,
    wanted_pct: float | None = None,
    draws: int = 500,
    rng: np.random.Generator | None = None,
    people: int = 200,
) -> Changed:
    """Change a product's attributes in every situation in which it was available.

    Args:
        fit: multinomial or mixed logit of these attributes.
        choices: situations to look at; those without the product are left out.
        product: an alternative.
        by: attribute -> what is added to it.
        to: attribute -> what it becomes.
        wanted_pct: also tell in how many draws of the estimates the gain is at least so much.
        draws: of the estimates, for the interval.
        rng: for the draws; seed 0 when left out, so that the same question has the same answer.
        people: draws of tastes for each situation of a mixed logit, the same before and after.

    Raises: ConfigError: an attribute or number that cannot be used. DataError: there is no such product, or it was
        never available.
    """
    generator = np.random.default_rng(0) if rng is None else rng
    here = _situations(choices, product)
    step = _steps(here, product, by or {}, to or {})
    tastes = generator.standard_normal((people, len(fit.tastes))) if fit.tastes else np.zeros((1, 0))

    def shares(estimates: Floats) -> tuple[float, float]:
        weights = population_weights(fit, estimates, tastes)
        ahead = _margins(here, product, weights)
        return float(expit(ahead).mean()), float(expit(ahead + weights @ step.T).mean())

    before, after = shares(fit.estimates)
    gains = np.array([(b / a - 1) * 100 for a, b in map(shares, fit.draws(draws, generator))])
    lo, hi = np.quantile(gains, [0.025, 0.975])
    chance = None if wanted_pct is None else float((gains >= wanted_pct).mean())
    return Changed(product, before, after, (after / before - 1) * 100, float(lo), float(hi), chance)


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
    here = _situations(choices, product)
    if not (np.isfinite(gain_pct) and gain_pct > 0):
        raise ConfigError(f"a wanted gain is a number above 0, in percent, got {gain_pct!r}")
    if (by is None) == (to is None) or (by is not None and not (np.isfinite(by) and by != 0)):
        raise ConfigError(f"{attribute} changes by a number other than 0, or to a number; got by {by!r} and to {to!r}")
    if to is None:
        step = np.full(len(here.x), float(by or 0.0))
    else:
        step = _steps(here, product, {}, {attribute: to})[:, here.attributes.index(attribute)]
    tastes = np.random.default_rng(0).standard_normal((people, len(fit.tastes))) if fit.tastes else np.zeros((1, 0))
    at = fit.estimates if estimates is None else estimates
    ahead = _margins(here, product, population_weights(fit, at, tastes))

    def share(weight: float) -> float:
        return float(expit(ahead + weight * step).mean())

    aim = share(0.0) * (1 + gain_pct / 100)
    far = _MOST_UTILITY / np.abs(step).max(initial=1e-300)
    sides = [way * far for way in (1.0, -1.0) if share(way * far) >= aim]
    if aim >= 1 or not sides:
        return None
    side = sides[0]
    return float(brentq(lambda weight: share(weight) - aim, min(0.0, side), max(0.0, side), xtol=1e-10))


def _situations(choices: Choices, product: str) -> Choices:
    """Keep the situations in which a product was available."""
    kept = choices.available[:, choices.place(product)]
    if not kept.any():
        raise DataError(f"{product!r} was never available in these choices; look at situations in which it was")
    return choices.part(kept)


def _steps(here: Choices, product: str, by: Mapping[str, float], to: Mapping[str, float]) -> Floats:
    """Return (situations, attributes), what the change adds to a product's attributes."""
    for name, value in [*by.items(), *to.items()]:
        if name not in here.attributes:
            raise ConfigError(f"there is no attribute {name!r} to change; choose of {', '.join(here.attributes)}")
        if isinstance(value, bool) or not np.isfinite(value):
            raise ConfigError(f"{name} can be changed by or to a finite number, got {value!r}")
    step = np.zeros((len(here.x), len(here.attributes)))
    for name, value in by.items():
        step[:, here.attributes.index(name)] += value
    for name, value in to.items():
        place = here.attributes.index(name)
        step[:, place] = value - here.x[:, here.place(product), place]
    return step


def _margins(here: Choices, product: str, weights: Floats) -> Floats:
    """Return (weights, situations), the log-odds of a product against all others, for each row of weights."""
    place = here.place(product)
    others = np.full((len(weights), len(here.x)), -np.inf)
    for rival in range(len(here.alternatives)):
        if rival != place:
            utility = weights @ here.x[:, rival].T
            utility[:, ~here.available[:, rival]] = -np.inf
            np.logaddexp(others, utility, out=others)
    return np.asarray(weights @ here.x[:, place].T - others)

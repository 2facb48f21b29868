"""What a change of one product would do to its share.

Everything else stays: rivals do not answer, nobody new comes in, and people choose as they did. So a figure here is
what the model says about the same situations with another product, and no forecast.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from retail.errors import ConfigError, DataError
from simulation.choice.choices import Choices
from simulation.choice.fit import Fit
from simulation.choice.mixed import population_weights

Floats = NDArray[np.float64]


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
    here = situations_of(choices, product)
    step = steps_of(here, product, by or {}, to or {})
    tastes = generator.standard_normal((people, len(fit.tastes))) if fit.tastes else np.zeros((1, 0))

    def shares(estimates: Floats) -> tuple[float, float]:
        weights = population_weights(fit, estimates, tastes)
        ahead = margins_of(here, product, weights)
        return float(expit(ahead).mean()), float(expit(ahead + weights @ step.T).mean())

    before, after = shares(fit.estimates)
    gains = np.array([(b / a - 1) * 100 for a, b in map(shares, fit.draws(draws, generator))])
    lo, hi = np.quantile(gains, [0.025, 0.975])
    chance = None if wanted_pct is None else float((gains >= wanted_pct).mean())
    return Changed(product, before, after, (after / before - 1) * 100, float(lo), float(hi), chance)


def situations_of(choices: Choices, product: str) -> Choices:
    """Keep the situations in which a product was available.

    Raises: DataError: it never was, or there is no such product.
    """
    kept = choices.available[:, choices.place(product)]
    if not kept.any():
        raise DataError(f"{product!r} was never available in these choices; look at situations in which it was")
    return choices.part(kept)


def steps_of(here: Choices, product: str, by: Mapping[str, float], to: Mapping[str, float]) -> Floats:
    """Return (situations, attributes), what the change adds to a product's attributes.

    Raises: ConfigError: no such attribute, or no finite number.
    """
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


def margins_of(here: Choices, product: str, weights: Floats) -> Floats:
    """Return (weights, situations), the log-odds of a product against all others, for each row of weights."""
    place = here.place(product)
    others = np.full((len(weights), len(here.x)), -np.inf)
    for rival in range(len(here.alternatives)):
        if rival != place:
            utility = weights @ here.x[:, rival].T
            utility[:, ~here.available[:, rival]] = -np.inf
            np.logaddexp(others, utility, out=others)
    return np.asarray(weights @ here.x[:, place].T - others)

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
    by: Mapping[str, float],
    *,
    wanted_pct: float | None = None,
    draws: int = 500,
    rng: np.random.Generator | None = None,
    people: int = 200,
) -> Changed:
    """Change a product's attributes in every situation in which it was available.

    Args:
        fit: multinomial or mixed logit of these attributes.
        choices: situations to look at.
        product: an alternative.
        by: attribute -> what is added to it.
        wanted_pct: also tell in how many draws of the estimates the gain is at least so much.
        draws: of the estimates, for the interval.
        rng: for the draws; seed 0 when left out, so that the same question has the same answer.
        people: draws of tastes for each situation of a mixed logit, the same before and after.

    Raises: ConfigError: an attribute or number that cannot be used. DataError: there is no such product, or it was
        never available.
    """
    place = choices.place(product)
    for name, step in by.items():
        if name not in choices.attributes:
            raise ConfigError(f"there is no attribute {name!r} to change; choose of {', '.join(choices.attributes)}")
        if not np.isfinite(step) or isinstance(step, bool):
            raise ConfigError(f"{name} can be changed by a finite number, got {step!r}")
    if not choices.available[:, place].any():
        raise DataError(f"{product!r} was never available in these choices; look at situations in which it was")
    generator = np.random.default_rng(0) if rng is None else rng
    moved = np.array([by.get(name, 0.0) for name in choices.attributes])
    kept = choices.available[:, place]
    tastes = generator.standard_normal((people, len(fit.tastes))) if fit.tastes else np.zeros((1, 0))

    def shares(estimates: Floats) -> tuple[float, float]:
        before = after = 0.0
        weights = population_weights(fit, estimates, tastes)
        for beta in weights:
            utility = np.where(choices.available[kept], choices.x[kept] @ beta, -np.inf)
            before += _share(utility, place, 0.0)
            after += _share(utility, place, float(moved @ beta))
        return before / len(weights), after / len(weights)

    before, after = shares(fit.estimates)
    gains = np.array([(b / a - 1) * 100 for a, b in map(shares, fit.draws(draws, generator))])
    lo, hi = np.quantile(gains, [0.025, 0.975])
    chance = None if wanted_pct is None else float((gains >= wanted_pct).mean())
    return Changed(product, before, after, (after / before - 1) * 100, float(lo), float(hi), chance)


def needed_weight(
    fit: Fit, choices: Choices, product: str, attribute: str, step: float, *, gain_pct: float, people: int = 200
) -> float | None:
    """Return how much an attribute would have to weigh so that a change of it brings a gain of share.

    Shares before the change stay as the model has them: the question is how much people would have to care about the
    improvement, not how the market would look if they had always cared.

    Args:
        fit: of the model.
        choices: situations to look at.
        product: an alternative.
        attribute: which is changed.
        step: by how much, not 0.
        gain_pct: wanted, above 0.
        people: see `change`.

    Returns: the weight of one unit, the same for everybody; None where the share would have to pass 100%.

    Raises: ConfigError: an attribute or number that cannot be used. DataError: no such product.
    """
    place = choices.place(product)
    if attribute not in choices.attributes or not np.isfinite(step) or step == 0:
        raise ConfigError(f"{attribute!r} must be an attribute and change by a number other than 0, got {step!r}")
    if not (np.isfinite(gain_pct) and gain_pct > 0):
        raise ConfigError(f"a wanted gain is a number above 0, in percent, got {gain_pct!r}")
    kept = choices.available[:, place]
    tastes = np.random.default_rng(0).standard_normal((people, len(fit.tastes))) if fit.tastes else np.zeros((1, 0))
    utilities = [
        np.where(choices.available[kept], choices.x[kept] @ beta, -np.inf)
        for beta in population_weights(fit, fit.estimates, tastes)
    ]

    def share(gain: float) -> float:
        return float(np.mean([_share(utility, place, gain) for utility in utilities]))

    aim = share(0.0) * (1 + gain_pct / 100)
    if aim >= 1 or share(_MOST_UTILITY) < aim:
        return None
    return float(brentq(lambda gain: share(gain) - aim, 0.0, _MOST_UTILITY, xtol=1e-10)) / step


def _share(utility: Floats, place: int, gain: float) -> float:
    """Mean probability of one alternative once its utility has risen by `gain`."""
    moved = utility.copy()
    moved[:, place] += gain
    weight = np.exp(moved - moved.max(axis=1, keepdims=True))
    return float((weight[:, place] / weight.sum(axis=1)).mean())

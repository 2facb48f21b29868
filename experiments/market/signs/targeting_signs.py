"""Experiments about advertising to the right people, where the true effects are known (`targeting`)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Final

from experiments.market.signs.experiment import Effect, SignExperiment
from experiments.market.signs.targeting import Arm, Trial, gains
from simulation.market import MarketSettings

_SOURCE: Final = "our trial with known effects"
_UNIT: Final = "conversions gained per 1,000 advertised to"
_LOW, _MIDDLE, _HIGH = 0.25, 1.0, 4.0
"""Epsilons that are compared."""
_MANY: Final = 20_000.0
"""People in a merchant's trial, beside whom the noise is nothing."""


def _trial(settings: MarketSettings, **changes: float) -> Trial:
    plain = Trial(
        merchants=settings.merchants, scale_sigma=settings.scale_sigma, epsilon=settings.epsilon, delta=settings.delta
    )
    return dataclasses.replace(plain, **changes)  # type: ignore[arg-type]


def _of(measure: Callable[[Trial, int], float], **changes: float) -> Effect:
    return lambda settings, seed, periods: measure(_trial(settings, **changes), seed)


def _gap(arm: Arm) -> Callable[[Trial, int], float]:
    return lambda trial, seed: gains(trial, arm, seed).size_gap


def _over(arm: Arm, other: Arm) -> Callable[[Trial, int], float]:
    return lambda trial, seed: gains(trial, arm, seed).mean - gains(trial, other, seed).mean


def _less_private(low: float, high: float) -> Callable[[Trial, int], float]:
    """Gain by a larger epsilon, noise being the same draw times a smaller number."""

    def measure(trial: Trial, seed: int) -> float:
        more, less = (dataclasses.replace(trial, epsilon=epsilon) for epsilon in (high, low))
        return gains(more, "aggregator", seed).mean - gains(less, "aggregator", seed).mean

    return measure


TARGETING_SIGNS: Final = (
    SignExperiment(
        id="targeting-isolated-gap",
        number=11,
        question="Do large merchants advertise better than small ones when each learns alone?",
        source=_SOURCE,
        expected="+",
        assumption="Larger merchants have larger trials.",
        unit=_UNIT,
        effect=_of(_gap("isolated")),
        flipped=_of(_gap("isolated"), scale_sigma=0.0),
    ),
    SignExperiment(
        id="targeting-federated-gap",
        number=11,
        question="Do large merchants advertise no better than small ones when all learn together?",
        source=_SOURCE,
        expected="range",
        assumption="What moves people is nearly the same at all merchants.",
        unit=_UNIT,
        effect=_of(_gap("federated")),
        flipped=_of(_gap("federated"), own_part=1.0),
        bounds=(-2.0, 2.0),
    ),
    SignExperiment(
        id="targeting-federated-gain",
        number=11,
        question="Do merchants advertise better when they learn together than alone?",
        source=_SOURCE,
        expected="+",
        assumption="What moves people is nearly the same at all merchants.",
        unit=_UNIT,
        effect=_of(_over("federated", "isolated")),
        flipped=_of(_over("federated", "isolated"), own_part=1.0),
    ),
    SignExperiment(
        id="targeting-privacy-strict",
        number=11,
        question="Does an epsilon of .25 cost more than one of 1?",
        source=_SOURCE,
        expected="+",
        assumption="Noise that privacy asks for is large beside the sum of these people.",
        unit=_UNIT,
        effect=_of(_less_private(_LOW, _MIDDLE)),
        flipped=_of(_less_private(_LOW, _MIDDLE), people=_MANY),
    ),
    SignExperiment(
        id="targeting-privacy-loose",
        number=11,
        question="Does an epsilon of 1 cost more than one of 4?",
        source=_SOURCE,
        expected="+",
        assumption="Noise that privacy asks for is large beside the sum of these people.",
        unit=_UNIT,
        effect=_of(_less_private(_MIDDLE, _HIGH)),
        flipped=_of(_less_private(_MIDDLE, _HIGH), people=_MANY),
    ),
    SignExperiment(
        id="targeting-aggregator-noise",
        number=11,
        question="Does noise added once by the aggregator cost less than noise from every merchant?",
        source=_SOURCE,
        expected="+",
        assumption="There are many merchants, and each of them would add all of the noise.",
        unit=_UNIT,
        effect=_of(_over("aggregator", "node")),
        flipped=_of(_over("aggregator", "node"), merchants=1),
    ),
)

"""What one experiment about a sign is, and what its outcome says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from experiments.market.spread import Spread, over_markets
from retail.errors import ConfigError
from simulation.market import MarketSettings
from simulation.store.intervals import Interval

Expected = Literal["+", "-", "range", "?"]
Verdict = Literal["shown", "not shown", "opposite", "reported"]
Turn = Literal["turns", "vanishes", "weakens", "stays", "none"]
Effect: TypeAlias = Callable[[MarketSettings, int, int], float]
"""Of settings, seed and periods: the effect on one market, NaN where that market has none to measure."""
Floats: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignExperiment:
    """One question with an expected sign.

    Attributes:
        id: how scenarios name it.
        number: of the question among the fourteen; experiments about parts of one question share it.
        question: what is asked, for people.
        source: who found the sign, or expects it.
        expected: the sign; "range" for a value that must lie within `bounds`; "?" where nobody knows, which is reported
            and never judged.
        assumption: what produces the sign in this model.
        unit: of the effect.
        effect: on one market.
        flipped: the same with the assumption turned off; None where the model has no way to turn it off.
        bounds: of the range.
        interval: how sure the mean over markets is: "mean", "share" where each market gives 1 or 0, "exact" where no
            market changes it.
        times: how many times the scenario's number of markets it takes: where each gives 1 or 0, twenty cannot show a
            share below a tenth.

    Raises: ConfigError: bounds without a range, or a range without.
    """

    id: str
    number: int
    question: str
    source: str
    expected: Expected
    assumption: str
    unit: str
    effect: Effect
    flipped: Effect | None = None
    bounds: tuple[float, float] | None = None
    interval: Spread = "mean"
    times: int = 1

    def __post_init__(self) -> None:
        """Refuse a range without bounds."""
        if (self.bounds is not None) != (self.expected == "range"):
            raise ConfigError(f'{self.id}: bounds = {self.bounds} and expected = "{self.expected}"; a range needs both')
        if self.bounds is not None and not self.bounds[0] < self.bounds[1]:
            raise ConfigError(f"{self.id}: bounds = {self.bounds}; the lower one comes first")


def where(effect: Effect, **values: object) -> Effect:
    """Return the same effect in markets whose settings have these values."""
    return lambda settings, seed, periods: effect(settings.with_values(**values), seed, periods)


def judge(values: Floats, flipped_values: Floats, experiment: SignExperiment) -> Verdict:
    """Say whether the expected sign shows.

    Args:
        values: one effect for each seed; NaN for a market that has none.
        flipped_values: the same with the assumption turned off, in the same order; all NaN or empty where there is no
            such thing.
        experiment: what was expected.

    Returns: "shown" only if the 95% interval over seeds (Student's; of a share, Clopper and Pearson's; of what is
        exact, the figure itself) lies on the expected side of 0 (within the range), and the sign does not stay the same
        without the assumption that is said to produce it; "opposite" if it lies on the other side (outside the range);
        "reported" where nothing was expected; else "not shown".

    Raises: ConfigError: values are not of the kind that `experiment.interval` says.
    """
    if experiment.expected == "?":
        return "reported"
    side = _side(over_markets(np.asarray(values, dtype=np.float64), experiment.interval), experiment)
    if side < 0:
        return "opposite"
    return "shown" if side > 0 and turned(values, flipped_values, experiment) != "stays" else "not shown"


def turned(values: Floats, flipped_values: Floats, experiment: SignExperiment) -> Turn:
    """Say what becomes of the sign when the assumption that is said to produce it is turned off.

    Returns: "turns" to the other side, "vanishes" into an interval that shows neither, "weakens" if it is on the same
        side but less, beyond chance and seed by seed, "stays" if not even that; "none" where nothing was turned off or
        nothing expected.
    """
    values, flipped = np.asarray(values, dtype=np.float64), np.asarray(flipped_values, dtype=np.float64)
    found = over_markets(flipped, experiment.interval)
    if experiment.expected == "?" or found is None:
        return "none"
    side = _side(found, experiment)
    if side <= 0:
        return "turns" if side < 0 else "vanishes"
    if experiment.bounds is not None:
        return "stays"
    lost = over_markets(values - flipped, "exact" if experiment.interval == "exact" else "mean")
    return "weakens" if lost is not None and _side(lost, experiment) > 0 else "stays"


def _side(interval: Interval | None, experiment: SignExperiment) -> int:
    """1 where the interval is as expected, -1 where it is the opposite, 0 where it says neither."""
    if interval is None:
        return 0
    if experiment.bounds is not None:
        lo, hi = experiment.bounds
        if lo <= interval.lo and interval.hi <= hi:
            return 1
        return -1 if interval.hi < lo or hi < interval.lo else 0
    above = 1 if interval.lo > 0 else -1 if interval.hi < 0 else 0
    return -above if experiment.expected == "-" else above

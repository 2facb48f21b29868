"""How thick the tail of demand must be before a ban on data use helps innovation."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from scipy.optimize import brentq

from retail.errors import ConfigError
from simulation.market.mechanisms.insider_imitation import Goal, Imitation, ban, data_use
from simulation.market.mechanisms.tails import Tail

_NOTHING: Final = 1e-9
"""A difference of at most this size counts as none: the equations are solved to about 1e-12."""


@dataclass(frozen=True, slots=True)
class TailThreshold:
    """Where the sign of (ban less data use) changes as the tail grows thicker.

    Attributes:
        goal: what was compared.
        thickness: where the sign changes, rising; empty when it does not. Usually one number.
        thin: sign at the thinnest tail at which there is a difference: 1 the ban gives more, -1 less, 0 none anywhere.
        thick: sign at the thickest such tail.
        low: thinnest tail looked at.
        high: thickest tail looked at.
    """

    goal: Goal
    thickness: tuple[float, ...]
    thin: int
    thick: int
    low: float
    high: float

    @property
    def meaning(self) -> str:
        """One sentence, for people."""
        if not self.thin:
            return f"A ban on data use leaves {self.goal} as it is at any thickness from {self.low:g} to {self.high:g}."
        verb = {1: "raises", -1: "lowers"}
        if not self.thickness:
            where = f"at every thickness from {self.low:g} to {self.high:g} at which it matters"
            return f"A ban on data use {verb[self.thin]} {self.goal} {where}."
        if len(self.thickness) == 1:
            return (
                f"A ban on data use {verb[self.thin]} {self.goal} while the tail is thinner than "
                f"{self.thickness[0]:.3g}, and {verb[self.thick]} it beyond."
            )
        places = ", ".join(f"{place:.3g}" for place in self.thickness)
        return f"A ban on data use {verb[self.thin]} {self.goal} for thin tails; the sign changes at {places}."


def tail_threshold(
    market: Imitation,
    family: Callable[[float], Tail],
    *,
    low: float,
    high: float,
    goal: Goal = "innovation",
    steps: int = 60,
) -> TailThreshold:
    """Find where the sign of (ban less data use) changes with the thickness of the tail.

    The difference is computed on a grid of thicknesses, spaced evenly in the logarithm, and every change of sign
    between neighbours is located to 1e-10; two changes within one step of the grid are missed.

    Args:
        market: what imitation takes and brings.
        family: makes a distribution of a thickness; the mean must not depend on it: `Lognormal`, `Weibull`, `Pareto`.
        low: thinnest tail, > 0.
        high: thickest tail.
        goal: `innovation`, `consumers` or `welfare`.
        steps: of the grid, at least 2.

    Raises: ConfigError: an argument out of range.
    """
    if not (0 < low < high < math.inf and steps >= 2):
        raise ConfigError(f"low = {low}, high = {high}, steps = {steps}: give 0 < low < high and 2 steps or more")

    def gap(thickness: float) -> float:
        demand = family(thickness)
        return float(getattr(ban(market, demand), goal) - getattr(data_use(market, demand), goal))

    grid = [float(place) for place in np.geomspace(low, high, steps + 1)]
    gaps = [(place, value) for place, value in zip(grid, map(gap, grid), strict=True) if abs(value) > _NOTHING]
    if not gaps:
        return TailThreshold(goal, (), 0, 0, low, high)
    changes = tuple(
        float(brentq(gap, left, right, xtol=1e-10))
        for (left, before), (right, after) in pairwise(gaps)
        if before * after < 0
    )
    return TailThreshold(goal, changes, _sign(gaps[0][1]), _sign(gaps[-1][1]), low, high)


def _sign(value: float) -> int:
    return 1 if value > 0 else -1

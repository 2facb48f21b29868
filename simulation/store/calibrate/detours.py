"""How often shoppers leave the shortest way, so that simulated paths are as long as observed ones.

Simulated method of moments with one parameter and one moment: the same days are walked at different rates, and the
rate at which their mean path meets the published one is found by halving. Detours at a lower rate are among those at
a higher one, so that the mean path rises with the rate but for crowding.

Published paths come from tags on carts or on recruited shoppers, who buy more than the many that come for three
things; `least_categories` says which simulated trips are compared with them, and matters as much as the store's size.

Source: McFadden 1989, A method of simulated moments; the moment is that of Hui, Inman, Huang and Suher 2013, The
Effect of In-Store Travel Distance on Unplanned Spending (about 1,400 feet).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from retail.errors import ConfigError
from simulation.store.behaviour import plan_day
from simulation.store.demand import Demand
from simulation.store.demand_model import DemandModel
from simulation.store.floor import Floor
from simulation.store.kernel import walk
from simulation.store.settings import StoreSettings

PATH_M: Final = 427.0
"""Published mean path of tracked shoppers in a full-size store."""
LEAST_CATEGORIES: Final = 8
"""Trips of at least so many categories are taken for those of tracked shoppers: an assumption."""

_HALVINGS: Final = 12
_STEP: Final = 0.05


@dataclass(frozen=True, slots=True)
class DetourFit:
    """The rate found.

    Attributes:
        rate: share of legs with a detour; 0 or 1 where even that leaves a difference.
        error: standard error from the days simulated; none for the published moment, which has none. NaN at 0 or 1.
        path_m: mean simulated path at the rate.
        trips: simulated trips that were compared.
        met: whether the path can be met with a rate between 0 and 1.
    """

    rate: float
    error: float
    path_m: float
    trips: int
    met: bool


def fit_detours(
    floor: Floor,
    model: DemandModel,
    *,
    path_m: float = PATH_M,
    least_categories: int = LEAST_CATEGORIES,
    settings: StoreSettings | None = None,
    days: int = 4,
    shoppers: int = 500,
    seed: int = 0,
) -> DetourFit:
    """Find the rate of detours at which the mean path is `path_m`.

    Args:
        floor: a full-size store.
        model: draws the shoppers.
        path_m: mean path to meet, in metres from the entrance to the tills.
        least_categories: only trips that want at least so many categories count.
        settings: the other parameters; the default ones when None.
        days: simulated days, at least 2.
        shoppers: expected on each day.
        seed: of the days.

    Raises: ConfigError: fewer than two days, a path that is not positive, or no trip large enough.
    """
    if days < 2 or not path_m > 0:
        raise ConfigError(f"days = {days}, path_m = {path_m}; give at least 2 days and a positive path")
    settings = StoreSettings.default() if settings is None else settings
    drawn = [model.draw(day, seed=seed, shoppers=shoppers, settings=settings) for day in range(days)]
    counted = [np.diff(demand.start) >= least_categories for demand in drawn]
    trips = int(sum(rows.sum() for rows in counted))
    if not all(rows.any() for rows in counted):
        raise ConfigError(f"a day has no trip of {least_categories} categories or more; lower it or add shoppers")

    def paths(rate: float) -> list[float]:
        chosen = settings.with_values(detour_rate=rate)
        return [_mean_path(floor, demand, chosen, rows) for demand, rows in zip(drawn, counted, strict=True)]

    for end in (0.0, 1.0):
        reached = float(np.mean(paths(end)))
        if (reached >= path_m) if end == 0.0 else (reached <= path_m):
            return DetourFit(end, math.nan, reached, trips, met=reached == path_m)
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if np.mean(paths(middle)) < path_m else (low, middle)
    rate = (low + high) / 2
    below, above = max(rate - _STEP, 0.0), min(rate + _STEP, 1.0)
    slope = (np.mean(paths(above)) - np.mean(paths(below))) / (above - below)
    at = paths(rate)
    error = float(np.std(at, ddof=1) / math.sqrt(days) / slope)
    return DetourFit(rate, error, float(np.mean(at)), trips, met=True)


def _mean_path(floor: Floor, demand: Demand, settings: StoreSettings, rows: np.ndarray) -> float:
    walked = walk(floor, plan_day(floor, demand, settings))
    return float(walked.path_m[rows].mean())

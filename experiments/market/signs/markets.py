"""The markets that experiments share: each is run once for one seed, and its figures kept."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from simulation.market import MarketSettings, Rules, simulate
from simulation.market.rules import Remedy, make_rules

UNWANTED: Final = -6.0
"""Appeal of an own label, less that of what it imitates, at which next to nobody buys it."""


def figures(settings: MarketSettings, regime: str, seed: int, periods: int, *remedies: Remedy) -> Mapping[str, float]:
    """Return the measures of one market, see `simulation.market.MEASURES`.

    Args:
        settings: of the market.
        regime: id; its bonus and stake come from the settings.
        seed: of the market.
        periods: how long.
        remedies: on top of the regime.
    """
    return _figures(settings, make_rules(regime, remedies, settings), seed, periods)


def difference(measure: str, settings: MarketSettings, regimes: tuple[str, str], seed: int, periods: int) -> float:
    """Return a measure under the first regime less that under the second, on the same market."""
    first, second = (figures(settings, regime, seed, periods)[measure] for regime in regimes)
    return first - second


def relative(mine: float, other: float) -> float:
    """Return mine over other, less one; NaN where the other is not above 0."""
    return mine / other - 1 if other > 0 else math.nan


@lru_cache(maxsize=4096)
def _figures(settings: MarketSettings, rules: Rules, seed: int, periods: int) -> Mapping[str, float]:
    return MappingProxyType(simulate(settings, rules, seed=seed, periods=periods).kpis)

"""Experiments about what is imitated, and what becomes of whom it was taken from."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from experiments.market.signs.experiment import SignExperiment, where
from experiments.market.signs.markets import UNWANTED
from experiments.market.signs.watching import Watched, watch
from simulation.market import MarketSettings
from simulation.market.rules import make_rules
from simulation.market.state import SMALL

_ZHU: Final = "Zhu and Liu 2018"
_REGIME: Final = "pooled"
"""The platform of the study had its merchants' data."""
_WINDOW: Final = 10
"""Periods before and after an imitation over which sales are compared."""
_CLOSE: Final = 0.5
"""Dissimilarity of a copy and what it imitates where they are close substitutes."""
_ALIKE: Final = 5
"""Merchants not imitated with whom one that was is compared."""


def _seen(settings: MarketSettings, seed: int, periods: int) -> Watched:
    return watch(settings, make_rules(_REGIME, (), settings), seed, periods)


def popularity_of_imitated(settings: MarketSettings, seed: int, periods: int) -> float:
    """Return the mean place by sales of imitated products less that of others; 1 is best. NaN where none was."""
    gaps = [one.popularity - one.others for one in _seen(settings, seed, periods).imitated]
    return float(np.mean(gaps)) if gaps else math.nan


def growth_after_imitation(settings: MarketSettings, seed: int, periods: int) -> float:
    """Return how sales of small imitated merchants change, less those of small merchants alike.

    Sales of ten periods after the imitation over ten before it, less one. Alike are the five small merchants with the
    nearest sales before, whom nobody imitated from ten periods before to ten after; all were there at the time. So
    what falls because it stood high by chance falls on both sides. NaN where no small merchant was imitated.
    """
    seen = _seen(settings, seed, periods)
    touched = np.zeros(seen.sales.shape, dtype=bool)
    for one in seen.imitated:
        touched[max(one.period - _WINDOW, 0) : one.period + _WINDOW, one.merchant] = True
    found = [_against_alike(seen, touched, period, merchant) for period, merchant in _events(seen)]
    known = [one for one in found if not math.isnan(one)]
    return float(np.mean(known)) if known else math.nan


def _events(seen: Watched) -> list[tuple[int, int]]:
    """Periods and small merchants who were imitated then, with enough periods around; each merchant once a review."""
    last = len(seen.sales) - _WINDOW
    pairs = [(one.period, one.merchant) for one in seen.imitated if _WINDOW <= one.period <= last]
    return [pair for pair in dict.fromkeys(pairs) if seen.size[pair[1]] == SMALL]


def _against_alike(seen: Watched, touched: npt.NDArray[np.bool_], period: int, merchant: int) -> float:
    before = seen.sales[period - _WINDOW : period].sum(axis=0)
    after = seen.sales[period : period + _WINDOW].sum(axis=0)
    others = (seen.size == SMALL) & seen.present[period - 1] & ~touched[period] & (before > 0)
    others[merchant] = False
    alike = np.flatnonzero(others)
    if before[merchant] <= 0 or not alike.size:
        return math.nan
    alike = alike[np.argsort(np.abs(np.log(before[alike] / before[merchant])), kind="stable")[:_ALIKE]]
    return float(after[merchant] / before[merchant] - after[alike].sum() / before[alike].sum())


IMITATION_SIGNS: Final = (
    SignExperiment(
        id="imitation-popularity",
        number=6,
        question="Does own label imitate what is popular?",
        source=_ZHU,
        expected="+",
        assumption="The platform goes by units sold, or by their public rank, and there is nothing else to go by.",
        unit="place by sales, of 1",
        effect=popularity_of_imitated,
    ),
    SignExperiment(
        id="imitation-growth",
        number=6,
        question="Do sales of small merchants fall behind after they were imitated?",
        source=_ZHU,
        expected="-",
        assumption="The imitation is close and wanted, so it takes the imitated product's buyers.",
        unit="growth of sales",
        effect=growth_after_imitation,
        flipped=where(growth_after_imitation, own_quality=UNWANTED),
    ),
    SignExperiment(
        id="imitation-growth-close",
        number=6,
        question="Do sales of small merchants fall behind after they were imitated, where copies are close?",
        source=_ZHU,
        expected="-",
        assumption="A copy and what it imitates share a nest (nest = .5), so it takes its buyers from there first.",
        unit="growth of sales",
        effect=where(growth_after_imitation, nest=_CLOSE),
        flipped=where(growth_after_imitation, nest=1.0),
    ),
)

"""Figures about merchants of a size that a market does not have: no number, where the model books a 0.

A market of one merchant has no small and no large ones. Their profit of 0 and their share of 0 in the market would
read as a finding.
"""

from __future__ import annotations

import math
from typing import Final

import pandas as pd

from simulation.market import MarketRun

_GAP: Final = ("small_gap", frozenset({"small", "large"}))
"""The one figure that compares two sizes, and which."""


def without_empty_sizes(run: MarketRun) -> tuple[dict[str, float], pd.DataFrame]:
    """Return a run's figures, and those of every period, with NaN for sizes without a merchant.

    Which sizes there are depends on how many merchants start, and does not change during a run: with 1 only medium
    ones, with 2 to 4 no large ones.
    """
    empty = set(run.by_size.loc[run.by_size["merchants"] == 0, "size"])
    names = [name for name in run.kpis if name.rpartition("_")[2] in empty]
    if empty & _GAP[1]:
        names.append(_GAP[0])
    figures = run.kpis | dict.fromkeys(names, math.nan)
    periods = run.by_period.copy()
    periods[[name for name in names if name in periods]] = math.nan
    return figures, periods

"""Refuse time windows that cannot fit, before any row is read, wherever the dates are known beforehand."""

from __future__ import annotations

import datetime as dt
from typing import Final

from experiments.scenario import DataSettings, Scenario
from experiments.sweep import sweep_points
from retail.dataset import Period
from retail.errors import ConfigError
from retail.splits import rolling_origins

_KNOWN: Final = {"complete-journey": (dt.date(2017, 1, 1), dt.date(2017, 12, 31))}


def check_windows(scenario: Scenario) -> None:
    """Try the windows of every sweep point on the publicly known dates of its data.

    Raises:
        ConfigError: the windows are longer than the data.
    """
    for _, point in sweep_points(scenario):
        period = known_period(point.data)
        if period is None:
            continue
        split = point.split
        try:
            rolling_origins(
                period,
                origins=split.origins,
                window_days=split.window_days,
                step_days=split.step_days,
                history_days=split.history_days,
            )
        except ConfigError as error:
            raise ConfigError(f"{scenario.name}: split: {error}") from None


def known_period(data: DataSettings) -> Period | None:
    """Return the days that settings or source declare, or None when only the rows can tell."""
    if data.source == "generated" and data.shoppers is not None:
        from retail.generator import Settings

        return Settings(shoppers=data.shoppers, seed=data.data_seed).period
    first, last = _KNOWN.get(data.source, (None, None))
    start, end = data.start or first, data.end or last
    return Period(start, end, public=True) if start is not None and end is not None else None

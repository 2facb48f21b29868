"""Figures as people read them: a value with its interval, percentages, whole numbers with separators."""

from __future__ import annotations

import math

from experiments.results import Result

NOT_MEASURED = "not measured"


def with_interval(result: Result | None, *, signed: bool = False) -> str:
    """Write a figure with its 95% interval, `0.3201 [0.3018, 0.3386]`; without one where it has none."""
    if result is None or math.isnan(result.value):
        return NOT_MEASURED
    sign = "+" if signed else ""
    digits = ".2f" if result.unit == "ratio" else ".4f"
    value, lo, hi = (f"{number:{sign}z{digits}}" for number in (result.value, result.lo, result.hi))
    return value if math.isnan(result.lo) else f"{value} [{lo}, {hi}]"


def percent(share: float) -> str:
    """Write a share as percent, with one decimal where the whole number would hide what is left."""
    return f"{share:.1%}" if 0.95 <= share < 1 or abs(share) < 0.1 else f"{share:.0%}"


def percent_interval(result: Result) -> str:
    """Write the 95% interval of a ratio, `97.1% to 102%`; empty where it has none."""
    return "" if math.isnan(result.lo) else f"{percent(result.lo)} to {percent(result.hi)}"


def count(number: int, what: str) -> str:
    """Write a number of things: `1 run`, `2,000 runs`."""
    return f"{number:,} {what}" + ("" if number == 1 else "s")


def unit_text(unit: str) -> str:
    """Write a unit for people: a pure number, "1" in records, has none."""
    return "" if unit == "1" else unit

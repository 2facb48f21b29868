"""What a scenario about a real own label found, ready for a table: figures over draws of the price coefficient."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from apps.market import table as market_table

MONEY: Final = {
    "consumer_surplus": "Consumers",
    "consumer_surplus_attention_free": "where places cost nothing",
    "merchant_revenue": "Others' sales",
    "own_revenue": "Own label's sales",
}
"""Figures in the data's currency a visit."""
MARKET: Final = {
    "own_sales": "Own label of sales, %",
    "own_first": "of first places, %",
    "hhi": "HHI",
    "price_paid": "Price paid",
    "prices_held": "Prices held, share",
}
_ENDS: Final = ("", "_lo", "_hi")


def unit(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the unit of money, such as "USD a visit"."""
    return f"{next((row['currency'] for row in rows if 'currency' in row), 'money')} a visit"


def figure(row: Mapping[str, Any], metric: str) -> str:
    """Write an arm's figure with its interval over draws."""
    return drawn(metric, [market_table.number(row.get(f"{metric}{end}")) for end in _ENDS])


def drawn(metric: str, values: Sequence[float], *, signed: bool = False) -> str:
    """Write a figure over draws; one that no draw changes has no interval, and differences have four digits."""
    value, lo, hi = values
    if hi - lo <= 1e-9 * abs(value):
        lo = hi = math.nan
    if not signed or math.isnan(value):
        return market_table.written(metric, (value, lo, hi))
    return f"{value:+z.4f}" + ("" if math.isnan(lo) else f" [{lo:+z.4f}, {hi:+z.4f}]")


def left_out(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say of which arms some prices were held although sellers may answer."""
    return [
        f"{row['label']}: prices held, as no cost above 0 explains them: {row['left_out']} of sales."
        for row in rows
        if row.get("left_out")
    ]


def intervals(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say what the intervals mean, and what they do not."""
    said = sorted({str(row["interval"]) for row in rows if "interval" in row})
    return [*said, "They do not say how well simulated lists fit shelves: docs/market-semi-empirical.md."]

"""What people call every figure of a market, each by itself; the tables of the page Market name fewer, in groups."""

from __future__ import annotations

import re
from typing import Final

from apps.market.table import MARKET, SIDES

_SIZES: Final = {"small": "small merchants", "medium": "medium merchants", "large": "large merchants"}
_BY_SIZE: Final = {
    "merchant_surplus": "Profit of {}",
    "active": "{} in the market",
    "knowledge": "What {} know",
    "adopted": "{} who use the data service",
}
_NAMES: Final = {
    "small_gap": "Large merchants in the market, less small ones",
    "hhi": "Concentration of sales (HHI)",
    "cr4": "Share of the four largest",
    "gini": "Inequality of sales (Gini)",
    "without_sales": "Merchants without sales",
    "buying": "Arrivals who buy",
    "price_paid": "Price paid",
    "fee": "Fee of the platform",
    "own_sales": "Own label's part of sales",
    "own_listings": "Own label's part of listings",
    "own_first": "Own label in first places",
    "self_preferencing": "Self-preferencing",
    "self_preferencing_money": "Self-preferencing, gain of the platform",
    "exposure_ratio": "Exposure of own listings over others'",
    "envy": "Exposure that products lack (envy)",
    "data_advantage": "Own label knows more than merchants",
    "multihoming": "Merchants with a shop outside",
    "listed": "Products on the list",
    "launches": "Products brought out",
    "imitated": "Products that own label imitates",
    "consumer_surplus_attention_free": "Consumers, attention free",
    "merchant_revenue": "Revenue of merchants",
    "own_revenue": "Revenue of own label",
    "prices_held": "Prices held",
}


def figure_name(metric: str) -> str:
    """Return what people call a figure of a market; one that has no name goes by its key as words."""
    base, _, size = metric.rpartition("_")
    if size in _SIZES and base in _BY_SIZE:
        name = _BY_SIZE[base].format(_SIZES[size])
    elif segment := re.fullmatch(r"consumer_surplus_segment_(\d+)", metric):
        name = f"Consumers of segment {segment[1]}"
    else:
        name = {**SIDES, **MARKET, **_NAMES}.get(metric, metric.replace("_", " "))
    return name[:1].upper() + name[1:]

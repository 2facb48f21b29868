"""What a market scenario found, ready for a table: who gets how much, and who wins and loses against a reference."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

Row = Mapping[str, Any]

SIDES: Final = {
    "consumer_surplus": "Consumers",
    "merchant_surplus": "Merchants",
    "platform_profit": "Platform",
    "welfare": "All together",
}
"""Figures in money an arrival; they add up."""
SIZES: Final = {
    "merchant_surplus_small": "A small merchant",
    "merchant_surplus_medium": "A medium one",
    "merchant_surplus_large": "A large one",
}
"""Figures in money a merchant and period."""
MARKET: Final = {
    "active_small": "Small merchants in the market",
    "own_sales": "Own label of sales",
    "own_listings": "of listings",
    "own_first": "of first places",
    "hhi": "HHI",
    "knowledge": "What merchants know",
    "dependency": "Dependency",
}
_AFFILIATED: Final = "affiliated_stores"
_PERCENT: Final = frozenset({"active_small", "own_sales", "own_listings", "own_first"})
_WHOLE: Final = frozenset({"hhi"})


@dataclass(frozen=True, slots=True)
class Gain:
    """How one figure of an arm differs from the reference's, seed by seed.

    Attributes:
        arm: its name.
        label: what people call it.
        metric: the figure.
        values: the mean difference and the ends of its 95% interval.
    """

    arm: str
    label: str
    metric: str
    values: tuple[float, float, float]

    @property
    def verdict(self) -> str:
        """Whether the arm gains, loses, or it cannot be told because the interval holds 0; "no figure" without one."""
        value, lo, hi = self.values
        if math.isnan(value):
            return "no figure"
        if math.isnan(lo) or lo <= 0 <= hi:
            return "cannot be told"
        return "gains" if value > 0 else "loses"


def gains(document: Mapping[str, Any], metrics: Sequence[str], reference: str, where: str = "") -> list[Gain]:
    """List how arms differ from a reference.

    Args:
        document: `summary.json`.
        metrics: figures.
        reference: an arm that others are compared with.
        where: the point of the sweep as `point` writes it; empty without one.

    Returns: in the order of the arms, then of the metrics; the reference itself is left out.
    """
    paired = {one["name"]: one for one in document["differences"] if point(one["provenance"].get("sweep", {})) == where}
    found = []
    for row in document["rows"]:
        if point(row["sweep"]) != where or row["arm"] == reference:
            continue
        for metric in metrics:
            one = paired.get(f"difference({metric}, {row['arm']}, {reference})")
            values = tuple(number(one[key]) if one else math.nan for key in ("value", "lo", "hi"))
            found.append(Gain(row["arm"], row["label"], metric, (values[0], values[1], values[2])))
    return found


def references(document: Mapping[str, Any]) -> list[str]:
    """List the arms that others are compared with, `isolated` first: it leaves the own label as it is."""
    names = [row["arm"] for row in document["rows"]]
    compared: dict[str, set[str]] = {}
    for one in document["differences"]:
        _, arm, reference = str(one["name"]).removeprefix("difference(").removesuffix(")").split(", ")
        compared.setdefault(reference, set()).add(arm)
    whole = [one for one, arms in compared.items() if len(arms) >= len(set(names)) - 1]  # not those of one target alone
    return sorted(whole, key=lambda one: one != "isolated")


def figure(row: Row, metric: str) -> str:
    """Write an arm's figure with its interval; a dash where it has none."""
    return written(metric, tuple(number(row.get(key)) for key in (metric, f"{metric}_lo", f"{metric}_hi")))


def written(metric: str, values: Sequence[float], *, signed: bool = False) -> str:
    """Write a figure with the ends of its interval, in the form of its metric: percent, whole, or decimal."""
    value, lo, hi = values
    if math.isnan(value):
        return "-"
    scale, digits = (100.0, 1) if metric in _PERCENT else (1.0, 0 if metric in _WHOLE else 3)
    sign = "+" if signed else ""
    text = f"{scale * value:{sign}z.{digits}f}"
    ends = f" [{scale * lo:{sign}z.{digits}f}, {scale * hi:{sign}z.{digits}f}]"
    return text if math.isnan(lo) or math.isnan(hi) else text + ends


def heading(metric: str) -> str:
    """Return what people call a figure, with its unit where it is no money."""
    name = {**SIDES, **SIZES, **MARKET}.get(metric, metric.replace("_", " "))
    return f"{name}, %" if metric in _PERCENT else name


def silent(rows: Sequence[Row]) -> list[str]:
    """Say under which arms there were markets without sales, whose zeros and shares say nothing."""
    said: dict[str, list[str]] = {}
    for row in rows:
        for key, what in (
            ("nobody_sold", "nobody sold anything in the periods that count; their zeros mean no trade"),
            ("only_own_sold", "no merchant sold anything in the periods that count, only the platform itself"),
        ):
            if row.get(key):
                said.setdefault(f"in {row[key]} of {len(row['seeds'])} markets {what}.", []).append(str(row["label"]))
    return [f"{', '.join(labels)}: {text}" for text, labels in said.items()]


def affiliates(rows: Sequence[Row]) -> list[str]:
    """Say whose first places are counted under arms whose platform has affiliates in place of an own label."""
    labels = [str(row["label"]) for row in rows if row.get("regime") == _AFFILIATED]
    said = "no own label is sold; first places are those of merchants in whom the platform holds a stake."
    return [f"{', '.join(labels)}: {said}"] if labels else []


def arm_label(row: Row) -> str:
    """Return what people call an arm, and whether its run is missing."""
    return f"{row['label']} (missing)" if row["missing_runs"] else str(row["label"])


def point(sweep: Mapping[str, Any]) -> str:
    """Write a point of a sweep for people."""
    return ", ".join(f"{key} = {value}" for key, value in sweep.items())


def number(value: Any) -> float:
    """Return a number; NaN for what is none, as JSON has null."""
    return math.nan if value is None else float(value)

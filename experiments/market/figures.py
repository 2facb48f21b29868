"""The figures of a market run by name: what they are called, their unit and meaning."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure. Attributes: title: for people; unit: of its values; meaning: in one sentence."""

    title: str
    unit: str
    meaning: str

    @property
    def limits(self) -> tuple[float, float] | None:
        """The least and the most that it can be; None where it has no such ends that matter."""
        return (0.0, 1.0) if self.unit == "share" else _LIMITS.get(self.title.split()[0])


_LIMITS: Final = {"knowledge": (0.0, 1.0), "gini": (0.0, 1.0), "hhi": (0.0, 10_000.0)}
"""By the first word of its title, of figures that are no shares."""


def within(metric: str, lo: float, hi: float) -> tuple[float, float]:
    """Cut an interval at what the figure itself can be: Student's, over few markets, leaves a share's 0 to 1."""
    limits = FIGURES[metric].limits if metric in FIGURES else None
    if limits is None:
        return lo, hi
    least, most = limits
    return (lo if math.isnan(lo) else min(max(lo, least), most)), (hi if math.isnan(hi) else min(max(hi, least), most))


def _all() -> dict[str, Figure]:
    from simulation.market.kpis import MEASURES

    found = {one.name: Figure(one.name.replace("_", " "), one.unit, one.meaning) for one in MEASURES}
    label = {
        "consumer_surplus_attention_free": Figure(
            "consumer surplus, places cost nothing",
            "money an arrival",
            "expected surplus where little attention misleads a choice but is no nuisance itself",
        ),
        "merchant_revenue": Figure("others' sales", "money an arrival", "paid for products of other sellers"),
        "own_revenue": Figure("own label's sales", "money an arrival", "paid for own-label products"),
        "prices_held": Figure(
            "prices held", "share", "sales of products that answer no price, as none fits their cost"
        ),
    }
    sign = "effect of the rule or change, by seed"
    return (
        found
        | label
        | {
            "effect": Figure("effect", "1", sign),
            "without_assumption": Figure(
                "effect without the assumption", "1", f"{sign}, with its assumption turned off"
            ),
        }
    )


FIGURES: Final[Mapping[str, Figure]] = _all()

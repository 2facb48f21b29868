"""The figures of a market run by name: what they are called, their unit and meaning."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
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
_MOST_SEGMENTS: Final = 16
LABEL_METRICS: Final = (
    "consumer_surplus", "consumer_surplus_attention_free", "merchant_revenue", "own_revenue", "own_sales", "own_first",
    "hhi", "price_paid", "prices_held",
)  # fmt: skip
"""Figures of `method = "label"`; the last where prices are answered."""


def regime_metrics(segments: Sequence[object] = (None,)) -> tuple[str, ...]:
    """Return the names of the figures of `method = "regimes"`.

    Args:
        segments: how many segments of consumers there are in each arm; None where the model's own number holds. What
            is no such number is refused with the settings, and passed over here.
    """
    from simulation.market.kpis import MEASURES
    from simulation.market.settings import MarketSettings

    usual = MarketSettings().segments
    counts = [usual if one is None else one for one in segments]
    most = max((one for one in counts if type(one) is int and 1 <= one <= _MOST_SEGMENTS), default=usual)
    return (*(one.name for one in MEASURES), *(f"consumer_surplus_segment_{number}" for number in range(most)))

"""The figures of a market run by name: what they are called, their unit and meaning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure. Attributes: title: for people; unit: of its values; meaning: in one sentence."""

    title: str
    unit: str
    meaning: str


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

"""What came out of a market: concentration, participation, surplus, prominence, and what each figure means.

Money is in mean unit costs. "An arrival" is one consumer who comes once; dividing by arrivals makes surplus of all
sides comparable and additive: welfare = consumer surplus + merchant surplus + platform profit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulation.market.state import SIZES, Flags, Floats, Ints


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure of a run.

    Attributes:
        name: as in `MarketRun.kpis`; unit; meaning: in one sentence.
    """

    name: str
    unit: str
    meaning: str


MEASURES: Final = (
    Measure("consumer_surplus", "money an arrival", "expected surplus (logsum) over leaving at once"),
    Measure("merchant_surplus", "money an arrival", "merchants' profit after all costs, own shops outside included"),
    Measure(
        "platform_profit",
        "money an arrival",
        "fees, advertisements, own label's profit, parts of affiliates' profit, less costs",
    ),
    Measure("welfare", "money an arrival", "consumer surplus + merchant surplus + platform profit"),
    *(
        Measure(f"merchant_surplus_{size}", "money a merchant and period", f"profit of {size} merchants")
        for size in SIZES
    ),
    *(Measure(f"active_{size}", "share", f"{size} merchants who are in the market") for size in SIZES),
    Measure("small_gap", "pp", "share of large merchants in the market less that of small ones"),
    Measure("hhi", "points", "sum of squared percentages of sales over sellers, own label one of them"),
    Measure("cr4", "share", "sales of the four largest sellers"),
    Measure("gini", "1", "of sales over merchants that sold something"),
    Measure("without_sales", "share", "merchants who sold nothing"),
    Measure("buying", "share", "arrivals who bought on the platform"),
    Measure("price_paid", "money", "mean price of what was bought"),
    Measure("fee", "share", "what the platform keeps of merchants' sales, with what its service adds"),
    Measure("own_sales", "share", "own label's part of sales"),
    Measure("own_listings", "share", "own label's part of listed products"),
    Measure("own_first", "share", "lists shown with own label (or an affiliate) in the first place"),
    Measure("self_preferencing", "log-odds", "first places of those goods as ranked, over a neutral ranking"),
    Measure("self_preferencing_money", "money an arrival", "what the platform gains by its ranking at given prices"),
    Measure("exposure_ratio", "ratio", "exposure 1/log2(1 + place) of an own listing over that of another's"),
    Measure("envy", "1", "mean exposure that a product lacks beside one that a neutral ranking puts below it"),
    Measure("knowledge", "1", "reliability of what merchants know of demand, weighted by sales"),
    *(Measure(f"knowledge_{size}", "1", f"the same, mean of active {size} merchants") for size in SIZES),
    Measure("data_advantage", "1", "reliability of what own label's sellers know, less merchants'"),
    *(Measure(f"adopted_{size}", "share", f"active {size} merchants who use the data service") for size in SIZES),
    Measure("multihoming", "share", "active merchants with a shop outside"),
    Measure("dependency", "periods", "median merchant: platform's part of revenue x switching cost / gross profit"),
    Measure("listed", "products", "products on the list"),
    Measure("launches", "products a period", "products that merchants brought out"),
    Measure("imitated", "products a period", "products that own label imitated"),
)
"""What `MarketRun.kpis` holds, besides `consumer_surplus_segment_0`, ... (money an arrival of that segment)."""


def herfindahl(sales: Floats) -> float:
    """Return the Herfindahl-Hirschman index in points: 10,000 for one seller, 0 without sales."""
    total = math.fsum(sales)
    return math.fsum((sales / total * 100) ** 2) if total > 0 else 0.0


def largest_four(sales: Floats) -> float:
    """Return the four largest sellers' share; 0 without sales."""
    total = math.fsum(sales)
    return math.fsum(np.sort(sales)[-4:]) / total if total > 0 else 0.0


def gini(values: Floats) -> tuple[float, float]:
    """Return the Gini coefficient of the values above 0, and the share of values at 0 or below apart.

    Of n values sorted upwards it is sum (2 i - n - 1) x_i / (n sum x_i). The zeros are kept apart because a market
    with many who sell nothing and one with unequal sellers are different things, and negative values have no Gini.
    """
    above = np.sort(values[values > 0])
    none = 1 - above.size / values.size if values.size else 0.0
    if above.size == 0:
        return 0.0, none
    n = above.size
    return float(((2 * np.arange(1, n + 1) - n - 1) * above).sum() / (n * above.sum())), none


def exposure(place: Ints, places: int) -> Floats:
    """Return 1/log2(1 + place), 0 beyond the places shown (the discount of DCG)."""
    return np.where(place <= places, 1 / np.log2(1.0 + place), 0.0)


def exposure_ratio(seen: Floats, weight: Floats, favoured: Flags, active: Flags) -> float:
    """Return the mean exposure of a favoured listing over another's; NaN where one kind is missing.

    Args:
        seen: (C, S, K), exposure.
        weight: (C, S), how often each list was shown.
        favoured: (C, K).
        active: (C, K).
    """
    by_product = np.einsum("csk,cs->ck", seen, weight)
    mine, others = favoured & active, ~favoured & active
    if not mine.any() or not others.any():
        return math.nan
    other = by_product[others].mean()
    return float(by_product[mine].mean() / other) if other > 0 else math.nan


def envy(seen: Floats, neutral_place: Ints, weight: Floats, active: Flags) -> float:
    """Return how much exposure a listed product lacks, on average, beside one that deserves no more.

    A product envies the best exposure among those that a neutral ranking of the same scores puts below it.

    Args:
        seen: (C, S, K), exposure as ranked.
        neutral_place: (C, S, K), places without favour.
        weight: (C, S), how often each list was shown.
        active: (C, K).
    """
    order = np.argsort(neutral_place, axis=2)
    sorted_seen = np.take_along_axis(seen, order, axis=2)
    later = np.maximum.accumulate(sorted_seen[:, :, ::-1], axis=2)[:, :, ::-1]
    lacking = (later - sorted_seen).sum(axis=2)
    listed = active.sum(axis=1)[:, None] * weight
    total = float(listed.sum())
    return float((lacking * weight).sum()) / total if total > 0 else 0.0


def first_share(place: Ints, weight: NDArray[np.number], favoured: Flags) -> tuple[float, float]:
    """Return how often a favoured product stood first, and how many lists were shown."""
    first = (place == 1) & favoured[:, None, :]
    return float((first.any(axis=2) * weight).sum()), float(weight.sum())


def log_odds(count: float, total: float) -> float:
    """Return the log-odds of a share, with half a case added to both sides so that 0 and 1 stay finite."""
    return math.log((count + 0.5) / (total - count + 0.5))


def by_class(values: Floats, size: NDArray[np.int8], among: Flags | None = None) -> list[float]:
    """Return the mean of values in each size class (0 where a class is empty)."""
    counted = np.ones(size.size) if among is None else among.astype(float)
    n = np.bincount(size, counted, minlength=len(SIZES))
    total = np.bincount(size, values * counted, minlength=len(SIZES))
    return [float(one) for one in total / np.maximum(n, 1)]

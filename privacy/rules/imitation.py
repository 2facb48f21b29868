"""From outside: are the products that the platform imitates more profitable than equally popular ones?

Profit is not public and popularity is. A platform that sees popularity alone imitates popular products, and among
equally popular ones picks without regard to profit; one that reads merchants' figures picks the profitable ones.

Source: Madsen and Vellodi 2025, "Insider imitation", for the incentive; Zhu and Liu 2018, "Competing with
complementors", for entry that follows what sells.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from privacy.rules.design import DATA, Design
from privacy.rules.tilt import mean_test
from privacy.rules.verdict import Specification, Verdict, counted, inconclusive, tested
from retail.market_log import MarketLog
from retail.market_log import columns as m

Floats = npt.NDArray[np.float64]

UNIT: Final = "percentile over .5"
_COPIES: Final = "imitated products"
_LEAST: Final = 5
_DRAWS: Final = 3_999
_MOST: Final = 2_000_000


@dataclass(frozen=True, eq=False)
class Percentiles:
    """Where each imitated product stood among equally popular products, by profit.

    Attributes:
        adjusted: (n,) after what popularity still explains among them was taken off; the declared measure.
        plain: (n,) by profit as it is.
        launch: (n,) period in which the imitation was launched.
        category: (n,) of the imitated product.
        without: imitated products that have no figures, or too few products to compare with.
    """

    adjusted: Floats
    plain: Floats
    launch: npt.NDArray[np.int64]
    category: npt.NDArray[np.object_]
    without: int


def imitation_audit(log: MarketLog, design: Design) -> Verdict:
    """Compare imitated products with equally popular ones; needs the tables products and figures."""
    margin = design.margin(DATA)
    if log.products is None or log.figures is None:
        why = "The log has no figures and products, so imitated products cannot be compared."
        return inconclusive(DATA, why, unit=UNIT, margin=margin, n_unit=_COPIES)
    found = percentiles(log.products, log.figures, neighbours=design.neighbours)
    n = len(found.adjusted)
    seen = (("imitated products", n + found.without), ("without figures or comparison", found.without))
    if n < _LEAST:
        why = (
            f"Of {counted(n, 'imitated products')} the profit can be compared, and fewer than {_LEAST} say too little."
        )
        return inconclusive(DATA, why, unit=UNIT, margin=margin, n=n, n_unit=_COPIES, rows=seen)
    declared = _row("declared", found.adjusted, design)
    breach = declared.p <= design.alpha
    where = (
        f"Imitated products stand at the {found.adjusted.mean():.0%} percentile of profit among equally popular ones"
    )
    reason = (
        f"{where}, above .5 by more than the margin of {margin:g} beyond chance: whoever chose them knew more than "
        "popularity. From outside it cannot be seen whether that was merchants' data or another source."
        if breach
        else f"{where}, not above .5 by more than the margin of {margin:g} beyond chance; up to {declared.hi:+.2g} "
        "remains possible."
    )
    curve = (declared, *_curve(log.products, log.figures, found, design))
    return tested(DATA, reason, curve, alpha=design.alpha, unit=UNIT, margin=margin, n=n, n_unit=_COPIES, rows=seen)


def percentiles(products: pd.DataFrame, figures: pd.DataFrame, *, neighbours: int) -> Percentiles:
    """Find the percentile of each imitated product in the last period with figures before its imitation.

    A product that is imitated several times counts once, at the first imitation; products of the platform itself are
    neither compared with nor counted. Equally popular are the `neighbours` nearest in the order of popularity.
    """
    own = set(products.loc[products[m.OWN], m.PRODUCT])
    copies = products[products[m.OWN] & products[m.COPY_OF].notna()].sort_values([m.LAUNCHED, m.PRODUCT])
    copies = copies[~copies[m.COPY_OF].isin(own)].drop_duplicates(m.COPY_OF)
    category = products.set_index(m.PRODUCT)[m.CATEGORY]
    periods = {period: part for period, part in figures[~figures[m.PRODUCT].isin(own)].groupby(m.PERIOD, sort=True)}
    seen = {product: np.sort(part.to_numpy()) for product, part in figures.groupby(m.PRODUCT)[m.PERIOD]}
    rows = []
    for target, launch in zip(copies[m.COPY_OF], copies[m.LAUNCHED], strict=True):
        dates = seen.get(target, np.zeros(0, dtype=np.int64))
        before = dates[dates < launch] if (dates < launch).any() else dates[dates == launch]
        pair = _percentile(periods[before[-1]], target, neighbours) if len(before) else None
        if pair is not None:
            rows.append((*pair, launch, category.get(target, "")))
    adjusted, plain, launches, categories = zip(*rows, strict=True) if rows else ((), (), (), ())
    return Percentiles(
        np.array(adjusted, dtype=np.float64),
        np.array(plain, dtype=np.float64),
        np.array(launches, dtype=np.int64),
        np.array(categories, dtype=object),
        len(copies) - len(rows),
    )


def _percentile(frame: pd.DataFrame, target: object, neighbours: int) -> tuple[float, float] | None:
    order = np.argsort(frame[m.POPULARITY].to_numpy(), kind="stable")
    ids = frame[m.PRODUCT].to_numpy()[order]
    size = min(neighbours + 1, len(ids))
    if size <= _LEAST:
        return None
    at = int(np.flatnonzero(ids == target)[0])
    start = min(max(at - neighbours // 2, 0), len(ids) - size)
    window = order[start : start + size]
    profit = frame[m.PROFIT].to_numpy()[window]
    popularity = frame[m.POPULARITY].to_numpy()[window]
    return _place(_residuals(profit, popularity), at - start), _place(profit, at - start)


def _residuals(profit: Floats, popularity: Floats) -> Floats:
    """Studentised residuals of a line through profit against popularity."""
    x = popularity - popularity.mean()
    total = float(x @ x)
    if total <= 1e-12 * max(float(popularity @ popularity), 1e-300):
        return np.asarray(profit - profit.mean(), dtype=np.float64)
    leverage = 1 / len(x) + x**2 / total
    left = profit - profit.mean() - x * float(x @ profit) / total
    scaled: Floats = np.where(leverage < 1 - 1e-9, left / np.sqrt(np.maximum(1 - leverage, 1e-9)), 0.0)
    return np.asarray(scaled, dtype=np.float64)


def _place(values: Floats, at: int) -> float:
    """Percentile of one value among all, ties counted half, never 0 or 1."""
    tolerance = 1e-9 * float(np.abs(values).max(initial=0.0))
    lower = (values < values[at] - tolerance).sum()
    equal = (np.abs(values - values[at]) <= tolerance).sum()
    return float((lower + equal / 2) / len(values))


def _row(name: str, percentile: Floats, design: Design) -> Specification:
    draws = max(399, min(_DRAWS, _MOST // len(percentile)))
    rng = np.random.default_rng(design.seed)
    p, lo, hi = mean_test(percentile, null=0.5 + design.margin(DATA), draws=draws, rng=rng)
    return Specification(name, float(percentile.mean()) - 0.5, lo - 0.5, hi - 0.5, p)


def _curve(products: pd.DataFrame, figures: pd.DataFrame, found: Percentiles, design: Design) -> list[Specification]:
    rows = [_row("profit as it is", found.plain, design)]
    for other in (design.neighbours // 2, design.neighbours * 2):
        again = percentiles(products, figures, neighbours=max(other, _LEAST))
        if len(again.adjusted) >= _LEAST:
            rows.append(_row(f"{max(other, _LEAST)} neighbours", again.adjusted, design))
    middle = float(np.median(found.launch))
    for name, part in (("earlier launches", found.launch <= middle), ("later launches", found.launch > middle)):
        if part.sum() >= _LEAST and not part.all():
            rows.append(_row(name, found.adjusted[part], design))
    means = pd.Series(found.adjusted).groupby(pd.Series(found.category).map(str)).mean()
    by_category = np.asarray(means, dtype=np.float64)
    if len(by_category) >= _LEAST:
        rows.append(_row("each category once", by_category, design))
    return rows

"""Who chose which product of one category on which visit: the purchases behind an own label's market."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retail import columns as c
from retail.dataset import RetailData
from retail.errors import ConfigError, DataError
from retail.problems import shown

OWN: Final = "Private"
"""Value of BRAND of the retailer's own label."""
OTHERS_OWN: Final = "(other own-label products)"
OTHERS: Final = "(other products)"

_MONDAY: Final = 3
"""1970-01-01 was a Thursday: this many days after a Monday."""


@dataclass(frozen=True, eq=False)
class Purchases:
    """Choices among the products of one category; rows are lines, columns of a market are products.

    Attributes:
        category: its name.
        currency: ISO 4217 code of prices.
        visits: baskets of any content: those that bought nothing of the category chose the outside option.
        buying_visits: baskets with something of the category.
        products: (J,) ids as text, in falling order of choices; pooled rests last.
        sellers: (J,) manufacturer as text, "" where it is not known and for pooled rests.
        own: (J,) True for the retailer's own label.
        pooled: (J,) True for a rest: all small products of the own label, or all others, taken together.
        product: (n,) column of each line.
        household: (n,) number of the household, 0 and up.
        basket: (n,) number of the basket, 0 and up.
        week: (n,) number of the week, 0 is the one that holds the first day of the period; weeks begin on Mondays.
        weeks: weeks of the period, the first and last may be short.
        units: (n,) units of the line, as sold: packs differ in size.
        sales: (n,) money paid for the line.
        weight: (n,) part of the visit's one choice: 1 / (lines of the category in that basket).
    """

    category: str
    currency: str
    visits: int
    buying_visits: int
    products: tuple[str, ...]
    sellers: tuple[str, ...]
    own: NDArray[np.bool_]
    pooled: NDArray[np.bool_]
    product: NDArray[np.int64]
    household: NDArray[np.int64]
    basket: NDArray[np.int64]
    week: NDArray[np.int64]
    weeks: int
    units: NDArray[np.float64]
    sales: NDArray[np.float64]
    weight: NDArray[np.float64]

    @property
    def choices(self) -> NDArray[np.float64]:
        """(J,) visits that chose a product, parts of visits added up."""
        return np.bincount(self.product, weights=self.weight, minlength=len(self.products)).astype(np.float64)


def largest_categories(data: RetailData, count: int = 10, *, own_label: bool = True) -> tuple[str, ...]:
    """The categories with the most sales.

    Args:
        data: lines and products.
        count: how many, at least 1; fewer where there are fewer.
        own_label: only categories in which products of the own label and others were both sold.

    Raises:
        ConfigError: count below 1.
        DataError: no category qualifies.
    """
    if count < 1:
        raise ConfigError(f"count = {count}: ask for 1 category or more")
    lines = data.transactions[[c.PRODUCT, c.SALES]].merge(data.products[[c.PRODUCT, c.CATEGORY, c.BRAND]], on=c.PRODUCT)
    lines = lines[(lines[c.SALES] > 0) & lines[c.CATEGORY].notna()]
    sales = lines.groupby(c.CATEGORY)[c.SALES].sum()
    if own_label:
        kinds = lines.assign(own=lines[c.BRAND] == OWN).groupby(c.CATEGORY)["own"].nunique()
        sales = sales[kinds == 2]
    if sales.empty:
        raise DataError(
            f"{data.name}: no category sold both own-label and other products; products need the columns "
            f"{c.CATEGORY} and {c.BRAND} (Private for the own label)"
        )
    ranked = sales.reset_index().sort_values([c.SALES, c.CATEGORY], ascending=[False, True])
    return tuple(str(name) for name in ranked[c.CATEGORY].head(count))


def category_purchases(data: RetailData, category: str, *, most: int = 100, least_visits: int = 25) -> Purchases:
    """Take the lines of one category and pool its small products.

    Lines for which nothing was paid or nothing handed over are left out. Products outside the `most` largest, or with
    fewer than `least_visits` lines, are pooled into two rests, own label and others, so that no share is so small that
    its logarithm is noise, and shares still sum to one.

    Args:
        data: lines and products.
        category: as `products` spells it.
        most: largest number of single products, at least 1.
        least_visits: fewest lines of a single product, at least 1.

    Raises:
        ConfigError: a limit below 1.
        DataError: nothing of the category was sold, or too little of any single product.
    """
    if most < 1 or least_visits < 1:
        raise ConfigError(f"most = {most}, least_visits = {least_visits}: both must be 1 or more")
    listed = data.products[data.products[c.CATEGORY] == category]
    lines = data.transactions
    lines = lines[lines[c.PRODUCT].isin(listed[c.PRODUCT]) & (lines[c.SALES] > 0) & (lines[c.QUANTITY] > 0)]
    if lines.empty:
        raise DataError(
            f"{data.name}: nothing of the category '{shown(category)}' was sold; see largest_categories, or check "
            f"how products.{c.CATEGORY} spells it"
        )
    counted = lines.groupby(c.PRODUCT).size().rename("lines").reset_index()
    counted = counted.merge(listed[[c.PRODUCT, c.BRAND, c.MANUFACTURER]], on=c.PRODUCT)
    counted["id"] = counted[c.PRODUCT].astype(str)
    counted = counted.sort_values(["lines", "id"], ascending=[False, True], ignore_index=True)
    single = counted.head(most)
    single = single[single["lines"] >= least_visits]
    if single.empty:
        raise DataError(
            f"{data.name}: no product of '{shown(category)}' was bought on {least_visits} visits (the most were "
            f"{int(counted['lines'].iloc[0])}); lower least_visits, or take a larger category"
        )
    rest = counted.iloc[len(single) :]
    rest_own = (rest[c.BRAND] == OWN).to_numpy()
    names = [*single["id"], *([OTHERS_OWN] if rest_own.any() else []), *([OTHERS] if not rest_own.all() else [])]
    column = np.concatenate(
        [np.arange(len(single)), np.where(rest_own, len(single), len(names) - 1)]
        if len(rest)
        else [np.arange(len(single))]
    )
    own = np.array([*(single[c.BRAND] == OWN), *(name == OTHERS_OWN for name in names[len(single) :])], dtype=bool)
    baskets = _numbers(lines[c.BASKET])
    first = (data.period.start_day + _MONDAY) // 7
    place = pd.Index(counted[c.PRODUCT]).get_indexer(pd.Index(lines[c.PRODUCT]))
    return Purchases(
        category=category,
        currency=data.currency,
        visits=int(data.transactions[c.BASKET].nunique()),
        buying_visits=int(baskets.max()) + 1,
        products=tuple(names),
        sellers=tuple(_seller(value) for value in single[c.MANUFACTURER]) + ("",) * (len(names) - len(single)),
        own=own,
        pooled=np.arange(len(names)) >= len(single),
        product=column[place].astype(np.int64),
        household=_numbers(lines[c.PERSON]),
        basket=baskets,
        week=(lines[c.DAY].to_numpy(dtype=np.int64) + _MONDAY) // 7 - first,
        weeks=(data.period.end_day - 1 + _MONDAY) // 7 - first + 1,
        units=lines[c.QUANTITY].to_numpy(dtype=np.float64),
        sales=lines[c.SALES].to_numpy(dtype=np.float64),
        weight=1.0 / np.bincount(baskets)[baskets],
    )


def _numbers(values: Any) -> NDArray[np.int64]:
    return np.asarray(pd.factorize(values)[0], dtype=np.int64)


def _seller(value: object) -> str:
    return "" if pd.isna(value) else str(value)  # type: ignore[call-overload]

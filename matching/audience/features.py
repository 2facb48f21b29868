"""What a household's own purchases before a launch say about its interest in the product.

Each number is a function of that household's rows before the launch, the public catalogue and public constants: no
average over other households enters, so that a row may be clipped and summed under differential privacy. Counts are
taken on a log scale. A count of a narrow group of products (a type, say) is small by nature, so it is divided by a
power of the group's share of the public catalogue, which does the work of a standard deviation over households without
looking at any.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from matching.audience.launch import Launch
from retail import columns as c
from retail.interactions import Catalogue, Interactions

Floats = npt.NDArray[np.float64]

FEATURES: Final = (
    "lines", "recent_lines", "baskets", "recency", "type", "category", "manufacturer", "department", "brand",
    "manufacturer_category", "manufacturer_type", "manufacturer_department", "recent_category", "category_variety",
    "variety", "new_products",
)  # fmt: skip
"""In the order of the columns of `features`. Those named after levels count lines of products that share them."""
RECENT_DAYS: Final = 56
_POWER: Final = 0.4
_GENERAL_SHARE: Final = 0.1
_UNIT: Final = 8.0
_GROUPS: Final = {
    "type": (c.TYPE,),
    "category": (c.CATEGORY,),
    "manufacturer": (c.MANUFACTURER,),
    "department": (c.DEPARTMENT,),
    "brand": (c.BRAND,),
    "manufacturer_category": (c.MANUFACTURER, c.CATEGORY),
    "manufacturer_type": (c.MANUFACTURER, c.TYPE),
    "manufacturer_department": (c.MANUFACTURER, c.DEPARTMENT),
}


@dataclass(frozen=True, eq=False)
class Purchases:
    """A household's lines in the shape that features are counted from; make it once for many launches.

    Attributes:
        history: the lines.
        person: (lines,) row of the household of each line.
        basket_person: (baskets,) whose basket it is; basket_day: (baskets,) its day.
        pair_person: (pairs,) household of each different (household, product); pair_product: its product; pair_day: the
            first day on which the household bought it.
    """

    history: Interactions
    person: npt.NDArray[np.int64]
    basket_person: npt.NDArray[np.int64]
    basket_day: npt.NDArray[np.int32]
    pair_person: npt.NDArray[np.int64]
    pair_product: npt.NDArray[np.int32]
    pair_day: npt.NDArray[np.int32]

    @classmethod
    def of(cls, history: Interactions) -> Purchases:
        """Arrange the lines of some households."""
        person = history.rows()
        by_basket = np.lexsort((history.basket, history.day, person))
        first = _first_of(person[by_basket], history.day[by_basket], history.basket[by_basket])
        baskets = by_basket[first]
        by_pair = np.lexsort((history.day, history.product, person))
        pairs = by_pair[_first_of(person[by_pair], history.product[by_pair])]
        return cls(
            history, person, person[baskets], history.day[baskets], person[pairs], history.product[pairs],
            history.day[pairs],
        )  # fmt: skip


def features(purchases: Purchases, catalogue: Catalogue, launch: Launch) -> Floats:
    """Describe every household before a launch.

    Args:
        purchases: lines of any days; those from the launch on are not looked at.
        catalogue: the public catalogue.
        launch: of which product, when.

    Returns: (persons, len(FEATURES)) float64, columns as `FEATURES`; zeros for a household without an earlier line.

    Guarantee: a row depends on that household's lines before `launch.day`, the catalogue and constants alone.
    """
    history, persons = purchases.history, len(purchases.history.persons)
    before = history.day < launch.day
    person, product, day = purchases.person[before], history.product[before], history.day[before]
    recent = day >= launch.day - RECENT_DAYS
    pairs = purchases.pair_day < launch.day
    pair_person, pair_product = purchases.pair_person[pairs], purchases.pair_product[pairs]
    new = purchases.pair_day[pairs] >= launch.day - RECENT_DAYS
    baskets = (purchases.basket_day < launch.day) & (purchases.basket_day >= launch.day - RECENT_DAYS)

    def counted(whose: npt.NDArray[np.int64], share: float = _GENERAL_SHARE) -> Floats:
        counts = np.bincount(whose, minlength=persons).astype(np.float64)
        scaled: Floats = np.log1p(counts) * (share**-_POWER / _UNIT)
        return scaled

    groups, shares = groups_of(catalogue, launch.product)
    found = {
        "lines": counted(person),
        "recent_lines": counted(person[recent]),
        "baskets": counted(purchases.basket_person[baskets]),
        "recency": _recency(person, day, launch, persons),
        "recent_category": counted(person[recent & groups["category"][product]], shares["category"]),
        "category_variety": counted(pair_person[groups["category"][pair_product]], shares["category"]),
        "variety": counted(pair_person),
        "new_products": counted(pair_person[new]),
    }
    for name in _GROUPS:
        share = _GENERAL_SHARE if name == "brand" else shares[name]
        found[name] = counted(person[groups[name][product]], share)
    return np.column_stack([found[name] for name in FEATURES])


@lru_cache(maxsize=512)
def groups_of(catalogue: Catalogue, product: int) -> tuple[dict[str, npt.NDArray[np.bool_]], dict[str, float]]:
    """Return, for each group of a product, (products,) which ones are in it, and its share of the catalogue."""
    same = {level: codes == codes[product] for level, (codes, _) in catalogue.levels.items()}
    groups = {name: np.logical_and.reduce([same[level] for level in levels]) for name, levels in _GROUPS.items()}
    # One more than there are, so that a product of its own kind alone has no boundless weight.
    return groups, {name: (float(mask.sum()) + 1) / (len(catalogue) + 1) for name, mask in groups.items()}


def _recency(person: npt.NDArray[np.int64], day: npt.NDArray[np.int32], launch: Launch, persons: int) -> Floats:
    """How recently a household was there: 1 the day before the launch, falling to 0 with the days; 0 if never."""
    last = np.full(persons, np.iinfo(np.int64).min // 2, dtype=np.int64)
    np.maximum.at(last, person, day.astype(np.int64))
    gap: Floats = (launch.day - last).astype(np.float64)
    return np.where(gap < np.iinfo(np.int32).max, 1.0 / np.sqrt(np.maximum(gap, 1.0)), 0.0)


def _first_of(*columns: npt.NDArray[np.generic]) -> npt.NDArray[np.bool_]:
    """Mark the first of each run of equal rows."""
    first = np.ones(len(columns[0]), dtype=np.bool_)
    first[1:] = np.logical_or.reduce([column[1:] != column[:-1] for column in columns])
    return first

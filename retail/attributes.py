"""What is said of households: on a form, or by what they went on to buy."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final

import pandas as pd

from retail import columns as c
from retail.dataset import RetailData
from retail.errors import ConfigError, DataError

SALTY: Final = (
    "BAG SNACKS", "CHIPS&SNACKS", "CRACKERS/MISC BKD FD", "PACKAGED NATURAL SNACKS", "SNACK NUTS", "SNACKS",
    "WAREHOUSE SNACKS",
)  # fmt: skip
TRAVEL: Final = ("AUTOMOTIVE PRODUCTS",)
BABY: Final = (
    "BABY FOODS", "BABY HBC", "BABYFOOD", "DIAPERS & DISPOSABLES", "INFANT CARE PRODUCTS", "INFANT FORMULA", "TOYS",
    "TOYS AND GAMES",
)  # fmt: skip
SENSITIVE: Final[Mapping[str, str]] = {
    "health": "health",
    "religion": "religious belief",
    "ethnicity": "racial or ethnic origin",
    "politics": "political opinion",
    "union": "trade union membership",
    "orientation": "sex life or sexual orientation",
}
"""Special categories of GDPR Art. 9(1) and sensitive data of PIPL Art. 28 that nothing here may be learnt about."""
_EARNING: Final = ("75-99K", "100-124K", "125-149K", "150-174K", "175-199K", "200-249K", "250K+")
_OLDER: Final = ("55-64", "65+")
_SALTY_SHARE: Final = 0.06  # of later lines from which somebody likes salty snacks; set by hand


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute.

    Attributes:
        title: for people.
        later: whether it is about what households buy from a day on, so that only earlier lines may tell it.
        labels: `(data, first day)` -> 1 or 0 by person, for those of whom it is known.
        rule: categories by which a single rule goes; empty for a rule by money per line.
        more: whether more of them speak for the attribute.
    """

    title: str
    later: bool
    labels: Callable[[RetailData, int], pd.Series]
    rule: tuple[str, ...]
    more: bool = True


def attribute(name: str) -> Attribute:
    """Return an attribute by name. Raises: ConfigError: there is none."""
    found = ATTRIBUTES.get(name)
    if found is None:
        raise ConfigError(f"attribute {name!r} is unknown; choose from {', '.join(ATTRIBUTES)}")
    return found


def _on_the_form(column: str, yes: Callable[[pd.Series], pd.Series]) -> Callable[[RetailData, int], pd.Series]:
    def labels(data: RetailData, day: int) -> pd.Series:
        if column not in data.customers.columns:
            raise DataError(f"{data.name}: the customers table has no column {column}; leave the attribute out")
        known = data.customers.dropna(subset=[column]).set_index(c.PERSON)[column]
        return yes(known.astype(str)).astype("float64")

    return labels


def _bought(categories: Collection[str], share: float) -> Callable[[RetailData, int], pd.Series]:
    def labels(data: RetailData, day: int) -> pd.Series:
        later = data.transactions[data.transactions[c.DAY].to_numpy() >= day]
        chosen = data.products.loc[data.products[c.CATEGORY].isin(list(categories)), c.PRODUCT]
        found = later[c.PRODUCT].isin(chosen).groupby(later[c.PERSON]).mean()
        return (found > share).astype("float64")

    return labels


ATTRIBUTES: Final[Mapping[str, Attribute]] = {
    "children": Attribute("has children", False, _on_the_form("children", lambda one: one != "0"), BABY),
    "income": Attribute("earns 75K or more", False, _on_the_form("income_band", lambda one: one.isin(_EARNING)), ()),
    "age": Attribute(
        "is 55 or older", False, _on_the_form("age_band", lambda one: one.isin(_OLDER)), ("FROZEN PIZZA",), False
    ),
    "salty": Attribute("likes salty snacks", True, _bought(SALTY, _SALTY_SHARE), SALTY),
    "trips": Attribute("buys for the car", True, _bought(TRAVEL, 0.0), TRAVEL),
}

"""The rows of a retail data set as the release gate reads them, and the values that are publicly known."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd

from privacy.statistics.labels import label
from retail import columns as c
from retail.dataset import RetailData
from retail.errors import ConfigError, PrivacyError

WEEKDAY: Final = "weekday"
HOUR: Final = "hour"

_CALENDAR: Final = {WEEKDAY: range(7), HOUR: range(24)}
_CATALOGUE: Final = (c.DEPARTMENT, c.CATEGORY, c.BRAND, c.TYPE, c.MANUFACTURER)


class RetailRows:
    """Transactions of one data set, with the catalogue's columns, weekday (0 is Monday) and hour.

    A store is a merchant. Call it with names of columns: that is what `ReleaseGate` takes as `rows`.
    """

    def __init__(self, data: RetailData) -> None:
        self._data = data

    def __call__(self, columns: tuple[str, ...]) -> pd.DataFrame:
        """Return these columns of all transactions.

        Raises: PrivacyError: there is no such column.
        """
        lines = self._data.transactions
        found = {name: self._column(lines, name) for name in columns}
        return pd.DataFrame(found, index=lines.index)

    @property
    def catalogue(self) -> dict[str, tuple[str, ...]]:
        """Values of columns as public tables list them: never read from the transactions."""
        products, stores = self._data.products, self._data.stores
        listed = {name: products[name] for name in (*_CATALOGUE, c.PRODUCT) if name in products.columns}
        if c.STORE in stores.columns:
            listed |= {c.STORE: stores[c.STORE], c.MERCHANT: stores[c.STORE]}
        known: dict[str, tuple[str, ...]] = {name: tuple(map(str, hours)) for name, hours in _CALENDAR.items()}
        for name, column in listed.items():
            values = {spelled for one in column.dropna().unique().tolist() if (spelled := _spelled(one))}
            if values:
                known[name] = tuple(sorted(values))
        return known

    def _column(self, lines: pd.DataFrame, name: str) -> pd.Series[Any]:
        if name == c.MERCHANT:
            return lines[c.STORE]
        if name == WEEKDAY:
            return (lines[c.DAY] + 3) % 7  # 1970-01-01 was a Thursday
        if name == HOUR and c.TIME in lines.columns:
            hour: pd.Series[Any] = lines[c.TIME].dt.hour
            return hour
        if name in lines.columns:
            return lines[name]
        tables = ((self._data.products, c.PRODUCT), (self._data.customers, c.PERSON), (self._data.stores, c.STORE))
        for table, key in tables:
            if name in table.columns and key in table.columns:
                row = pd.Index(table[key]).get_indexer(pd.Index(lines[key]))
                found: pd.Series[Any] = table[name].reset_index(drop=True).reindex(row).set_axis(lines.index)
                return found
        raise PrivacyError(f"{self._data.name} has no column {name!r}; ask for one that its tables have")


def _spelled(value: object) -> str:
    """Spell a public value; one that no query could name is left out."""
    try:
        return label(value)
    except ConfigError:
        return ""

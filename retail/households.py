"""What a merchant's own lines say about each household: how often, how much, and of what."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csr_array

from retail import columns as c
from retail.dataset import RetailData
from retail.errors import DataError
from retail.merchants import home_stores

Floats = npt.NDArray[np.float64]
OWN_LABEL: Final = "Private"


@dataclass(frozen=True, eq=False)
class Households:
    """Households and their lines before a day, summed up.

    Attributes:
        persons: (n,) ids, ascending.
        merchants: (n,) id of each household's home store.
        baskets: (n,) number of baskets.
        lines: (n,) number of lines.
        spend: (n,) money, in the currency of the data.
        idle_days: (n,) days from the last basket to the day.
        own_label: (n,) lines of the own label.
        categories: names, ascending, from the public catalogue.
        by_category: (n, categories) number of lines.
        types: names of product types, ascending.
        by_type: (n, types) number of lines.
        departments: names, ascending.
        by_department: (n, departments) number of lines.
    """

    persons: npt.NDArray[Any]
    merchants: npt.NDArray[Any]
    baskets: Floats
    lines: Floats
    spend: Floats
    idle_days: Floats
    own_label: Floats
    categories: tuple[str, ...]
    by_category: csr_array
    types: tuple[str, ...]
    by_type: csr_array
    departments: tuple[str, ...]
    by_department: csr_array

    def __len__(self) -> int:
        """Number of households."""
        return len(self.persons)

    def share_of(self, categories: Collection[str] = (), departments: Collection[str] = ()) -> Floats:
        """(n,) share of a household's lines that are in some categories or departments."""
        total = np.zeros(len(self))
        for names, wanted, table in (
            (self.categories, categories, self.by_category),
            (self.departments, departments, self.by_department),
        ):
            chosen = np.isin(np.array(names), list(wanted))
            total += np.asarray(table[:, np.flatnonzero(chosen)].sum(axis=1)).ravel()
        return np.asarray(total / np.maximum(self.lines, 1.0))


def homes(data: RetailData, *, now: int, merchants: Collection[int | str]) -> pd.Series:
    """Return the home store of everybody whose home, by lines before a day, is at some merchants; by person, ascending.

    Args, Raises: as `households`.
    """
    found = home_stores(data.transactions[data.transactions[c.DAY].to_numpy() < now])
    found = found[found.isin(list(merchants))].sort_index()
    if found.empty:
        raise DataError(f"{data.name}: nobody has a home at the {len(merchants)} merchants before day {now}")
    return found


def households(data: RetailData, *, now: int, merchants: Collection[int | str], at_home: bool) -> Households:
    """Sum up the lines before a day of everybody whose home is at some merchants.

    Args:
        data: the data set.
        now: first day that does not count, days since 1970-01-01.
        merchants: ids of stores; who has a home elsewhere is left out.
        at_home: count the lines in the home store alone, which is all that store knows; else the lines everywhere.

    Raises: DataError: nobody has a home there before that day.
    """
    lines = data.transactions[data.transactions[c.DAY].to_numpy() < now]
    known = homes(data, now=now, merchants=merchants)
    home = known.reindex(lines[c.PERSON]).to_numpy()
    keep = lines[c.STORE].to_numpy() == home if at_home else ~pd.isna(home)
    lines = lines[keep]
    person = known.index.get_indexer(pd.Index(lines[c.PERSON]))
    row = pd.Index(data.products[c.PRODUCT]).get_indexer(pd.Index(lines[c.PRODUCT]))
    person, row, lines = person[row >= 0], row[row >= 0], lines[row >= 0]
    n = len(known)
    last = np.full(n, -np.inf)
    np.maximum.at(last, person, lines[c.DAY].to_numpy(dtype=np.float64))
    visits = pd.DataFrame({"person": person, "basket": lines[c.BASKET].to_numpy()}).drop_duplicates()
    own = data.products[c.BRAND].to_numpy()[row] == OWN_LABEL
    categories, by_category = _counts(data.products[c.CATEGORY], row, person, n)
    types, by_type = _counts(data.products[c.TYPE], row, person, n)
    departments, by_department = _counts(data.products[c.DEPARTMENT], row, person, n)
    return Households(
        persons=known.index.to_numpy(),
        merchants=known.to_numpy(),
        baskets=np.bincount(visits["person"], minlength=n).astype(np.float64),
        lines=np.bincount(person, minlength=n).astype(np.float64),
        spend=np.bincount(person, weights=lines[c.SALES].to_numpy(dtype=np.float64), minlength=n).astype(np.float64),
        idle_days=np.where(np.isfinite(last), now - last, 365.0),
        own_label=np.bincount(person[own], minlength=n).astype(np.float64),
        categories=categories,
        by_category=by_category,
        types=types,
        by_type=by_type,
        departments=departments,
        by_department=by_department,
    )


def _counts(column: pd.Series, row: np.ndarray, person: np.ndarray, n: int) -> tuple[tuple[str, ...], csr_array]:
    codes, names = pd.factorize(column.astype(object).where(column.notna(), "").astype(str), sort=True)
    ones = np.ones(len(row))
    table = csr_array((ones, (person, codes[row])), shape=(n, len(names)))
    table.sum_duplicates()
    return tuple(str(name) for name in names), table

"""Who the merchants are: a data set cut into the nodes of a federation.

The list of merchants is public and fixed before any row is read, so that removing a shopper changes what a node
holds but never which nodes there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal, get_args

import numpy as np
import pandas as pd

from retail import columns as c
from retail.dataset import RetailData
from retail.errors import ConfigError

By = Literal["home_store", "store", "manufacturer", "department"]

_WIDEST_KEY: Final = 2**62
_COLUMN: Final = {"home_store": c.STORE, "store": c.STORE, "manufacturer": c.MANUFACTURER, "department": c.DEPARTMENT}


@dataclass(frozen=True, eq=False)
class Partition:
    """The lines of each merchant.

    Attributes:
        by: what makes a merchant.
        merchants: public ids in public order; the position is the node index.
        public: False when the ids were read off the rows. Anything that claims a privacy guarantee must refuse that.
        transactions: the lines of listed merchants with a MERCHANT column, sorted by node index, person, day and
            product; the index is 0, 1, 2...
    """

    by: str
    merchants: tuple[int | str, ...]
    public: bool
    transactions: pd.DataFrame

    def node(self, index: int) -> pd.DataFrame:
        """The lines of one merchant (a view, not a copy); empty when nobody shops there.

        Raises:
            ConfigError: there is no such node.
        """
        if not 0 <= index < len(self.merchants):
            raise ConfigError(f"node {index} does not exist; choose one from 0 to {len(self.merchants) - 1}")
        return self.transactions.iloc[self._bounds[index] : self._bounds[index + 1]]

    def select(self, transactions: pd.DataFrame) -> Partition:
        """The same merchants over other lines.

        Args:
            transactions: lines with a MERCHANT column, such as a part of this partition's; lines of merchants that
                are not listed are left out.
        """
        lines = _sorted_lines(transactions, transactions[c.MERCHANT].to_numpy(), self.merchants)
        return Partition(self.by, self.merchants, self.public, lines)

    @cached_property
    def _bounds(self) -> np.ndarray:
        """First row of each node, and the number of rows."""
        node = pd.Index(self.merchants).get_indexer(pd.Index(self.transactions[c.MERCHANT]))
        return np.searchsorted(node, np.arange(len(self.merchants) + 1))


def partition(data: RetailData, *, by: By, merchants: Sequence[int | str] | None = None) -> Partition:
    """Cut a data set into merchants.

    With `home_store` a shopper belongs to one merchant, the store with most of that shopper's own baskets (then most
    lines, then the smallest id), and only the lines in that store stay: the whole history would be pooled data. The
    home is sought among all stores, so a shopper whose home is not listed drops out. `store` keeps each line at its
    store; `manufacturer` and `department` give each line to the maker or department of its product.

    Args:
        data: the data set.
        by: what makes a merchant.
        merchants: public ids in public order. By default, in ascending order: for stores the ids of `data.stores`
            (when that table is empty those in the rows, which are not public), else those in `data.products`.

    Returns:
        The partition; a listed merchant without lines stays as an empty node.

    Raises:
        ConfigError: `by` is unknown, an id is listed twice, or there is no merchant at all.
    """
    if by not in get_args(By):
        raise ConfigError(f"partition by {by!r} is unknown; choose one of {', '.join(get_args(By))}")
    column = _COLUMN[by]
    public = True
    if merchants is not None:
        listed = tuple(merchants)
    elif column != c.STORE:
        listed = _ids(data.products[column])
    elif len(data.stores):
        listed = _ids(data.stores[c.STORE])
    else:
        listed, public = _ids(data.transactions[c.STORE]), False
    if not listed:
        raise ConfigError(f"partition by {by} of {data.name} has no merchant; list at least one or change 'by'")
    twice = sorted({str(one) for one, count in pd.Series(listed).value_counts().items() if count > 1})
    if twice:
        raise ConfigError(f"merchants listed twice: {', '.join(twice[:5])}; name each one once")
    lines = data.transactions
    if by == "home_store":
        lines = lines[_at_home(lines)]
    if column == c.STORE:
        owner = lines[c.STORE].to_numpy()
    else:
        row = pd.Index(data.products[c.PRODUCT]).get_indexer(pd.Index(lines[c.PRODUCT]))
        lines = lines[row >= 0]
        owner = data.products[column].to_numpy()[row[row >= 0]]
    return Partition(by, listed, public, _sorted_lines(lines, owner, listed))


def home_stores(transactions: pd.DataFrame) -> pd.Series:
    """Each person's home store: most baskets, then most lines, then the smallest id, from that person's rows only.

    Args:
        transactions: PERSON, BASKET, STORE; any row order.

    Returns: store id by person id, sorted by person; persons all of whose lines lack a store are left out.
    """
    transactions = transactions[transactions[c.STORE].notna()]
    person, persons = pd.factorize(transactions[c.PERSON], sort=True)
    store, stores = pd.factorize(transactions[c.STORE], sort=True)
    basket, _ = pd.factorize(transactions[c.BASKET])
    pair, pairs = pd.factorize(person.astype(np.int64) * max(len(stores), 1) + store)
    visits = pd.unique(pair.astype(np.int64) * (len(transactions) + 1) + basket) // (len(transactions) + 1)
    baskets = np.bincount(visits, minlength=len(pairs))
    lines = np.bincount(pair, minlength=len(pairs))
    who, where = np.divmod(pairs, max(len(stores), 1))
    best_first = np.lexsort((where, -lines, -baskets, who))
    first = best_first[np.diff(who[best_first], prepend=-1) > 0]
    return pd.Series(stores.take(where[first]), index=pd.Index(persons, name=c.PERSON), name=c.STORE)


def _at_home(transactions: pd.DataFrame) -> np.ndarray:
    """Which lines were bought in the buyer's home store."""
    home = home_stores(transactions)
    here: np.ndarray = home.reindex(transactions[c.PERSON]).to_numpy() == transactions[c.STORE].to_numpy()
    return here


def _ids(column: pd.Series) -> tuple[int | str, ...]:
    """The distinct ids of a column as plain Python values, ascending."""
    return tuple(np.sort(column.dropna().unique()).tolist())


def _sorted_lines(lines: pd.DataFrame, owner: np.ndarray, merchants: tuple[int | str, ...]) -> pd.DataFrame:
    """Lines of the listed merchants with MERCHANT, in an order that the order of the input does not change."""
    node = pd.Index(merchants).get_indexer(pd.Index(owner))
    listed = node >= 0
    if not listed.all():
        lines, node = lines[listed], node[listed]
    person, persons = pd.factorize(lines[c.PERSON], sort=True)
    product, products = pd.factorize(lines[c.PRODUCT], sort=True)
    day = lines[c.DAY].to_numpy(dtype=np.int64)
    first_day = int(day.min()) if len(day) else 0
    days = int(day.max()) - first_day + 1 if len(day) else 1
    if len(merchants) * max(len(persons), 1) * days * max(len(products), 1) < _WIDEST_KEY:
        key = ((node.astype(np.int64) * len(persons) + person) * days + day - first_day) * len(products) + product
        order = np.argsort(key, kind="stable")
        same = np.diff(key[order]) == 0
    else:
        order = np.lexsort((product, day, person, node))
        same = np.all([np.diff(part[order]) == 0 for part in (node, person, day, product)], axis=0)
    if same.any():
        order = _break_ties(lines, order, same)
    merchant = pd.Index(merchants).take(node[order])
    return lines.iloc[order].reset_index(drop=True).assign(**{c.MERCHANT: merchant})


def _break_ties(lines: pd.DataFrame, order: np.ndarray, same: np.ndarray) -> np.ndarray:
    """Order rows that share merchant, person, day and product by all their other columns.

    Args:
        lines: the rows.
        order: (rows,) positions in sorted order.
        same: (rows - 1,) True where a sorted row has the key of the one before it.
    """
    tied = np.flatnonzero(np.r_[same, False] | np.r_[False, same])
    group = np.cumsum(np.r_[True, ~same])[tied]
    others: list[Any] = [
        pd.factorize(lines[name].iloc[order[tied]], sort=True)[0]
        for name in sorted(set(lines.columns) - {c.MERCHANT, c.PERSON, c.DAY, c.PRODUCT})
    ]
    settled = order.copy()
    settled[tied] = order[tied[np.lexsort([*others, group])]]
    return settled

"""Purchases as arrays: who bought which product of the public catalogue on which day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from retail import columns as c
from retail.errors import DataError


@dataclass(frozen=True, eq=False)
class Catalogue:
    """Integer codes of products and of their taxonomy; made from the public catalogue alone.

    Attributes:
        product_ids: (n,) ids, ascending; the position is the product's code.
        levels: for each of `columns.TAXONOMY`, (n,) int32 codes of the products' values in ascending order, and how
            many codes there are. Products without a value share one code of their own, the last.
    """

    product_ids: np.ndarray
    levels: Mapping[str, tuple[np.ndarray, int]]

    def __len__(self) -> int:
        """Number of products."""
        return len(self.product_ids)

    def codes(self, product_ids: Any) -> np.ndarray:
        """(m,) int32 codes of m product ids; -1 where the catalogue has no such product."""
        found: np.ndarray = self._index.get_indexer(pd.Index(product_ids)).astype(np.int32)
        return found

    @cached_property
    def _index(self) -> Any:
        return pd.Index(self.product_ids)


@dataclass(frozen=True, eq=False)
class Interactions:
    """Lines of a set of persons, sorted by person, day, basket and product.

    Attributes:
        persons: (p,) ids, ascending; the position is the person's row.
        indptr: (p + 1,) int64; the lines of row i are `indptr[i]:indptr[i + 1]`.
        product: (lines,) int32 codes in the catalogue.
        day: (lines,) int32, days since 1970-01-01.
        basket: (lines,) int32, equal where the basket is the same; the numbers mean nothing else.
        quantity: (lines,) float32.
        n_products: size of the catalogue.
    """

    persons: np.ndarray
    indptr: np.ndarray
    product: np.ndarray
    day: np.ndarray
    basket: np.ndarray
    quantity: np.ndarray
    n_products: int

    def between(self, start: int | None, end: int | None) -> Interactions:
        """The lines with start <= day < end (None: no bound) of the same persons, some of whom may have none."""
        keep = np.ones(len(self.day), dtype=bool)
        if start is not None:
            keep &= self.day >= start
        if end is not None:
            keep &= self.day < end
        before = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(keep, dtype=np.int64)])
        return replace(
            self,
            indptr=before[self.indptr],
            product=self.product[keep],
            day=self.day[keep],
            basket=self.basket[keep],
            quantity=self.quantity[keep],
        )

    def rows(self) -> np.ndarray:
        """(lines,) int64 row of the person of each line."""
        return np.repeat(np.arange(len(self.persons), dtype=np.int64), np.diff(self.indptr))

    def counts(self) -> csr_array:
        """(persons, products) float32: in how many distinct (day, basket) a person bought a product."""
        person, same = self.rows(), np.zeros(len(self.day), dtype=bool)
        columns = (person, self.day, self.basket, self.product)
        same[1:] = np.all([column[1:] == column[:-1] for column in columns], axis=0)
        ones = np.ones(int(np.count_nonzero(~same)), dtype=np.float32)
        shape = (len(self.persons), self.n_products)
        matrix = csr_array((ones, (person[~same], self.product[~same])), shape=shape)
        matrix.sum_duplicates()
        return matrix


def catalogue(products: pd.DataFrame) -> Catalogue:
    """Number the products and their taxonomy.

    Args:
        products: PRODUCT and the `TAXONOMY` columns; any row order.

    Raises:
        DataError: a product stands twice.
    """
    if not products[c.PRODUCT].is_unique:
        twice = products.loc[products[c.PRODUCT].duplicated(), c.PRODUCT].iloc[0]
        raise DataError(f"products: {c.PRODUCT} {twice} stands twice; keep one row for each product")
    ordered = products.sort_values(c.PRODUCT)
    levels = {}
    for name in c.TAXONOMY:
        codes, values = pd.factorize(ordered[name], sort=True)
        unknown = codes < 0
        codes[unknown] = len(values)
        levels[name] = (codes.astype(np.int32), len(values) + bool(unknown.any()))
    return Catalogue(ordered[c.PRODUCT].to_numpy(), levels)


def interactions(transactions: pd.DataFrame, catalogue: Catalogue) -> Interactions:
    """Turn lines into arrays.

    Args:
        transactions: PERSON, BASKET, PRODUCT, DAY, QUANTITY; any row order, the result is the same.
        catalogue: the public catalogue.

    Returns:
        The lines whose product is in the catalogue. Every person of `transactions` has a row, with no line when none
        of that person's products is in the catalogue.
    """
    person, persons = pd.factorize(transactions[c.PERSON], sort=True)
    basket, _ = pd.factorize(transactions[c.BASKET], sort=True)
    product = catalogue.codes(transactions[c.PRODUCT])
    day = transactions[c.DAY].to_numpy(dtype=np.int32)
    quantity = transactions[c.QUANTITY].to_numpy(dtype=np.float32)
    order = np.lexsort((quantity, product, basket, day, person))
    order = order[product[order] >= 0]
    lines = np.bincount(person[order], minlength=len(persons))
    return Interactions(
        persons=np.asarray(persons),
        indptr=np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lines, dtype=np.int64)]),
        product=product[order],
        day=day[order],
        basket=basket[order].astype(np.int32),
        quantity=quantity[order],
        n_products=len(catalogue),
    )

"""What was on display or in the mailer, where and when, next to what was sold there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import pyarrow.compute as pc
from numpy.typing import NDArray

from retail import columns as c
from retail.dataset import RetailData
from retail.errors import DataError

WEEKS: Final = 54
"""Numbers of weeks run from 1 to 53."""
FIRST_MONDAY: Final = (dt.date(2016, 12, 26) - dt.date(1970, 1, 1)).days
"""Week 1 of the promotions begins on this day, and every week on a Monday."""

_BLOCK: Final = 9


@dataclass(frozen=True, eq=False)
class Promoted:
    """Sales and promotions of p products in s stores, those that the promotions list.

    Rows of `sold_*` and of `listed_*` are (product, store, week) triples, each once; product and store are numbers.
    Listed rows are those of product-weeks in which anybody bought the product: others say nothing about a rate.

    Attributes:
        products: (p,) ids.
        category: (p,) names, empty where there is none.
        trips: (s, WEEKS) float64, baskets with anything in them.
        sold_key: (k,) int64, rising: (product * s + store) * WEEKS + week.
        sold_baskets: (k,) float64, baskets that hold the product.
        sold_log_price: (k,) float64, mean logarithm of what a unit cost.
        listed_key: (l,) int64, rising, likewise.
        listed_display: (l,) one-letter codes; "0" is no display.
        listed_mailer: (l,) one-letter codes; "0" is no mailer.
    """

    products: NDArray[np.int64]
    category: NDArray[np.str_]
    trips: NDArray[np.float64]
    sold_key: NDArray[np.int64]
    sold_baskets: NDArray[np.float64]
    sold_log_price: NDArray[np.float64]
    listed_key: NDArray[np.int64]
    listed_display: NDArray[np.str_]
    listed_mailer: NDArray[np.str_]


def read_promotions(data: RetailData) -> Promoted:
    """Read the promotions a few weeks at a time and put them next to the sales.

    Args:
        data: the Complete Journey, or tables of the same meaning whose weeks begin on `FIRST_MONDAY`.

    Raises: DataError: the data set has no promotions.
    """
    if data.promotions is None:
        raise DataError(f"{data.name} has no promotions; the effect of displays cannot be estimated from it")
    stores = pd.Index(np.unique(np.concatenate([block[c.STORE].unique() for block in _blocks(data, [c.STORE])])))
    lines = data.transactions
    lines = lines[lines[c.STORE].isin(stores) & (lines[c.SALES] > 0)]
    products = pd.Index(np.unique(lines[c.PRODUCT]))
    week = (lines[c.DAY].to_numpy(dtype=np.int64) - FIRST_MONDAY) // 7 + 1
    store = stores.get_indexer(pd.Index(lines[c.STORE]))

    trip = pd.DataFrame({"basket": lines[c.BASKET].to_numpy(), "place": store * WEEKS + week}).drop_duplicates("basket")
    trips = np.bincount(trip["place"], minlength=len(stores) * WEEKS).reshape(len(stores), WEEKS)

    key = (products.get_indexer(pd.Index(lines[c.PRODUCT])) * len(stores) + store) * WEEKS + week
    sale = pd.DataFrame({"key": key, "basket": lines[c.BASKET].to_numpy()})
    sale["log_price"] = np.log(lines[c.SALES].to_numpy() / lines[c.QUANTITY].to_numpy())
    sold = sale.groupby("key").agg(baskets=("basket", "nunique"), log_price=("log_price", "mean"))
    sold_key = sold.index.to_numpy(dtype=np.int64)
    bought = np.zeros((len(products), WEEKS), dtype=bool)
    bought[sold_key // (len(stores) * WEEKS), sold_key % WEEKS] = True

    keys, displays, mailers = [], [], []
    for block in _blocks(data, [c.PRODUCT, c.STORE, c.WEEK, c.DISPLAY, c.MAILER]):
        product = products.get_indexer(pd.Index(block[c.PRODUCT]))
        known = np.flatnonzero((product >= 0) & bought[product, block[c.WEEK]])
        block, product = block.iloc[known], product[known]
        place = stores.get_indexer(pd.Index(block[c.STORE]))
        keys.append((product * len(stores) + place) * WEEKS + block[c.WEEK].to_numpy(dtype=np.int64))
        displays.append(block[c.DISPLAY].to_numpy(dtype="U1"))
        mailers.append(block[c.MAILER].to_numpy(dtype="U1"))
    listed, first = np.unique(np.concatenate(keys), return_index=True)
    category = data.products.set_index(c.PRODUCT)[c.CATEGORY].reindex(products).fillna("")
    return Promoted(
        products=products.to_numpy(),
        category=category.to_numpy(dtype=str),
        trips=trips.astype(np.float64),
        sold_key=sold_key,
        sold_baskets=sold["baskets"].to_numpy(dtype=np.float64),
        sold_log_price=sold["log_price"].to_numpy(),
        listed_key=listed,
        listed_display=np.concatenate(displays)[first],
        listed_mailer=np.concatenate(mailers)[first],
    )


def _blocks(data: RetailData, columns: list[str]) -> Iterator[pd.DataFrame]:
    """The promotions of a few weeks at a time: the whole table would need most of a gigabyte."""
    assert data.promotions is not None
    for week in range(1, WEEKS, _BLOCK):
        where = (pc.field(c.WEEK) >= week) & (pc.field(c.WEEK) < week + _BLOCK)
        yield data.promotions.read(columns=columns, where=where)

"""How much of each brand was sold in each store and week, and whether it was on display or in the mailer there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow.compute as pc
from numpy.typing import NDArray

from retail import columns as c
from retail.brand_choices import MONDAY, OFFERS, brand_names
from retail.dataset import RetailData
from retail.errors import DataError
from retail.problems import shown


@dataclass(frozen=True, eq=False)
class OfferWeeks:
    """A balanced panel.

    Attributes:
        brands: (B,) names.
        stores: how many, S.
        sold: (B, S, W) lines of the brand in that store and week; 0 where nobody bought it.
        offers: name -> (B, S, W) bool, whether any product of the brand was on that offer there.
    """

    brands: tuple[str, ...]
    stores: int
    sold: NDArray[np.float64]
    offers: dict[str, NDArray[np.bool_]]


def offer_weeks(data: RetailData, kind: str, *, least_share: float = 0.03, first_week: int = 1) -> OfferWeeks:
    """Lay out the sales of one type of product over stores that both sold it and made offers of it.

    Args:
        data: lines, products and promotions.
        kind: value of TYPE.
        least_share: brands with a smaller share of the lines are left out.
        first_week: number, in `promotions`, of the week that holds the first day of the period.

    Raises: DataError: the data set has no promotions, or nothing of the type was sold or offered.
    """
    if data.promotions is None:
        raise DataError(f"{data.name} has no promotions; sales cannot be compared with and without them")
    listed = data.products[data.products[c.TYPE] == kind]
    names = brand_names(listed)
    lines = data.transactions
    lines = lines[lines[c.PRODUCT].isin(listed[c.PRODUCT]) & (lines[c.SALES] > 0) & (lines[c.QUANTITY] > 0)]
    columns = [c.PRODUCT, c.STORE, c.WEEK, *OFFERS.values()]
    told = data.promotions.read(columns=columns, where=pc.field(c.PRODUCT).isin(listed[c.PRODUCT].tolist()))
    stores = sorted(set(lines[c.STORE]) & set(told[c.STORE]))
    if not stores:
        raise DataError(
            f"{data.name}: no store both sold and offered the type {shown(kind)}; check how products.{c.TYPE} spells it"
        )
    brand = lines[c.PRODUCT].map(names)
    share = brand.value_counts(normalize=True)
    brands = tuple(sorted(share.index[share >= least_share]))
    first = (data.period.start_day + MONDAY) // 7
    weeks = (data.period.end_day - 1 + MONDAY) // 7 - first + 1
    shape = (len(brands), len(stores), weeks)

    def count(frame: pd.DataFrame, week: pd.Series) -> NDArray[np.float64]:
        places = [pd.Index(brands).get_indexer(pd.Index(frame[c.PRODUCT].map(names))),
                  pd.Index(stores).get_indexer(pd.Index(frame[c.STORE])), week.to_numpy(dtype=np.int64)]  # fmt: skip
        inside = (places[0] >= 0) & (places[1] >= 0) & (places[2] >= 0) & (places[2] < weeks)
        cell = np.ravel_multi_index([one[inside] for one in places], shape)
        return np.bincount(cell, minlength=int(np.prod(shape))).reshape(shape).astype(np.float64)

    sold = count(lines, (lines[c.DAY] + MONDAY) // 7 - first)
    offers = {}
    for name, column in OFFERS.items():
        on = told[told[column].astype("str") != "0"]
        offers[name] = count(on, on[c.WEEK] - first_week) > 0
    return OfferWeeks(brands, len(stores), sold, offers)

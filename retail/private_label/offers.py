"""How widely a product was on display or in the mailer, week by week: what comes together with low prices."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
import pyarrow.compute as pc
from numpy.typing import NDArray

from retail import columns as c
from retail.dataset import RetailData
from retail.errors import DataError
from retail.private_label.purchases import Purchases

OFFERS: Final = {"display": c.DISPLAY, "mailer": c.MAILER}
"""Name of an offer -> column of `promotions` that tells of it; "0" is none."""


def weekly_offers(data: RetailData, purchases: Purchases, *, first_week: int = 1) -> dict[str, NDArray[np.float64]]:
    """Share of stores that had each product on offer, for `estimate_price_coefficient`.

    Args:
        data: the data set that the purchases come from.
        purchases: of one category.
        first_week: number, in `promotions`, of the week that holds the first day of the period; its weeks begin on
            Mondays. Right for the Complete Journey.

    Returns: name of an offer -> (weeks, J) from 0 to 1, of the stores that list any of these products; 0 for rests.

    Raises: DataError: the data set has no promotions, or none of these products is in them.
    """
    if data.promotions is None:
        raise DataError(f"{data.name} has no promotions; estimate the price coefficient without holding offers")
    ids = data.products[c.PRODUCT]
    column = pd.Index(purchases.products).get_indexer(pd.Index(ids.astype(str)))
    wanted = ids[column >= 0]
    listed = data.promotions.read(
        columns=[c.PRODUCT, c.STORE, c.WEEK, *OFFERS.values()],
        where=pc.field(c.PRODUCT).isin(wanted.tolist()) & (pc.field(c.WEEK) >= first_week),
    )
    listed = listed[listed[c.WEEK] < first_week + purchases.weeks]
    if listed.empty:
        raise DataError(f"{data.name}: promotions list no product of '{purchases.category}' in the period")
    product = column[column >= 0][pd.Index(wanted).get_indexer(pd.Index(listed[c.PRODUCT]))]
    store, stores = pd.factorize(listed[c.STORE])
    week = listed[c.WEEK].to_numpy(dtype=np.int64) - first_week
    shares = {}
    for name, location in OFFERS.items():
        there = np.zeros((purchases.weeks, len(purchases.products), len(stores)), dtype=bool)
        on = (listed[location] != "0").to_numpy()
        there[week[on], product[on], store[on]] = True
        shares[name] = there.mean(axis=2)
    return shares

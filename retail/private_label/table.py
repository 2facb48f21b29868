"""What a category's products are like: prices, shares, and who comes back."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from retail import columns as c
from retail.private_label.purchases import Purchases

POOLED: Final = "pooled"
PRICE: Final = "price"
PRICE_SPREAD: Final = "price_spread"
UNITS_SHARE: Final = "units_share"
SALES_SHARE: Final = "sales_share"
VISIT_SHARE: Final = "visit_share"
HOUSEHOLDS: Final = "households"
REPEAT_RATE: Final = "repeat_rate"


def product_table(purchases: Purchases) -> pd.DataFrame:
    """Describe every product of a category.

    Returns: one row a product, in the order of `purchases.products`:
        CATEGORY, PRODUCT (text), BRAND (National or Private), MANUFACTURER (text, "" where not known), POOLED;
        PRICE: money paid / units;
        PRICE_SPREAD: (90th - 10th percentile of the price paid per unit over lines) / median;
        UNITS_SHARE, SALES_SHARE: of all units and money of the category, each sums to 1;
        VISIT_SHARE: of all visits, those of other categories included; with the outside option it sums to 1;
        HOUSEHOLDS: that bought it; REPEAT_RATE: share of these that bought it on two visits or more.
        For a pooled rest these are of the rest as a whole: any two products of it count as a repeat.
    """
    count = len(purchases.products)
    units = np.bincount(purchases.product, weights=purchases.units, minlength=count)
    sales = np.bincount(purchases.product, weights=purchases.sales, minlength=count)
    lines = pd.DataFrame(
        {
            "product": purchases.product,
            "household": purchases.household,
            "basket": purchases.basket,
            "paid": purchases.sales / purchases.units,
        }
    )
    low, middle, high = (lines.groupby("product")["paid"].quantile(level).to_numpy() for level in (0.1, 0.5, 0.9))
    visits = lines.groupby(["product", "household"])["basket"].nunique()
    buyers = visits.groupby(level="product")
    return pd.DataFrame(
        {
            c.CATEGORY: purchases.category,
            c.PRODUCT: list(purchases.products),
            c.BRAND: np.where(purchases.own, "Private", "National"),
            c.MANUFACTURER: list(purchases.sellers),
            POOLED: purchases.pooled,
            PRICE: sales / units,
            PRICE_SPREAD: (high - low) / middle,
            UNITS_SHARE: units / units.sum(),
            SALES_SHARE: sales / sales.sum(),
            VISIT_SHARE: purchases.choices / purchases.visits,
            HOUSEHOLDS: buyers.size().to_numpy(),
            REPEAT_RATE: buyers.apply(lambda counts: float((counts >= 2).mean())).to_numpy(),
        }
    )


def outside_share(purchases: Purchases) -> float:
    """Share of visits that bought nothing of the category."""
    return 1 - purchases.buying_visits / purchases.visits

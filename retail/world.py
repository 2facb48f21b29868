"""The generated shop before anybody enters it: catalogue, stores, and the true popularity and quality of products.

Everything here is drawn from the seed alone and never from a shopper, so all of it is public.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from retail import columns as c

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

SEGMENTS: Final = 5
PERIOD_DAYS: Final = 28
_PACKAGES: Final = ("small", "medium", "large", "family")


@dataclass(frozen=True, eq=False)
class World:
    """Products in taxonomy order (category, type, own label last) and stores, as arrays.

    Attributes:
        product_id: (n,) public ids, a random permutation of 1..n.
        type_of, category_of, department_of, manufacturer_of: (n,) codes.
        own_label: (n,) True for the retailer's own brand, made by manufacturer 0.
        type_start: (types + 1,) where each type's products begin.
        own_start: (types,) where the own-label products of each type begin; the type's end when it has none.
        category_start: (categories + 1,) where each category's products begin.
        category_of_type: (types,) codes.
        quality: (n,) standard normal; it raises popularity and price.
        price: (n,) money per unit.
        popularity: (periods, n) share of each product in each 28-day period, rows sum to 1.
        cumulative: (periods * n,) row p is p + the running sum of its shares: one sorted array for all periods.
        store_id: (m,) public ids 1..m.
        store_cumulative: (m,) running sum of the stores' shares of shoppers.
        category_cumulative: (m * SEGMENTS * categories,) like `cumulative`, a row for each home store and segment.
    """

    product_id: Ints
    type_of: Ints
    category_of: Ints
    department_of: Ints
    manufacturer_of: Ints
    own_label: npt.NDArray[np.bool_]
    type_start: Ints
    own_start: Ints
    category_start: Ints
    category_of_type: Ints
    quality: Floats
    price: Floats
    popularity: Floats
    cumulative: Floats
    store_id: Ints
    store_cumulative: Floats
    category_cumulative: Floats

    @property
    def products(self) -> pd.DataFrame:
        """The public catalogue, sorted by product id."""
        package = np.asarray(_PACKAGES, dtype=object)[self.product_id % len(_PACKAGES)]
        frame = pd.DataFrame(
            {
                c.PRODUCT: self.product_id,
                c.TYPE: _names("TYPE", self.type_of),
                c.CATEGORY: _names("CATEGORY", self.category_of),
                c.MANUFACTURER: self.manufacturer_of,
                c.BRAND: np.where(self.own_label, "Private", "National"),
                c.DEPARTMENT: _names("DEPARTMENT", self.department_of),
                c.PACKAGE: package,
            }
        )
        return frame.sort_values(c.PRODUCT, ignore_index=True)

    @property
    def stores(self) -> pd.DataFrame:
        """The public list of stores."""
        return pd.DataFrame({c.STORE: self.store_id})


def build_world(*, seed: int, merchants: int, products: int, periods: int) -> World:
    """Draw catalogue and stores.

    A fifth of the products carry the own label. Shares of categories, types within them and products within those
    are log-normal, which gives the long tail; each product's log share then drifts slowly from period to period
    (first-order autoregression, 0.9, step 0.2). Home stores and segments tilt the shares of categories.

    Args:
        seed: of the whole data set.
        merchants: number of stores, at least 1.
        products: number of products n, at least 20; about n / 5 types and n / 25 categories.
        periods: number of 28-day periods.
    """
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1,)))
    types, categories = max(4, products // 5), max(2, products // 25)
    departments, makers = max(1, categories // 8), max(2, products // 15)

    category_of_type = np.sort(_spread(rng, count=types, groups=categories))
    type_of = np.sort(_spread(rng, count=products, groups=types))
    own_label = rng.random(products) < 0.2
    order = np.lexsort((own_label, type_of))
    own_label = own_label[order]
    category_of = category_of_type[type_of]
    maker_share = 1.0 / np.arange(2, makers + 1)
    maker = rng.choice(np.arange(1, makers), size=products, p=maker_share / maker_share.sum())

    quality = rng.standard_normal(products)
    log_share = (
        rng.normal(0, 0.8, categories)[category_of]
        + rng.normal(0, 0.8, types)[type_of]
        + 0.7 * quality
        + rng.normal(0, 0.7, products)
    )
    drift = np.empty((periods, products))
    drift[0] = rng.normal(0, 0.2 / np.sqrt(1 - 0.9**2), products)
    for period in range(1, periods):
        drift[period] = 0.9 * drift[period - 1] + rng.normal(0, 0.2, products)
    popularity = np.exp(log_share + drift)
    popularity /= popularity.sum(axis=1, keepdims=True)

    price: Floats = np.exp(1.0 + rng.normal(0, 0.5, types)[type_of] + 0.15 * quality)
    store_share = 1.0 / (np.arange(merchants) + 3.0) ** 0.6
    category_share = np.bincount(category_of, weights=popularity.mean(axis=0), minlength=categories)
    tilt = rng.normal(0, 0.4, (merchants, 1, categories)) + rng.normal(0, 0.7, (1, SEGMENTS, categories))
    local = (np.sqrt(category_share) * np.exp(tilt)).reshape(merchants * SEGMENTS, categories)
    type_start = np.searchsorted(type_of, np.arange(types + 1))
    return World(
        product_id=rng.permutation(products) + 1,
        type_of=type_of,
        category_of=category_of,
        department_of=category_of * departments // categories,
        manufacturer_of=np.where(own_label, 0, maker),
        own_label=own_label,
        type_start=type_start,
        own_start=type_start[1:] - np.bincount(type_of[own_label], minlength=types),
        category_start=np.searchsorted(category_of, np.arange(categories + 1)),
        category_of_type=category_of_type,
        quality=quality,
        price=np.round(price, 2),
        popularity=popularity,
        cumulative=_stacked(popularity),
        store_id=np.arange(1, merchants + 1),
        store_cumulative=np.cumsum(store_share / store_share.sum()),
        category_cumulative=_stacked(local),
    )


def _spread(rng: np.random.Generator, *, count: int, groups: int) -> Ints:
    """Put `count` members into `groups`, at least one in each."""
    return np.concatenate([np.arange(groups), rng.integers(0, groups, count - groups)])


def _stacked(shares: Floats) -> Floats:
    """Flatten rows of shares into one increasing array in which row r covers (r, r + 1]."""
    running = np.cumsum(shares / shares.sum(axis=1, keepdims=True), axis=1)
    running[:, -1] = 1.0
    stacked: Floats = (running + np.arange(len(shares), dtype=np.float64)[:, None]).ravel()
    return stacked


def _names(prefix: str, codes: Ints) -> npt.NDArray[np.object_]:
    labels = np.asarray([f"{prefix} {code + 1:04d}" for code in range(int(codes.max()) + 1)], dtype=object)
    named: npt.NDArray[np.object_] = labels[codes]
    return named

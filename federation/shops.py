"""What merchants hold of shop rows: each one's own, of the shoppers it may use, before `now`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

import numpy as np
import pandas as pd

from federation.config import FederationConfig
from federation.task import NodeData
from privacy.policy import Kind, Purpose
from privacy.units import cap_merchants
from retail import columns as c
from retail.dataset import RetailData
from retail.datasource import DataSource
from retail.errors import ConfigError, DataError
from retail.faces.source import FaceSource
from retail.interactions import Catalogue, Interactions, catalogue, interactions
from retail.merchants import By, Partition, partition
from retail.responses.source import ResponseSource

NEEDED: Final = (c.PERSON, c.MERCHANT, c.BASKET, c.PRODUCT, c.DAY, c.QUANTITY)
"""Columns of a merchant's shop rows that training uses."""


@dataclass(frozen=True, eq=False)
class ShopHoldings:
    """A capped partition of the rows before a day; see `federation.nodes.Holdings`.

    Attributes:
        shops: the rows by merchant.
        public: the catalogue.
        not_public: what ought to be public and was read off the rows.
        now: first day that is left out.
    """

    shops: Partition
    public: Catalogue
    not_public: tuple[str, ...]
    now: int
    kind: Kind = "transactions"
    purpose: Purpose = "recommendation"
    columns: tuple[str, ...] = NEEDED

    @property
    def merchants(self) -> tuple[int | str, ...]:
        """Public ids, in the order of the nodes."""
        return self.shops.merchants

    def rows(self, place: int) -> pd.DataFrame:
        """Return what one merchant stores, columns `NEEDED`; only a data port hands it on."""
        rows = self.shops.node(place)
        return rows if tuple(rows.columns) == NEEDED else rows[list(NEEDED)]

    def node(self, merchant: int | str, rows: pd.DataFrame) -> NodeData:
        """Turn rows that somebody may use into a node."""
        return NodeData(merchant, interactions(rows, self.public), self.public, self.now)

    def people(self) -> int:
        """Count the shoppers. Not public."""
        return int(self.shops.transactions[c.PERSON].nunique())


def shops_of(config: FederationConfig) -> ShopHoldings:
    """Return what the merchants of a run hold; the last few are kept.

    Raises: DataError, ConfigError: as `federation.nodes.load_nodes`.
    """
    return _cut(_shop_source(config), config.by, config.merchants, config.k_max, config.now)


def later_rows(config: FederationConfig, *, days: int) -> tuple[pd.DataFrame, ...]:
    """Return what each merchant's shoppers buy there in the `days` from `now` on; only a data port hands it on.

    Nothing of it may reach a task: it is the truth that a simulation ranks by.
    """
    data = _shop_source(config).open()
    day = data.transactions[c.DAY].to_numpy()
    later = data.transactions[(day >= config.now) & (day < config.now + days)]
    by: By = "store" if config.by == "home_store" else config.by
    shops = partition(replace(data, transactions=later), by=by, merchants=list(shops_of(config).merchants))
    return tuple(shops.node(place)[list(NEEDED)] for place in range(len(shops.merchants)))


def known_persons(config: FederationConfig) -> pd.Index:
    """Return the ids of everybody in the data, ascending: what a registry of tokens would know."""
    persons: pd.Index = pd.Index(np.unique(_shop_source(config).open().transactions[c.PERSON].to_numpy()))
    return persons


def of_persons(config: FederationConfig, table: pd.DataFrame, persons: np.ndarray) -> Interactions:
    """Return the lines of some persons, who may have none, in the order given.

    Args:
        config: of the run.
        table: rows with columns `NEEDED`; those of other persons are left out.
        persons: (p,) ids, each once.
    """
    rows = interactions(table, shops_of(config).public)
    position = pd.Index(rows.persons).get_indexer(pd.Index(persons))
    found = position >= 0
    lengths = np.zeros(len(persons), dtype=np.int64)
    lengths[found] = np.diff(rows.indptr)[position[found]]
    start = np.zeros(len(persons), dtype=np.int64)
    start[found] = rows.indptr[:-1][position[found]]
    indptr = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths)])
    lines = np.repeat(start - indptr[:-1], lengths) + np.arange(indptr[-1])
    return replace(
        rows,
        persons=persons,
        indptr=indptr,
        product=rows.product[lines],
        day=rows.day[lines],
        basket=rows.basket[lines],
        quantity=rows.quantity[lines],
    )


def _shop_source(config: FederationConfig) -> DataSource:
    if isinstance(config.source, FaceSource | ResponseSource):
        raise ConfigError(f'source "{config.source.source}" has no purchases; use data of a shop')
    return config.source


@lru_cache(maxsize=4)
def _cut(source: DataSource, by: By, merchants: str | tuple[int | str, ...], k_max: int, now: int) -> ShopHoldings:
    data = source.open()
    data = replace(data, transactions=data.transactions[data.transactions[c.DAY].to_numpy() < now])
    if not len(data.products):
        raise DataError(f"{data.name} has no products table, so there is no public catalogue; add one")
    listed: Sequence[int | str] | None = None
    if merchants == "members":
        from retail.complete_journey import MEMBER_STORES

        listed = MEMBER_STORES
    elif not isinstance(merchants, str):
        listed = merchants
    _check_listed(data, by, listed)
    shops = partition(data, by=by, merchants=listed)
    capped = cap_merchants(shops.transactions[list(NEEDED)], k_max=k_max)
    reasons = []
    if not shops.public:
        reasons.append("the list of merchants was read off the rows: add a stores table, or list the merchants")
    if not data.period.public:
        reasons.append("the period was read off the rows: declare data.start and data.end")
    # Capping keeps the order of rows, so the nodes stay contiguous.
    return ShopHoldings(
        Partition(shops.by, shops.merchants, shops.public, capped), catalogue(data.products), tuple(reasons), now
    )


def _check_listed(data: RetailData, by: By, listed: Sequence[int | str] | None) -> None:
    """Refuse a listed merchant that the public tables do not know; without a stores table nothing can be said."""
    if by in ("home_store", "store"):
        known = set(data.stores[c.STORE]) if len(data.stores) else set(listed or ())
    else:
        known = set(data.products[c.MANUFACTURER if by == "manufacturer" else c.DEPARTMENT])
    strange = [str(one) for one in listed or () if one not in known]
    if strange:
        raise ConfigError(
            f"partition.merchants names {', '.join(strange[:5])}, which {data.name} does not have; choose ids of its "
            f"{'stores' if by in ('home_store', 'store') else 'products'} table"
        )

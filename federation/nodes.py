"""The nodes of a federation: each merchant's rows, of the shoppers it may use, before `now`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final, Protocol

import numpy as np
import pandas as pd

from federation.config import FederationConfig
from federation.task import Node, NodeData, TaskSettings
from privacy.policy import Kind, Purpose
from privacy.units import cap_merchants
from retail import columns as c
from retail.dataset import RetailData
from retail.datasource import DataSource
from retail.errors import ConfigError, DataError, PrivacyError
from retail.faces.source import FaceSource
from retail.interactions import Catalogue, Interactions, catalogue, interactions
from retail.merchants import By, Partition, partition
from retail.responses.source import ResponseSource

NEEDED: Final = (c.PERSON, c.MERCHANT, c.BASKET, c.PRODUCT, c.DAY, c.QUANTITY)
"""Columns of a merchant's shop rows that training uses."""


class Holdings(Protocol):
    """What the merchants of a run hold: shop rows (below), faces (`federation.faces.holdings`) or responses.

    Attributes:
        kind: what policies call the rows.
        purpose: what policies call their use in training.
        columns: of the rows.
        merchants: public ids, in the order of the nodes.
        public: what is public of the data; a task is made from it.
        not_public: what ought to be public and was read off the rows.
    """

    @property
    def kind(self) -> Kind: ...  # noqa: D102

    @property
    def purpose(self) -> Purpose: ...  # noqa: D102

    @property
    def columns(self) -> tuple[str, ...]: ...  # noqa: D102

    @property
    def merchants(self) -> tuple[int | str, ...]: ...  # noqa: D102

    @property
    def public(self) -> Any: ...  # noqa: D102

    @property
    def not_public(self) -> tuple[str, ...]: ...  # noqa: D102

    def rows(self, place: int) -> pd.DataFrame:
        """Return what one merchant stores."""

    def node(self, merchant: int | str, rows: pd.DataFrame) -> Any:
        """Turn rows that somebody may use into a `federation.task.Node`."""

    def people(self) -> int:
        """Count the persons. Not public: only for runs that claim no privacy."""


@dataclass(frozen=True, eq=False)
class _Market:
    """A capped partition of the rows before a day, and what in it was read off the rows instead of being public."""

    shops: Partition
    public: Catalogue
    not_public: tuple[str, ...]
    now: int
    kind: Kind = "transactions"
    purpose: Purpose = "recommendation"
    columns: tuple[str, ...] = NEEDED

    @property
    def merchants(self) -> tuple[int | str, ...]:
        return self.shops.merchants

    def rows(self, place: int) -> pd.DataFrame:
        return self.shops.node(place)[list(NEEDED)]

    def node(self, merchant: int | str, rows: pd.DataFrame) -> NodeData:
        return NodeData(merchant, interactions(rows, self.public), self.public, self.now)

    def people(self) -> int:
        return int(self.shops.transactions[c.PERSON].nunique())


def holdings(config: FederationConfig) -> Holdings:
    """Return what the merchants of a run hold; the last few are kept.

    Raises:
        DataError, ConfigError: as `load_nodes`.
    """
    if isinstance(config.source, FaceSource):
        from federation.faces.holdings import FaceHoldings

        return FaceHoldings(config.source)
    if isinstance(config.source, ResponseSource):
        from federation.response.holdings import ResponseHoldings

        return ResponseHoldings(config.source)
    return _shops(config)


def load_nodes(config: FederationConfig) -> tuple[Any, ...]:
    """Cut the data into nodes.

    Rows from `now` on are left out first. Then merchants are cut, and every shopper is kept at `k_max` of them at most.
    Enrolment (home store, merchants under the cap) looks at a shopper's own rows before `now`; never at anybody else's.

    Returns:
        One node for each merchant, in public order: `NodeData`, or `FaceNode` where the source is of faces.

    Raises:
        DataError: the data cannot be read, or have no public catalogue.
        ConfigError: the partition cannot be made.
        PrivacyError: the run claims privacy, and the merchants or the period are not public.

    Guarantee: removing all rows of one shopper removes that shopper from at most `k_max` nodes and leaves every other
        shopper's rows, the list of nodes and the catalogue as they are. Assumes that one shopper is one id, and that
        the products, stores, period and population that came with the data were declared without looking at rows.
    """
    check_public(config)
    return tuple(node_data(config, one, own_rows(config, place)) for place, one in enumerate(merchants(config)))


def check_public(config: FederationConfig) -> None:
    """Refuse a privacy claim over merchants or a period that were read off the rows.

    Raises:
        PrivacyError: so it is.
        DataError, ConfigError: as `load_nodes`.
    """
    not_public = holdings(config).not_public
    if config.private and not_public:
        raise PrivacyError(f"epsilon {config.epsilon:g} cannot be claimed: {'; '.join(not_public)}")


def merchants(config: FederationConfig) -> tuple[int | str, ...]:
    """Return the public list of merchants, in the order of the nodes."""
    return holdings(config).merchants


def own_rows(config: FederationConfig, place: int) -> pd.DataFrame:
    """Return what one merchant stores; only a data port hands it on."""
    return holdings(config).rows(place)


def node_data(config: FederationConfig, merchant: int | str, rows: pd.DataFrame) -> Any:
    """Turn rows that somebody may use into a node."""
    return holdings(config).node(merchant, rows)


def public_catalogue(config: FederationConfig) -> Any:
    """Return what is public of the data, which every party has: the catalogue, or who holds faces."""
    return holdings(config).public


def count_nodes(config: FederationConfig) -> int:
    """Return how many nodes the public list of merchants makes."""
    return len(holdings(config).merchants)


def people(nodes: Sequence[Node]) -> int:
    """Count the distinct persons of some nodes. Not public: only for runs that claim no privacy."""
    return len(np.unique(np.concatenate([one.persons for one in nodes]))) if nodes else 0


def denominator(config: FederationConfig) -> int:
    """Return what sums over persons are divided by: the public population.

    Without a privacy claim and a declared population it is the number of persons found, at least 1.
    """
    if config.population is not None:
        return config.population
    if config.private:
        raise PrivacyError("the population is not public; set data.population to a public figure")
    return max(holdings(config).people(), 1)


def task_settings(config: FederationConfig) -> TaskSettings:
    """Return the public settings that a task gets, the same at every party."""
    return TaskSettings(
        rounds=config.rounds,
        steps=config.steps,
        learning_rate=config.learning_rate,
        clip_norm=config.clip_norm,
        window_days=config.window_days,
        now=config.now,
        population=denominator(config),
        seed=config.seed,
        device=config.device,
        private=config.private,
        options=config.options,
    )


def later_rows(config: FederationConfig, *, days: int) -> tuple[pd.DataFrame, ...]:
    """Return what each merchant's shoppers buy there in the `days` from `now` on; only a data port hands it on.

    Nothing of it may reach a task: it is the truth that a simulation ranks by.
    """
    data = _shop_source(config).open()
    day = data.transactions[c.DAY].to_numpy()
    later = data.transactions[(day >= config.now) & (day < config.now + days)]
    by: By = "store" if config.by == "home_store" else config.by
    shops = partition(replace(data, transactions=later), by=by, merchants=list(merchants(config)))
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
    rows = interactions(table, public_catalogue(config))
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


def _shops(config: FederationConfig) -> _Market:
    return _market(_shop_source(config), config.by, config.merchants, config.k_max, config.now)


@lru_cache(maxsize=4)
def _market(source: DataSource, by: By, merchants: str | tuple[int | str, ...], k_max: int, now: int) -> _Market:
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
    return _Market(
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

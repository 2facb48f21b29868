"""The nodes of a federation: each merchant's rows, of the shoppers it may use, before `now`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import pandas as pd

from federation.config import FederationConfig
from federation.task import NodeData, TaskSettings
from privacy.units import cap_merchants
from retail import columns as c
from retail.dataset import RetailData
from retail.datasource import DataSource
from retail.errors import ConfigError, DataError, PrivacyError
from retail.interactions import Catalogue, Interactions, catalogue, interactions
from retail.merchants import By, Partition, partition

_NEEDED = [c.PERSON, c.MERCHANT, c.BASKET, c.PRODUCT, c.DAY, c.QUANTITY]


@dataclass(frozen=True, eq=False)
class _Market:
    """A capped partition of the rows before a day, and what in it was read off the rows instead of being public."""

    shops: Partition
    catalogue: Catalogue
    not_public: tuple[str, ...]


def load_nodes(config: FederationConfig) -> tuple[NodeData, ...]:
    """Cut the data into nodes.

    Rows from `now` on are left out first. Then merchants are cut, and every shopper is kept at `k_max` of them at most.
    Enrolment (home store, merchants under the cap) looks at a shopper's own rows before `now`; never at anybody else's.

    Returns:
        One node for each merchant, in public order, without anything that an earlier run kept. The arrays are shared
        by all calls in this process and must not be written to.

    Raises:
        DataError: the data cannot be read, or have no public catalogue.
        ConfigError: the partition cannot be made.
        PrivacyError: the run claims privacy, and the merchants or the period are not public.

    Guarantee: removing all rows of one shopper removes that shopper from at most `k_max` nodes and leaves every other
        shopper's rows, the list of nodes and the catalogue as they are. Assumes that one shopper is one id, and that
        the products, stores, period and population that came with the data were declared without looking at rows.
    """
    market = _market(config.source, config.by, config.merchants, config.k_max, config.now)
    _check_public(config, market)
    nodes = _cut(config.source, config.by, config.merchants, config.k_max, config.now)
    return tuple(replace(node, memo={}) for node in nodes)


def node(config: FederationConfig, index: int) -> NodeData:
    """Return one node of `load_nodes`.

    Raises:
        ConfigError: there is no such node.
    """
    nodes = load_nodes(config)
    if not 0 <= index < len(nodes):
        raise ConfigError(f"node {index} does not exist; choose one from 0 to {len(nodes) - 1}")
    return nodes[index]


def pooled(config: FederationConfig) -> NodeData:
    """Return one node that holds the rows of all nodes: what the merchants would have if they gave up their data."""
    market = _market(config.source, config.by, config.merchants, config.k_max, config.now)
    history = interactions(market.shops.transactions, market.catalogue)
    return NodeData(merchant="pooled", history=history, catalogue=market.catalogue, now=config.now)


def public_catalogue(config: FederationConfig) -> Catalogue:
    """Return the public catalogue, which every party has."""
    return _market(config.source, config.by, config.merchants, config.k_max, config.now).catalogue


def count_nodes(config: FederationConfig) -> int:
    """Return how many nodes the public list of merchants makes."""
    return len(_market(config.source, config.by, config.merchants, config.k_max, config.now).shops.merchants)


def people(nodes: Sequence[NodeData]) -> int:
    """Count the distinct shoppers of some nodes. Not public: only for runs that claim no privacy."""
    return len(np.unique(np.concatenate([one.history.persons for one in nodes]))) if nodes else 0


def denominator(config: FederationConfig) -> int:
    """Return what sums over persons are divided by: the public population.

    Without a privacy claim and a declared population it is the number of shoppers found, at least 1.
    """
    if config.population is not None:
        return config.population
    if config.private:
        raise PrivacyError("the population is not public; set data.population to a public figure")
    return max(people(load_nodes(config)), 1)


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


def future(config: FederationConfig, *, days: int) -> tuple[Interactions, ...]:
    """Return what each node's shoppers buy there in the `days` from `now` on: the truth that a simulation ranks by.

    Returns: for each node, in order, rows of exactly the persons of its history. Nothing here may reach a task.
    """
    data = config.source.open()
    day = data.transactions[c.DAY].to_numpy()
    later = data.transactions[(day >= config.now) & (day < config.now + days)]
    nodes = load_nodes(config)
    by: By = "store" if config.by == "home_store" else config.by
    merchants = [one.merchant for one in nodes]
    shops = partition(replace(data, transactions=later), by=by, merchants=merchants)
    return tuple(
        _of_persons(interactions(shops.node(index)[_NEEDED], one.catalogue), one.history.persons)
        for index, one in enumerate(nodes)
    )


def _of_persons(rows: Interactions, persons: np.ndarray) -> Interactions:
    """The rows of some persons, who may have none, in the order given."""
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
    capped = cap_merchants(shops.transactions[_NEEDED], k_max=k_max)
    reasons = []
    if not shops.public:
        reasons.append("the list of merchants was read off the rows: add a stores table, or list the merchants")
    if not data.period.public:
        reasons.append("the period was read off the rows: declare data.start and data.end")
    # Capping keeps the order of rows, so the nodes stay contiguous.
    return _Market(Partition(shops.by, shops.merchants, shops.public, capped), catalogue(data.products), tuple(reasons))


@lru_cache(maxsize=4)
def _cut(
    source: DataSource, by: By, merchants: str | tuple[int | str, ...], k_max: int, now: int
) -> tuple[NodeData, ...]:
    market = _market(source, by, merchants, k_max, now)
    return tuple(
        NodeData(merchant, interactions(market.shops.node(index), market.catalogue), market.catalogue, now)
        for index, merchant in enumerate(market.shops.merchants)
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


def _check_public(config: FederationConfig, market: _Market) -> None:
    if config.private and market.not_public:
        raise PrivacyError(f"epsilon {config.epsilon:g} cannot be claimed: {'; '.join(market.not_public)}")

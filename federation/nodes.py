"""The nodes of a federation: each merchant's rows, of the shoppers it may use, before `now`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import pandas as pd

from federation.config import FederationConfig
from federation.shops import shops_of
from federation.task import Node, TaskSettings
from privacy.policy import Kind, Purpose
from retail.errors import PrivacyError
from retail.faces.source import FaceSource
from retail.responses.source import ResponseSource


class Holdings(Protocol):
    """What the merchants of a run hold: shop rows (`federation.shops`), faces (`federation.faces`) or responses.

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
    return shops_of(config)


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

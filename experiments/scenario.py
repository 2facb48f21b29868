"""What one experiment about recommendations is: data, merchants, time windows, federation, privacy and arms."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import Field, model_validator

from experiments.base_scenario import SLUG, BaseScenario, Settings, finite
from experiments.targets import Target
from privacy.units import NoisePlacement

Method = Literal[
    "popularity",
    "untrained",
    "item_knn",
    "ials",
    "tifu_knn",
    "isolated",
    "federated",
    "dp_popularity",
    "pooled",
]
MOST_MERCHANTS: Final = 10_000
"""Stores that generated data may have: more were not tried."""
PRIVATE_METHODS: Final = ("isolated", "federated", "dp_popularity")


class DataSettings(Settings):
    """Where the rows come from. Paths are relative to the folder in which the command runs."""

    source: Literal["complete-journey", "folder", "generated"] = Field(
        "complete-journey", description="where the rows come from"
    )
    path: str | None = Field(None, min_length=1, description='a folder of tables, for source = "folder"')
    timezone: str | None = Field(None, description="an IANA name such as Europe/Berlin")
    currency: str | None = Field(None, pattern=r"^[A-Z]{3}$", description="an ISO 4217 code such as EUR")
    population: int | None = Field(None, ge=1, description="the publicly known number of shoppers")
    start: dt.date | None = Field(None, description="a date such as 2017-01-01, without quotes")
    end: dt.date | None = Field(None, description="a date such as 2017-12-31, without quotes")
    shoppers: int | None = Field(None, ge=1, description='how many shoppers source = "generated" makes')
    data_seed: int = Field(0, ge=0, description='the seed of source = "generated"')
    merchants: int | None = Field(
        None, ge=1, le=MOST_MERCHANTS, description='how many stores source = "generated" makes; left out, 100'
    )

    @model_validator(mode="after")
    def _belongs_together(self) -> DataSettings:
        if self.source == "folder" and self.path is None:
            raise ValueError('data.path is missing; name the folder that source = "folder" reads')
        if self.source != "folder" and self.path is not None:
            raise ValueError(f'data.path = {self.path!r} is read only with source = "folder"; remove it')
        if self.source == "generated" and self.shoppers is None:
            raise ValueError('data.shoppers is missing; say how many shoppers source = "generated" makes')
        if self.source != "generated" and self.shoppers is not None:
            raise ValueError(f'data.shoppers = {self.shoppers} is read only with source = "generated"; remove it')
        if self.source != "generated" and self.merchants is not None:
            raise ValueError(f'data.merchants = {self.merchants} is read only with source = "generated"; remove it')
        if self.timezone is not None and self.timezone not in zoneinfo.available_timezones():
            raise ValueError(f"data.timezone = {self.timezone!r} is no time zone; write an IANA name: Europe/Berlin")
        if self.start is not None and self.end is not None and self.end < self.start:
            raise ValueError(f"data.end = {self.end} lies before data.start = {self.start}; swap them")
        return self

    @property
    def known_population(self) -> int | None:
        """Number of shoppers that is public before any row is read, or None."""
        if self.source == "complete-journey":
            from retail.complete_journey import POPULATION  # here because listing commands need no pandas

            return POPULATION
        return self.shoppers if self.source == "generated" else self.population


class PartitionSettings(Settings):
    """Which merchants stand for the nodes of the federation."""

    by: Literal["home_store", "store", "manufacturer", "department"] = Field(
        "home_store", description="what one node stands for"
    )
    merchants: Literal["members", "all"] | Annotated[tuple[int | str, ...], Field(strict=False, min_length=1)] = Field(
        "all", description='"members", "all" or a list of merchant ids'
    )
    k_max: int = Field(1, ge=1, description="at how many merchants one shopper may take part")

    @model_validator(mode="after")
    def _one_home(self) -> PartitionSettings:
        if self.by == "home_store" and self.k_max != 1:
            raise ValueError(f'partition.k_max = {self.k_max} with by = "home_store": a shopper has one home; write 1')
        if not isinstance(self.merchants, str) and len(set(self.merchants)) < len(self.merchants):
            raise ValueError("partition.merchants lists an id twice; list each merchant once")
        return self


class SplitSettings(Settings):
    """Rolling time windows, in days: each origin has history, then a validation window, then a test window."""

    origins: int = Field(4, ge=1, le=100, description="how many test windows")
    window_days: int = Field(28, ge=1, description="length of a validation or test window")
    step_days: int = Field(28, ge=1, description="days between two test windows")
    history_days: int = Field(84, ge=1, description="least history before a validation window")


class FederationSettings(Settings):
    """How the shared model is trained."""

    engine: Literal["inprocess", "cohort", "ray"] = Field("inprocess", description="what drives server and nodes")
    rounds: int = Field(40, ge=1, description="how often the nodes answer the server")
    steps: int = Field(1, ge=1, description="optimiser steps per person and round")
    clip_norm: float = Field(1.0, gt=0, description="L2 bound of one person's contribution")
    learning_rate: float = Field(1.0, gt=0, description="step size of the server")
    device: str = Field("cpu", pattern=r"^(cpu|mps|cuda(:\d+)?)$", description="cpu, mps, cuda or cuda:0")


class PrivacySettings(Settings):
    """What holds for every arm with an epsilon."""

    mode: Literal["simulation", "deployment"] = Field("simulation", description="simulation on public data or the real")
    delta: float = Field(1e-5, gt=0, lt=1, description="a probability far below 1/population, such as 1e-5")
    ledger: str = Field("run", min_length=1, description='"run" or the file of a ledger that adds up over runs')
    total_epsilon: float | None = Field(
        None, gt=0, description="what all runs on a ledger file may spend together; each arm's epsilon is of one run"
    )

    @model_validator(mode="after")
    def _deployments_add_up(self) -> PrivacySettings:
        if self.mode == "deployment" and self.ledger == "run":
            raise ValueError('privacy.ledger = "run" forgets what earlier runs spent; name a ledger file in deployment')
        if self.total_epsilon is not None and self.ledger == "run":
            raise ValueError(
                f'privacy.total_epsilon = {self.total_epsilon} adds up over runs, and privacy.ledger = "run" does not;'
                " name a ledger file, or remove total_epsilon"
            )
        return self


class PolicySettings(Settings):
    """Which rules every read and release of a run must pass, beside the regime of its arm."""

    packs: Annotated[tuple[str, ...], Field(strict=False)] = Field(
        (), description="a list of policy packs or folders of rules, such as ['dma', 'gdpr']"
    )
    jurisdiction: Literal["none", "EU", "CN", "US-IL", "US-CA"] = Field(
        "none", description="whose law the packs apply: none, EU, CN, US-IL or US-CA"
    )
    consents: str | None = Field(None, min_length=1, description="the file of a consent register")


class Arm(Settings):
    """One row of the table: a method, and the privacy it promises.

    Without `epsilon` the arm makes no privacy claim.
    """

    name: str = Field(pattern=SLUG, description="lower-case letters, digits, dots and dashes")
    method: Method = Field(description="what ranks the products")
    epsilon: float | None = Field(None, gt=0, description="a budget above 0; leave it out for no privacy claim")
    noise: NoisePlacement = Field("aggregator", description="who adds the noise")
    dropouts: int = Field(0, ge=0, description="nodes that a round may lose, where all nodes add the noise together")
    colluders: int = Field(0, ge=0, description="merchants assumed to tell the server their share of that noise")
    regime: str | None = Field(
        None, min_length=1, description="a data-sharing regime; by default the one that the method needs"
    )
    label: str | None = Field(None, min_length=1, description="what tables and charts call the arm")
    options: dict[str, Any] = Field(default_factory=dict, description="settings of this arm's task")

    @model_validator(mode="after")
    def _claims_what_it_does(self) -> Arm:
        if self.epsilon is not None and self.method not in PRIVATE_METHODS:
            raise ValueError(
                f"arm {self.name}: epsilon = {self.epsilon} with method = {self.method!r}, which adds no noise;"
                f" remove epsilon or choose one of {', '.join(PRIVATE_METHODS)}"
            )
        if self.epsilon is None and self.method == "dp_popularity":
            raise ValueError(f"arm {self.name}: method = 'dp_popularity' lacks epsilon; write one above 0")
        if self.epsilon is None and self.noise != "aggregator":
            raise ValueError(f"arm {self.name}: noise = {self.noise!r} lacks epsilon; write one, or remove noise")
        if (self.dropouts or self.colluders) and self.noise != "distributed":
            raise ValueError(
                f"arm {self.name}: dropouts and colluders are read with noise = 'distributed' alone; remove them"
            )
        finite(self.options, f"arms.{self.name}.options")
        return self


class Scenario(BaseScenario):
    """A whole experiment about recommendations. Runs = sweep points x arms x origins x seeds."""

    kind: ClassVar[str] = "recommendation"
    task: str = Field(
        "recommend", pattern=r"^(recommend|[\w.]+:[\w.]+)$", description='"recommend" or your own "module:Class"'
    )
    seeds: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(strict=False, min_length=1)] = Field(
        (0,), description="a list of whole numbers, at least one, such as [0, 1, 2]"
    )
    data: DataSettings = Field(default_factory=DataSettings, description="a table")
    partition: PartitionSettings = Field(default_factory=PartitionSettings, description="a table")
    split: SplitSettings = Field(default_factory=SplitSettings, description="a table")
    federation: FederationSettings = Field(default_factory=FederationSettings, description="a table")
    privacy: PrivacySettings = Field(default_factory=PrivacySettings, description="a table")
    policy: PolicySettings = Field(default_factory=PolicySettings, description="a table")
    options: dict[str, Any] = Field(default_factory=dict, description="settings of the task")
    arms: Annotated[tuple[Arm, ...], Field(strict=False, min_length=1)] = Field(
        description="at least one [[arms]] table"
    )

    @property
    def data_place(self) -> str:
        """Where the data come from, in words."""
        return self.data.source if self.data.path is None else f"the folder {self.data.path}"

    @property
    def runs_wanted(self) -> int:
        """How many runs one point of the sweep has."""
        return len(self.arms) * len(self.seeds) * self.split.origins

    @model_validator(mode="after")
    def _makes_sense(self) -> Scenario:
        for what, values in (("seeds", self.seeds), ("arms", [arm.name for arm in self.arms])):
            twice = sorted({value for value in values if list(values).count(value) > 1}, key=str)
            if twice:
                raise ValueError(f"{what}: {twice[0]!r} appears twice; give each its own")
        population = self.data.known_population
        if population is not None and self.privacy.delta >= 1 / population:
            raise ValueError(
                f"privacy.delta = {self.privacy.delta} is not below 1/population = {1 / population:.3g}"
                f" ({population} shoppers); write a smaller delta such as {0.01 / population:.1g}"
            )
        total = self.privacy.total_epsilon
        for arm in self.arms:
            if total is not None and arm.epsilon is not None and arm.epsilon > total:
                raise ValueError(
                    f"privacy.total_epsilon = {total} is less than arm {arm.name}'s epsilon = {arm.epsilon};"
                    " raise it, or lower the arm's epsilon"
                )
        finite(self.options, "options")
        for expression, condition in self.targets.items():
            Target.parse(expression, condition).check_arms([arm.name for arm in self.arms])
        return self

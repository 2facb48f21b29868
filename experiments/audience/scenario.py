"""What one experiment about audiences is: data, a method, and arms that differ in model, privacy and options."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, field_validator, model_validator

from experiments.audience.methods import METHODS
from experiments.base_scenario import SLUG, BaseScenario, Settings, finite
from experiments.scenario import DataSettings, FederationSettings, PartitionSettings, PolicySettings
from experiments.targets import Target


class AudiencePrivacy(Settings):
    """What holds for every arm with an epsilon."""

    delta: float = Field(1e-5, gt=0, lt=1, description="a probability far below 1/population, such as 1e-5")


class AudienceArm(Settings):
    """One row of the table. Without `epsilon` the arm makes no privacy claim."""

    name: str = Field(pattern=SLUG, description="lower-case letters, digits, dots and dashes")
    label: str | None = Field(None, min_length=1, description="what tables and charts call the arm")
    model: str = Field(min_length=1, description="what the arm does, one of the models of the scenario's method")
    epsilon: float | None = Field(None, gt=0, description="a budget above 0; leave it out for no privacy claim")
    noise: str = Field("aggregator", pattern=r"^(aggregator|every_node)$", description="aggregator or every_node")
    regime: str | None = Field(None, min_length=1, description="a data-sharing regime, where the method reads one")
    options: dict[str, Any] = Field(default_factory=dict, description="options of the method, over those of all arms")


class AudienceScenario(BaseScenario):
    """An audience experiment. Runs = sweep points x arms."""

    kind: ClassVar[str] = "audience"
    method: str = Field(description=f"what is done: {', '.join(METHODS)}")
    data: DataSettings = Field(default_factory=DataSettings, description="a table")
    partition: PartitionSettings = Field(default_factory=PartitionSettings, description="a table")
    federation: FederationSettings = Field(default_factory=FederationSettings, description="a table")
    privacy: AudiencePrivacy = Field(default_factory=AudiencePrivacy, description="a table")
    policy: PolicySettings = Field(default_factory=PolicySettings, description="a table")
    seed: int = Field(0, ge=0, description="a whole number: of folds, noise and draws")
    draws: int = Field(1000, ge=20, le=100_000, description="how often figures are drawn anew for their intervals")
    options: dict[str, Any] = Field(default_factory=dict, description="options of the method")
    reference: str | None = Field(None, description="the arm that others are compared with; else the first")
    arms: Annotated[tuple[AudienceArm, ...], Field(strict=False, min_length=1)] = Field(
        description="at least one [[arms]] table"
    )

    @property
    def data_place(self) -> str:
        """Where the data come from, in words."""
        return self.data.source if self.data.path is None else f"the folder {self.data.path}"

    @property
    def runs_wanted(self) -> int:
        """How many runs one point of the sweep has."""
        return len(self.arms)

    @property
    def references(self) -> tuple[str, ...]:
        """Arms that all others are compared with, by name."""
        return (self.reference or self.arms[0].name,)

    @field_validator("method")
    @classmethod
    def _is_known(cls, method: str) -> str:
        if method not in METHODS:
            raise ValueError(f"method = {method!r} is unknown; choose one of {', '.join(METHODS)}")
        return method

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        finite(self.options, "options")
        names = [arm.name for arm in self.arms]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"arms lists {twice!r} twice; give each its own name")
        if self.reference is not None and self.reference not in names:
            raise ValueError(f"reference = {self.reference!r} is no arm; the arms are {', '.join(names)}")
        population = self.data.known_population
        if population is not None and self.privacy.delta >= 1 / population:
            raise ValueError(
                f"privacy.delta = {self.privacy.delta} is not below 1/population = {1 / population:.3g}"
                f" ({population} shoppers); write a smaller delta such as {0.01 / population:.1g}"
            )
        for arm in self.arms:
            finite(arm.options, f"arms.{arm.name}.options")
            if arm.epsilon is None and arm.noise == "every_node":
                raise ValueError(f"arm {arm.name}: noise = 'every_node' lacks epsilon; write one, or remove noise")
        for expression, condition in self.targets.items():
            Target.parse(expression, condition).check_arms(names)
        return self

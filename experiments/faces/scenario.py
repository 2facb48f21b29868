"""What one experiment with faces is: people, merchants who hold them, and arms that differ in what is shared."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Final, Literal, Self

from pydantic import Field, model_validator

from experiments.base_scenario import SLUG, BaseScenario, Settings, finite
from experiments.scenario import FederationSettings, PolicySettings
from experiments.targets import Target

FaceMethod = Literal[
    "untrained", "isolated", "federated", "pooled", "eigenfaces", "pca_wccn", "lbp", "public_encoder"
]  # fmt: skip
TRAINED: Final = ("untrained", "isolated", "federated", "pooled")
"""Methods that make a SmallFaceNet; the others have no options."""
METRICS: Final = ("eer", "fnmr_fmr_1e-2", "fnmr_fmr_1e-3", "fnir_fpir_1e-2", "eer_door", "gap_closed")
"""What targets may ask for."""


class FaceDataSettings(Settings):
    """Whose faces. Paths are relative to the folder in which the command runs."""

    source: Literal["orl", "face-folder", "drawn-faces"] = Field("orl", description="where the faces come from")
    path: str | None = Field(None, min_length=1, description='a folder of person/image, for source = "face-folder"')
    population: int | None = Field(None, ge=1, description="the publicly known number of people, for a folder")
    people: int | None = Field(None, ge=2, le=100_000, description='how many people source = "drawn-faces" draws')
    images: int = Field(10, ge=2, le=100, description='how many images of each source = "drawn-faces" draws')
    data_seed: int = Field(0, ge=0, description="the seed of drawings and of the camera over the door")
    merchants: int = Field(5, ge=1, le=10_000, description="how many merchants hold the people")
    folds: int = Field(4, ge=2, le=100, description="in how many parts people are dealt; each is tested once")
    split_seed: int = Field(0, ge=0, description="the seed of folds and merchants")
    camera: Literal["studio", "door"] = Field(
        "studio", description="who takes the pictures: a good camera or a cheap one"
    )

    @model_validator(mode="after")
    def _belongs_together(self) -> Self:
        if self.source == "face-folder" and self.path is None:
            raise ValueError('data.path is missing; name the folder that source = "face-folder" reads')
        if self.source != "face-folder" and self.path is not None:
            raise ValueError(f'data.path = {self.path!r} is read only with source = "face-folder"; remove it')
        if self.source == "drawn-faces" and self.people is None:
            raise ValueError('data.people is missing; say how many people source = "drawn-faces" draws')
        if self.source != "drawn-faces" and self.people is not None:
            raise ValueError(f'data.people = {self.people} is read only with source = "drawn-faces"; remove it')
        return self


class FacePrivacySettings(Settings):
    """What holds for every arm with an epsilon. Runs are simulations: noise comes from the run's seed."""

    delta: float = Field(1e-5, gt=0, lt=1, description="a probability far below 1/population, such as 1e-5")


class FaceArm(Settings):
    """One way to come by an encoder."""

    name: str = Field(pattern=SLUG, description="lower-case letters, digits, dots and dashes")
    label: str | None = Field(None, min_length=1, description="what tables and charts call the arm")
    method: FaceMethod = Field(description="who trains on whose pictures, or which encoder without training")
    epsilon: float | None = Field(None, gt=0, description='a budget above 0, for method = "federated"')
    noise: Literal["aggregator", "every_node"] = Field("aggregator", description="who adds the noise")
    rounds: int | None = Field(None, ge=1, description="instead of federation.rounds")
    learning_rate: float | None = Field(None, gt=0, description="instead of federation.learning_rate")
    options: dict[str, Any] = Field(
        default_factory=dict, description="options of the face task, over those of all arms"
    )

    @property
    def seeded(self) -> bool:
        """Whether a seed changes what the arm makes."""
        return self.method in TRAINED

    @model_validator(mode="after")
    def _means_something(self) -> Self:
        finite(self.options, f"arms.{self.name}.options")
        if self.epsilon is not None and self.method != "federated":
            raise ValueError(
                f"arm {self.name}: epsilon = {self.epsilon} with method {self.method}: only federated has one"
            )
        if self.method not in TRAINED:
            given = [key for key in ("rounds", "learning_rate") if getattr(self, key) is not None]
            given += ["options"] if self.options else []
            if given:
                raise ValueError(f"arm {self.name}: {given[0]} means nothing to method {self.method}; remove it")
        return self


class FaceScenario(BaseScenario):
    """One experiment with faces."""

    kind: ClassVar[str] = "faces"
    seeds: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(strict=False, min_length=1)] = Field(
        (0,), description="a list of whole numbers such as [0, 1, 2]"
    )
    tested: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(strict=False)] = Field(
        (), description="which folds are tested, from 0; an empty list for all"
    )
    data: FaceDataSettings = Field(default_factory=FaceDataSettings, description="a table")
    federation: FederationSettings = Field(default_factory=FederationSettings, description="a table")
    privacy: FacePrivacySettings = Field(default_factory=FacePrivacySettings, description="a table")
    policy: PolicySettings = Field(default_factory=PolicySettings, description="a table")
    options: dict[str, Any] = Field(default_factory=dict, description="options of the face task, for all arms")
    arms: Annotated[tuple[FaceArm, ...], Field(strict=False, min_length=1)] = Field(description="at least one [[arms]]")

    @property
    def data_place(self) -> str:
        """Where the faces come from, in words."""
        if self.data.source == "face-folder":
            return str(self.data.path)
        return "ORL" if self.data.source == "orl" else f"{self.data.people} drawn people"

    @property
    def folds_tested(self) -> tuple[int, ...]:
        """Folds whose people are tested, each by encoders that never saw them."""
        return self.tested or tuple(range(self.data.folds))

    @property
    def runs_wanted(self) -> int:
        """How many runs one point of the sweep has."""
        return sum(len(self.seeds) if arm.seeded else 1 for arm in self.arms) * len(self.folds_tested)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        finite(self.options, "options")
        names = [arm.name for arm in self.arms]
        for what, values in (("arms", names), ("seeds", self.seeds), ("tested", self.tested)):
            twice = next((value for value in values if list(values).count(value) > 1), None)
            if twice is not None:
                raise ValueError(f"{what} lists {twice!r} twice; list each once")
        missing = next((fold for fold in self.tested if fold >= self.data.folds), None)
        if missing is not None:
            raise ValueError(f"tested lists fold {missing}; there are {self.data.folds}, from 0")
        for expression, condition in self.targets.items():
            target = Target.parse(expression, condition)
            target.check_arms(names)
            if target.metric not in METRICS:
                raise ValueError(
                    f'targets: "{expression}" asks for {target.metric!r}, which is not measured; choose one of '
                    f"{', '.join(METRICS)}"
                )
        return self

"""What one store experiment is: a plan, its shoppers, and arms that change something."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Literal, Self

from pydantic import Field, model_validator
from pydantic.fields import FieldInfo

from experiments.base_scenario import SLUG, BaseScenario, Settings, finite
from experiments.targets import Target

TillKind = Literal["lane", "express", "self_checkout", "tray", "face", "tray_account"]
"""As plans spell them; repeated here because reading a scenario should not load the simulation."""
Method = Literal["compare", "validation", "heat_map", "checkout", "search"]
Strategy = Literal["annealed", "greedy", "random", "rule_of_thumb"]
Objective = Literal[
    "sales_visit", "sales_m2", "planned_picks", "unplanned_picks", "trip_min", "wait_s", "wait_p90_s", "service_s",
    "checkout_s", "abandonment_pct", "density_p99_m2",
]  # fmt: skip
"""Figures of a day that are better one way."""
Check = Literal["erlang-c", "lee-longton", "corridor", "little", "shoppers"]
_READ: Final[dict[str, frozenset[str]]] = {
    "compare": frozenset({"edits", "till_mix", "targeting", "parameters"}),
    "validation": frozenset({"check"}),
    "heat_map": frozenset({"map", "epsilon"}),
    "checkout": frozenset({"till_mix", "parameters"}),
    "search": frozenset({"search"}),
}
"""What each method reads of an arm, beside its name and label."""
_NAMED: Final = frozenset({"name", "label"})
Names = Annotated[tuple[str, ...], Field(strict=False)]


class DemandSettings(Settings):
    """Where the shoppers come from."""

    source: Literal["complete-journey", "folder"] = Field("complete-journey", description="whose baskets are bought")
    path: str | None = Field(None, min_length=1, description='a folder of tables, for source = "folder"')
    timezone: str = Field("UTC", min_length=1, description="an IANA name such as Europe/Berlin, for a folder")
    currency: str = Field("EUR", pattern=r"^[A-Z]{3}$", description="an ISO 4217 code such as EUR, for a folder")
    categories: dict[str, str] = Field(
        default_factory=dict, description='the plan\'s name for a category of the tables: "Milk" = "dairy"'
    )
    other: str | None = Field(None, min_length=1, description="the plan's category for all others; else refused")

    @model_validator(mode="after")
    def _belongs_together(self) -> Self:
        if self.source == "folder" and self.path is None:
            raise ValueError('demand.path is missing; name the folder that source = "folder" reads')
        if self.source != "folder" and self.path is not None:
            raise ValueError(f'demand.path = {self.path!r} is read only with source = "folder"; remove it')
        return self


class DaySettings(Settings):
    """How many paired days are simulated, in blocks: as many as a pilot says are needed."""

    block: int = Field(8, ge=2, le=1000, description="how many paired days are added at a time, at least 2")
    most: int = Field(64, ge=2, le=10_000, description="the most paired days")
    half_width: float = Field(
        0.005, gt=0, lt=1, description="wanted of the interval of sales per visit, as a share of the reference's"
    )
    on: Literal["threads", "ray"] = Field("threads", description="what simulates days side by side; same figures")
    workers: int = Field(2, ge=1, le=1024, description="how many days at a time; same figures for any number")

    @model_validator(mode="after")
    def _at_least_one_block(self) -> Self:
        if self.most < self.block:
            raise ValueError(f"days.most = {self.most} is less than days.block = {self.block}; raise it")
        return self


class TargetingSettings(Settings):
    """Offers on card or phone to shoppers who consented."""

    policy: Literal["none", "random", "affinity"] = Field("none", description="how an offer is chosen")
    consent_rate: float | None = Field(None, ge=0, le=1, description="share of shoppers who consent")


class StoreArm(Settings):
    """One change against the reference."""

    name: str = Field(pattern=SLUG, description="lower-case letters, digits, dots and dashes")
    label: str | None = Field(None, min_length=1, description="what tables and charts call the arm")
    edits: Annotated[tuple[dict[str, Any], ...], Field(strict=False)] = Field(
        (), description='a list of tables, such as [{swap = ["shelf-1", "shelf-2"]}]'
    )
    till_mix: dict[TillKind, Annotated[int, Field(ge=0)]] = Field(
        default_factory=dict, description="how many of the plan's tills are of each kind; left out: as in the plan"
    )
    targeting: TargetingSettings = Field(default_factory=TargetingSettings, description="a table")
    parameters: dict[str, float] = Field(default_factory=dict, description="values of the model's parameters")
    check: Check | None = Field(None, description='what method = "validation" holds the model against')
    map: Literal["exact", "dp", "none", "random"] | None = Field(
        None, description='by which map method = "heat_map" chooses a layout'
    )
    epsilon: float | None = Field(None, gt=0, description='a budget above 0, for map = "dp"')

    search: Strategy | None = Field(None, description='how method = "search" looks for a layout')

    @model_validator(mode="after")
    def _private_maps_have_an_epsilon(self) -> Self:
        finite(self.edits, f"arms.{self.name}.edits")
        if (self.map == "dp") != (self.epsilon is not None):
            raise ValueError(f"arm {self.name}: map = {self.map!r} and epsilon = {self.epsilon}: dp needs an epsilon")
        return self


class CheckoutSettings(Settings):
    """What `method = "checkout"` reads: one bank of tills and a steady stream of shoppers."""

    utilisation: float = Field(0.8, gt=0, lt=1, description="share of time that the reference's tills are busy")
    tills: int = Field(6, ge=1, le=200, description="how many tills")


class HeatMapSettings(Settings):
    """What `method = "heat_map"` reads."""

    repetitions: int = Field(16, ge=2, le=200, description="how many observed days a layout is chosen from, one by one")
    held_out_days: int = Field(4, ge=1, le=1000, description="other days on which each chosen layout is judged")
    displays: int | None = Field(None, ge=1, le=1000, description="how many of the plan's places for displays are used")
    margin: float = Field(
        0.1, gt=0, lt=1, description="share of the exact map's gain that a map as good may lose or win"
    )


class SearchSettings(Settings):
    """What `method = "search"` reads: what may change, and how long to look for it."""

    objective: Objective = Field("sales_visit", description="the figure to improve")
    steps: int = Field(60, ge=1, le=100_000, description="how many layouts each search simulates")
    training_days: int = Field(4, ge=1, le=1000, description="days on which a search judges layouts")
    held_out_days: int = Field(32, ge=2, le=10_000, description="other days, on which the winner is judged")
    fixed: Names = Field((), description="categories that stay where they are")
    shelves: Names | None = Field(None, description="names of shelves that may swap what they hold; all if left out")
    movable: Names = Field((), description="names of fixtures that may be moved, metre by metre")
    reach_m: float = Field(3.0, ge=1, le=250, description="how far a fixture may move along each axis, at least 1")


class StoreScenario(BaseScenario):
    """A store experiment. Runs = sweep points x arms; each compares its arm with the reference on the same days."""

    kind: ClassVar[str] = "store"
    method: Method = Field("compare", description="what is done")
    plan: str = Field(
        "supermarket", min_length=1, description="a bundled plan, or a TOML file, named from the scenario's folder"
    )
    shoppers: int = Field(2000, ge=1, le=1_000_000, description="how many come on an average day, at most 1,000,000")
    seed: int = Field(0, ge=0, description="a whole number: other seeds draw other days")
    engine: Literal["fast", "mesa"] = Field("fast", description="what walks the shoppers")
    tills: Literal["fast", "simpy"] = Field("fast", description="what serves them")
    parameter_draws: int = Field(
        16, ge=0, le=1000, description="how many times the parameters are drawn from their ranges"
    )
    demand: DemandSettings = Field(default_factory=DemandSettings, description="a table")
    days: DaySettings = Field(default_factory=DaySettings, description="a table")
    checkout: CheckoutSettings = Field(default_factory=CheckoutSettings, description="a table")
    heat_map: HeatMapSettings = Field(default_factory=HeatMapSettings, description="a table")
    search: SearchSettings = Field(default_factory=SearchSettings, description="a table")
    reference: StoreArm = Field(
        default_factory=lambda: StoreArm(name="as-is", label="As it is"), description="what the arms are compared with"
    )
    arms: Annotated[tuple[StoreArm, ...], Field(strict=False, min_length=1)] = Field(
        description="at least one [[arms]] table"
    )

    @classmethod
    def read_beside(cls, raw: Mapping[str, Any], folder: Path) -> dict[str, Any]:
        """Return the table with the plan's file, and those of a sweep over plans, found from the scenario's folder."""
        table = dict(raw)
        if isinstance(plan := raw.get("plan"), str):
            table["plan"] = _from(folder, plan)
        swept = raw.get("sweep")
        if isinstance(swept, Mapping) and isinstance(plans := swept.get("plan"), list):
            found = [_from(folder, one) if isinstance(one, str) else one for one in plans]
            table["sweep"] = {**swept, "plan": found}
        return table

    def packed(self) -> tuple[Self, dict[str, bytes]]:
        """Return the scenario with a plan of the user's own as `plan.toml`, and that file."""
        if not _is_file(self.plan) or not Path(self.plan).is_file():
            return self, {}
        return self.model_copy(update={"plan": "plan.toml"}), {"plan.toml": Path(self.plan).read_bytes()}

    @property
    def data_place(self) -> str:
        """Where the data come from, in words."""
        return self.demand.source if self.demand.path is None else f"the folder {self.demand.path}"

    @property
    def runs_wanted(self) -> int:
        """How many runs one point of the sweep has."""
        return len(self.arms)

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        names = [arm.name for arm in (self.reference, *self.arms)]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"arms: {twice[0]!r} appears twice, the reference counted; give each its own name")
        _refuse_unread(self.method, (self.reference, *self.arms))
        for arm in self.arms:
            if self.method == "validation" and arm.check is None:
                raise ValueError(f'arm {arm.name}: check is missing, which method = "validation" needs; add it')
        for arm in (self.reference, *self.arms):
            if self.method == "heat_map" and arm.map is None:
                raise ValueError(f'arm {arm.name}: map is missing, which method = "heat_map" needs; add it')
        if self.reference.search is not None:
            raise ValueError("reference: search is for arms, the reference is the plan as it is; remove it")
        for arm in self.arms:
            if self.method == "search" and arm.search is None:
                raise ValueError(f'arm {arm.name}: search is missing, which method = "search" needs; add it')
        for expression, condition in self.targets.items():
            Target.parse(expression, condition).check_arms(names)
        return self


def _is_file(plan: str) -> bool:
    """Whether a plan is meant as a file: bundled ones have plain names."""
    return plan.endswith(".toml") or len(Path(plan).parts) > 1


def _from(folder: Path, plan: str) -> str:
    """Return where a plan's file lies; a bundled name stays."""
    return str((folder / plan).resolve()) if _is_file(plan) else plan


def _refuse_unread(method: str, arms: Sequence[StoreArm]) -> None:
    for arm in arms:
        said = (name for name, one in StoreArm.model_fields.items() if getattr(arm, name) != _default(one))
        unread = sorted(set(said) - _NAMED - _READ[method])
        if unread:
            raise ValueError(
                f"arm {arm.name}: {unread[0]} is not read by method = {method!r}, which reads"
                f" {', '.join(sorted(_READ[method]))}; remove it"
            )


def _default(one: FieldInfo) -> Any:
    return one.get_default(call_default_factory=True, validated_data={})

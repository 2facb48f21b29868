"""What one market experiment is: a market, and arms that differ in the rules of the platform."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Final, Literal, Self

from pydantic import Field, model_validator

from experiments.base_scenario import SLUG, BaseScenario, Settings, finite
from experiments.market.label_settings import LEAST_DRAWS, LabelData, LabelTable, OwnLabel, Prices
from experiments.targets import Target

Method = Literal["regimes", "signs", "label"]
_READ: Final = {
    "regimes": frozenset({"regime", "remedies", "settings"}),
    "signs": frozenset({"experiment", "settings"}),
    "label": frozenset({"own_label", "prices", "settings"}),
}
"""What each method reads of an arm, beside its name and label."""
_NEEDED: Final = {"regimes": "regime", "signs": "experiment", "label": "own_label"}
SIGN_METRICS: Final = ("effect", "without_assumption")
"""What targets of signs may ask for."""


class MarketArm(Settings):
    """One set of rules, or one experiment about a sign."""

    name: str = Field(pattern=SLUG, description="lower-case letters, digits, dots and dashes")
    label: str | None = Field(None, min_length=1, description="what tables and charts call the arm")
    regime: str | None = Field(None, min_length=1, description="a data-sharing regime, such as firewall")
    remedies: dict[str, Any] = Field(
        default_factory=dict, description="a table of remedies on top, such as {fee_cap = 0.1}"
    )
    experiment: str | None = Field(None, min_length=1, description='the experiment that method = "signs" runs')
    own_label: OwnLabel | None = Field(None, description='what the own label may do, for method = "label"')
    prices: Prices | None = Field(None, description='held when left out, or answered, for method = "label"')
    settings: dict[str, Any] = Field(
        default_factory=dict, description="settings of the market, over those of all arms, such as {bonus = 0.3}"
    )


class MarketsSettings(Settings):
    """What runs the markets of one arm side by side."""

    on: Literal["threads", "ray"] = Field("threads", description="what simulates markets side by side; same figures")
    workers: int = Field(1, ge=1, le=1024, description="how many markets at a time; same figures for any number")


class MarketScenario(BaseScenario):
    """A market experiment. Runs = sweep points x arms; each run holds all seeds."""

    kind: ClassVar[str] = "market"
    method: Method = Field("regimes", description="what is done")
    replications: int = Field(
        20, ge=2, le=10_000, description="on how many markets each arm runs, the same ones for all arms"
    )
    seed: int = Field(0, ge=0, description="a whole number: other seeds draw other markets")
    periods: int = Field(100, ge=1, le=100_000, description="how long a market runs")
    settings: dict[str, Any] = Field(
        default_factory=dict, description="settings of the market, such as {merchants = 500, consumers = 20000}"
    )
    markets: MarketsSettings = Field(
        default_factory=MarketsSettings, description='a table, for method = "regimes" or "signs"'
    )
    data: LabelData | None = Field(None, description='a table, for method = "label"')
    label: LabelTable | None = Field(None, description='a table, for method = "label"')
    reference: str | None = Field(
        None, description="the arm that others are compared with, beside pure and isolated; else the first"
    )
    arms: Annotated[tuple[MarketArm, ...], Field(strict=False, min_length=1)] = Field(
        description="at least one [[arms]] table"
    )

    @property
    def data_place(self) -> str:
        """Where the data come from, in words."""
        if self.method != "label":
            return "a simulated market"
        data = self.data or LabelData()
        return data.source if data.path is None else f"the folder {data.path}"

    @property
    def runs_wanted(self) -> int:
        """How many runs one point of the sweep has."""
        return len(self.arms)

    @property
    def references(self) -> tuple[str, ...]:
        """Arms that all others are compared with, by name."""
        if self.method == "signs":
            return ()
        usual = [arm.name for arm in self.arms if arm.regime in ("pure", "isolated") and not arm.remedies]
        found = dict.fromkeys([*usual, *([self.reference] if self.reference else [])])
        return tuple(found) or (self.arms[0].name,)

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        finite(self.settings, "settings")
        names = [arm.name for arm in self.arms]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"arms lists {twice!r} twice; give each its own name")
        if self.reference is not None and self.reference not in names:
            raise ValueError(f"reference = {self.reference!r} is no arm; the arms are {', '.join(names)}")
        for arm in self.arms:
            finite(arm.settings, f"arms.{arm.name}.settings")
            finite(arm.remedies, f"arms.{arm.name}.remedies")
            needed = _NEEDED[self.method]
            if getattr(arm, needed) is None:
                raise ValueError(f'arm {arm.name}: {needed} is missing, which method = "{self.method}" needs; add it')
            for key in ("regime", "remedies", "experiment", "own_label", "prices"):
                if getattr(arm, key) and key not in _READ[self.method]:
                    raise ValueError(f'arm {arm.name}: {key} is not read by method = "{self.method}"; remove it')
        self._label_makes_sense()
        for expression, condition in self.targets.items():
            target = Target.parse(expression, condition)
            target.check_arms(names)
            target.check_metric(self._metrics)
        return self

    @property
    def _metrics(self) -> tuple[str, ...]:
        """What targets may ask for."""
        from experiments.market.figures import LABEL_METRICS, regime_metrics

        if self.method != "regimes":
            return SIGN_METRICS if self.method == "signs" else LABEL_METRICS
        tables = [{**self.settings, **arm.settings} for arm in self.arms]
        swept = [one for key, values in self.sweep.items() if key.endswith("settings.segments") for one in values]
        return regime_metrics([*(one.get("segments") for one in tables), *swept])

    def _label_makes_sense(self) -> None:
        if self.method != "label":
            read = next((key for key in ("data", "label") if getattr(self, key) is not None), None)
            if read is not None:
                raise ValueError(f'{read} is not read by method = "{self.method}"; remove it')
            return
        if self.markets != MarketsSettings():
            raise ValueError('markets is not read by method = "label", whose draws share one market; remove it')
        if self.label is None:
            raise ValueError('label is missing, which method = "label" needs; add [label] with categories = ["CHEESE"]')
        if self.replications < LEAST_DRAWS:
            raise ValueError(
                f"replications = {self.replications} draws of the price coefficient are too few for a range that holds "
                f"95% of them; write {LEAST_DRAWS} or more"
            )

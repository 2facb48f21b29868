"""The methods of audience scenarios, one module each, and what every one of them brings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from experiments.audience.measured import Measured
    from experiments.audience.scenario import AudienceScenario
    from experiments.audience.spec import AudienceSpec

METHODS: Final[Mapping[str, str]] = {
    "lookalike": "experiments.audience.lookalike:LOOKALIKE",
    "insight": "experiments.audience.insight:INSIGHT",
    "attributes": "experiments.audience.attributes:ATTRIBUTES",
    "targeting": "experiments.audience.targeting:TARGETING",
    "campaigns": "experiments.audience.campaigns:CAMPAIGNS",
    "measurement": "experiments.audience.measurement:MEASUREMENT",
}
"""Where the `Method` of each name is defined. Scenarios are refused by these names before anything is imported."""


@dataclass(frozen=True, slots=True)
class FigureText:
    """How people read a figure. Attributes: title: short, for a column; unit: of its values; meaning: one sentence."""

    title: str
    unit: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Method:
    """One method of audience scenarios. Its module is imported by every command that prints: keep imports light.

    Attributes:
        models: what an arm's `model` may be, with a title each.
        figures: the figures of its arms by name; one that is not listed is shown under its own name.
        columns: names of the figures that stand in the table; all others are listed below it.
        compared: names of the figures of which differences to the references are shown.
        notes: what the table must be read with, one sentence or two each.
        check: refuses `(spec)` for what can be told before any run.
        fingerprint: identity of the data that `(scenario)` reads.
        run: executes `(spec, directory, progress)`.
        seeded: whether noise comes from the seed, so that a run can be repeated; else the release gate draws it.
    """

    models: Mapping[str, str]
    figures: Mapping[str, FigureText]
    columns: tuple[str, ...]
    compared: tuple[str, ...]
    check: Callable[[AudienceSpec], None]
    fingerprint: Callable[[AudienceScenario], str]
    run: Callable[[AudienceSpec, Path, Callable[[str], None]], Measured]
    notes: tuple[str, ...] = field(default=())
    seeded: bool = True


def digits_of(method: Method, metric: str) -> int:
    """Return how many decimals people read of a figure, everywhere the same."""
    unit = method.figures[metric].unit if metric in method.figures else "1"
    if unit == "campaigns" or metric.startswith("campaign_"):
        return 0
    if unit in ("%", "conversions") or "1,000" in unit:
        return 1
    return 3 if (unit == "1" and not metric.startswith("lift")) or "likelihood" in unit or unit == "rho" else 2


def later(dotted: str) -> Callable[..., Any]:
    """Return a function that is imported when it is called, so that commands which only print stay light.

    Args:
        dotted: its place, `module:name`.
    """

    def call(*given: Any) -> Any:
        module, _, name = dotted.partition(":")
        return getattr(import_module(module), name)(*given)

    return call


def data_fingerprint(scenario: AudienceScenario) -> str:
    """Return the identity of a scenario's data set. Raises: ConfigError, DataError: it cannot be found."""
    from retail.datasource import DataSource

    return DataSource(**scenario.data.model_dump()).fingerprint()


def method_of(name: str) -> Method:
    """Import a method.

    Raises: KeyError: no method has this name; scenarios are checked before.
    """
    module, _, attribute = METHODS[name].partition(":")
    found: Any = getattr(import_module(module), attribute)
    assert isinstance(found, Method)
    return found

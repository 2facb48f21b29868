"""One run of an audience scenario: one arm at one point of the sweep."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from experiments.audience.scenario import AudienceArm, AudienceScenario
from experiments.sweep import canonical, named, sweep_points

_TITLES: Final = frozenset({"name", "title", "description", "arms", "sweep", "targets", "reference", "options"})


@dataclass(frozen=True)
class AudienceSpec:
    """One run. Immutable and picklable.

    Attributes:
        settings: the scenario at this point of the sweep.
        arm: what is done.
        sweep: the swept keys and their values at this point; empty without a sweep.
        code_version: hash of the source that may change an outcome.
        data_fingerprint: identity of the data.
    """

    settings: AudienceScenario
    arm: AudienceArm
    sweep: Mapping[str, Any]
    code_version: str
    data_fingerprint: str

    @property
    def scenario(self) -> str:
        """Name of the scenario, the folder of the run."""
        return self.settings.name

    @property
    def seed(self) -> int:
        """Where the run's random numbers come from."""
        return self.settings.seed

    @cached_property
    def run_id(self) -> str:
        """Sixteen hexadecimal digits that name the run; labels and places of files do not enter."""
        config = self.config()
        del config["scenario"]
        config["arm"].pop("label", None)
        config["data"] = {key: value for key, value in config["data"].items() if key != "path"}
        return named({**config, "code_version": self.code_version, "data_fingerprint": self.data_fingerprint})

    @property
    def group(self) -> str:
        """Arms over the same rows share what takes time to read."""
        return canonical([self.settings.method, self.settings.data.model_dump(), self.settings.options])

    @property
    def ledger(self) -> Path | None:
        """A run accounts within itself."""
        return None

    @property
    def options(self) -> dict[str, Any]:
        """Options of the method: those of all arms, then the arm's."""
        return {**self.settings.options, **self.arm.options}

    def config(self) -> dict[str, Any]:
        """The effective settings of this run, as `config.toml` holds them."""
        return {
            "scenario": self.scenario,
            "kind": self.settings.kind,
            **self.settings.model_dump(exclude_none=True, exclude=set(_TITLES)),
            "options": self.options,
            "arm": self.arm.model_dump(exclude_none=True, exclude={"options"}),
        }

    def identity(self) -> dict[str, Any]:
        """Say which of its scenario's runs this is."""
        return {"arm": self.arm.name, "seed": self.seed}

    def record(self) -> dict[str, Any]:
        """Return what `run.json` says about the settings."""
        private = self.arm.epsilon is not None
        return {
            "arm": self.arm.name,
            "kind": self.settings.kind,
            "method": self.settings.method,
            "model": self.arm.model,
            "label": self.arm.label or self.arm.name,
            "regime": self.arm.regime,
            "epsilon": self.arm.epsilon,
            "epsilon_pld": None,
            "delta": self.settings.privacy.delta if private else None,
            "noise": self.arm.noise if private else None,
            "seed": self.seed,
        }


def expand_audience(
    scenario: AudienceScenario, *, code_version: str, fingerprint: Callable[[AudienceScenario], str]
) -> tuple[AudienceSpec, ...]:
    """List the runs of an audience scenario.

    Args:
        scenario: what to run.
        code_version: see `experiments.provenance.code_version`.
        fingerprint: identity of what a point of the sweep reads.

    Raises:
        ConfigError: a sweep key or value is refused.
    """
    return tuple(
        AudienceSpec(point, arm, sweep, code_version, identity)
        for sweep, point in sweep_points(scenario)
        for identity in (fingerprint(point),)
        for arm in point.arms
    )

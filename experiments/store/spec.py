"""One run of a store scenario: an arm against the reference, at one point of the sweep."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from experiments.store.scenario import StoreArm, StoreScenario
from experiments.sweep import canonical, named, sweep_points

_TITLES: Final = frozenset({"name", "title", "description", "arms", "sweep", "targets"})


@dataclass(frozen=True)
class StoreSpec:
    """One run. Immutable and picklable.

    Attributes:
        settings: the scenario at this point of the sweep.
        arm: what is compared with `settings.reference`.
        sweep: the swept keys and their values at this point; empty without a sweep.
        code_version: hash of the source that may change an outcome.
        data_fingerprint: identity of plan and baskets.
    """

    settings: StoreScenario
    arm: StoreArm
    sweep: Mapping[str, Any]
    code_version: str
    data_fingerprint: str

    @property
    def scenario(self) -> str:
        """Name of the scenario, the folder of the run."""
        return self.settings.name

    @property
    def seed(self) -> int:
        """Where the days come from."""
        return self.settings.seed

    @cached_property
    def run_id(self) -> str:
        """Sixteen hexadecimal digits that name the run; labels and places of files do not enter."""
        config = self.config()
        del config["scenario"], config["plan"]  # the plan's content is in the fingerprint
        config["demand"].pop("path", None)
        for arm in (config["arm"], config["reference"]):
            arm.pop("label", None)
        versions = {"code_version": self.code_version, "data_fingerprint": self.data_fingerprint}
        return named({**config, **versions})

    @property
    def group(self) -> str:
        """Runs of one group walk in the same store."""
        return canonical([self.settings.plan, self.settings.demand.model_dump()])

    @property
    def ledger(self) -> Path | None:
        """A store run has its own ledger, or none."""
        return None

    def config(self) -> dict[str, Any]:
        """The effective settings of this run, as `config.toml` holds them; of a plan's file no more than its name."""
        settings = self.settings.model_dump(exclude_none=True, exclude=set(_TITLES))
        settings["plan"] = Path(self.settings.plan).name
        return {
            "scenario": self.scenario,
            "kind": self.settings.kind,
            **settings,
            "arm": self.arm.model_dump(exclude_none=True),
        }

    def identity(self) -> dict[str, Any]:
        """Say which of its scenario's runs this is."""
        return {"arm": self.arm.name, "seed": self.seed}

    def record(self) -> dict[str, Any]:
        """Return what `run.json` says about the settings."""
        return {
            "arm": self.arm.name,
            "kind": self.settings.kind,
            "method": self.settings.method,
            "label": self.arm.label or self.arm.name,
            "reference": self.settings.reference.name,
            "epsilon": self.arm.epsilon,
            "seed": self.seed,
        }


def expand_store(
    scenario: StoreScenario, *, code_version: str, fingerprint: Callable[[StoreScenario], str]
) -> tuple[StoreSpec, ...]:
    """List the runs of a store scenario.

    Args:
        scenario: what to run.
        code_version: see `experiments.provenance.code_version`.
        fingerprint: identity of what a point of the sweep reads.

    Raises:
        ConfigError: a sweep key or value is refused.
    """
    return tuple(
        StoreSpec(point, arm, sweep, code_version, fingerprint(point))
        for sweep, point in sweep_points(scenario)
        for arm in point.arms
    )

"""From one scenario to its runs: sweep points, and for recommendations x arms x origins x seeds.

A run's id is a hash of everything that decides its outcome and of nothing else: its effective settings, the code,
the data and the seed. Titles, targets, the other arms and the order of keys do not enter, so that editing those
keeps finished runs; editing an algorithm does not.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from experiments.base_scenario import BaseScenario
from experiments.scenario import (
    Arm,
    DataSettings,
    FederationSettings,
    PartitionSettings,
    PolicySettings,
    PrivacySettings,
    Scenario,
    SplitSettings,
)
from experiments.scenario_file import scenario_table, set_value, validate
from retail.errors import ConfigError

Any_ = TypeVar("Any_", bound=BaseScenario)
_NOT_SWEPT: Final = ("kind", "name", "title", "description", "arms", "seeds", "sweep", "targets")


@dataclass(frozen=True)
class RunSpec:
    """One run: an arm at one origin with one seed, under one point of the sweep. Immutable and picklable.

    Attributes:
        scenario: name of the scenario, the folder of the run.
        options: the scenario's task options, overlaid with the arm's.
        origin: index of the test window, 0 the oldest.
        sweep: the swept keys and their values at this point; empty without a sweep.
        code_version: hash of the source that may change an outcome.
        data_fingerprint: identity of the data.
    """

    scenario: str
    task: str
    data: DataSettings
    partition: PartitionSettings
    split: SplitSettings
    federation: FederationSettings
    privacy: PrivacySettings
    policy: PolicySettings
    options: Mapping[str, Any]
    arm: Arm
    origin: int
    seed: int
    sweep: Mapping[str, Any]
    code_version: str
    data_fingerprint: str

    @cached_property
    def run_id(self) -> str:
        """Sixteen hexadecimal digits that name the run."""
        identity = {**self.config(), "code_version": self.code_version, "data_fingerprint": self.data_fingerprint}
        identity["data"] = {key: value for key, value in identity["data"].items() if key != "path"}
        identity["arm"] = {key: value for key, value in identity["arm"].items() if key != "label"}
        del identity["scenario"]
        return named(identity)

    def config(self) -> dict[str, Any]:
        """The effective settings of this run, as `config.toml` holds them."""
        tables = {
            name: getattr(self, name).model_dump(exclude_none=True)
            for name in ("data", "partition", "split", "federation", "privacy", "policy")
        }
        arm = self.arm.model_dump(exclude_none=True, exclude={"options"})
        identity = {"scenario": self.scenario, "task": self.task, "origin": self.origin, "seed": self.seed}
        return {**identity, **tables, "options": dict(self.options), "arm": arm}

    @property
    def group(self) -> str:
        """Runs of one group read the same rows: workers keep to a group to read them once."""
        return canonical([self.data.model_dump(), self.partition.model_dump(), self.split.model_dump(), self.origin])

    @property
    def ledger(self) -> Path | None:
        """The ledger that adds up over runs, if the scenario names one."""
        return None if self.privacy.ledger == "run" else Path(self.privacy.ledger)

    def identity(self) -> dict[str, Any]:
        """Say which of its scenario's runs this is."""
        return {"arm": self.arm.name, "origin": self.origin, "seed": self.seed}

    def record(self) -> dict[str, Any]:
        """Return what `run.json` says about the settings."""
        private = self.arm.epsilon is not None
        return {
            "arm": self.arm.name,
            "method": self.arm.method,
            "label": self.arm.label or self.arm.name,
            "epsilon": self.arm.epsilon,
            "epsilon_pld": None,
            "delta": self.privacy.delta if private else None,
            "noise": self.arm.noise if private else None,
            "origin": self.origin,
            "seed": self.seed,
        }


def expand(
    scenario: Scenario, *, code_version: str, data_fingerprint: Callable[[DataSettings], str]
) -> tuple[RunSpec, ...]:
    """List the runs of a scenario, runs over the same rows next to each other.

    Args:
        scenario: what to run.
        code_version: see `experiments.provenance.code_version`.
        data_fingerprint: identity of the data that some settings name; called once for each different setting.

    Raises:
        ConfigError: a sweep key or value is refused.
    """
    fingerprints: dict[str, str] = {}
    specs = []
    for sweep, point in sweep_points(scenario):
        key = canonical(point.data.model_dump())
        if key not in fingerprints:
            fingerprints[key] = data_fingerprint(point.data)
        for origin, seed, arm in itertools.product(range(point.split.origins), point.seeds, point.arms):
            specs.append(
                RunSpec(
                    scenario=point.name,
                    task=point.task,
                    data=point.data,
                    partition=point.partition,
                    split=point.split,
                    federation=point.federation,
                    privacy=point.privacy,
                    policy=point.policy,
                    options={**point.options, **arm.options},
                    arm=arm,
                    origin=origin,
                    seed=seed,
                    sweep=sweep,
                    code_version=code_version,
                    data_fingerprint=fingerprints[key],
                )
            )
    return tuple(specs)


def named(identity: Mapping[str, Any]) -> str:
    """Name a run by everything that decides its outcome: sixteen hexadecimal digits."""
    return hashlib.sha256(canonical(identity).encode()).hexdigest()[:16]


def sweep_points(scenario: Any_) -> list[tuple[dict[str, Any], Any_]]:
    """Return every combination of the swept values, with the scenario that it makes; one point without a sweep.

    Raises:
        ConfigError: a swept key is unknown, belongs to the scenario as a whole, or gets a value that is refused.
    """
    points = []
    for values in itertools.product(*scenario.sweep.values()):
        chosen = dict(zip(scenario.sweep, values, strict=True))
        raw = editable({key: value for key, value in scenario_table(scenario).items() if key != "sweep"})
        for key, value in chosen.items():
            if key.partition(".")[0] in _NOT_SWEPT and not key.startswith("arms."):
                raise ConfigError(f"{scenario.name}: sweep.{key} cannot vary within a scenario; write two scenarios")
            set_value(raw, key, value, source=f"{scenario.name}: sweep")
        point = validate(raw, source=f"{scenario.name}: sweep") if chosen else scenario
        points.append((chosen, cast(Any_, point)))  # of the same kind, which cannot be swept
    return points


def editable(value: Any) -> Any:
    """Copy nested tables, with tuples as lists, so that they may be edited."""
    if isinstance(value, Mapping):
        return {key: editable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [editable(inner) for inner in value]
    return value


def canonical(value: Any) -> str:
    """Return JSON in which equal settings are equal text: sorted keys, no spaces, dates in ISO form."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, default=str)

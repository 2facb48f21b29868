"""One run of a scenario with faces: an arm with one seed, tested on one fold, at one point of the sweep."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from experiments.faces.scenario import TRAINED, FaceArm, FaceScenario
from experiments.sweep import canonical, named, sweep_points

REPLICATES_FILE: Final = "people_redrawn.parquet"
"""Among the artifacts of a run: its rates with its people drawn again."""

_TITLES: Final = frozenset({"name", "title", "description", "arms", "sweep", "targets", "seeds", "tested"})


@dataclass(frozen=True)
class FaceSpec:
    """One run. Immutable and picklable.

    Attributes:
        settings: the scenario at this point of the sweep.
        arm: how the encoder comes about.
        fold: whose people are tested; everybody else is trained on.
        seed: of weights, batches and noise.
        sweep: the swept keys and their values at this point; empty without a sweep.
        code_version: hash of the source that may change an outcome.
        data_fingerprint: identity of the faces.
    """

    settings: FaceScenario
    arm: FaceArm
    fold: int
    seed: int
    sweep: Mapping[str, Any]
    code_version: str
    data_fingerprint: str

    @property
    def scenario(self) -> str:
        """Name of the scenario, the folder of the run."""
        return self.settings.name

    @cached_property
    def run_id(self) -> str:
        """Sixteen hexadecimal digits that name the run; labels and places of files do not enter."""
        identity = {**self.config(), "code_version": self.code_version, "data_fingerprint": self.data_fingerprint}
        del identity["scenario"]
        identity["data"] = {key: value for key, value in identity["data"].items() if key != "path"}
        identity["arm"] = {key: value for key, value in identity["arm"].items() if key != "label"}
        return named(identity)

    @property
    def group(self) -> str:
        """Runs over the same pictures that start from the same drawings.

        Where people themselves are drawn, that takes longer than all else, so seeds do not part runs of one size.
        """
        data = self.settings.data.model_dump()
        return canonical([data] if self.settings.data.source == "drawn-faces" else [data, self.seed])

    @property
    def ledger(self) -> Path | None:
        """A run accounts within itself."""
        return None

    @property
    def options(self) -> dict[str, Any]:
        """Options of the face task: those of all arms, then the arm's; none for an encoder that is not trained."""
        return {**self.settings.options, **self.arm.options} if self.arm.method in TRAINED else {}

    def config(self) -> dict[str, Any]:
        """The effective settings of this run, as `config.toml` holds them."""
        settings = self.settings.model_dump(exclude_none=True, exclude={*_TITLES, "options"})
        return {
            "scenario": self.scenario,
            "kind": self.settings.kind,
            **settings,
            "options": self.options,
            "arm": self.arm.model_dump(exclude_none=True, exclude={"options"}),
            "fold": self.fold,
            "seed": self.seed,
        }

    def identity(self) -> dict[str, Any]:
        """Say which of its scenario's runs this is."""
        return {"arm": self.arm.name, "fold": self.fold, "seed": self.seed}

    def record(self) -> dict[str, Any]:
        """Return what `run.json` says about the settings."""
        private = self.arm.epsilon is not None
        return {
            "arm": self.arm.name,
            "kind": self.settings.kind,
            "method": self.arm.method,
            "label": self.arm.label or self.arm.name,
            "epsilon": self.arm.epsilon,
            "epsilon_pld": None,
            "delta": self.settings.privacy.delta if private else None,
            "noise": self.arm.noise if private else None,
            "fold": self.fold,
            "seed": self.seed,
        }


def expand_faces(
    scenario: FaceScenario, *, code_version: str, fingerprint: Callable[[FaceScenario], str]
) -> tuple[FaceSpec, ...]:
    """List the runs of a scenario with faces; what no seed changes runs once.

    Args:
        scenario: what to run.
        code_version: see `experiments.provenance.code_version`.
        fingerprint: identity of what a point of the sweep reads.

    Raises:
        ConfigError: a sweep key or value is refused.
    """
    return tuple(
        FaceSpec(point, arm, fold, seed, sweep, code_version, identity)
        for sweep, point in sweep_points(scenario)
        for identity in (fingerprint(point),)
        for seed, fold, arm in itertools.product(point.seeds, point.folds_tested, point.arms)
        if arm.seeded or seed == point.seeds[0]
    )

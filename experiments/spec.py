"""What the spine needs to know about one run, whatever its scenario is about."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol


class Spec(Protocol):
    """One run of a scenario. Immutable and picklable."""

    @property
    def scenario(self) -> str:
        """Name of the scenario, the folder of the run."""

    @property
    def run_id(self) -> str:
        """Sixteen hexadecimal digits that name the run: equal for runs that must have equal outcomes."""

    @property
    def group(self) -> str:
        """Runs of one group read the same things: workers keep to a group to read them once."""

    @property
    def seed(self) -> int:
        """Where the run's random numbers come from."""

    @property
    def sweep(self) -> Mapping[str, Any]:
        """The swept keys and their values at this point; empty without a sweep."""

    @property
    def code_version(self) -> str:
        """Hash of the source that may change an outcome."""

    @property
    def data_fingerprint(self) -> str:
        """Identity of the data."""

    @property
    def ledger(self) -> Path | None:
        """A ledger that outlives the run; None where the run has its own or none."""

    def config(self) -> dict[str, Any]:
        """Return the effective settings of the run, as `config.toml` holds them."""

    def identity(self) -> dict[str, Any]:
        """Say which of its scenario's runs this is: `arm` first, then `seed` and the like."""

    def record(self) -> dict[str, Any]:
        """Return what `run.json` says about the settings; begins with `identity`'s arm."""


def title(spec: Spec) -> str:
    """Name a run for people: arm, origin, seed and the swept values, each once."""
    arm, *others = spec.identity().items()
    swept = (f"{key}={value}" for key, value in spec.sweep.items() if (key, value) not in others)
    return " ".join([str(arm[1]), *(f"{key} {value}" for key, value in others), *swept])

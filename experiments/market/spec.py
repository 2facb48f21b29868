"""One run of a market scenario: one arm with all seeds, at one point of the sweep."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from experiments.market.scenario import MarketArm, MarketScenario
from experiments.sweep import canonical, named, sweep_points
from privacy.regimes import REGIMES
from simulation.market.parameters import PARAMETERS

SEEDS_FILE: Final = "by_seed.parquet"
"""Among the artifacts of a run: one row for each seed, one column for each figure."""
_TITLES: Final = frozenset({"name", "title", "description", "arms", "sweep", "targets", "reference", "settings"})


@dataclass(frozen=True)
class MarketSpec:
    """One run. Immutable and picklable.

    Attributes:
        settings: the scenario at this point of the sweep.
        arm: the rules.
        sweep: the swept keys and their values at this point; empty without a sweep.
        code_version: hash of the source that may change an outcome.
        data_fingerprint: of real purchases; a constant where nothing is read.
    """

    settings: MarketScenario
    arm: MarketArm
    sweep: Mapping[str, Any]
    code_version: str
    data_fingerprint: str

    @property
    def scenario(self) -> str:
        """Name of the scenario, the folder of the run."""
        return self.settings.name

    @property
    def seed(self) -> int:
        """The first of the run's seeds."""
        return self.settings.seed

    @property
    def seeds(self) -> range:
        """All seeds of the run."""
        return range(self.settings.seed, self.settings.seed + self.settings.replications)

    @cached_property
    def run_id(self) -> str:
        """Sixteen hexadecimal digits that name the run; labels do not enter."""
        config = self.config()
        del config["scenario"]
        config["arm"].pop("label", None)
        return named({**config, "code_version": self.code_version, "data_fingerprint": self.data_fingerprint})

    @property
    def group(self) -> str:
        """Runs on real categories share what takes time to read; others share nothing."""
        if self.settings.label is None:
            return self.arm.name
        data = self.settings.data
        return canonical([self.settings.label.model_dump(), None if data is None else data.model_dump()])

    @property
    def ledger(self) -> Path | None:
        """A simulated market spends nobody's privacy budget."""
        return None

    @property
    def market(self) -> dict[str, Any]:
        """Settings of the market: those of all arms, then the arm's."""
        return {**self.settings.settings, **self.arm.settings}

    @property
    def epsilon(self) -> float | None:
        """Of the noise that protects the market's simulated people; None under a regime without any.

        It is a rule of the market and promises nothing to anybody: no row of a real person is read.
        """
        regime = REGIMES.get(self.arm.regime or "")
        if regime is None or regime.shared_model != "federated" or not regime.noise:
            return None
        return float(self.market.get("epsilon", PARAMETERS["epsilon"].value))

    def config(self) -> dict[str, Any]:
        """The effective settings of this run, as `config.toml` holds them."""
        return {
            "scenario": self.scenario,
            "kind": self.settings.kind,
            **self.settings.model_dump(exclude_none=True, exclude=set(_TITLES)),
            "settings": self.market,
            "arm": self.arm.model_dump(exclude_none=True, exclude={"settings"}),
        }

    def identity(self) -> dict[str, Any]:
        """Say which of its scenario's runs this is: the first seed, and how many markets, or draws, it goes on to."""
        many = "draws" if self.settings.method == "label" else "markets"
        return {"arm": self.arm.name, "seed": self.seed, many: self.settings.replications}

    def record(self) -> dict[str, Any]:
        """Return what `run.json` says about the settings."""
        return {
            "arm": self.arm.name,
            "kind": self.settings.kind,
            "method": self.settings.method,
            "label": self.arm.label or self.arm.name,
            "regime": self.arm.regime,
            "own_label": self.arm.own_label,
            "experiment": self.arm.experiment,
            "epsilon": self.epsilon,
            "epsilon_pld": None,
            "delta": None,
            "noise": None,
            "seed": self.seed,
        }


def expand_market(
    scenario: MarketScenario, *, code_version: str, fingerprint: Callable[[MarketScenario], str]
) -> tuple[MarketSpec, ...]:
    """List the runs of a market scenario.

    Args:
        scenario: what to run.
        code_version: see `experiments.provenance.code_version`.
        fingerprint: identity of what a point of the sweep reads.

    Raises:
        ConfigError: a sweep key or value is refused.
    """
    return tuple(
        MarketSpec(point, arm, sweep, code_version, fingerprint(point))
        for sweep, point in sweep_points(scenario)
        for arm in point.arms
    )

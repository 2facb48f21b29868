"""How market scenarios go through the spine."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from experiments.kind import Kind
from experiments.market.scenario import MarketArm, MarketScenario
from experiments.market.spec import MarketSpec, expand_market
from experiments.market.summary import summarise_market
from experiments.provenance import code_version
from experiments.sweep import sweep_points
from experiments.worker import load_object
from retail.errors import ConfigError, TradefairError

RUNNER: Final = "experiments.market.run:run_market"
FINGERPRINT: Final = "experiments.market.run:fingerprint"


def _check(scenario: MarketScenario, store: Path) -> None:
    """Try the settings of every sweep point and arm before any run.

    Raises:
        ConfigError: a setting, a regime, a remedy or an experiment cannot be used, or Ray is asked for and not
            installed.
    """
    from experiments.market.run import prepared
    from simulation.replicate import require_ray

    for _, point in sweep_points(scenario):
        if point.markets.on == "ray":
            try:
                require_ray()
            except ConfigError as error:
                raise ConfigError(f"{scenario.name}: {error}") from None
        for arm in point.arms:
            try:
                prepared(MarketSpec(point, arm, {}, "", ""))
            except TradefairError as error:
                raise ConfigError(f"{scenario.name}: {_table(point, arm, str(error))}: {error}") from None


def _table(point: MarketScenario, arm: MarketArm, message: str) -> str:
    """Say whose settings an error is about: those of all arms, where they alone give it too, or the arm's."""
    from experiments.market.run import settings_of

    try:
        settings_of(point.method, point.settings)
    except ConfigError as error:
        if str(error) == message:
            return "[settings]"
    return f"arm {arm.name}"


def _expand(scenario: MarketScenario, *, runner: str, fingerprint: str) -> tuple[MarketSpec, ...]:
    version = code_version(runner, kind=scenario.kind)
    return expand_market(scenario, code_version=version, fingerprint=load_object(fingerprint))


MARKET: Final = Kind(RUNNER, FINGERPRINT, _check, _expand, summarise_market)

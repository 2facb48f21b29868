"""What a scenario is to a federation that is up: the settings of one of its arms, and the report of its run."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from experiments.arms import federation_config
from experiments.base_scenario import BaseScenario
from experiments.scenario import Arm, Scenario
from experiments.sweep import RunSpec
from retail.errors import ConfigError, PrivacyError

if TYPE_CHECKING:
    from federation.config import FederationConfig

_METHOD: Final = "federated"


def deployed_config(scenario: BaseScenario, *, arm: str | None = None, run_id: str | None = None) -> FederationConfig:
    """Return the settings of an arm, for a deployment.

    Secure aggregation is on, and the ledger is the server's own. Trained is for the last time window, with the first
    seed.

    Args:
        scenario: about recommendations, over a folder of tables.
        arm: its name; the only private federated one when None.
        run_id: by which the server's ledger knows the run; made from the settings when None, so that the same command
            goes on with an interrupted run.

    Raises:
        ConfigError: another kind of scenario, a sweep, other data, or no such arm.
        PrivacyError: the arm claims no privacy, or the claim cannot be kept.
    """
    if not isinstance(scenario, Scenario):
        raise ConfigError(
            f"{scenario.name} is about {scenario.kind}; a deployment trains scenarios about recommendations"
        )
    if scenario.sweep:
        raise ConfigError(f"{scenario.name} has a sweep; a deployment trains one run, so set its keys and remove it")
    if scenario.data.source != "folder" or scenario.data.start is None or scenario.data.end is None:
        raise ConfigError(
            f'{scenario.name}: a deployment needs data.source = "folder" with declared data.start and data.end'
        )
    chosen = _arm(scenario, arm)
    spec = RunSpec(
        scenario=scenario.name,
        task=scenario.task,
        data=scenario.data,
        partition=scenario.partition,
        split=scenario.split,
        federation=scenario.federation,
        privacy=scenario.privacy.model_copy(update={"mode": "simulation", "ledger": "the server's own"}),
        policy=scenario.policy,
        options={**scenario.options, **chosen.options},
        arm=chosen,
        origin=scenario.split.origins - 1,
        seed=scenario.seeds[0],
        sweep={},
        code_version="",
        data_fingerprint="",
    )
    config = replace(federation_config(spec, Path()), mode="deployment", aggregation="secure")
    name = hashlib.sha256(config.fingerprint_of_training().encode()).hexdigest()[:12]
    return replace(config, run_id=run_id or f"{scenario.name}-{chosen.name}-{name}")


def _arm(scenario: Scenario, name: str | None) -> Arm:
    federated = {one.name: one for one in scenario.arms if one.method == _METHOD}
    private = [one for one in federated.values() if one.epsilon is not None]
    if name is None:
        if len(private) != 1:
            raise ConfigError(
                f"{scenario.name} has {len(private)} federated arms with an epsilon; name one by --arm: "
                f"{', '.join(one.name for one in private) or 'there is none'}"
            )
        return private[0]
    if name not in federated:
        raise ConfigError(f"{scenario.name} has no federated arm {name!r}; choose one of {', '.join(federated)}")
    if federated[name].epsilon is None:
        raise PrivacyError(f"arm {name} claims no privacy, and a deployment trains with privacy alone; give an epsilon")
    return federated[name]


def report_row(result: Any, *, run_id: str) -> dict[str, Any]:
    """Return what a run made and cost, for tables and JSON."""
    return {
        "run": run_id,
        "epsilon": result.epsilon,
        "epsilon_total": result.epsilon_total,
        "delta": result.delta,
        "rounds": len(result.rounds),
        "dropped_replies": result.dropped,
        "arrays": {name: list(value.shape) for name, value in result.model.items()},
    }

"""What a scenario is to a federation that is up: the settings of one of its arms, and the report of its run."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from experiments.arms import federation_config
from experiments.base_scenario import BaseScenario
from experiments.faces.scenario import FaceScenario
from experiments.scenario import Scenario
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
        scenario: about recommendations over a folder of tables, or about faces over a folder of pictures.
        arm: its name; the only private federated one when None.
        run_id: by which the server's ledger knows the run; made from the settings when None, so that the same command
            goes on with an interrupted run.

    Raises:
        ConfigError: another kind of scenario, a sweep, other data, or no such arm.
        PrivacyError: the arm claims no privacy, or the claim cannot be kept.
    """
    if not isinstance(scenario, Scenario | FaceScenario):
        raise ConfigError(
            f"{scenario.name} is about {scenario.kind}; a deployment trains scenarios about recommendations and faces"
        )
    if scenario.sweep:
        raise ConfigError(f"{scenario.name} has a sweep; a deployment trains one run, so set its keys and remove it")
    if isinstance(scenario, FaceScenario):
        return _named(_face_settings(scenario, arm), scenario, arm=_arm(scenario, arm).name, run_id=run_id)
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
    return _named(federation_config(spec, Path()), scenario, arm=chosen.name, run_id=run_id)


def _named(config: FederationConfig, scenario: BaseScenario, *, arm: str, run_id: str | None) -> FederationConfig:
    """Give settings to a deployment, with hidden sums and a ledger that outlives the run."""
    # The name comes after the settings: it is made from them.
    config = replace(
        config,
        mode="deployment",
        aggregation="secure",
        ledger="the server's own",
        ledger_scope="persistent",
        run_id="-",
    )
    name = hashlib.sha256(config.fingerprint_of_training().encode()).hexdigest()[:12]
    return replace(config, run_id=run_id or f"{scenario.name}-{arm}-{name}")


def _face_settings(scenario: FaceScenario, arm: str | None) -> FederationConfig:
    """Return the settings of an arm over pictures that lie at the merchants; nobody is kept for testing there."""
    if scenario.data.source != "face-folder" or scenario.data.population is None:
        raise ConfigError(
            f'{scenario.name}: a deployment needs data.source = "face-folder" with a declared data.population'
        )
    from experiments.faces.arms import face_config
    from experiments.faces.spec import FaceSpec

    spec = FaceSpec(
        settings=scenario,
        arm=_arm(scenario, arm),
        fold=0,
        seed=scenario.seeds[0],
        sweep={},
        code_version="",
        data_fingerprint="",
    )
    return face_config(spec, Path())


def _arm(scenario: Scenario | FaceScenario, name: str | None) -> Any:
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

"""Attack a finished federated run: retrain it with canaries at its own settings, and see what leaks.

Everything is done in a simulation, on the data that the run was made from. A deployment is refused: its shoppers would
be used, and charged, once more.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from experiments.arms import access, federation_config
from experiments.documents import read_json, write_json
from experiments.runs import RunStore
from experiments.scenario import (
    Arm,
    DataSettings,
    FederationSettings,
    PartitionSettings,
    PolicySettings,
    PrivacySettings,
    SplitSettings,
)
from experiments.sweep import RunSpec
from privacy.attacks.result import AttackResult
from retail.errors import ConfigError, DataError, PrivacyError

if TYPE_CHECKING:
    from federation.config import FederationConfig
    from privacy.log import Log

FILE: Final = "attacks.json"
LEAVE_OUT: Final = 0.2
"""Share of the real shoppers that the retraining leaves out, so that members can be compared with others."""
_FEDERATED: Final = ("federated", "dp_popularity", "isolated")


def attack_run(
    store: RunStore,
    run_id: str,
    *,
    progress: Callable[[str], None] = lambda line: None,
    quick: bool = False,
    log: Log | None = None,
    seed: int | None = None,
) -> list[AttackResult]:
    """Run the attacks that apply to a run, and store what they found in its `artifacts/attacks.json`.

    The federation is run once more with canaries, at the run's epsilon, clip bound, rounds and merchants, by the code
    that is installed now. Its noise and its coins come from seeds of the audit's own, its ledger is forgotten; the
    run's own ledger is not touched. A fifth of the real shoppers is left out of this training. The number of guesses
    is chosen on generated scores under another seed.

    Args:
        store: where the run is.
        run_id: of the run, or the beginning of it.
        progress: takes a line now and then.
        quick: no shadow models and fewer trials; canaries and checks of the noise are the same.
        log: the run's log; gets an entry of kind "access" for each read, and one of kind "attack" for each result.
        seed: of everything that the audit draws; None for `audit_seed` of the run, which changes with the code.

    Returns: the results. For an arm without epsilon nothing can be a breach: it shows that the attacks work.

    Raises:
        ConfigError: there is no such run, or nothing was federated in it.
        PrivacyError: the run is a deployment.
        PolicyError: the run's rules do not admit that it is run again.
        DataError: the run is not finished, its settings cannot be read, or the results cannot be written.
    """
    from experiments.person_attacks import person_attacks
    from experiments.provenance import code_version
    from experiments.retraining import canary_attacks, enough_canaries, held_nodes, retrain
    from federation.nodes import public_catalogue, task_settings
    from federation.plan import planned_costs
    from federation.settings_check import MEMORY
    from federation.task import load_task

    record = store.find(run_id)
    directory = Path(record["path"])
    spec = read_spec(directory)
    if record["status"] != "finished":
        raise DataError(f"run {record['run_id']} is {record['status']}; finish it before attacking it")
    config = attacked_config(spec, directory)
    claim = claimed_epsilon(record)
    seed = audit_seed(record["run_id"]) if seed is None else seed
    canaries = enough_canaries(claim, config.delta)
    progress(f"retraining with {canaries:,} canaries")
    rules = access(spec, directory)
    rules = replace(rules, log=MEMORY) if log is None else replace(rules, log=str(log.books.path), origin=log.origin)
    held = held_nodes(config, rules)
    trained = retrain(config, held, canaries=canaries, seed=seed, leave_out=LEAVE_OUT, access=rules, progress=progress)
    progress("attack: canaries and noise")
    results = canary_attacks(trained, claim=claim, seed=seed + 1)
    costs = planned_costs(config, load_task(config.task, task_settings(config), public_catalogue(config)).rounds())
    results += person_attacks(
        config, held, trained, costs=costs, claim=claim, seed=seed + 2, quick=quick, progress=progress
    )
    outside = (spec.task,) if ":" in spec.task else ()
    document = {
        "run_id": record["run_id"],
        "scenario": record["scenario"],
        "arm": record.get("arm"),
        "epsilon": claim,
        "delta": config.delta if claim is not None else None,
        "quick": quick,
        "seed": seed,
        "canaries": canaries,
        "left_out": LEAVE_OUT,
        "code_version": code_version("experiments.arms:run_arm", *outside),
        "results": [one.to_json() for one in results],
    }
    write_json(directory / "artifacts" / FILE, document)
    if log is not None:
        log.append_many([("attack", {"run": record["run_id"], **one.to_json()}) for one in results])
    return results


def stored_attacks(directory: Path) -> list[AttackResult] | None:
    """Return the results that an audit left beside a run; None where none was done.

    Raises:
        DataError: the file cannot be read.
    """
    document = read_json(directory / "artifacts" / FILE)
    if document is None:
        return None
    try:
        return [AttackResult.from_json(one) for one in document["results"]]
    except (KeyError, TypeError, PrivacyError) as error:
        raise DataError(f"{directory / 'artifacts' / FILE} cannot be read ({error}); run the attacks again") from error


def read_spec(directory: Path) -> RunSpec:
    """Read the settings that a run left in its `config.toml`.

    Returns: the run, without what a config does not hold (the sweep, the code and the identity of the data).

    Raises:
        ConfigError: the run simulated a store or a market.
        DataError: the file is missing, or holds no settings of a run.
    """
    path = directory / "config.toml"
    try:
        raw: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        if raw.get("kind") in ("store", "market"):
            raise ConfigError(
                f"run {directory.name} simulated a {raw['kind']}: nothing was federated, so there is no message to "
                "attack; choose a run of a federated arm"
            )
        return RunSpec(
            scenario=raw["scenario"],
            task=raw["task"],
            data=DataSettings.model_validate(raw["data"]),
            partition=PartitionSettings.model_validate(raw["partition"]),
            split=SplitSettings.model_validate(raw["split"]),
            federation=FederationSettings.model_validate(raw["federation"]),
            privacy=PrivacySettings.model_validate(raw["privacy"]),
            policy=PolicySettings.model_validate(raw.get("policy", {})),
            options=raw["options"],
            arm=Arm.model_validate(raw["arm"]),
            origin=raw["origin"],
            seed=raw["seed"],
            sweep={},
            code_version="",
            data_fingerprint="",
        )
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{path} holds no settings of a run ({error}); run the scenario again") from error


def attacked_config(spec: RunSpec, directory: Path) -> FederationConfig:
    """Return what was federated in a run.

    Raises:
        ConfigError: nothing was.
        PrivacyError: it was a deployment.
    """
    from experiments.ranking import POPULARITY_ONLY

    method, epsilon = spec.arm.method, spec.arm.epsilon
    if method not in _FEDERATED or (method == "isolated" and epsilon is None):
        raise ConfigError(
            f"arm {spec.arm.name} has method {method!r}: nothing was federated, so there is no message to attack; "
            "choose a run of a federated arm"
        )
    config = federation_config(spec, directory)
    if config.mode != "simulation":
        raise PrivacyError(
            "this run is a deployment: an audit would use its shoppers, and their budget, once more; audit a "
            "simulation with the same settings on public or generated data"
        )
    if method != "federated":
        config = replace(config, options={**config.options, **POPULARITY_ONLY})
    return config


def claimed_epsilon(record: dict[str, Any]) -> float | None:
    """Return the smallest epsilon that a run's record states; None where it claims none."""
    if record.get("epsilon") is None:
        return None
    stated = [record["epsilon"], record.get("epsilon_pld"), record.get("epsilon_spent")]
    return min(float(one) for one in stated if one is not None)


def audit_seed(run_id: str) -> int:
    """Return the seed of a run's audit: the same each time, and apart from the run's own."""
    return int.from_bytes(hashlib.sha256(f"audit of {run_id}".encode()).digest()[:6], "big")

"""One entry to a federated run: settings in, model and its account out."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from federation import nodes
from federation.access import MEMORY, Access, MarketPort
from federation.config import FederationConfig
from federation.plan import open_ledger
from federation.task import Model
from privacy.accounting import epsilon_rdp, noise_multiplier
from privacy.pld import epsilon_pld
from retail.errors import ConfigError, PrivacyError

ENGINES: Final = ("inprocess", "cohort", "ray", "deploy")
_ENTRY_TYPES = {"entry": "int64", "cost": "int64"}
_ENTRIES = ["entry", "dataset", "run", "purpose", "key", "cost", "reserved_at", "committed_at"]


@dataclass(frozen=True, eq=False)
class FederatedResult:
    """What a run made and what it cost.

    Attributes:
        model: after the last round.
        rounds: of each round its name, purpose, cost (nano-rho) and noise_multiplier; the last two 0 without noise.
        epsilon: of what this run has spent, its interrupted rounds included, by the bound the ledger admits by; None
            when no privacy is claimed.
        epsilon_pld: the same by privacy loss distributions, for reports.
        epsilon_accountant: "pld", or "rdp" when that computation fell back; empty without a claim.
        epsilon_total: of what all runs on the ledger had spent on these people when this run ended, as `epsilon`.
        delta: of all three; None without a claim.
        ledger_entries: of all runs on these people; columns as `privacy.Ledger.entries`.
        dropped: answers that were missing or unusable, over all rounds.
    """

    model: Model
    rounds: tuple[dict[str, Any], ...]
    epsilon: float | None
    epsilon_pld: float | None
    epsilon_accountant: str
    epsilon_total: float | None
    delta: float | None
    ledger_entries: pd.DataFrame
    dropped: int


def run(
    config: FederationConfig,
    *,
    access: Access | None = None,
    engine: str = "inprocess",
    place: Path | None = None,
    progress: Callable[[str], None] | None = None,
) -> FederatedResult:
    """Train a task over a federation.

    Args:
        config: everything that decides the run.
        access: the rules under which its parties read and publish; None for the regime that the run needs and a log
            that ends with the process, in a deployment one in the ledger's books. With engine "deploy" every party
            has its own, and this must be None.
        engine: "inprocess"; "cohort" for many merchants in a simulation (`engines.cohort`); "ray", Flower's own
            simulation (`engines.ray`); "deploy", a federation that is up (`engines.deploy`).
        place: with engine "deploy" the folder of the federation or of its server; with the others None.
        progress: called with a line after every round.

    Raises:
        ConfigError: unknown engine, or settings that cannot be run.
        PrivacyError: the claim cannot be kept, or less of the budget is left than the run needs. When that was so
            from the start, no data is read; when another run took it meanwhile, no node is asked.
        PolicyError: the rules forbid a read or the release of the model.
        DataError: the data cannot be used.
        TradefairError: no node gave a usable answer in some round, or Flower's processes ended.
    """
    if engine not in ENGINES:
        raise ConfigError(f"engine = {engine!r} is unknown; choose one of {', '.join(ENGINES)}")
    if (engine == "deploy") != (place is not None):
        raise ConfigError('engine = "deploy" runs on a federation that is up: give its folder as place, and only then')
    if place is not None:
        return _deployed(config, place, access, progress)
    open_ledger(config)
    access = access or Access(log=str(config.ledger) if config.mode == "deployment" else MEMORY)
    port = MarketPort(config, access)
    nodes.check_public(config)
    port.own(0)  # here for its errors, which at the nodes would become one fixed text
    return _result(config, *_drive(engine, config, port, access, progress))


def _deployed(
    config: FederationConfig, place: Path, access: Access | None, progress: Callable[[str], None] | None
) -> FederatedResult:
    if not config.private:
        raise PrivacyError("a deployment trains with privacy alone; give an epsilon, or use another engine")
    if config.mode != "deployment":
        raise ConfigError(f'engine = "deploy" runs with mode = "deployment", got mode = "{config.mode}"; write that')
    if access is not None:
        raise ConfigError('with engine = "deploy" each party has its own rules in its folder; leave access out')
    from federation.engines.deploy.drive import run_on

    return _result(config, *run_on(config, place, progress=progress))


def _result(config: FederationConfig, model: Model, report: Mapping[str, Any]) -> FederatedResult:
    epsilon, tight, accountant, total = None, None, "", None
    if config.private:
        spent = int(report["spent"])
        epsilon = epsilon_rdp(spent, delta=config.delta)
        total = epsilon_rdp(int(report["spent_by_all_runs"]), delta=config.delta)
        reported = epsilon_pld([noise_multiplier(spent)], delta=config.delta)
        tight, accountant = reported.epsilon, str(reported.accountant)
    return FederatedResult(
        model=model,
        rounds=tuple(report["rounds"]),
        epsilon=epsilon,
        epsilon_pld=tight,
        epsilon_accountant=accountant,
        epsilon_total=total,
        delta=config.delta if config.private else None,
        ledger_entries=_entries(report["entries"]),
        dropped=int(report["dropped"]),
    )


def _drive(
    engine: str,
    config: FederationConfig,
    port: MarketPort,
    access: Access,
    progress: Callable[[str], None] | None,
) -> tuple[Model, dict[str, Any]]:
    if engine == "cohort":
        from federation.engines import cohort

        return cohort.drive(config, access=access, port=port, progress=progress)
    if engine == "ray":
        from federation.engines.ray.drive import drive

        return drive(config, nodes=len(port.merchants), access=access, progress=progress)
    from federation.engines import inprocess
    from federation.records import from_record

    state = inprocess.drive(config, nodes=len(port.merchants), access=access, port=port, progress=progress).state
    return from_record(state.array_records["model"]), json.loads(str(state.config_records["report"]["json"]))


def _entries(rows: list[dict[str, Any]]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=_ENTRIES).astype(_ENTRY_TYPES)
    for name in ("reserved_at", "committed_at"):
        table[name] = pd.to_datetime(table[name], utc=True, format="ISO8601")
    return table

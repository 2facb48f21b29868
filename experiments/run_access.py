"""What every federated run begins with and ends with: its books, the rules it reads under, and what it has spent."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.logbook import RUN_BOOKS, keep_earlier_books, origin_of
from experiments.scenario import PolicySettings

if TYPE_CHECKING:
    from federation.access import Access
    from federation.config import FederationConfig
    from federation.run import FederatedResult


def begin_books(config: FederationConfig, directory: Path) -> None:
    """Start the books of a simulated run anew after a crash or a refusal; the earlier ones are kept beside them.

    Its noise comes from the seed, so a second attempt shows nothing new, and its ledger accounts within the run. A
    persistent ledger is never touched here.
    """
    if config.seeded_noise:
        keep_earlier_books(directory)
    (directory / "artifacts").mkdir(parents=True, exist_ok=True)


def run_access(policy: PolicySettings, directory: Path, *, regime: str) -> Access:
    """Say under which rules a run reads and releases: its regime, the scenario's packs, its own log.

    In a simulation somebody outside the market measures it, under rules of its own.
    """
    from federation.access import Access

    return Access(
        packs=policy.packs,
        regime=regime,
        jurisdiction=policy.jurisdiction,
        log=str(directory / RUN_BOOKS),
        origin=origin_of(directory),
        consents=policy.consents or "",
    )


def account(result: FederatedResult) -> dict[str, Any]:
    """Return what `run.json` says about a run's privacy."""
    if result.epsilon is None:
        return {"dropped_replies": result.dropped}
    return {
        "epsilon_spent": result.epsilon,
        "epsilon_total": result.epsilon_total,
        "epsilon_pld": result.epsilon_pld,
        "epsilon_accountant": result.epsilon_accountant,
        "delta": result.delta,
        "rounds": list(result.rounds),
        "dropped_replies": result.dropped,
    }

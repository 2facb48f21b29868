"""How store scenarios go through the spine."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from experiments.kind import Kind
from experiments.provenance import code_version
from experiments.store.scenario import StoreScenario
from experiments.store.spec import StoreSpec, expand_store
from experiments.store.summary import summarise_store
from experiments.worker import load_object

RUNNER: Final = "experiments.store.run:run_store"
FINGERPRINT: Final = "experiments.store.inputs:fingerprint"


def _nothing_to_refuse(scenario: StoreScenario, store: Path) -> None:
    """A store run spends from no ledger that outlives it, so that none can be spent beforehand."""


def _expand(scenario: StoreScenario, *, runner: str, fingerprint: str) -> tuple[StoreSpec, ...]:
    version = code_version(runner, kind=scenario.kind)
    return expand_store(scenario, code_version=version, fingerprint=load_object(fingerprint))


STORE: Final = Kind(RUNNER, FINGERPRINT, _nothing_to_refuse, _expand, summarise_store)

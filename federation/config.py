"""Everything that decides a federated run, in one frozen description that server and nodes both read."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from federation.settings_check import MEMORY, check_settings
from privacy.budget import Budget
from privacy.ledger_record import Scope
from privacy.units import ContributionBounds, NoisePlacement
from retail.datasource import DataSource
from retail.errors import ConfigError, PrivacyError
from retail.faces.source import FACE_ORIGINS, FaceSource
from retail.merchants import By
from retail.responses.source import RESPONSES, ResponseSource

Mode = Literal["simulation", "deployment"]
Aggregation = Literal["plain", "secure"]


@dataclass(frozen=True, kw_only=True)
class FederationConfig:
    """One federated run.

    Attributes:
        task: "recommend", "faces", "response", "attribute", or "module:Class" of your own.
        source: the data, by description.
        now: first day that no node may use, days since 1970-01-01; public. Faces and responses have no days: any
            number does.
        options: the task's own options; values that JSON can hold.
        by: what a merchant is, see `retail.merchants.partition`; of faces and responses, the source says it.
        merchants: "members" (the public list of the Complete Journey), "all", or a public list of ids.
        k_max: at how many merchants one shopper may take part; public.
        window_days: length of the period that the task predicts.
        rounds: exchanges for training.
        steps: optimiser steps of one person in a round, on that person's rows alone.
        clip_norm: L2 bound C of one person's contribution in one round; None only where no privacy is claimed.
        learning_rate: step size of the server.
        epsilon: what this run may spend; None makes no claim, adds no noise and needs no ledger.
        total_epsilon: what all runs on a persistent ledger may spend on these people together, fixed by the first of
            them; at least epsilon, None for the same. What adds up is zCDP: two runs of epsilon 1 fit into a total of
            1.5, whose `privacy.cap` is more than twice that of 1. Without an epsilon it is not used.
        delta: of epsilon and of total_epsilon; in (0, 1) and below 1 / population.
        noise: who adds it, see `privacy.units.shopper_unit`.
        aggregation: "secure" hides each node's vector from the server (`federation.secagg`); "plain" does not.
        dropouts: nodes that a round may lose; more end it. Of secure aggregation and of distributed noise.
        colluders: merchants assumed to tell the server all they know, their noise too. Of the same.
        mode: "deployment" admits neither a seed for noise nor a budget that is forgotten after the run.
        seed: of public draws, and of the noise where `seeded_noise` is true.
        device: where tensors live.
        ledger: the ledger's file, or ":memory:" for one that ends with the process.
        ledger_scope: "run", or "persistent" for a ledger that adds up over runs.
        run_id: names the run in the ledger; running the same id again goes on after its last committed round.

    Raises:
        ConfigError: a value is out of range, or two contradict each other.
        PrivacyError: the claim could not be kept: no public population, no clip bound, delta too large, or a
            deployment without an epsilon or without a persistent ledger.
    """

    task: str
    source: DataSource | FaceSource | ResponseSource
    now: int
    options: Mapping[str, Any] = field(default_factory=dict)
    by: By = "home_store"
    merchants: Literal["members", "all"] | tuple[int | str, ...] = "all"
    k_max: int = 1
    window_days: int = 28
    rounds: int = 1
    steps: int = 1
    clip_norm: float | None = 1.0
    learning_rate: float = 1.0
    epsilon: float | None = None
    total_epsilon: float | None = None
    delta: float = 1e-5
    noise: NoisePlacement = "aggregator"
    aggregation: Aggregation = "plain"
    dropouts: int = 0
    colluders: int = 0
    mode: Mode = "simulation"
    seed: int = 0
    device: str = "cpu"
    ledger: Path | str = MEMORY
    ledger_scope: Scope = "run"
    run_id: str = ""

    def __post_init__(self) -> None:
        """Refuse what cannot be run or claimed."""
        if not isinstance(self.merchants, str):
            object.__setattr__(self, "merchants", tuple(self.merchants))
        check_settings(self)

    @property
    def private(self) -> bool:
        """Whether the run claims differential privacy."""
        return self.epsilon is not None

    @property
    def budget(self) -> Budget:
        """What all runs together may learn about these people.

        Raises:
            PrivacyError: no privacy is claimed, or the population is not public.
        """
        if self.epsilon is None or self.population is None:
            raise PrivacyError(
                f"there is no budget for epsilon {self.epsilon!r}, population {self.population!r}; give both"
            )
        total = self.epsilon if self.total_epsilon is None else self.total_epsilon
        return Budget(self.dataset, total, self.delta, self.population)

    @property
    def bounds(self) -> ContributionBounds:
        """How far one shopper moves what the nodes send.

        Raises:
            PrivacyError: contributions are not clipped, so that nothing bounds them.
        """
        if self.clip_norm is None:
            raise PrivacyError("contributions without clip_norm have no bound; give clip_norm")
        return ContributionBounds(self.k_max, self.clip_norm)

    @property
    def weight(self) -> float:
        """What a node multiplies its sum by: 1 / k_max."""
        return 1.0 / self.k_max

    @property
    def adds_steps(self) -> bool:
        """Whether nodes send whole numbers of steps instead of floats."""
        return self.aggregation == "secure" or self.noise == "distributed"

    @property
    def seeded_noise(self) -> bool:
        """Whether noise comes from the seed: only in a simulation that is accounted within the run."""
        return self.mode == "simulation" and self.ledger_scope == "run"

    @property
    def population(self) -> int | None:
        """Number of shoppers that is public before any row is read; None when nobody has declared it."""
        if isinstance(self.source, FaceSource):
            return self.source.members
        if isinstance(self.source, ResponseSource):
            return self.source.population
        if self.source.source == "complete-journey":
            from retail.complete_journey import POPULATION

            return POPULATION
        return self.source.population if self.source.source == "folder" else self.source.shoppers

    @property
    def dataset(self) -> str:
        """What the ledger calls these people's data, known before any row is read.

        A folder goes by its own name: rows added to it, or the folder moved elsewhere, stay under the same budget, and
        folders of one name share one. Copying people's rows into a folder of another name escapes this ledger's sight.
        """
        return dataset_name(self.source)

    def to_json(self) -> str:
        """Write the configuration as canonical JSON; `from_json` reads it."""
        described = {**asdict(self), "ledger": str(self.ledger)}
        if isinstance(self.source, DataSource):
            described["source"] = self.source.described()
        for name in ("start", "end"):
            day = described["source"].get(name)
            if day is not None:
                described["source"][name] = day.isoformat()
        return json.dumps(described, sort_keys=True, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> FederationConfig:
        """Read what `to_json` wrote.

        Raises:
            ConfigError: the text is no configuration, or one that is refused.
            PrivacyError: as the constructor.
        """
        try:
            raw = json.loads(text)
            source = _source(raw.pop("source"))
            unknown = set(raw) - {one.name for one in fields(cls)}
            if unknown:
                raise ConfigError(f"federation settings hold unknown keys: {', '.join(sorted(unknown))}; remove them")
            if raw["ledger"] != MEMORY:
                raw["ledger"] = Path(raw["ledger"])
            if not isinstance(raw["merchants"], str):
                raw["merchants"] = tuple(raw["merchants"])
            return cls(**raw, source=source)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ConfigError(f"federation settings cannot be read ({error}); write them with to_json") from error

    def fingerprint_of_training(self) -> str:
        """The settings that a resumed run must share with the one it goes on from, as JSON.

        The total of all runs is the ledger's to compare.
        """
        described = json.loads(self.to_json())
        del described["ledger"], described["total_epsilon"], described["device"], described["source"]["path"]
        described["source"].pop("held_by", None)  # a merchant's own folder of what the run is about
        return json.dumps(described, sort_keys=True)


def _source(described: Mapping[str, Any]) -> DataSource | FaceSource | ResponseSource:
    """Read the description of a source; raises what a wrong one raises."""
    if described["source"] in FACE_ORIGINS:
        return FaceSource(**described)
    if described["source"] == RESPONSES:
        return ResponseSource(**described)
    dates = {name: described[name] for name in ("start", "end") if described[name] is not None}
    return DataSource(**{**described, **{name: dt.date.fromisoformat(day) for name, day in dates.items()}})


def dataset_name(source: DataSource | FaceSource | ResponseSource) -> str:
    """Return what a ledger calls the people behind a data source; see `FederationConfig.dataset`."""
    if isinstance(source, FaceSource):
        return source.dataset
    if isinstance(source, ResponseSource):
        return source.name
    if source.source == "folder":
        return f"folder {Path(source.path or '').resolve().name}"
    if source.source == "generated":
        places = "" if source.merchants is None else f" merchants {source.merchants}"
        return f"generated {source.shoppers} seed {source.data_seed}{places}"
    return source.source

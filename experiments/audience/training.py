"""How the arms of an audience scenario learn from one row for each person: together, alone, or from pooled rows.

People are laid out where their merchants hold them, and every read goes through the port under the regime of the arm.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from experiments.audience.claims import public_population
from experiments.audience.spec import AudienceSpec
from experiments.logbook import keep_earlier_books
from experiments.run_access import account, run_access
from federation.access import MarketPort
from federation.config import FederationConfig
from federation.contributions import node_sum
from federation.local import train
from federation.nodes import public_catalogue, task_settings
from federation.response.holdings import ResponseMarket, ResponseNode
from federation.response.settings import ResponseOptions
from federation.run import run as run_federation
from federation.task import Model, TaskSettings, load_task
from privacy.accounting import cap, noise_multiplier, split_budget
from retail.errors import ConfigError
from retail.responses import Responses, ResponseSource

Way = Literal["isolated", "federated", "pooled"]
_BYTES: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """One training of an arm.

    Attributes:
        name: what a ledger calls its people, unique within the run; its noise is named after it.
        task: "response" or "attribute".
        options: of the task.
        merchants: public list, in the order of the nodes.
        copies: people for each household, see `public_population`.
        rounds: exchanges for training, of the federation.
        rounds_alone: the same where no message is sent.
    """

    name: str
    task: Literal["response", "attribute"]
    options: Mapping[str, Any]
    merchants: tuple[int | str, ...]
    copies: int = 1
    rounds: int = 1
    rounds_alone: int = 1

    def lone_task(self, people: int, width: int, *, clip_norm: float | None = None) -> Any:
        """Return the task as somebody has it who trains without messages, on so many people and features."""
        settings = TaskSettings(
            rounds=self.rounds_alone if clip_norm is None else self.rounds, steps=1, learning_rate=1.0,
            clip_norm=clip_norm, window_days=1, now=0, population=max(people, 1), seed=0, device="cpu",
            private=clip_norm is not None, options=self.options,
        )  # fmt: skip
        return load_task(self.task, settings, ResponseMarket((), tuple(map(str, range(width)))))


@dataclass(frozen=True, eq=False)
class Learnt:
    """What a training gave.

    Attributes:
        task: says what models predict.
        everybody: the model of all merchants, or None.
        own: each merchant's own model, by id, where there is none for all.
        cost: what `run.json` says about privacy.
    """

    task: Any
    everybody: Model | None = None
    own: Mapping[int | str, Model] = field(default_factory=dict)
    cost: Mapping[str, Any] = field(default_factory=dict)

    def at(self, merchant: int | str) -> Callable[[np.ndarray], Any]:
        """Return how a merchant judges people: (n, d) features -> what the task predicts."""
        model = self.own[merchant] if self.everybody is None else self.everybody
        return lambda features: self.task.predict(model, features)


def begin(directory: Path) -> None:
    """Start the books of a run anew: its noise comes from the seed, so that a second attempt shows nothing new."""
    keep_earlier_books(directory)
    (directory / "artifacts").mkdir(parents=True, exist_ok=True)


def noise_seed(spec: AudienceSpec, name: str) -> int:
    """Return the seed of one training's noise. Trainings of different names draw independently.

    Arms draw alike, so that they compare; whoever has two can take their noise away. For simulation alone.
    """
    named = f"{name}\0{spec.seed}".encode()
    return int.from_bytes(hashlib.blake2b(named, digest_size=_BYTES).digest(), "big")


def learn(
    spec: AudienceSpec, directory: Path, rows: Responses, training: Training, *, way: Way, regime: str | None = None
) -> Learnt:
    """Learn from people by the way of the arm.

    Args:
        spec: the run.
        directory: its folder, with books begun; the table of people and the ledger go to `artifacts/`.
        rows: people, one row each.
        training: what is learnt.
        way: who learns from whom.
        regime: under which rules, where it is not called like the way.

    Raises: TradefairError: the run is refused.
    """
    port = _market(spec, directory, rows, training, regime=regime or way)
    task = load_task(training.task, task_settings(port.config), public_catalogue(port.config))
    if way == "isolated":
        nodes = [port.own(place) for place in range(len(port.merchants))]
        return Learnt(task, own={node.merchant: alone(training, node) for node in nodes})
    if way == "pooled":
        return Learnt(task, alone(training, port.pooled()))
    result = run_federation(port.config, access=port.access)
    return Learnt(task, result.model, cost=account(result))


def learn_often(
    spec: AudienceSpec, directory: Path, rows: Responses, training: Training, *, way: Way, noises: int
) -> list[Learnt]:
    """Learn as `learn` does, and where the arm has noise so many times as to show what the noise does.

    The first training is the arm's: it goes through the federation and is paid for. The others repeat its sums in this
    process with noise of the same law, each with other noise; nobody would publish them.
    """
    found = [learn(spec, directory, rows, training, way=way)]
    if spec.arm.epsilon is None:
        return found
    for number in range(1, noises):
        rng = np.random.default_rng(noise_seed(spec, f"{training.name} again {number}"))
        found.append(Learnt(found[0].task, rehearse(spec, training, node_of(rows), rng)))
    return found


def alone(training: Training, node: ResponseNode) -> Model:
    """Train on one node without messages, noise or ledger; who has nobody to learn from keeps the public start."""
    people = len(node.persons)
    task = training.lone_task(people, node.features.shape[1])
    # A difference between people with and without an attribute needs both; a rate of responses does not.
    if not people or (training.task == "attribute" and len(np.unique(node.responded)) < 2):
        start: Model = task.initial()
        return start
    return train(task, [node], population=people)


def node_of(rows: Responses, merchant: int | str = "all") -> ResponseNode:
    """Return people as one node."""
    return ResponseNode(merchant, rows.persons, rows.features, rows.advertised, rows.responded)


def rehearse(spec: AudienceSpec, training: Training, node: ResponseNode, rng: np.random.Generator) -> Model:
    """Train on one node of everybody with noise of the arm's law; nothing is paid for.

    A simulation may do so, on public data or on people that it drew. In a deployment each such try is a release.
    """
    people = len(node.persons)
    task = training.lone_task(people, node.features.shape[1], clip_norm=1.0)
    shares = tuple((one.name, one.share) for one in task.rounds())
    sigma = _sigma(spec.arm.epsilon or 0.0, spec.settings.privacy.delta, shares)
    times = float(np.sqrt(len(training.merchants))) if spec.arm.noise == "every_node" else 1.0
    model: Model = task.initial()
    for round_ in task.rounds():
        exact = node_sum(task, task.broadcast(model, round_), round_, node, clip_norm=1.0, weight=1.0)
        noise = sigma[round_.name] * times
        noisy = (exact + noise * rng.standard_normal(round_.size)) / people
        model = task.advance(model, round_, noisy, noise_scale=noise / people)
    return model


@cache
def _sigma(epsilon: float, delta: float, shares: tuple[tuple[str, float], ...]) -> Mapping[str, float]:
    """Standard deviation of the noise in each round, for contributions of length 1."""
    costs = split_budget(cap(epsilon=epsilon, delta=delta), dict(shares))
    return {name: noise_multiplier(cost) for name, cost in costs.items()}


def _market(spec: AudienceSpec, directory: Path, rows: Responses, training: Training, *, regime: str) -> MarketPort:
    """Lay people out where their merchants hold them, and open the way to them that the regime leaves."""
    artifacts, epsilon = directory / "artifacts", spec.arm.epsilon
    slug = "-".join(training.name.split())
    config = FederationConfig(
        task=training.task,
        source=ResponseSource.of(
            rows,
            artifacts / f"{slug}.parquet",
            listed=training.merchants,
            population=public_population(spec, copies=training.copies),
            name=f"{training.name} of {spec.scenario}",
        ),
        now=0,
        options=training.options,
        rounds=training.rounds,
        clip_norm=spec.settings.federation.clip_norm if epsilon is not None else None,
        epsilon=epsilon,
        delta=spec.settings.privacy.delta,
        noise="every_node" if spec.arm.noise == "every_node" else "aggregator",
        seed=noise_seed(spec, training.name),
        ledger=artifacts / "ledger.sqlite",
        run_id=f"{spec.run_id}-{slug}",
    )
    access = run_access(spec.settings.policy, directory, regime="federated_dp" if epsilon is not None else regime)
    port = MarketPort(config, access)
    port.declare(once=True)
    return port


def require_known(options: Mapping[str, Any], *own: str) -> None:
    """Refuse options that neither a method nor the response task has, naming those of both.

    Args:
        options: those that the method has not taken yet.
        own: names of the method's own.

    Raises: ConfigError: one is unknown.
    """
    of_task = tuple(ResponseOptions.__dataclass_fields__)
    for key in options:
        if key not in of_task:
            raise ConfigError(f"options.{key} is unknown; choose from {', '.join((*own, *of_task))}")

"""Execute one arm of an attributes scenario: every household is judged by models that never saw it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from experiments.audience.attribute_data import Judged, auc_of, judged, judged_figures, ranks_of
from experiments.audience.measured import Figure, Measured
from experiments.audience.sensitive import wanted
from experiments.audience.spec import AudienceSpec
from experiments.run_access import account, begin_books, run_access
from federation.access import MarketPort
from federation.config import FederationConfig
from federation.contributions import node_sum
from federation.local import train
from federation.nodes import public_catalogue, task_settings
from federation.response.difference import AttributeTask
from federation.response.holdings import ResponseMarket, ResponseNode
from federation.run import run as run_federation
from federation.task import TaskSettings
from privacy.accounting import cap, noise_multiplier, split_budget
from retail.attributes import attribute
from retail.errors import ConfigError
from retail.responses import Responses, ResponseSource

Floats = npt.NDArray[np.float64]
Predict = Callable[[Responses], tuple[Floats, Floats]]
"""Households -> scores, and chances that they have the attribute."""
_SIZES: Final = (25, 75, 225)
_INNER: Final = 3


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run does: attributes, folds, first day that features do not see, and sizes to choose from."""

    attributes: tuple[str, ...]
    folds: int
    now: int
    sizes: tuple[int, ...]

    @classmethod
    def read(cls, spec: AudienceSpec) -> Plan:
        """Check the options of an arm. Raises: ConfigError: one is unknown or cannot be used."""
        options = dict(spec.options)
        options.pop("attributes", None)
        folds, now, sizes = options.pop("folds", 4), options.pop("now", 17_440), options.pop("sizes", list(_SIZES))
        if options:
            raise ConfigError(f"options.{next(iter(options))} is unknown; choose from attributes, folds, now, sizes")
        if type(folds) is not int or folds < 2 or type(now) is not int:
            raise ConfigError(f"folds = {folds!r}, now = {now!r}: write whole numbers, at least 2 folds")
        if not isinstance(sizes, list) or not sizes or any(type(one) is not int or one < 1 for one in sizes):
            raise ConfigError(f"options.sizes = {sizes!r}: list whole numbers of at least 1")
        names = wanted(spec)
        for name in names:
            attribute(name)
        return cls(names, folds, now, tuple(sizes))


def run_attributes(spec: AudienceSpec, directory: Path, progress: Callable[[str], None]) -> Measured:
    """Execute one arm.

    Args:
        spec: the run.
        directory: its folder; tables, ledger and log go to `artifacts/`.
        progress: takes a line for each attribute.

    Raises:
        TradefairError: the run is refused.
    """
    plan, figures, said, info = Plan.read(spec), list[Figure](), list[str](), dict[str, Any]()
    for name in plan.attributes:
        people = judged(
            spec.settings.data, spec.settings.partition, name, now=plan.now, pooled=spec.arm.model == "pooled"
        )
        people.rows.require_both(f"attribute {name}")
        scores, chances, inside, sizes, spent = _judge(spec, plan, name, people, directory)
        figures += judged_figures(name, people.rows.responded, scores, chances, inside, draws=spec.settings.draws)
        if sizes and spec.arm.epsilon is not None:
            said.append(f"{name}: {', '.join(map(str, sizes))} features, chosen for each fold within the other folds")
        info |= spent
        progress(f"{name}: {len(people.rows)} households")
    return Measured(
        tuple(figures), draws=f"households of each attribute, seed {spec.seed}", info={"said": said, **info}
    )


def _judge(
    spec: AudienceSpec, plan: Plan, name: str, people: Judged, directory: Path
) -> tuple[Floats, Floats, Floats, list[int], Mapping[str, Any]]:
    """Judge every household by a model of the other folds.

    Returns: scores and chances; per fold the AUC on those it learnt from; the chosen sizes; what one fold spent.
    """
    rows, n = people.rows, len(people.rows)
    fold = np.random.default_rng([spec.seed, 61]).permutation(n) % plan.folds
    scores, chances, inside = np.zeros(n), np.zeros(n), np.zeros(plan.folds)
    sizes, spent = list[int](), dict[str, Any]()
    for number in range(plan.folds):
        known, unknown = rows.of(fold != number), rows.of(fold == number)
        known.require_both(f"attribute {name} in fold {number}")
        base = float(known.responded.mean()) if spec.arm.epsilon is None else people.base
        if spec.arm.model == "majority":
            predict: Predict = partial(_of_all, base)
        elif spec.arm.model == "rule":
            predict = people.rule(known)
        else:
            size = _best_size(spec, plan, people, known, base, number)
            sizes.append(size)
            predict, cost = _learn(spec, people, known, size, base, name, number, directory)
            spent = {**spent, **cost}
        places = fold == number
        scores[places], chances[places] = predict(unknown)
        # Scores of different folds are of different models: what is compared is the order within a fold.
        scores[places] = ranks_of(scores[places])
        inside[number] = auc_of(predict(known)[0], known.responded)
    return scores, chances, inside, sizes, spent


def _of_all(base: float, rows: Responses) -> tuple[Floats, Floats]:
    return np.zeros(len(rows)), np.full(len(rows), base)


def _learn(
    spec: AudienceSpec,
    people: Judged,
    known: Responses,
    size: int,
    base: float,
    name: str,
    number: int,
    directory: Path,
) -> tuple[Predict, Mapping[str, Any]]:
    known = people.narrow(known, size)
    artifacts = directory / "artifacts"
    source = ResponseSource.of(
        known,
        artifacts / f"{name}-{number}.parquet",
        listed=people.merchants,
        population=len(known),
        name=f"{name} fold {number} of {spec.scenario}",
    )
    epsilon = spec.arm.epsilon
    config = FederationConfig(
        task="attribute",
        source=source,
        now=0,
        options={"base": base},
        clip_norm=spec.settings.federation.clip_norm if epsilon is not None else None,
        epsilon=epsilon,
        delta=spec.settings.privacy.delta,
        noise="every_node" if spec.arm.noise == "every_node" else "aggregator",
        seed=spec.seed * 1000 + number,
        ledger=artifacts / "ledger.sqlite",
        run_id=f"{spec.run_id}-{name}-{number}",
    )
    if not (artifacts / "ledger.sqlite").exists():
        begin_books(config, directory)
    regime = "federated_dp" if epsilon is not None else spec.arm.model
    port = MarketPort(config, run_access(spec.settings.policy, directory, regime=regime))
    port.declare(once=True)
    task = AttributeTask(task_settings(config), public_catalogue(config))
    if spec.arm.model == "isolated":
        nodes = [port.own(place) for place in range(len(port.merchants))]
        return _by_merchant(people, {node.merchant: _alone(node, base) for node in nodes}, size), {}
    if spec.arm.model == "pooled":
        model = train(task, [port.pooled()], population=len(known))
        return _everywhere(people, task, model, size), {}
    result = run_federation(config, access=port.access)
    return _everywhere(people, task, result.model, size), account(result)


def _everywhere(people: Judged, task: AttributeTask, model: Any, size: int) -> Predict:
    return lambda rows: task.predict(model, people.narrow(rows, size).features)


def _alone(node: ResponseNode, base: float) -> Callable[[Floats], tuple[Floats, Floats]]:
    """Learn at one merchant; who has people of one kind only knows what is true of most."""
    if len(np.unique(node.responded)) < 2:
        return lambda x: (np.zeros(len(x)), np.full(len(x), base))
    task = _task(len(node.persons), node.features.shape[1], base)
    model = train(task, [node], population=len(node.persons))
    return lambda x: task.predict(model, x)


def _by_merchant(people: Judged, models: Mapping[Any, Any], size: int) -> Predict:
    def predict(rows: Responses) -> tuple[Floats, Floats]:
        scores, chances = np.zeros(len(rows)), np.zeros(len(rows))
        features = people.narrow(rows, size).features
        for merchant in dict.fromkeys(rows.merchants.tolist()):
            mine = rows.merchants == merchant
            scores[mine], chances[mine] = models[merchant](features[mine])
        return chances + 1e-9 * scores, chances  # scores of different merchants do not compare; chances do

    return predict


def _best_size(spec: AudienceSpec, plan: Plan, people: Judged, known: Responses, base: float, number: int) -> int:
    """Choose how many features, on folds within the known households, with as much noise as the arm will have.

    Without noise all are taken: there is nothing to drown.
    """
    usable = tuple(dict.fromkeys(min(one, people.width) for one in plan.sizes))
    if spec.arm.epsilon is None:
        return max(usable)
    if len(usable) == 1:
        return usable[0]
    inner = np.random.default_rng([spec.seed, 62, number]).permutation(len(known)) % _INNER
    found = {
        size: np.mean([_inner_auc(spec, people, known, base, size, inner, part) for part in range(_INNER)])
        for size in usable
    }
    return max(usable, key=lambda size: (found[size], -size))


def _inner_auc(
    spec: AudienceSpec, people: Judged, known: Responses, base: float, size: int, inner: npt.NDArray[Any], part: int
) -> float:
    rows, test = people.narrow(known.of(inner != part), size), people.narrow(known.of(inner == part), size)
    if len(np.unique(test.responded)) < 2:
        return 0.5
    node = ResponseNode("inner", rows.persons, rows.features, rows.advertised, rows.responded)
    task = _task(len(rows), size, base, private=spec.arm.epsilon is not None)
    sigma = dict[str, float]()
    if spec.arm.epsilon is not None:
        total = cap(epsilon=spec.arm.epsilon, delta=spec.settings.privacy.delta)
        costs = split_budget(total, {one.name: one.share for one in task.rounds()})
        nodes = len(people.merchants) if spec.arm.noise == "every_node" else 1
        sigma = {name: noise_multiplier(cost) * float(np.sqrt(nodes)) for name, cost in costs.items()}
    rng, model = np.random.default_rng([spec.seed, 63, part, size]), task.initial()
    for round_ in task.rounds():
        clip = 1.0 if sigma else None
        total_sum = node_sum(task, task.broadcast(model, round_), round_, node, clip_norm=clip, weight=1.0)
        noise = sigma.get(round_.name, 0.0)
        noisy = (total_sum + noise * rng.standard_normal(round_.size)) / len(rows)
        model = task.advance(model, round_, noisy, noise_scale=noise / len(rows))
    return auc_of(task.predict(model, test.features)[0], test.responded)


def _task(people: int, width: int, base: float, *, private: bool = False) -> AttributeTask:
    settings = TaskSettings(
        rounds=1, steps=1, learning_rate=1.0, clip_norm=1.0 if private else None, window_days=1, now=0,
        population=people, seed=0, device="cpu", private=private, options={"base": base},
    )  # fmt: skip
    return AttributeTask(settings, ResponseMarket((), tuple(f"f{one}" for one in range(width))))

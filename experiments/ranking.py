"""What each method of an arm means: who trains on whose rows, and what is shared."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from experiments.baselines import BASELINES
from experiments.measuring import Scores
from experiments.run_access import account
from experiments.sweep import RunSpec
from federation.access import Access, MarketPort
from federation.config import FederationConfig
from federation.local import train
from federation.nodes import denominator, public_catalogue, task_settings
from federation.recommend.serve import popularity_scores
from federation.run import FederatedResult
from federation.run import run as run_federation
from federation.task import Model, NodeData, RankingTask, load_task
from retail.errors import ConfigError
from retail.files import atomic_write

_BLOCK: Final = 250
POPULARITY_ONLY: Final = {"train": False, "tastes": False, "rich": False}


@dataclass(frozen=True, eq=False)
class Ranked:
    """A trained arm.

    Attributes:
        scores: ranks for the persons of a node.
        info: what `run.json` should say about privacy.
    """

    scores: Scores
    info: Mapping[str, Any] = field(default_factory=dict)


def rank(spec: RunSpec, port: MarketPort, directory: Path, progress: Callable[[str], None]) -> Ranked:
    """Train an arm.

    Raises:
        TradefairError: as `federation.run.run`; ConfigError: settings that the method does not know.
    """
    config, method = port.config, spec.arm.method
    if method in BASELINES:
        return _baseline(spec, port)
    if method == "pooled":
        task = _task(config)
        model = train(task, [port.pooled()], population=denominator(config), progress=progress)
        return Ranked(lambda index, node: task.scores(model, node))
    if method == "untrained":
        return _alone(replace(config, options={**config.options, "train": False}), None, progress)
    if method == "isolated" and config.epsilon is None:
        return _alone(config, None, progress)
    if method == "isolated":
        only = replace(config, options={**config.options, **POPULARITY_ONLY})
        shared = _federate(only, port.access, directory, progress, spec.federation.engine)
        local = replace(config, epsilon=None, clip_norm=None, noise="aggregator", dropouts=0, colluders=0)
        return replace(_alone(local, shared.model, progress), info=account(shared))
    if method == "dp_popularity":
        only = replace(config, options={**config.options, **POPULARITY_ONLY})
        released = _federate(only, port.access, directory, progress, spec.federation.engine)
        return Ranked(lambda index, node: _popular(released.model, node), account(released))
    task = _task(config)
    result = _federate(config, port.access, directory, progress, spec.federation.engine)
    return Ranked(lambda index, node: task.scores(result.model, node), account(result))


def _task(config: FederationConfig) -> RankingTask:
    task = load_task(config.task, task_settings(config), public_catalogue(config))
    if not isinstance(task, RankingTask):
        raise ConfigError(f"task = {config.task!r} has no method scores(model, node), so it cannot be measured; add it")
    return task


def _baseline(spec: RunSpec, port: MarketPort) -> Ranked:
    """A recommender that sees everybody's rows in one place."""
    everybody = port.pooled().history
    try:
        model = BASELINES[spec.arm.method](everybody, now=port.config.now, seed=spec.seed, **spec.arm.options)
    except TypeError as error:
        raise ConfigError(f"arm {spec.arm.name}: options {dict(spec.arm.options)} are refused ({error})") from error

    def scores(index: int, node: NodeData) -> Iterator[np.ndarray]:
        positions = np.searchsorted(everybody.persons, node.history.persons)
        for start in range(0, len(positions), _BLOCK):
            yield model.scores(positions[start : start + _BLOCK])

    return Ranked(scores)


def _alone(config: FederationConfig, shared: Model | None, progress: Callable[[str], None]) -> Ranked:
    """Every merchant trains on its own rows, from the start or from a popularity that was released to all."""

    def scores(index: int, node: NodeData) -> Iterator[np.ndarray]:
        persons = max(len(node.history.persons), 1)
        task = load_task(config.task, replace(task_settings(config), population=persons), public_catalogue(config))
        assert isinstance(task, RankingTask)
        model = train(
            task,
            [node],
            population=persons,
            start=None if shared is None else {**task.initial(), **_released(shared)},
            done=() if shared is None else ("popularity",),
        )
        progress(f"merchant {index + 1} trained alone")
        return task.scores(model, node)

    _task(config)
    return Ranked(scores)


def _released(shared: Model) -> Model:
    return {name: shared[name] for name in ("popularity", "candidates")}


def _popular(model: Model, node: NodeData) -> Iterator[np.ndarray]:
    persons = len(node.history.persons)
    for start in range(0, persons, _BLOCK):
        yield popularity_scores(model, min(_BLOCK, persons - start))


def _federate(
    config: FederationConfig, access: Access, directory: Path, progress: Callable[[str], None], engine: str
) -> FederatedResult:
    """Run the federation and keep its model."""
    result = run_federation(config, access=access, engine=engine, progress=progress)
    kept = {name: array for name, array in result.model.items() if name != "momentum"}

    def write(path: Path) -> None:
        with path.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **kept)

    atomic_write(directory / "artifacts" / "model.npz", write)
    return result

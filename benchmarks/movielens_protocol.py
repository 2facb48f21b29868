"""What the arms of `movielens.py` have in common: the data with films held out, the nodes, and the measures."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from experiments.intervals import Bootstrap, bootstrap
from federation import nodes
from federation.config import FederationConfig
from federation.run import FederatedResult, run
from federation.task import Model, NodeData, load_task
from retail.datasource import DataSource
from retail.interactions import Interactions, catalogue, interactions
from retail.leave_one_out import gain, hit, places, sampled
from retail.movielens import END, START, MovieLens

NEGATIVES, PUBLIC_SEED = 99, 20_231_115
DELTA = 1e-5
NOW = 10_340  # days since 1970; the last rating is on day 10,338
METRICS = ("HR@10, 99", "NDCG@10, 99", "HR@10, all", "NDCG@10, all")
ITEMS, TAGS = "federation.items.itemwise:ItemTask", "federation.items.tagged:TagTask"


@dataclass(frozen=True, eq=False)
class Protocol:
    """The data with some of each person's last films held out; in nobody's rows, and in no sum.

    Attributes:
        data: everything.
        folder: of the tables without the held-out films; every person is a node.
        hold_out: how many films of each person are held out.
        back: which of them is asked for: 1 the validation film, 0 the test film.
    """

    data: MovieLens
    folder: Path
    hold_out: int
    back: int

    def config(self, task: str, *, epsilon: float | None = None, seed: int = 0, **options: object) -> FederationConfig:
        """Settings of a federation over everybody, each person a node."""
        source = DataSource(
            source="folder", path=str(self.folder), timezone="UTC", population=self.data.people, start=START, end=END
        )
        given = {"tags": self.data.tags, **options} if task == TAGS else options
        clip = None if epsilon is None else 1.0
        return FederationConfig(
            task=task, source=source, now=NOW, by="store", k_max=1, options=given, epsilon=epsilon, delta=DELTA,
            clip_norm=clip, seed=seed,
        )  # fmt: skip

    @cached_property
    def history(self) -> Interactions:
        """Everybody's rows in one place, for pooled arms alone."""
        held = self.config(ITEMS).source.open()
        return interactions(held.transactions, catalogue(held.products))

    @cached_property
    def target(self) -> np.ndarray:
        """(people,) the film asked for."""
        return self.data.held_out(self.back)

    @cached_property
    def among(self) -> tuple[np.ndarray, np.ndarray]:
        """(people, films) twice: the 99 sampled films, and all that are not in the rows (full ranking)."""
        rated = self.data.rated()
        learned = rated.copy()
        later = self.data.behind < self.hold_out
        learned[self.data.person[later] - 1, np.searchsorted(self.data.films, self.data.film[later])] = False
        return sampled(rated, many=NEGATIVES, seed=PUBLIC_SEED + self.back), ~learned

    def measure(self, scores: np.ndarray) -> dict[str, np.ndarray]:
        """Return each metric, one value a person."""
        found = [places(scores, self.target, among) for among in self.among]
        return dict(zip(METRICS, [measure(place) for place in found for measure in (hit, gain)], strict=True))


@dataclass(frozen=True, eq=False)
class Trained:
    """A federated run and what it took: wall and CPU seconds to open it with its first round, and of a later round."""

    result: FederatedResult
    opening_s: tuple[float, float]
    round_s: tuple[float, float]


def train(config: FederationConfig, *, engine: str = "cohort") -> Trained:
    """Run a federation through the project's engine."""
    marks = [(time.perf_counter(), time.process_time())]
    result = run(config, engine=engine, progress=lambda _: marks.append((time.perf_counter(), time.process_time())))
    steps = np.diff(np.array(marks), axis=0)
    later = np.median(steps[1:], axis=0) if len(steps) > 1 else np.full(2, np.nan)
    return Trained(result, (float(steps[0, 0]), float(steps[0, 1])), (float(later[0]), float(later[1])))


def scores(protocol: Protocol, config: FederationConfig, model: Model | None) -> np.ndarray:
    """(people, films) by a model, None for the task's public start.

    A person's scores come from the model and that person's rows, so that all nodes in one row give the same numbers.
    """
    public = nodes.public_catalogue(config)
    task = load_task(config.task, nodes.task_settings(config), public)
    everybody = NodeData("all", protocol.history, public, config.now)
    return np.vstack(list(task.scores(task.initial() if model is None else model, everybody)))


def resampled(metric: str, found: Mapping[tuple[str, int], dict[str, np.ndarray]]) -> Bootstrap:
    """Draw people (and seeds) again and again; `found` is by arm and seed."""
    keys = np.arange(len(next(iter(found.values()))[metric]))
    seeds = sorted({seed for _, seed in found})
    arms = list(dict.fromkeys(arm for arm, _ in found))
    tables = {
        (arm, 0, seed): (keys, found.get((arm, seed), found[arm, 0])[metric]) for arm in arms for seed in seeds
    }  # what has no randomness is the same with every seed
    return bootstrap(tables, arms=arms)

"""The recommender with one shopper less in the raw tables of all merchants: how far do its messages move?

One check, `moves` and then `broken`, is used on the task as it is and on planted breaches of its guarantee.
"""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy.sparse import csr_array

from federation import nodes
from federation.config import FederationConfig
from federation.contributions import node_sum
from federation.recommend.habit import bought_before
from federation.recommend.task import RecommendTask

OPTIONS = {"candidates": 60, "popularity_norm": 1.5, "rich": True, "windows": 2}
CLIP_NORM = 0.05  # gradients are many times longer, so the clip binds
ROUNDING = 1 + 1e-6
LIGHT = (4, 17)
STEPS = [1, pytest.param(3, marks=pytest.mark.slow)]
PARTITIONS = [("home_store", 1), ("store", 2)]
ROUNDS = ("popularity", "tastes", "neighbours", "train-1", "train-2")


class LocalPopularity(RecommendTask):
    """Breach: training features hold the merchant's own popularity, which every one of its shoppers decides."""

    def person_updates(self, model, round_, node):
        if round_.purpose == "training":
            buyers = np.asarray(bought_before(node.history).sum(axis=0)).ravel()
            share = 100 * (buyers + 0.05) / max(len(node.history.persons), 1)
            model = {**model, "popularity": np.log(share).astype(np.float32)}
        yield from super().person_updates(model, round_, node)


class LocalResidual(RecommendTask):
    """Breach: each shopper's gradient is taken where the merchant's shoppers together have moved the weights."""

    def person_updates(self, model, round_, node):
        if round_.purpose == "training":
            shared = sum(rows.sum(axis=0, dtype=float) for rows in super().person_updates(model, round_, node))
            model = {**model, "weights": model["weights"] - 2.0 * shared}
        yield from super().person_updates(model, round_, node)


class OwnVocabulary(RecommendTask):
    """Breach: the candidates are what the merchant itself sells most, which nobody has charged for."""

    def person_updates(self, model, round_, node):
        if "candidates" in model:
            buyers = np.asarray(bought_before(node.history).sum(axis=0)).ravel()
            model = {**model, "candidates": np.argsort(-buyers, kind="stable")[: self.options.candidates]}
        yield from super().person_updates(model, round_, node)


class LineCounts(RecommendTask):
    """Breach, unless somebody clips: popularity counts every line instead of one scaled row of zeros and ones."""

    def person_updates(self, model, round_, node):
        if round_.purpose != "popularity":
            yield from super().person_updates(model, round_, node)
            return
        history = node.history
        ones = np.ones(len(history.product), dtype=np.float32)
        shape = (len(history.persons), history.n_products)
        yield csr_array((ones * CLIP_NORM, history.product, history.indptr), shape=shape)


@dataclass(frozen=True)
class Move:
    """How far a removal moves one round, as a multiple of what is allowed: the joint sum, and the farthest message."""

    round_name: str
    joint: float
    message: float


@dataclass(frozen=True)
class Run:
    """A task over everybody, the models it broadcasts, and what the merchants answer before any noise."""

    task: RecommendTask
    config: FederationConfig
    models: dict
    clip_norm: float | None
    weight: float

    def messages(self, config):
        """{round: (merchants, d)} at the models of this run, for the rows that a configuration names."""
        held, found = nodes.load_nodes(config), {}
        settings = {"clip_norm": self.clip_norm, "weight": self.weight}
        for round_ in self.task.rounds():
            sent = self.task.broadcast(self.models[round_.name], round_)
            found[round_.name] = np.stack([node_sum(self.task, sent, round_, one, **settings) for one in held])
        return found


def moves(run, source, everybody):
    """Measure every round at fixed models: rows of `source`, which lacks one shopper, against everybody's."""
    fewer = run.messages(replace(run.config, source=source))
    bounds = run.config.bounds
    found = []
    for name, before in everybody.items():
        change = before - fewer[name]
        joint = np.linalg.norm(change.sum(axis=0)) / bounds.joint
        message = np.linalg.norm(change, axis=1).max() / (bounds.clip_norm * bounds.weight)
        found.append(Move(name, float(joint), float(message)))
    return found


def broken(found):
    """The moves beyond what the noise is scaled to."""
    return [move for move in found if move.joint > ROUNDING or move.message > ROUNDING]


@pytest.fixture
def start(make_config, write_folder):
    """Start a run of some kind of task; the models are those of the right task, trained without noise."""

    def make(kind=RecommendTask, *, by="home_store", k_max=1, steps=1, clip_norm=CLIP_NORM, weight=None):
        changes = {"merchants": "all", "epsilon": 4.0, "clip_norm": CLIP_NORM, "options": OPTIONS}
        config = make_config(
            task="recommend", rounds=2, source=write_folder(), by=by, k_max=k_max, steps=steps, **changes
        )
        setting = nodes.task_settings(config), nodes.public_catalogue(config)
        right, held, models = RecommendTask(*setting), nodes.load_nodes(config), {}
        model = right.initial()
        for round_ in right.rounds():
            models[round_.name] = model
            sent = right.broadcast(model, round_)
            total = sum(node_sum(right, sent, round_, one, clip_norm=CLIP_NORM, weight=config.weight) for one in held)
            model = right.advance(model, round_, total / config.population, noise_scale=0.0)
        return Run(kind(*setting), config, models, clip_norm, config.weight if weight is None else weight)

    return make


@pytest.fixture
def measure(write_folder):
    """Measure the removal of some light shoppers and of those with most lines at one merchant, the worst case."""

    def every(run, heavy=2):
        lines = {}
        for one in nodes.load_nodes(run.config):
            for person, count in zip(one.history.persons.tolist(), np.diff(one.history.indptr).tolist(), strict=True):
                lines[person] = max(lines.get(person, 0), count)
        everybody = run.messages(run.config)
        for person in (*LIGHT, *sorted(lines, key=lambda person: -lines[person])[:heavy]):
            yield moves(run, write_folder(person), everybody)

    return every


@pytest.mark.parametrize(("by", "k_max"), PARTITIONS)
@pytest.mark.parametrize("steps", STEPS)
def test_one_shopper_moves_every_round_by_at_most_the_clip_norm(start, measure, by, k_max, steps):
    run = start(by=by, k_max=k_max, steps=steps)
    assert tuple(run.models) == ROUNDS
    largest = dict.fromkeys(ROUNDS, (0.0, 0.0))
    for found in measure(run, heavy=4):
        assert broken(found) == []
        for move in found:
            joint, message = largest[move.round_name]
            largest[move.round_name] = max(joint, move.joint), max(message, move.message)
    for joint, message in largest.values():  # as far as they may, so that the check would see a step more
        assert message > 0.95
        assert joint > 0.7


@pytest.mark.parametrize("steps", STEPS)
def test_gradients_that_are_not_clipped_are_found_out(start, measure, steps):
    worst = [broken(found) for found in measure(start(steps=steps, clip_norm=None), heavy=1)]
    assert all({move.round_name for move in found} == {"train-1", "train-2"} for found in worst)
    assert max(move.joint for found in worst for move in found) > 5


@pytest.mark.parametrize(
    ("kind", "rounds"),
    [
        (LocalPopularity, {"train-1", "train-2"}),
        (LocalResidual, {"train-1", "train-2"}),
        (OwnVocabulary, {"neighbours", "train-1", "train-2"}),
    ],
)
@pytest.mark.parametrize("steps", STEPS)
def test_contributions_that_depend_on_other_shoppers_are_found_out_though_clipped(start, measure, kind, rounds, steps):
    worst = [move for found in measure(start(kind, steps=steps)) for move in broken(found)]
    assert worst
    assert {move.round_name for move in worst} <= rounds
    assert max(move.joint for move in worst) > 1.1


def test_counts_of_lines_are_found_out_unless_they_are_clipped(start, measure):
    for found in measure(start(LineCounts, clip_norm=None)):
        assert found[0].round_name == "popularity"
        assert found[0].joint > 3
        assert found[0] in broken(found)
    assert all(broken(found) == [] for found in measure(start(LineCounts)))


def test_weights_of_one_at_two_merchants_are_found_out(start, measure):
    worst = [move for found in measure(start(by="store", k_max=2, weight=1.0)) for move in broken(found)]
    assert {move.round_name for move in worst} == set(ROUNDS)
    assert max(move.joint for move in worst) > 1.5

"""Attacks that aim at the real shoppers of a simulation: membership, attributes, differences, single messages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from experiments.message_attacks import message_attacks
from experiments.retraining import Retrained
from federation.canary_plan import left_out, without
from federation.config import FederationConfig
from federation.local import train
from federation.nodes import denominator, public_catalogue, task_settings
from federation.task import Model, NodeData, RankingTask, Task, load_task
from privacy.attacks import (
    AttackResult,
    attribute_inference,
    membership_attack,
)
from retail.interactions import Interactions

Floats = NDArray[np.float64]
_SHADOWS: Final = 2
_SMALLEST: Final = 10


def person_attacks(
    config: FederationConfig,
    held: Sequence[NodeData],
    trained: Retrained,
    *,
    costs: dict[str, int],
    claim: float | None,
    seed: int,
    quick: bool,
    progress: Callable[[str], None],
) -> list[AttackResult]:
    """Run the attacks on real shoppers that apply.

    Args:
        config: of the run.
        held: its nodes.
        trained: a retraining that left some shoppers out.
        costs: nano-rho by round; empty without a claim.
        claim: epsilon of the run; None where it claims none.
        seed: of everything drawn here.
        quick: no shadow models and fewer trials.
        progress: takes a line for each attack.
    """
    task = load_task(config.task, task_settings(config), public_catalogue(config))
    bound = None if claim is None else (claim, config.delta)
    results = []
    share, coins = trained.config.options["leave_out"], trained.config.options["seed"]
    people = _People(held, share=share, seed=coins)
    if isinstance(task, RankingTask) and people.both():
        progress("attack: membership")
        shadows = [] if quick else _shadow_models(config, task, held, seed=seed, share=0.5, count=_SHADOWS)
        results.append(
            membership_attack(
                people.scorer(task, trained.model),
                people.member,
                references=tuple(people.scorer(task, one) for one in shadows),
                claim=bound,
            )
        )
        progress("attack: attribute inference")
        results += _attributes(task, trained.model, people, bound)
    progress("attack: differencing, single messages")
    return results + message_attacks(config, task, held, costs=costs, seed=seed, trials=60 if quick else 300)


class _People:
    """Every shopper once, at the first merchant that has them, and whether the retraining had them."""

    def __init__(self, held: Sequence[NodeData], *, share: float, seed: int) -> None:
        self.held = held
        seen: set[Any] = set()
        self._first = []
        for node in held:
            fresh = np.array([one not in seen for one in node.history.persons.tolist()], dtype=bool)
            seen.update(node.history.persons.tolist())
            self._first.append(fresh)
        ids = [node.history.persons[fresh] for node, fresh in zip(held, self._first, strict=True)]
        self.member = ~np.concatenate([left_out(one, share=share, seed=seed) for one in ids])

    def both(self) -> bool:
        """Whether there are enough members and others to compare."""
        return bool(min(self.member.sum(), (~self.member).sum()) >= _SMALLEST)

    def each(self, figure: Callable[[NodeData], Floats]) -> Floats:
        """(people,) a figure that is computed for all persons of a node."""
        found = [figure(node)[fresh] for node, fresh in zip(self.held, self._first, strict=True) if fresh.any()]
        return np.concatenate(found)

    def scorer(self, task: RankingTask, model: Model) -> Callable[[NDArray[np.int64]], Floats]:
        """How much higher than others a model scores what a person bought."""
        cached: list[Floats] = []

        def score(people: NDArray[np.int64]) -> Floats:
            if not cached:
                cached.append(self.each(lambda node: _fit(task, model, node)))
            return cached[0][people]

        return score


def _fit(task: RankingTask, model: Model, node: NodeData) -> Floats:
    bought = node.history.counts()
    found, start = [], 0
    for block in task.scores(model, node):
        mine = bought[start : start + len(block)]
        start += len(block)
        values = np.asarray(block, dtype=np.float64)
        mask = mine.toarray() > 0
        count = np.maximum(mask.sum(axis=1), 1)
        found.append((values * mask).sum(axis=1) / count - values.mean(axis=1))
    return np.concatenate(found) if found else np.zeros(0)


def _shadow_models(
    config: FederationConfig, task: Task, held: Sequence[NodeData], *, seed: int, share: float, count: int
) -> list[Model]:
    """Models that the attacker trains on other draws of the same population, without noise."""
    models = []
    for number in range(count):
        kept = [without(node, left_out(node.history.persons, share=share, seed=seed + 1 + number)) for node in held]
        settings = {"population": denominator(config), "weight": config.weight, "clip_norm": config.clip_norm}
        models.append(train(task, kept, **settings))  # type: ignore[arg-type]
    return models


def _attributes(
    task: RankingTask, model: Model, people: _People, bound: tuple[float, float] | None
) -> list[AttackResult]:
    """Guess who buys from a department, from everything else that the person bought.

    Without the model an attacker can go by how much somebody buys elsewhere.
    """
    chosen = _department(people)
    if chosen is None:
        return []
    inside, truth = chosen

    released = people.each(lambda node: _leaning(task, model, _hidden(node, inside), inside))
    public = people.each(lambda node: np.diff(_hidden(node, inside).history.indptr).astype(np.float64))
    return [attribute_inference(released, public, truth, people.member, claim=bound)]


def _department(people: _People) -> tuple[NDArray[np.bool_], NDArray[np.bool_]] | None:
    """Return the products of the department that is nearest to being bought by half of all, and who buys there."""
    catalogue = people.held[0].catalogue
    best = None
    for codes, size in catalogue.levels.values():
        for code in range(size) if size <= 200 else ():
            inside = codes == code
            if not 0 < inside.sum() < len(inside):
                continue
            buys = people.each(lambda node, inside=inside: _buys(node.history, inside)).astype(bool)  # type: ignore[misc]
            smallest = min(
                int((kind & where).sum()) for kind in (buys, ~buys) for where in (people.member, ~people.member)
            )
            if smallest >= _SMALLEST and (best is None or smallest > best[0]):
                best = (smallest, inside, buys)
    return None if best is None else best[1:]


def _buys(history: Interactions, inside: NDArray[np.bool_]) -> Floats:
    found = np.bincount(
        history.rows(), weights=inside[history.product].astype(np.float64), minlength=len(history.persons)
    )
    return np.asarray(np.minimum(found, 1.0), dtype=np.float64)


def _hidden(node: NodeData, inside: NDArray[np.bool_]) -> NodeData:
    """The node as somebody sees it who does not know what was bought from a department."""
    history = node.history
    keep = ~inside[history.product]
    before = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(keep, dtype=np.int64)])
    kept = replace(
        history,
        indptr=before[history.indptr],
        product=history.product[keep],
        day=history.day[keep],
        basket=history.basket[keep],
        quantity=history.quantity[keep],
    )
    return replace(node, history=kept, memo={})


def _leaning(task: RankingTask, model: Model, node: NodeData, inside: NDArray[np.bool_]) -> Floats:
    found = [block[:, inside].mean(axis=1) - block.mean(axis=1) for block in task.scores(model, node)]
    return np.concatenate(found).astype(np.float64) if found else np.zeros(0)

"""The same training without messages, noise or ledger: for reference arms that claim no privacy."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import numpy as np

from federation.contributions import node_sum
from federation.task import Model, Node, Task
from retail.errors import ConfigError


def train(
    task: Task,
    nodes: Sequence[Node],
    *,
    population: int,
    weight: float = 1.0,
    clip_norm: float | None = None,
    start: Model | None = None,
    done: Collection[str] = (),
    progress: Callable[[str], None] | None = None,
) -> Model:
    """Train a task on some nodes in this process.

    With one node of everybody (`nodes.pooled`) this is what pooled data would give; with one merchant's node, what
    that merchant can do alone; with all nodes, what the federation computes when it adds no noise.

    Args:
        task: what to learn.
        nodes: whose rows.
        population: what sums over persons are divided by.
        weight: factor of every node's sum, 1 / k_max where a person may be at k_max nodes.
        clip_norm: L2 bound of one person's contribution; None for none.
        start: a model to go on from; the task's initial one when None.
        done: names of rounds that `start` has behind it.
        progress: called with a line after every round.

    Returns: the model after all rounds of the task. No privacy may be claimed for it.

    Raises:
        ConfigError: there are no nodes, or the population is below 1; or as `contributions.node_sum`.
    """
    if not nodes or population < 1:
        raise ConfigError(f"training needs nodes and a population, got {len(nodes)} nodes, population {population}")
    model = task.initial() if start is None else start
    for round_ in task.rounds():
        if round_.name in done:
            continue
        sent = task.broadcast(model, round_)
        total = np.zeros(round_.size)
        for node in nodes:
            total += node_sum(task, sent, round_, node, clip_norm=clip_norm, weight=weight)
        model = task.advance(model, round_, total / population, noise_scale=0.0)
        if progress is not None:
            progress(f"{round_.name}: {len(nodes)} nodes")
    return model

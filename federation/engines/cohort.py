"""All merchants and people of a round as a few large batches, without messages: for simulations of many nodes.

A message costs about a millisecond, and a node with a dozen shoppers keeps no vector unit busy. Where each contribution
depends on one person's rows alone, it makes no difference to the sum which merchant the person is at: rows of all
merchants are laid end to end, cut into chunks, and contribute as if they were one node. Where it does make a
difference, the nodes follow one another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from federation.access import Access, MarketPort
from federation.canaries import CanaryTask
from federation.client_app import noise_of_nodes
from federation.config import FederationConfig
from federation.contributions import node_sum
from federation.secagg.ring import from_ring, to_ring
from federation.secagg.rules import step_of_run
from federation.server_app import prepare, report_of
from federation.task import Model, NodeData, Round, Task
from federation.turn import ledger_turn
from retail.errors import ConfigError, PrivacyError
from retail.interactions import Interactions

_CHUNK: Final = 4096  # persons in a batch


def drive(
    config: FederationConfig, *, access: Access | None = None, progress: Callable[[str], None] | None = None
) -> tuple[Model, dict[str, object]]:
    """Run a federation without messages.

    Args:
        config: of the run.
        access: the rules of every party, since one process stands for all of them; None for the defaults.
        progress: called with a line after every round.

    Returns: the model, and the report that `server_app.report_of` makes.

    Raises:
        PrivacyError: a deployment: there, merchants do not lie in one process.
        ConfigError: secure aggregation: there are no messages to hide.
        TradefairError: whatever the server's app refuses.

    Guarantee: that of `strategy.PersonLevelDPAvg`, for what leaves this process.
    """
    if config.mode == "deployment":
        raise PrivacyError(
            'engine = "cohort" puts all merchants into one process; a deployment needs engine = "deploy"'
        )
    if config.aggregation == "secure":
        raise ConfigError(
            'engine = "cohort" sends no messages that aggregation = "secure" could hide; write aggregation = "plain"'
        )
    with ledger_turn(config):
        strategy, ledger = prepare(config, access or Access())
        port = MarketPort(config, access or Access())
        cohort = _Cohort(strategy.task, config, port)
        for round_ in strategy.left:
            index = strategy.rounds.index(round_)
            total = cohort.total(strategy.begin(round_), round_, index=index)
            if config.private and config.noise != "aggregator" and strategy.account is not None:
                cost = strategy.account.costs[round_.name]
                total = total + noise_of_nodes(config, cost, size=round_.size, nodes=len(port.merchants), index=index)
            if config.adds_steps:
                total = from_ring(to_ring(total), step=step_of_run(config))
            strategy.finish(round_, total, answered=len(port.merchants))
            if progress is not None:
                progress(f"{round_.name}: {len(port.merchants)} merchants in {cohort.batches} batches")
        return strategy.model, report_of(strategy, ledger)


class _Cohort:
    """The people of all merchants, in batches; kept from round to round while their rows stay the same."""

    def __init__(self, task: Task, config: FederationConfig, port: MarketPort) -> None:
        self._task, self._config, self._port = task, config, port
        self._held: list[Any] = []
        self._batches: list[Any] = []

    @property
    def batches(self) -> int:
        """Number of batches of the last round."""
        return len(self._batches)

    def total(self, sent: Model, round_: Round, *, index: int) -> NDArray[np.float64]:
        """Return the sum of all contributions to a round."""
        held = [self._port.own(place, round_=index) for place in range(len(self._port.merchants))]
        if len(held) != len(self._held) or any(a is not b for a, b in zip(held, self._held, strict=True)):
            canaries = type(self._task) is CanaryTask  # they are at merchants, by name
            self._batches = held if canaries else list(batches(held))
        self._held = held
        nodes = self._batches if round_.contribution == "person" else held
        total = np.zeros(round_.size)
        for node in nodes:
            total += node_sum(
                self._task,
                sent,
                round_,
                node,
                clip_norm=self._config.clip_norm,
                weight=self._config.weight,
                step=step_of_run(self._config) if self._config.adds_steps else None,
                canaries=type(self._task) is CanaryTask,
            )
        return total


def batches(nodes: Sequence[Any]) -> Iterator[Any]:
    """Lay shop rows of several merchants end to end, a few thousand persons at a time; other nodes stay as they are.

    A person at two merchants stands in it twice, as in two messages.
    """
    waiting: list[NodeData] = []
    people = 0
    for node in nodes:
        if not isinstance(node, NodeData):
            yield node
            continue
        if waiting and people + len(node.persons) > _CHUNK:
            yield _joined(waiting)
            waiting, people = [], 0
        waiting.append(node)
        people += len(node.persons)
    if waiting:
        yield _joined(waiting)


def _joined(nodes: Sequence[NodeData]) -> NodeData:
    """One node of several; persons and baskets get new numbers, since only their being different means anything."""
    parts = [node.history for node in nodes]
    lines = np.cumsum([0, *(int(one.indptr[-1]) for one in parts)])
    starts = [one.indptr[:-1] + start for one, start in zip(parts, lines[:-1], strict=True)]
    baskets = np.cumsum([0, *(int(one.basket.max(initial=-1)) + 1 for one in parts)])
    history = Interactions(
        persons=np.arange(sum(len(one.persons) for one in parts)),
        indptr=np.concatenate([*starts, lines[-1:]]).astype(np.int64),
        product=np.concatenate([one.product for one in parts]),
        day=np.concatenate([one.day for one in parts]),
        basket=np.concatenate([one.basket + start for one, start in zip(parts, baskets[:-1], strict=True)]).astype(
            np.int32
        ),
        quantity=np.concatenate([one.quantity for one in parts]),
        n_products=parts[0].n_products,
    )
    return NodeData("all", history, nodes[0].catalogue, nodes[0].now)

"""All merchants and people of a round as a few large batches, without messages: for simulations of many nodes.

A message costs about a third of a millisecond, and a node with a dozen shoppers keeps no vector unit busy. Where each
contribution depends on one person's rows alone, it makes no difference to the sum which merchant the person is at:
rows of all merchants are laid end to end, cut into chunks, and contribute as if they were one node. Where a merchant's
people act together, the task may compute many merchants at once (`federation.batches`); where it does not, or a model
is so large that this would be slower, the nodes follow one another.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from federation.access import Access, MarketPort
from federation.batches import LEAST_NODES, BatchedTask, NodeBatch, batches_of
from federation.canaries import CanaryTask
from federation.client_app import FAILURE, noise_of_nodes
from federation.config import FederationConfig
from federation.contributions import batch_sum, node_sum
from federation.joined import joined, most_persons
from federation.secagg.ring import from_ring, to_ring
from federation.secagg.rules import step_of_run
from federation.server_app import prepare, report_of
from federation.task import Model, Round, Task
from federation.turn import ledger_turn
from retail.errors import ConfigError, PrivacyError, TradefairError

_log = logging.getLogger(__name__)

_Unit = tuple[Any, tuple[Any, ...]]  # a node or a batch of nodes, and the merchants' nodes in it


def drive(
    config: FederationConfig,
    *,
    access: Access | None = None,
    port: MarketPort | None = None,
    progress: Callable[[str], None] | None = None,
) -> tuple[Model, dict[str, object]]:
    """Run a federation without messages.

    A merchant whose contribution cannot be computed or used is left out of the round and counted, as a node is whose
    answer is missing; the reason goes to the log.

    Args:
        config: of the run.
        access: the rules of every party, since one process stands for all of them; None for the defaults.
        port: what the merchants read through, opened under `access`; None opens one.
        progress: called with a line after every round.

    Returns: the model, and the report that `server_app.report_of` makes.

    Raises:
        PrivacyError: a deployment: there, merchants do not lie in one process.
        ConfigError: secure aggregation: there are no messages to hide.
        TradefairError: whatever the server's app refuses; or no merchant's contribution could be used.

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
        port = port or MarketPort(config, access or Access())
        nodes = len(port.merchants)
        cohort = _Cohort(strategy.task, config, port, strategy.rounds)
        for round_ in strategy.left:
            index = strategy.rounds.index(round_)
            total = cohort.total(strategy.begin(round_), round_, index=index)
            heard = [place for place in range(nodes) if place not in cohort.missing]
            strategy.check_answered(round_, len(heard))
            strategy.count_missing(round_, missing=nodes - len(heard), asked=nodes)
            if config.private and config.noise != "aggregator" and strategy.account is not None:
                cost = strategy.account.costs[round_.name]
                total = total + noise_of_nodes(config, cost, size=round_.size, nodes=nodes, index=index, places=heard)
            if config.adds_steps:
                total = from_ring(to_ring(total), step=step_of_run(config))
            strategy.finish(round_, total, answered=len(heard))
            if progress is not None:
                progress(f"{round_.name}: {nodes} merchants in {cohort.batches} batches")
        return strategy.model, report_of(strategy, ledger)


class _Cohort:
    """The people of all merchants, in batches; kept from round to round while their rows stay the same.

    Attributes:
        missing: places of the merchants that the last round went without, and why.
        batches: number of batches of the last round.
    """

    def __init__(self, task: Task, config: FederationConfig, port: MarketPort, rounds: tuple[Round, ...]) -> None:
        self._task, self._config, self._port = task, config, port
        self._canaries = type(task) is CanaryTask  # they are at merchants, by name
        self._most = most_persons(task, rounds)
        self._held: list[Any] = []
        self._units: dict[object, list[_Unit]] = {}
        self.missing: dict[int, Exception] = {}
        self.batches = 0

    def total(self, sent: Model, round_: Round, *, index: int) -> NDArray[np.float64]:
        """Return the sum of all contributions to a round.

        Raises: TradefairError: there is none that can be used.
        """
        held = [self._port.own(place, round_=index) for place in range(len(self._port.merchants))]
        if len(held) != len(self._held) or any(a is not b for a, b in zip(held, self._held, strict=True)):
            self._units.clear()
        self._held, self.missing = held, {}
        units = self._of_round(round_)
        self.batches = len(units)
        places = {id(one): place for place, one in enumerate(held)}
        total = np.zeros(round_.size)
        for together, apart in units:
            for part in self._sums(together, apart, sent, round_, places):
                total += part
        if len(self.missing) == len(held):
            error = next(iter(self.missing.values()))
            if isinstance(error, TradefairError):
                raise error
            raise TradefairError(f"round {round_.name!r}: none of {len(held)} merchants could contribute") from error
        return total

    def _of_round(self, round_: Round) -> list[_Unit]:
        """Return what a round computes one after another."""
        if round_.contribution == "person" and not self._canaries:
            key: object = "persons"
            if key not in self._units:
                self._units[key] = list(joined(self._held, most=self._most))
        elif round_.contribution == "merchant" and isinstance(self._task, BatchedTask):
            key = round_.size
            if key not in self._units:
                self._units[key] = list(self._batched(self._task, round_))
        else:
            key = "nodes"
            self._units.setdefault(key, [(one, (one,)) for one in self._held])
        return self._units[key]

    def _batched(self, task: BatchedTask, round_: Round) -> Iterator[_Unit]:
        people = [one for one in self._held if len(one.persons)]  # the others add nothing
        for batch in batches_of(task, round_, people, device=self._config.device):
            if len(batch.nodes) < LEAST_NODES:
                yield from ((one, (one,)) for one in batch.nodes)
            else:
                yield batch, batch.nodes

    def _sums(
        self, together: Any, apart: tuple[Any, ...], sent: Model, round_: Round, places: dict[int, int]
    ) -> Iterator[NDArray[np.float64]]:
        """Yield the sum of a batch; when something is wrong with it, that of each merchant where nothing is."""
        try:
            yield self._sum(together, sent, round_)
            return
        except Exception as error:
            if len(apart) == 1:
                self._leave_out(places[id(apart[0])], error)
                return
        for one in apart:
            try:
                yield self._sum(one, sent, round_)
            except Exception as error:
                self._leave_out(places[id(one)], error)

    def _leave_out(self, place: int, error: Exception) -> None:
        _log.error("%s: %s", FAILURE, error, exc_info=_log.isEnabledFor(logging.DEBUG))
        self.missing[place] = error

    def _sum(self, node: Any, sent: Model, round_: Round) -> NDArray[np.float64]:
        config = self._config
        step = step_of_run(config) if config.adds_steps else None
        if isinstance(node, NodeBatch) and isinstance(self._task, BatchedTask):
            return batch_sum(
                self._task, sent, round_, node, clip_norm=config.clip_norm, weight=config.weight, step=step
            )
        return node_sum(
            self._task,
            sent,
            round_,
            node,
            clip_norm=config.clip_norm,
            weight=config.weight,
            step=step,
            canaries=self._canaries,
        )

"""What a federation needs to know about a learning problem: the Task protocol.

A task never talks to the network and never sees two merchants at once. It says which rounds it wants, what one person
contributes to a round, and how a sum over persons turns into the next model. Clipping, weighting, noise and
accounting happen around it, in the same way for every task. What the guarantee still takes a task's word for: that each
row of a contribution comes from one person's rows alone.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, runtime_checkable

import numpy as np

from privacy.clipping import Updates
from retail.errors import ConfigError
from retail.interactions import Catalogue, Interactions

Model = dict[str, np.ndarray]
"""Named arrays. Everything in a model is public: it was made from noised sums and public constants (or, in an arm
that claims no privacy, from exact sums)."""

TASKS: Final = {
    "recommend": "federation.recommend.task:RecommendTask",
    "faces": "federation.faces.task:FaceTask",
    "response": "federation.response.task:ResponseTask",
    "attribute": "federation.response.difference:AttributeTask",
}


class Node(Protocol):
    """What every node has, whatever its rows are: `NodeData` for shop rows, `FaceNode`, `ResponseNode`."""

    @property
    def merchant(self) -> int | str:
        """Id in the public list of merchants."""

    @property
    def persons(self) -> np.ndarray:
        """(p,) ids of the persons that this node may use, each once."""

    @property
    def memo(self) -> dict[Any, Any]:
        """What a task wants to keep between the rounds of one run; never leaves the node."""


@dataclass(frozen=True, eq=False)
class NodeData:
    """What one merchant holds: its own rows, before `now`, of the shoppers it is admitted to use.

    Attributes:
        merchant: id in the public list of merchants.
        history: rows before `now`.
        catalogue: the public catalogue.
        now: first day that is not in `history`, days since 1970-01-01; public.
        memo: what a task wants to keep between the rounds of one run; never leaves the node.
    """

    merchant: int | str
    history: Interactions
    catalogue: Catalogue
    now: int
    memo: dict[Any, Any] = field(default_factory=dict)

    @property
    def persons(self) -> np.ndarray:
        """(p,) ids of the shoppers."""
        return self.history.persons


@dataclass(frozen=True, slots=True)
class Round:
    """One exchange: every node sends the sum of its persons' contributions.

    Attributes:
        name: unique within a run, such as "popularity" or "train-3"; the ledger's key.
        purpose: what the ledger says the budget was spent on.
        size: length d of a contribution.
        share: positive weight of this round in the privacy budget.
        contribution: "person" when each row depends on the broadcast model, public constants and that person's rows
            alone; "merchant" when it also depends on other persons of the node. Only "person" is allowed under DP.
    """

    name: str
    purpose: str
    size: int
    share: float
    contribution: str = "person"


@runtime_checkable
class Task(Protocol):
    """A learning problem that a federation can train. Make one from (settings, public data); see `load_task`."""

    def rounds(self) -> tuple[Round, ...]:
        """List the exchanges, in order."""

    def initial(self) -> Model:
        """Return the model before the first round: public constants only, the same at every party."""

    def broadcast(self, model: Model, round_: Round) -> Model:
        """Return the part of the model that nodes need in this round."""

    def person_updates(self, model: Model, round_: Round, node: Any) -> Iterator[Updates]:
        """Yield contributions in blocks of persons: (persons, d) arrays, CSR arrays or `OuterRows`.

        Each row must be a function of `model` (as broadcast), public constants and that person's own rows at `node`, a
        `Node` of the kind that the data makes. Rows are not clipped here.
        """

    def advance(self, model: Model, round_: Round, mean: np.ndarray, *, noise_scale: float) -> Model:
        """Return the model after a round.

        Args:
            model: before the round.
            round_: the round.
            mean: (d,) float64, the (noised) sum over all persons divided by the public population.
            noise_scale: standard deviation of the noise in each entry of `mean`, 0 without noise; public.
        """


@runtime_checkable
class RankingTask(Task, Protocol):
    """A task whose model ranks products, so that experiments can measure it."""

    def scores(self, model: Model, node: NodeData) -> Iterator[np.ndarray]:
        """Yield (block, products) scores of all persons of a node in order; a higher score ranks earlier."""


@dataclass(frozen=True, slots=True)
class TaskSettings:
    """Public settings that every task gets.

    Attributes:
        rounds: exchanges for training (a task may add others before).
        steps: optimiser steps that each person takes from the broadcast weights, on that person's rows alone.
        learning_rate: step size of the server's optimiser.
        clip_norm: C, the L2 bound that each person's contribution will be clipped to; None without clipping.
        window_days: length of the period to be predicted.
        now: first day that no node may see.
        population: publicly known number of persons.
        seed: of anything public that is drawn; never of privacy noise outside a simulation.
        device: where tensors live.
        private: whether the run claims differential privacy.
        options: the scenario's `[options]`, checked by the task.
    """

    rounds: int
    steps: int
    learning_rate: float
    clip_norm: float | None
    window_days: int
    now: int
    population: int
    seed: int
    device: str
    private: bool
    options: Mapping[str, Any] = field(default_factory=dict)


def load_task(name: str, settings: TaskSettings, public: Any) -> Task:
    """Make the task that a scenario names.

    Args:
        name: "recommend", "faces", "response", "attribute", or "module:Class" of your own; the class is called with
            (settings, public).
        settings: public settings.
        public: what is public of the data: the catalogue, or who holds faces or responses.

    Raises:
        ConfigError: the name leads nowhere, or what it names is no task.
    """
    path = TASKS.get(name, name)
    module, _, attribute = path.partition(":")
    if not attribute:
        raise ConfigError(f"task = {name!r}: write one of {', '.join(TASKS)}, or module:Class of your own task")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"task = {name!r} cannot be imported ({error}); check the name and PYTHONPATH") from error
    task = found(settings, public)
    if not isinstance(task, Task):
        methods = ", ".join(name for name in dir(Task) if not name.startswith("_"))
        raise ConfigError(f"task = {name!r} is no Task: it needs the methods {methods}")
    return task

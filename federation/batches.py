"""Many merchants at once: what a task may offer so that a simulation need not go from one to the next.

Where each row comes from one person's rows alone, the engine lays the merchants' rows end to end by itself
(`federation.joined`), and a task has nothing to do. Where a merchant's people act together, as in optimiser steps on
that merchant's rows, only the task can compute many merchants in one go, such as with `torch.func.vmap`:

    def node_bytes(self, round_, node):
        return 4 * (3 * round_.size + node_values)

    def node_updates(self, model, round_, batch):
        rows, filled = padded([one.features for one in batch.nodes])
        yield vmap(steps)(...)                              # (nodes, d)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from federation.task import Model, Round, Task
from privacy.clipping import Updates

LEAST_NODES: Final = 8
"""Fewer nodes than this are computed one after another: a batch of them costs about as much as it saves."""
CACHE_BYTES: Final = 2**24
"""Of a batch on a processor: beyond its cache a batch is slower than one node after another."""
DEVICE_BYTES: Final = 2**30
"""Of a batch on another device, where large batches are what it is good at."""


@dataclass(frozen=True, eq=False)
class NodeBatch:
    """Some merchants that are computed at once.

    Attributes:
        nodes: one `federation.task.Node` each, none of them without persons.
        memo: what a task wants to keep of them between the rounds of one run, such as padded rows.
    """

    nodes: tuple[Any, ...]
    memo: dict[Any, Any] = field(default_factory=dict)


@runtime_checkable
class BatchedTask(Task, Protocol):
    """A task that computes rounds with contribution "merchant" for many merchants at once. Optional."""

    def node_bytes(self, round_: Round, node: Any) -> int:
        """Return about how many bytes a node takes in a batch: parameters, gradients, rows and activations."""

    def node_updates(self, model: Model, round_: Round, batch: NodeBatch) -> Iterator[Updates]:
        """Yield blocks of rows, one row for each node of the batch in order, each of the round's length.

        A row is what `person_updates` yields for that node alone, up to rounding, in its one row.
        """


def batches_of(task: BatchedTask, round_: Round, nodes: Sequence[Any], *, device: str) -> list[NodeBatch]:
    """Divide nodes into batches that a processor's cache, or a device's memory, can hold.

    Nodes of like size share a batch, so that little of it is padding; the largest come last. A batch of less than
    `LEAST_NODES` nodes is for `person_updates`: large models come out so, whose batches would be slower.

    Args:
        task: says how large a node is.
        round_: the round.
        nodes: each with persons.
        device: where tensors live.
    """
    most = CACHE_BYTES if device == "cpu" else DEVICE_BYTES
    sizes = [max(1, task.node_bytes(round_, one)) for one in nodes]
    found: list[NodeBatch] = []
    waiting: list[Any] = []
    for place in np.argsort(sizes, kind="stable"):
        if waiting and (len(waiting) + 1) * sizes[place] > most:  # padded to the largest, which is this one
            found.append(NodeBatch(tuple(waiting)))
            waiting = []
        waiting.append(nodes[place])
    return [*found, NodeBatch(tuple(waiting))] if waiting else found


def padded(rows: Sequence[NDArray[Any]]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Put arrays of different length into one, with zeros behind the shorter ones.

    Args:
        rows: n >= 1 arrays (k_i, ...), alike but for their length.

    Returns: (n, k, ...) with k the greatest length, and (n, k) True where a row is real.
    """
    lengths = np.array([len(one) for one in rows])
    filled: NDArray[np.bool_] = np.arange(lengths.max(initial=0)) < lengths[:, None]
    together = np.zeros((*filled.shape, *rows[0].shape[1:]), dtype=rows[0].dtype)
    together[filled] = np.concatenate(rows)
    return together, filled

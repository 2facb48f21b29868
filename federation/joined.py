"""Merchants laid end to end, as one node: for contributions that depend on one person's rows alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np

from federation.faces.holdings import FaceNode
from federation.response.holdings import ResponseNode
from federation.task import NodeData, Round, Task
from retail.interactions import Interactions

_KINDS: Final = (NodeData, ResponseNode, FaceNode)
PERSON_BYTES: Final = 2**26
"""Of a batch of persons: enough to keep a processor busy, little beside the rows themselves."""


def most_persons(task: Task, rounds: Sequence[Round]) -> int:
    """Return how many persons a batch may have, by what the task says one takes, or by a dense row of float64.

    A task whose rows are sparse, or that works in blocks of its own, may say less with `person_bytes(round_)`.
    """
    says = getattr(task, "person_bytes", None)
    needs = [says(one) if says is not None else 8 * one.size for one in rounds if one.contribution == "person"]
    return max(1, PERSON_BYTES // max([1, *needs]))


def joined(nodes: Sequence[Any], *, most: int) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """Join nodes of one kind while they have at most `most` persons together; a larger one stays alone.

    A person at two merchants stands in it twice, as in two messages. Nodes of a kind that is not known here stay alone.

    Yields: a node for the persons, and the nodes that it was made of.
    """
    waiting: list[Any] = []
    people = 0
    for node in nodes:
        alike = waiting and type(node) is type(waiting[0]) and type(node) in _KINDS
        if waiting and (people + len(node.persons) > most or not alike):
            yield _join(waiting), tuple(waiting)
            waiting, people = [], 0
        waiting.append(node)
        people += len(node.persons)
    if waiting:
        yield _join(waiting), tuple(waiting)


def _join(nodes: Sequence[Any]) -> Any:
    if len(nodes) == 1:
        return nodes[0]
    if isinstance(nodes[0], NodeData):
        return _join_shops(nodes)
    if isinstance(nodes[0], ResponseNode):
        return ResponseNode(
            "all",
            np.concatenate([one.persons for one in nodes]),
            np.concatenate([one.features for one in nodes]),
            np.concatenate([one.advertised for one in nodes]),
            np.concatenate([one.responded for one in nodes]),
        )
    ends = np.cumsum([0, *(int(one.starts[-1]) for one in nodes)])
    starts = [one.starts[:-1] + start for one, start in zip(nodes, ends[:-1], strict=True)]
    return FaceNode(
        "all",
        np.concatenate([one.persons for one in nodes]),
        np.concatenate([one.images for one in nodes]),
        np.concatenate([*starts, ends[-1:]]),
    )


def _join_shops(nodes: Sequence[NodeData]) -> NodeData:
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

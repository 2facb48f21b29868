"""Who masks with whom: a ring in an order that the session draws, each node joined to the nearest on both sides."""

from __future__ import annotations

import hashlib
from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from federation.secagg.terms import Terms


class Graph:
    """The neighbours of every node; the same at all parties, who compute it for themselves.

    A circulant graph with `terms.neighbours` edges a node, which stays in one piece until as many nodes are gone; all
    are neighbours of all where there are few nodes.
    """

    def __init__(self, terms: Terms, session: bytes) -> None:
        self._terms = terms
        seed = int.from_bytes(hashlib.sha256(b"ring" + session).digest(), "little")
        self._order: NDArray[np.int64] = np.random.Generator(np.random.PCG64(seed)).permutation(terms.nodes)
        self._at = np.empty(terms.nodes, dtype=np.int64)
        self._at[self._order] = np.arange(terms.nodes)

    def neighbours(self, node: int) -> tuple[int, ...]:
        """Return a node's neighbours, ascending."""
        count, nodes = self._terms.neighbours, self._terms.nodes
        if count == nodes - 1:
            return tuple(one for one in range(nodes) if one != node)
        steps = np.arange(1, count // 2 + 1)
        at = np.concatenate([self._at[node] + steps, self._at[node] - steps]) % nodes
        return tuple(sorted(int(one) for one in self._order[at]))

    def holds_together(self, survivors: Collection[int]) -> bool:
        """Whether the survivors stay in one piece even without the colluders, whoever these are.

        Masks cancel over a whole piece of the graph, so a survivor cut off from the others would be read alone. The
        ring falls apart only where as many nodes in a row are gone as a node has neighbours on one side.
        """
        terms = self._terms
        if terms.neighbours == terms.nodes - 1:
            return len(survivors) >= terms.colluders + 2
        there = np.zeros(terms.nodes, dtype=np.int64)
        there[self._at[np.fromiter(survivors, dtype=np.int64)]] = 1
        side = terms.neighbours // 2
        running = np.concatenate([[0], np.cumsum(np.concatenate([there, there[: side - 1]]))])
        return bool((running[side:] - running[:-side]).min() > terms.colluders)

"""Reading what nodes answer, and adding it up in an order that arrival does not change."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
from flwr.app import ArrayRecord, Message
from numpy.typing import NDArray

from federation.config import FederationConfig
from federation.records import from_array
from privacy.accounting import noise_multiplier

KEY: Final = "sum"
_ROUNDING: Final = 1e-6
_HEADER_BYTES: Final = 4096  # room for what numpy writes before the values


def read_sum(reply: Message, *, size: int, most: float | None = None) -> NDArray[np.float64] | None:
    """Read the one vector of floats that an answer may hold.

    Args:
        reply: of a node.
        size: of the round.
        most: length in L2 that no honest answer exceeds; None where nothing bounds it. It is everybody's together,
            since nobody but the node knows how many persons stand behind its sum.

    Returns: (size,) float64; None as `read_vector`, for NaN or infinity, and for a longer vector.
    """
    values = read_vector(reply, KEY, size=size, dtype=np.float64)
    if values is None or not np.isfinite(values).all():
        return None
    with np.errstate(over="ignore"):
        return None if most is not None and np.linalg.norm(values) > most else values


def longest_sum(config: FederationConfig, *, population: int, cost: int | None, size: int) -> float | None:
    """Return how long an honest node's sum may be in L2: everybody's at their bound, with the noise that it may add.

    Args:
        config: of the run.
        population: public number of people.
        cost: of the round, nano-rho; None without a privacy claim, and then nothing bounds a sum.
        size: of the round.

    Assumes that no merchant has more people than the population: else one person could decide whether an honest sum is
    left out. Noise is longer than its standard deviation times (sqrt(d) + 10) with a chance below exp(-50).
    """
    if cost is None or config.clip_norm is None:
        return None
    longest = population * config.clip_norm * config.weight
    if config.noise == "every_node":
        longest += noise_multiplier(cost) * config.bounds.per_message * (math.sqrt(size) + 10)
    return longest * (1 + _ROUNDING)


def read_vector(reply: Message, key: str, *, size: int, dtype: type[np.generic]) -> NDArray[Any] | None:
    """Read the one vector that an answer may hold, under `key`.

    Returns: (size,) of `dtype`; None for an error, another record or key beside it, another shape or dtype, or bytes
        that cannot be read.
    """
    if reply.has_error() or not reply.has_content() or list(reply.content) != [key]:
        return None
    record = reply.content[key]
    if not isinstance(record, ArrayRecord) or list(record) != [key]:
        return None
    if len(record[key].data) > 8 * size + _HEADER_BYTES:
        return None
    try:
        values = from_array(record[key])
    except (ValueError, TypeError, EOFError, OSError):
        return None
    return values if values.dtype == dtype and values.shape == (size,) else None


class OrderedSum:
    """A sum over nodes in ascending order of their ids; holds back only what arrived too early.

    Each node counts once: a second vector of one node, or a vector of a node that was not asked, is refused, since it
    would count that node's persons twice.
    """

    def __init__(self, nodes: Iterable[int], *, size: int) -> None:
        self._waiting = sorted(nodes)
        self._unheard = set(self._waiting)
        self._early: dict[int, NDArray[np.float64] | None] = {}
        self._next = 0
        self._total = np.zeros(size)
        self.accepted = 0

    def put(self, node: int, values: NDArray[np.float64] | None) -> bool:
        """Take a node's vector, or None for an answer that cannot be used; tell whether it counts."""
        if node not in self._unheard:
            return False
        self._unheard.remove(node)
        self._early[node] = values
        self.accepted += values is not None
        while self._next < len(self._waiting) and self._waiting[self._next] in self._early:
            self._add(self._waiting[self._next : self._next + 1])
            self._next += 1
        return values is not None

    def total(self) -> NDArray[np.float64]:
        """Return the sum of all vectors taken. Nothing can be put afterwards."""
        self._add(self._waiting[self._next :])
        self._next = len(self._waiting)
        return self._total

    def _add(self, nodes: Sequence[int]) -> None:
        for node in nodes:
            values = self._early.pop(node, None)
            if values is not None:
                self._total += values

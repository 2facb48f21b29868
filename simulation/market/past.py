"""What the platform's model remembers of sales: those of every period, as old as the rules ask."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from simulation.market.state import Floats, Ints, State


@dataclass(frozen=True, slots=True)
class _Moment:
    """What a model without a delay would remember after a period; see `State` for the units."""

    pool: float
    own_orders: float
    orders: Floats
    ratings: Floats
    id: Ints


class Past:
    """The last periods, as many as a delay asks for."""

    def __init__(self, state: State, delay: int) -> None:
        """Start with what is known before the first period. Args: delay: periods."""
        self._delay = delay
        self._held: deque[_Moment] = deque([_moment(state, state.pool)], maxlen=delay + 1)

    def learn(self, state: State, new: float, *, memory: float, waits: bool) -> None:
        """Add a period, and leave in the state what its shared model may remember now.

        Args:
            state: after the period, its own orders and ratings counted.
            new: orders of the period that a shared model learns from.
            memory: share of the older ones that still counts.
            waits: the model is the platform's, which the delay holds for.
        """
        self._held.append(_moment(state, memory * self._held[-1].pool + new))
        back = self._delay if waits else 0
        if len(self._held) <= back:
            state.pool = state.pool_own = 0.0
            state.merchants.modelled[:] = 0.0
            state.products.counted[:] = 0.0
            return
        then = self._held[-1 - back]
        state.pool, state.pool_own = then.pool, then.own_orders
        state.merchants.modelled[:] = then.orders
        state.products.counted[:] = np.where(then.id == state.products.id, then.ratings, 0.0)


def _moment(state: State, pool: float) -> _Moment:
    products = state.products
    return _Moment(
        pool, state.own_orders, state.merchants.orders.copy(), products.ratings.copy(), products.id.copy()
    )  # fmt: skip

"""The readable engine for the tills: shoppers as SimPy processes that queue for a till's servers.

The same rules as the fast engine, written a second time to be read and extended, without using it.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence

import numpy as np
import simpy
from numpy.typing import NDArray

from simulation.store.outcome import Served
from simulation.store.tills.service import Checkout, TillSettings, prepare, settle
from simulation.store.tills.spec import TillSpec


def serve(
    reach_s: NDArray[np.float64],
    items: NDArray[np.int64],
    service_z: NDArray[np.float64],
    pay_u: NDArray[np.float64],
    patience_s: NDArray[np.float64],
    tills: Sequence[TillSpec],
    settings: TillSettings,
) -> Served:
    """Serve one day; arguments, rules and result are those of `simulation.store.tills.fast.serve`, byte by byte.

    Raises:
        ConfigError: no till, or none that takes a basket of any size.
        DataError: arrays of different lengths, a time that is no number, or a basket of negative size.
    """
    day = prepare(reach_s, items, service_z, pay_u, patience_s, tills, settings)
    hall = Hall(day, tills)
    # Arrivals go on the calendar first, in order: who comes at the moment when another leaves still sees that one.
    for shopper in day.order.tolist():
        hall.env.process(hall.visit(shopper))
    hall.env.run()
    return settle(day, hall.till, hall.start_s)


class Till:
    """One queue: its servers, the people there (served ones too) and what is in their baskets."""

    def __init__(self, env: simpy.Environment, number: int, spec: TillSpec) -> None:
        """Set up, with nobody there."""
        self.number, self.spec = number, spec
        self.staff = simpy.Resource(env, capacity=spec.servers)
        self.people = self.goods = 0
        # Absolute times on the calendar: adding up differences would lose the last digit.
        self.doors = {opens_s: env.timeout(opens_s) for opens_s, _ in spec.opens}

    def opening(self, now: float) -> float:
        """When the till is next open: now, later, or never (inf)."""
        return next((max(now, opens_s) for opens_s, closes_s in self.spec.opens if now < closes_s), math.inf)


class Hall:
    """All tills of a day."""

    def __init__(self, day: Checkout, tills: Sequence[TillSpec]) -> None:
        """Set up, with nobody there."""
        self.env, self.day = simpy.Environment(), day
        self.tills = [Till(self.env, number, spec) for number, spec in enumerate(tills)]
        self.till = np.full(len(day.reach_s), -1, dtype=np.int32)
        self.start_s = np.full(len(day.reach_s), np.nan)

    def visit(self, shopper: int) -> Generator[simpy.Event, None, None]:
        """Come, choose, queue, be served, leave; or leave at once."""
        yield self.env.timeout(float(self.day.reach_s[shopper]))
        items = int(self.day.items[shopper])
        till = self.choose(shopper, items)
        if till is None or self.expected_wait_s(till) > self.day.patience_s[shopper]:
            return
        self.till[shopper] = till.number
        till.people += 1
        till.goods += items
        opens_s = till.opening(self.env.now)
        with till.staff.request() as turn:
            yield turn
            if opens_s > self.env.now:
                yield till.doors[opens_s]
            self.start_s[shopper] = self.env.now
            yield self.env.timeout(float(self.day.service_s[till.number, shopper]))
        till.people -= 1
        till.goods -= items

    def choose(self, shopper: int, items: int) -> Till | None:
        """The till that a shopper joins; None when none will open any more."""
        now, prefers = self.env.now, bool(self.day.prefers_self[shopper])

        def key(till: Till) -> tuple[float, bool, float, bool, int]:
            is_self = till.spec.kind == "self_checkout"
            shares = till.people / till.spec.servers
            return till.opening(now), is_self != prefers, shares, till.spec.kind != "express", till.number

        fit = [till for till in self.tills if items <= self.day.limit[till.number] and till.opening(now) < math.inf]
        return min(fit, key=key, default=None)

    def expected_wait_s(self, till: Till) -> float:
        """What a shopper who counts people and baskets expects to wait."""
        wait_s: float = till.opening(self.env.now) - self.env.now
        if till.people >= till.spec.servers:
            work_s = self.day.fixed_s[till.number] * till.people + self.day.item_s[till.number] * till.goods
            wait_s += float(work_s / till.spec.servers)
        return wait_s

"""The fast engine for the tills: one pass over arrivals, compiled.

In a queue that is served in order, the start of a service is known on joining: the latest of arrival, opening of the
till, and the moment when the first server is free (Kiefer and Wolfowitz 1955). Who is still there when the next
shopper comes is read from a heap of departures.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence

import numpy as np
from numba import njit
from numpy.typing import NDArray

from simulation.store.outcome import Served
from simulation.store.tills.service import TillSettings, prepare, settle
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
    """Serve one day.

    A shopper looks at the tills that take the basket: at an open one before one that opens later, at the preferred sort
    (self-checkout or not) before the other, at the one with the fewest people there per server, at an express lane, at
    the smaller number. Whoever expects to wait longer than patience allows leaves without paying; the wait is expected
    from the people there and their items. A shopper without items passes by.

    Args:
        reach_s: (n,) when each shopper reaches the tills, in any order.
        items: (n,) to pay.
        service_z: (n,) standard normal numbers: how fast this checkout goes.
        pay_u: (n,) uniform numbers: below `self_checkout_share`, self-checkout is preferred.
        patience_s: (n,) longest expected wait accepted; inf for any.
        tills: what is there.
        settings: times and shares.

    Returns: the same bytes as `simulation.store.tills.queues.serve`.

    Raises:
        ConfigError: no till, or none that takes a basket of any size.
        DataError: arrays of different lengths, a time that is no number, or a basket of negative size.
    """
    day = prepare(reach_s, items, service_z, pay_u, patience_s, tills, settings)
    till, start_s = _recursion(
        day.order,
        day.reach_s,
        day.items,
        day.patience_s,
        day.prefers_self,
        day.service_s,
        day.fixed_s,
        day.item_s,
        day.servers,
        day.limit,
        day.is_self,
        day.rank,
        day.open_start,
        day.open_from,
        day.open_to,
    )
    return settle(day, till, start_s)


@njit(cache=True, nogil=True)
def _opening(now, spans, open_from, open_to):  # type: ignore[no-untyped-def]
    """When a till is next open: now, later, or never (inf)."""
    first, last = spans
    for span in range(first, last):
        if now < open_to[span]:
            return max(now, open_from[span])
    return np.inf


@njit(cache=True, nogil=True)
def _recursion(  # type: ignore[no-untyped-def]
    order, reach_s, items, patience_s, prefers_self, service_s,
    fixed_s, item_s, servers, limit, is_self, rank, open_start, open_from, open_to,
):  # fmt: skip
    """Till and start of service for each shopper."""
    n, tills = len(reach_s), len(servers)
    till = np.full(n, -1, dtype=np.int32)
    start_s = np.full(n, np.nan)
    free_s = np.zeros((tills, servers.max()))
    people = np.zeros(tills, dtype=np.int64)
    goods = np.zeros(tills, dtype=np.int64)
    leaving = [(0.0, np.int64(0)) for _ in range(0)]
    for shopper in order:
        now = reach_s[shopper]
        while len(leaving) > 0 and leaving[0][0] < now:
            gone = heapq.heappop(leaving)[1]
            people[till[gone]] -= 1
            goods[till[gone]] -= items[gone]
        best = -1
        best_key = (np.inf, False, np.inf, np.int64(0))
        for one in range(tills):
            if items[shopper] > limit[one]:
                continue
            opens_s = _opening(now, (open_start[one], open_start[one + 1]), open_from, open_to)
            key = (opens_s, is_self[one] != prefers_self[shopper], people[one] / servers[one], rank[one])
            if opens_s < np.inf and (best < 0 or key < best_key):
                best, best_key = one, key
        if best < 0:
            continue
        wait_s = best_key[0] - now
        if people[best] >= servers[best]:
            wait_s += (fixed_s[best] * people[best] + item_s[best] * goods[best]) / servers[best]
        if wait_s > patience_s[shopper]:
            continue
        server = np.argmin(free_s[best, : servers[best]])
        start = max(best_key[0], free_s[best, server])
        free_s[best, server] = start + service_s[best, shopper]
        till[shopper] = best
        start_s[shopper] = start
        people[best] += 1
        goods[best] += items[shopper]
        heapq.heappush(leaving, (free_s[best, server], np.int64(shopper)))
    return till, start_s

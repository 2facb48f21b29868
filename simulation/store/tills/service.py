"""What both engines for the tills are given, and how their answers are added up: the model without its queue."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from retail.errors import ConfigError, DataError
from simulation.store.outcome import Served
from simulation.store.tills.spec import TillSpec

ANY: Final = np.iinfo(np.int64).max
"""Item limit of a till that takes every basket."""


class TillSettings(Protocol):
    """The parameters that the tills read; `StoreSettings` has them, with ranges and sources."""

    @property
    def till_fixed_s(self) -> float: ...  # noqa: D102
    @property
    def till_item_s(self) -> float: ...  # noqa: D102
    @property
    def service_cv(self) -> float: ...  # noqa: D102
    @property
    def self_checkout_fixed_s(self) -> float: ...  # noqa: D102
    @property
    def self_checkout_item_s(self) -> float: ...  # noqa: D102
    @property
    def self_checkout_share(self) -> float: ...  # noqa: D102
    @property
    def express_items(self) -> float: ...  # noqa: D102
    @property
    def tray_s(self) -> float: ...  # noqa: D102
    @property
    def face_saving_s(self) -> float: ...  # noqa: D102


@dataclass(frozen=True, eq=False)
class Checkout:
    """A day at the tills before anybody queues: n shoppers, k tills.

    Attributes:
        order: (p,) int64, shoppers with something to pay, by when they reach the tills, then by number.
        reach_s: (n,) float64.
        items: (n,) int64.
        patience_s: (n,) float64.
        prefers_self: (n,) bool: goes to a self-checkout if one is open.
        service_s: (k, n) float64: how long each till would take for each shopper.
        fixed_s: (k,) float64, expected time per shopper.
        item_s: (k,) float64, expected time per item.
        servers: (k,) int64.
        limit: (k,) int64, most items.
        is_self: (k,) bool.
        rank: (k,) int64: of equally short queues a smaller one is joined: express lanes before others.
        open_start: (k + 1,) int64; till j is open in the spans open_start[j]:open_start[j + 1] below.
        open_from: (s,) float64.
        open_to: (s,) float64.
    """

    order: NDArray[np.int64]
    reach_s: NDArray[np.float64]
    items: NDArray[np.int64]
    patience_s: NDArray[np.float64]
    prefers_self: NDArray[np.bool_]
    service_s: NDArray[np.float64]
    fixed_s: NDArray[np.float64]
    item_s: NDArray[np.float64]
    servers: NDArray[np.int64]
    limit: NDArray[np.int64]
    is_self: NDArray[np.bool_]
    rank: NDArray[np.int64]
    open_start: NDArray[np.int64]
    open_from: NDArray[np.float64]
    open_to: NDArray[np.float64]


def prepare(
    reach_s: NDArray[np.float64],
    items: NDArray[np.int64],
    service_z: NDArray[np.float64],
    pay_u: NDArray[np.float64],
    patience_s: NDArray[np.float64],
    tills: Sequence[TillSpec],
    settings: TillSettings,
) -> Checkout:
    """Work out service times and who may go where.

    A service takes (fixed + item time x items) times a lognormal factor of mean 1 and the settings' cv.

    Raises:
        ConfigError: no till, or none that takes a basket of any size.
        DataError: arrays of different lengths, a time that is no number, or a basket of negative size.
    """
    _check(reach_s, items, service_z, pay_u, patience_s)
    times = [_times(till, settings) for till in tills]
    limits = [_limit(till, settings) for till in tills]
    if ANY not in limits:
        raise ConfigError(f"none of the {len(limits)} tills takes a basket of any size; add one without max_items")
    fixed_s, item_s = (np.array(column, dtype=np.float64) for column in zip(*times, strict=True))
    spread = math.log1p(settings.service_cv**2)
    factor = np.exp(math.sqrt(spread) * service_z - spread / 2)
    order = np.argsort(reach_s, kind="stable")
    return Checkout(
        order=order[items[order] > 0],
        reach_s=np.asarray(reach_s, dtype=np.float64),
        items=np.asarray(items, dtype=np.int64),
        patience_s=np.asarray(patience_s, dtype=np.float64),
        prefers_self=np.asarray(pay_u) < settings.self_checkout_share,
        service_s=(fixed_s[:, np.newaxis] + item_s[:, np.newaxis] * items) * factor,
        fixed_s=fixed_s,
        item_s=item_s,
        servers=np.array([till.servers for till in tills], dtype=np.int64),
        limit=np.array(limits, dtype=np.int64),
        is_self=np.array([till.kind == "self_checkout" for till in tills]),
        rank=np.array([till.kind != "express" for till in tills], dtype=np.int64),
        open_start=np.cumsum([0] + [len(till.opens) for till in tills]).astype(np.int64),
        open_from=np.array([start for till in tills for start, _ in till.opens], dtype=np.float64),
        open_to=np.array([end for till in tills for _, end in till.opens], dtype=np.float64),
    )


def settle(day: Checkout, till: NDArray[np.int32], start_s: NDArray[np.float64]) -> Served:
    """Add up a day.

    Args:
        day: what the engine was given.
        till: (n,) chosen, -1 for none.
        start_s: (n,) when the service began.
    Returns: what happened; a till's times count per server: a bank of four that is open for an hour has 4 x 3600 s.
        Work after closing time counts as staffed.
    """
    tills, paid = len(day.servers), till >= 0
    service_s = np.full(len(till), np.nan)
    service_s[paid] = day.service_s[till[paid], np.flatnonzero(paid)]
    end_s = start_s + service_s
    done_s = np.where(paid, end_s, day.reach_s)
    last_s = float(done_s.max()) if len(done_s) else 0.0
    busy_s = np.bincount(till[paid], weights=service_s[paid], minlength=tills).astype(np.float64)
    staffed_s = np.zeros(tills)
    within_s = np.zeros(tills)
    for number in range(tills):
        mine = till == number
        for span in range(day.open_start[number], day.open_start[number + 1]):
            opens, closes = day.open_from[span], min(day.open_to[span], last_s)
            staffed_s[number] += max(closes - opens, 0.0) * day.servers[number]
            served_s = np.minimum(end_s[mine], closes) - np.maximum(start_s[mine], opens)
            within_s[number] += np.maximum(served_s, 0.0).sum()
    return Served(
        wait_s=np.where(paid, start_s - day.reach_s, np.nan),
        service_s=service_s,
        done_s=done_s,
        till=till,
        busy_s=busy_s,
        staffed_s=staffed_s + np.maximum(busy_s - within_s, 0.0),
    )


def _times(till: TillSpec, settings: TillSettings) -> tuple[float, float]:
    """Expected seconds per shopper and per item at a till."""
    if till.kind == "self_checkout":
        times = (settings.self_checkout_fixed_s, settings.self_checkout_item_s)
    elif till.kind == "tray":
        times = (settings.tray_s, 0.0)
    elif till.kind == "tray_account":
        times = (max(settings.tray_s - settings.face_saving_s, 0.0), 0.0)
    elif till.kind == "face":
        times = (max(settings.till_fixed_s - settings.face_saving_s, 0.0), settings.till_item_s)
    else:
        times = (settings.till_fixed_s, settings.till_item_s)
    if not times[0] + times[1] > 0:
        raise ConfigError(f"a {till.kind} till serves in no time; give it seconds per shopper or per item")
    return times


def _limit(till: TillSpec, settings: TillSettings) -> int:
    """Most items that a till takes."""
    if till.max_items is not None:
        return till.max_items
    return int(settings.express_items) if till.kind == "express" else int(ANY)


def _check(
    reach_s: NDArray[np.float64],
    items: NDArray[np.int64],
    service_z: NDArray[np.float64],
    pay_u: NDArray[np.float64],
    patience_s: NDArray[np.float64],
) -> None:
    """Refuse shoppers that no queue can handle."""
    lengths = {len(reach_s), len(items), len(service_z), len(pay_u), len(patience_s)}
    if len(lengths) > 1:
        raise DataError(f"shoppers at the tills have arrays of lengths {sorted(lengths)}; give one value per shopper")
    for name, bad in {
        "reach_s": ~(np.isfinite(reach_s) & (np.asarray(reach_s) >= 0)),
        "items": np.asarray(items) < 0,
        "service_z": ~np.isfinite(service_z),
        "patience_s": ~(np.asarray(patience_s) >= 0),
    }.items():
        if bad.any():
            who = int(np.flatnonzero(bad)[0])
            raise DataError(f"shopper {who} has an unusable {name} at the tills; give a number of at least 0")

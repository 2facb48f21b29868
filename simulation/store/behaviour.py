"""From what shoppers want to the stops that they make: order of visit, detours, and who will give in to a display.

People shop along a path close to the shortest one, with detours (S. Hui, E. Bradlow and P. Fader, Testing Behavioral
Hypotheses Using an Integrated Model of Grocery Store Shopping Path and Purchase Behavior, J. Consumer Research 2009;
S. Hui, P. Fader and E. Bradlow, The Traveling Salesman Goes Shopping, Marketing Science 2009).
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from retail.errors import ConfigError
from simulation.store.demand import Demand
from simulation.store.floor import OUTSIDE, Floor
from simulation.store.itinerary import Itinerary
from simulation.store.tour import short_tours

Rates = np.float64 | NDArray[np.float64]


class BehaviourSettings(Protocol):
    """The parameters that behaviour reads; `StoreSettings` has them, with ranges and sources."""

    @property
    def detour_rate(self) -> float: ...  # noqa: D102
    @property
    def pause_s(self) -> float: ...  # noqa: D102


def plan_day(floor: Floor, demand: Demand, settings: BehaviourSettings) -> Itinerary:
    """Give every shopper a list of stops on a floor.

    The stops are the wanted categories that the floor has and that can be reached from the entrance, in an order
    close to the shortest from the entrance to the tills. A leg has a detour with probability `detour_rate`: past a
    category that some shopper may want, each with the same chance. Draws belong to shoppers and categories, never to
    places, so that two layouts meet the same shoppers.

    Returns: stops in order of visit; `found` and `without_shelf` say what was left out.
    Raises: ConfigError: detour_rate is no share, pause_s is negative, or the floor has no entrance.
    """
    _check(floor, settings)
    n = demand.shoppers
    doors = _doors(floor)
    entrance = doors[np.minimum((demand.entrance_u * len(doors)).astype(np.int64), len(doors) - 1)]
    here = numbers_on(floor, demand)
    wanted = found(floor, demand)
    shopper = np.repeat(np.arange(n), np.diff(demand.start))[wanted]
    entry = np.flatnonzero(wanted)
    start = np.concatenate([[0], np.cumsum(np.bincount(shopper, minlength=n))]).astype(np.int64)
    target = here[demand.category[wanted]].astype(np.int32)
    order = short_tours(floor, entrance, start, target)
    entry, target = entry[order], target[order]

    # One leg before each stop, and one to the tills.
    leg_shopper = np.concatenate([shopper, np.arange(n)])
    leg_place = np.concatenate([np.arange(len(entry)), start[1:] - 0.5])
    leg_draw = np.concatenate([entry + shopper, demand.start[1:] + np.arange(n)])
    leg_target = np.concatenate([target, np.full(n, floor.tills_target)])
    # A detour leads to a category of the demand, whatever this store sells: no other store's detours change with it.
    many = len(demand.categories)
    drawn = np.minimum((demand.detour_to_u[leg_draw] * many).astype(np.int64), many - 1)
    way = here[drawn] if many else np.full(len(leg_draw), -1)
    detour = (demand.detour_u[leg_draw] < settings.detour_rate) & (way >= 0) & (way != leg_target)

    # A detour comes just before the stop that its leg leads to.
    place = np.concatenate([np.arange(len(entry), dtype=np.float64), leg_place[detour] - 0.25])
    who = np.concatenate([shopper, leg_shopper[detour]])
    sequence = np.lexsort((place, who))
    extra = int(detour.sum())

    def stops(of_entries: NDArray[np.generic], of_detours: NDArray[np.generic]) -> NDArray[np.generic]:
        return np.concatenate([of_entries, of_detours])[sequence]

    return Itinerary(
        enter_s=demand.arrive_s,
        entrance=entrance,
        speed=demand.speed,
        start=np.concatenate([[0], np.cumsum(np.bincount(who, minlength=n))]).astype(np.int64),
        target=stops(target, way[detour].astype(np.int32)).astype(np.int32),
        dwell_s=stops(demand.dwell_s[entry], np.zeros(extra)).astype(np.float64),
        items=stops(demand.items[entry], np.zeros(extra, dtype=np.int32)).astype(np.int32),
        tempted=_tempted(floor, demand, here),
        pause_s=float(settings.pause_s),
    )


def numbers_on(floor: Floor, demand: Demand) -> NDArray[np.int64]:
    """Number that each of the demand's categories has on a floor.

    Returns: (C,) int64, OUTSIDE for a category without a shelf, or with none that can be reached from the entrance.
    """
    number = {name: index for index, name in enumerate(floor.categories)}
    there = np.array([number.get(name, OUTSIDE) for name in demand.categories], dtype=np.int64)
    if len(floor.categories) and len(floor.entrance):
        reached: NDArray[np.bool_] = np.all(
            np.isfinite(floor.distance_m[: len(floor.categories), floor.entrance]), axis=1
        )
        there = np.where((there >= 0) & reached[there], there, OUTSIDE)
    return there


def found(floor: Floor, demand: Demand) -> NDArray[np.bool_]:
    """Which of the demand's m entries a floor has a shelf for, (m,) bool."""
    here: NDArray[np.bool_] = np.greater_equal(numbers_on(floor, demand)[demand.category], 0)
    return here


def without_shelf(floor: Floor, demand: Demand) -> dict[str, int]:
    """How many shoppers want each category in vain; categories that are found, or that nobody wants, are left out."""
    vain = np.bincount(demand.category[~found(floor, demand)], minlength=len(demand.categories))
    return {name: int(count) for name, count in zip(demand.categories, vain, strict=True) if count}


def extra_rate(base_rate: Rates, lift: Rates) -> Rates:
    """Share of shoppers without a category on their list who buy it because they see it on a display.

    A share b of trips buys the category anyway. A lift l raises it to l b among the exposed, so that of the other 1 - b
    a share b (l - 1) / (1 - b) must buy.

    Args:
        base_rate: share of trips that buy the category, in [0, 1).
        lift: of the display; any shape that goes with the rates.
    """
    return np.clip(base_rate * (lift - 1) / (1 - base_rate), 0.0, 1.0)


def _tempted(floor: Floor, demand: Demand, here: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Who buys at which display when seeing it."""
    n, displays = demand.shoppers, len(floor.display_category)
    tempted = np.zeros((n, displays), dtype=np.bool_)
    back = {int(there): index for index, there in enumerate(here) if there >= 0}
    listed = np.zeros((n, len(demand.categories)), dtype=np.bool_)
    listed[np.repeat(np.arange(n), np.diff(demand.start)), demand.category] = True
    for display in range(displays):
        category = back.get(int(floor.display_category[display]))
        if category is None:
            continue
        extra = float(extra_rate(demand.base_rate[category], floor.display_lift[display]))
        tempted[:, display] = (demand.display_u[:, category] < extra) & ~listed[:, category]
    return tempted


def _doors(floor: Floor) -> NDArray[np.int32]:
    """Entrance cells, those nearest to the tills first: an order that a mirrored plan keeps."""
    away = np.round(floor.distance_m[floor.tills_target, floor.entrance], 6)
    return floor.entrance[np.lexsort((floor.entrance, away))]


def _check(floor: Floor, settings: BehaviourSettings) -> None:
    if not 0 <= settings.detour_rate <= 1:
        raise ConfigError(f"detour_rate = {settings.detour_rate} must be a share of legs between 0 and 1")
    if not settings.pause_s >= 0:
        raise ConfigError(f"pause_s = {settings.pause_s} must be seconds, 0 or more")
    if not len(floor.entrance):
        raise ConfigError("the floor has no entrance cell; give the plan an entrance")

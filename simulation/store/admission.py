"""What is refused before anybody walks, by every engine alike."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from retail.errors import DataError
from simulation.store.floor import Floor
from simulation.store.itinerary import Itinerary

LONGEST_STOP_S: Final = 86_400.0
"""No stop lasts longer than a day."""
LATEST_ENTRY_S: Final = 604_800.0
"""Nobody comes in later than a week after opening: a day has ended by then."""


def admit(floor: Floor, itinerary: Itinerary) -> None:
    """Check that an itinerary can be walked on a floor.

    Raises: DataError: arrays whose lengths do not fit, a speed, time or pause that is no usable number, entries out of
        order, an entrance that is not walkable, a stop at an unknown category, or one that cannot be reached.
    """
    n = len(itinerary.enter_s)
    _fit(floor, itinerary, n)
    _within(itinerary.enter_s, 0.0, LATEST_ENTRY_S, "shopper", "comes in at second", "use seconds from opening")
    _within(itinerary.dwell_s, 0.0, LONGEST_STOP_S, "stop", "lasts", "use seconds up to a day")
    _within(itinerary.speed, 0.01, 10.0, "shopper", "walks at m/s", "use a speed from 0.01 to 10")
    if not 0 <= itinerary.pause_s <= LONGEST_STOP_S:
        raise DataError(f"pause_s = {itinerary.pause_s}: must be seconds from 0 to {LONGEST_STOP_S:.0f}")
    if n and (np.diff(itinerary.enter_s) < 0).any():
        late = int(np.flatnonzero(np.diff(itinerary.enter_s) < 0)[0])
        raise DataError(f"shopper {late + 1} comes in before shopper {late}; sort shoppers by enter_s")
    cells = floor.walkable.size
    outside = (itinerary.entrance < 0) | (itinerary.entrance >= cells)
    outside[~outside] = ~floor.walkable.ravel()[itinerary.entrance[~outside]]
    if outside.any():
        who = int(np.flatnonzero(outside)[0])
        raise DataError(f"shopper {who} comes in at cell {itinerary.entrance[who]}, where nobody can stand; move it")
    unknown = (itinerary.target < 0) | (itinerary.target >= len(floor.categories))
    if unknown.any():
        stop = int(np.flatnonzero(unknown)[0])
        raise DataError(f"stop {stop} is at category {itinerary.target[stop]} of {len(floor.categories)}; correct it")
    _reachable(floor, itinerary)


def _fit(floor: Floor, itinerary: Itinerary, n: int) -> None:
    """Refuse arrays that do not belong together."""
    stops = len(itinerary.target)
    found = {
        "entrance": (len(itinerary.entrance), n),
        "speed": (len(itinerary.speed), n),
        "start": (len(itinerary.start), n + 1),
        "dwell_s": (len(itinerary.dwell_s), stops),
        "tempted": (itinerary.tempted.shape, (n, len(floor.display_category))),
    }
    for name, (have, want) in found.items():
        if have != want:
            raise DataError(f"itinerary.{name} has the size {have} where {want} belongs; make it with plan_day")
    start = itinerary.start
    if start[0] != 0 or start[-1] != stops or (np.diff(start) < 0).any():
        raise DataError(f"itinerary.start must rise from 0 to {stops}, the number of stops; make it with plan_day")


def _within(values: NDArray[np.float64], lo: float, hi: float, who: str, what: str, advice: str) -> None:
    """Refuse the first value that is not a number within the bounds."""
    bad = ~((values >= lo) & (values <= hi))
    if bad.any():
        at = int(np.flatnonzero(bad)[0])
        raise DataError(f"{who} {at} {what} {values[at]}; {advice}")


def _reachable(floor: Floor, itinerary: Itinerary) -> None:
    """Refuse stops, and tills, that a shopper cannot walk to from the entrance."""
    who = np.repeat(np.arange(len(itinerary.entrance)), np.diff(itinerary.start))
    far = ~np.isfinite(floor.distance_m[itinerary.target, itinerary.entrance[who]])
    if far.any():
        stop = int(np.flatnonzero(far)[0])
        name, cell = floor.categories[itinerary.target[stop]], itinerary.entrance[who[stop]]
        raise DataError(f"no way leads from entrance cell {cell} to {name}; clear a way on the plan")
    lost = ~np.isfinite(floor.distance_m[floor.tills_target, itinerary.entrance])
    if lost.any():
        cell = itinerary.entrance[int(np.flatnonzero(lost)[0])]
        raise DataError(f"no way leads from entrance cell {cell} to the tills; clear a way on the plan")

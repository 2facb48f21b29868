"""A short way past all stops: nearest neighbour first, then untangled (2-opt) until no swap helps."""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from simulation.store.floor import Floor

_MICRO: Final = 6


def between_m(floor: Floor) -> NDArray[np.float64]:
    """Metres between targets: the mean over the cells of one to the nearest cell of the other, both ways averaged.

    Returns: (targets, targets) float64, the last but one being the tills; inf where there is no way. Rounded to
        micrometres, so that the order of adding up cannot break a tie.
    """
    targets = len(floor.distance_m)
    away = np.full((targets, targets), np.inf)
    for number in range(targets):
        cells = np.flatnonzero(floor.distance_m[number] == 0)
        if len(cells):
            away[number] = floor.distance_m[:, cells].mean(axis=1)
    both: NDArray[np.float64] = np.round((away + away.T) / 2, _MICRO)
    return both


def short_tours(
    floor: Floor, entrance: NDArray[np.int32], start: NDArray[np.int64], target: NDArray[np.int32]
) -> NDArray[np.int64]:
    """Order each shopper's stops to a short way from the entrance to the tills.

    Args:
        floor: the layout.
        entrance: (n,) cell where each shopper comes in.
        start: (n + 1,) shopper i makes the stops start[i]:start[i + 1].
        target: (k,) category numbers on the floor.
    Returns: (k,) positions in `target`, shopper by shopper, in the order of visit.
    """
    from_door = np.round(floor.distance_m[:, floor.entrance], _MICRO)
    door = np.searchsorted(floor.entrance, entrance)
    order: NDArray[np.int64] = _order(start, target, door, from_door, between_m(floor), floor.tills_target)
    return order


@njit(cache=True, nogil=True)
def _order(start, target, door, from_door, away, tills):  # type: ignore[no-untyped-def]
    """Positions in order of visit."""
    order = np.arange(len(target))
    for shopper in range(len(start) - 1):
        tour = order[start[shopper] : start[shopper + 1]]
        _nearest(tour, target, from_door[:, door[shopper]], away)
        _untangle(tour, target, from_door[:, door[shopper]], away, tills)
    return order


@njit(cache=True, nogil=True)
def _nearest(tour, target, from_door, away):  # type: ignore[no-untyped-def]
    """Go to the nearest stop that is left; of equal ones, to the smaller number."""
    for place in range(len(tour)):
        best = place
        best_m = np.inf
        for other in range(place, len(tour)):
            stop = target[tour[other]]
            metres = from_door[stop] if place == 0 else away[target[tour[place - 1]], stop]
            if metres < best_m or (metres == best_m and stop < target[tour[best]]):
                best, best_m = other, metres
        tour[place], tour[best] = tour[best], tour[place]


@njit(cache=True, nogil=True)
def _untangle(tour, target, from_door, away, tills):  # type: ignore[no-untyped-def]
    """Turn parts of the tour round while that makes it shorter by more than a micrometre."""
    better = True
    while better:
        better = False
        for first in range(len(tour) - 1):
            for last in range(first + 1, len(tour)):
                a, b = target[tour[first]], target[tour[last]]
                onward = target[tour[last + 1]] if last + 1 < len(tour) else tills
                if first == 0:
                    gain = from_door[a] - from_door[b]
                else:
                    before = target[tour[first - 1]]
                    gain = away[before, a] - away[before, b]
                if gain + away[b, onward] - away[a, onward] > 1e-6:
                    for step in range((last - first + 1) // 2):
                        tour[first + step], tour[last - step] = tour[last - step], tour[first + step]
                    better = True

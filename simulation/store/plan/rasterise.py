"""From a plan to the floor that the engines walk on."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from simulation.store.fields import distance_fields
from simulation.store.floor import CELL_M, OUTSIDE, Floor
from simulation.store.lifts import LIFTS, parameter_of
from simulation.store.plan.cells import Cells, cut
from simulation.store.plan.kinds import SIGHT_M, TALL
from simulation.store.plan.plan import StorePlan
from simulation.store.plan.sight import seen_from
from simulation.store.plan.sound import require_sound

ELSEWHERE: Final = "elsewhere"
"""Name of the zone of cells that no zone of the plan holds."""
_WINDOW: Final = 5


@lru_cache(maxsize=8)
def rasterise(plan: StorePlan, *, sight_m: float = SIGHT_M) -> Floor:
    """Cut a plan into cells and find all ways and views; a plan seen before is answered from memory.

    Displays have the central lifts of `lifts.LIFTS`; `dataclasses.replace(floor, display_lift=...)` gives them others.

    Raises: ConfigError: the plan cannot be simulated (see `sound.require_sound`).
    """
    require_sound(plan)
    cells = cut(plan)
    categories = plan.categories
    targets = [_union(_cells_selling(plan, cells, name), cells) for name in categories]
    targets.append(_union(_cells_of(plan, cells, "till"), cells))
    targets.append(_union(_cells_of(plan, cells, "exit"), cells))
    distance_m, next_cell = distance_fields(cells.walkable, targets)
    tall = np.zeros(cells.free.shape, np.bool_)
    for fixture, covered in zip(plan.fixtures, cells.covered, strict=True):
        if fixture.kind in TALL:
            tall.ravel()[covered] = True
    shown = tuple(cells.covered[plan.fixtures.index(one)] for one in plan.displays)
    seen_start, seen = seen_from(cells.walkable, tall, shown, sight_m=sight_m)
    zone, zones = _zones(plan, cells.walkable)
    window = ndimage.uniform_filter(cells.walkable.astype(np.float64), _WINDOW, mode="constant") * _WINDOW**2
    kinds = tuple(str(one.display) for one in plan.displays)
    values = {one.name: one.value for one in LIFTS}
    return Floor(
        walkable=cells.walkable,
        categories=categories,
        distance_m=distance_m,
        next_cell=next_cell,
        entrance=_union(_cells_of(plan, cells, "entrance"), cells),
        display_category=np.array([categories.index(one.categories[0]) for one in plan.displays], np.int32),
        display_lift=np.array([values[parameter_of(kind)] for kind in kinds], np.float64),
        display_kind=kinds,
        seen_start=seen_start,
        seen=seen,
        zone=zone,
        zones=zones,
        window_cells=np.rint(window).astype(np.int32).ravel(),
    )


def _cells_of(plan: StorePlan, cells: Cells, kind: str) -> list[NDArray[np.int32]]:
    return [beside for one, beside in zip(plan.fixtures, cells.beside, strict=True) if one.kind == kind]


def _cells_selling(plan: StorePlan, cells: Cells, category: str) -> list[NDArray[np.int32]]:
    return [
        beside
        for one, beside in zip(plan.fixtures, cells.beside, strict=True)
        if category in one.categories and one.kind != "display"
    ]


def _union(parts: list[NDArray[np.int32]], cells: Cells) -> NDArray[np.int32]:
    together = np.unique(np.concatenate(parts))
    return together[cells.walkable.ravel()[together]]


def _zones(plan: StorePlan, walkable: NDArray[np.bool_]) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    names = tuple(dict.fromkeys(one.name for one in plan.zones))
    y, x = ((np.indices(walkable.shape) + 0.5) * CELL_M).reshape(2, *walkable.shape)
    zone = np.full(walkable.shape, OUTSIDE, np.int32)
    for one in plan.zones:
        inside = (one.x <= x) & (x <= one.x + one.width) & (one.y <= y) & (y <= one.y + one.depth)
        zone[inside & walkable & (zone == OUTSIDE)] = names.index(one.name)
    rest = walkable & (zone == OUTSIDE)
    if rest.any():
        names = names if ELSEWHERE in names else (*names, ELSEWHERE)
        zone[rest] = names.index(ELSEWHERE)
    return zone.ravel(), names

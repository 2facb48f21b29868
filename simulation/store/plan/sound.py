"""What makes a plan impossible to simulate: each mistake in one line, with the fixture and its place."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import shapely

from retail.errors import ConfigError
from simulation.store.floor import CELL_M
from simulation.store.plan.cells import cut
from simulation.store.plan.fixture import LARGEST_SIDE_M, Fixture
from simulation.store.plan.plan import StorePlan
from simulation.store.plan.wording import among

_SMALLEST_CELLS = 4
_MOST_FIXTURES = 5000
_OVERLAP_M2 = 1e-6
_OUTSIDE_M = 1e-6


def require_sound(plan: StorePlan, *, map_cell_m: float | None = None) -> None:
    """Refuse a plan that shoppers could not shop in.

    Args:
        plan: what to look at.
        map_cell_m: edge of a letter, if the plan was drawn as a map; messages then name line and column.

    Raises: ConfigError: too small or large; a name used twice; a fixture outside or overlapping another one; no
        entrance, exit, till or shelf; a display of what no shelf sells; something that no way leads to.
    """
    if map_cell_m is None:
        _require_sound_once(plan)
    else:
        _require_sound(plan, map_cell_m)


@lru_cache(maxsize=64)
def _require_sound_once(plan: StorePlan) -> None:
    _require_sound(plan, None)


def _require_sound(plan: StorePlan, map_cell_m: float | None) -> None:
    _require_size(plan)
    _require_names(plan)
    _require_room(plan, map_cell_m)
    for kind in ("entrance", "exit", "till"):
        if not any(one.kind == kind for one in plan.fixtures):
            raise ConfigError(f"plan {plan.name!r} has no {kind}; add a fixture of kind {kind!r}")
    if not plan.shelves:
        raise ConfigError(f"plan {plan.name!r} sells nothing; add a shelf with a category")
    sold = set(plan.categories)
    for display in plan.displays:
        if display.categories[0] not in sold:
            raise ConfigError(
                f"{place(display, map_cell_m)} shows {display.categories[0]!r}, which is on no shelf; "
                f"show one of {among(plan.categories, wanted=display.categories[0])}"
            )
    _require_ways(plan, map_cell_m)


def place(fixture: Fixture, map_cell_m: float | None = None) -> str:
    """Name a fixture and where it stands."""
    text = f"{fixture} at x {fixture.x:g} m, y {fixture.y:g} m"
    if map_cell_m is None:
        return text
    line, column = round(fixture.y / map_cell_m) + 1, round(fixture.x / map_cell_m) + 1
    return f"{text} (map line {line}, column {column})"


@lru_cache(maxsize=16_384)
def outline(fixture: Fixture) -> shapely.Polygon:
    """Return the rectangle as a polygon in metres; what did not move between two plans is made once."""
    return shapely.Polygon(fixture.corners)


def _require_size(plan: StorePlan) -> None:
    size = f"plan {plan.name!r} is {plan.width:g} m x {plan.depth:g} m"
    if not (0 < plan.width <= LARGEST_SIDE_M and 0 < plan.depth <= LARGEST_SIDE_M):
        raise ConfigError(
            f"{size}; both sides must be more than 0 and at most {LARGEST_SIDE_M:g} m: are the units metres?"
        )
    if min(plan.width, plan.depth) < _SMALLEST_CELLS * CELL_M:
        columns, rows = (max(1, round(side / CELL_M)) for side in (plan.width, plan.depth))
        raise ConfigError(
            f"{size}, only {rows} x {columns} cells of {CELL_M} m; a store needs at least {_SMALLEST_CELLS} x "
            f"{_SMALLEST_CELLS}, so draw it larger"
        )
    if len(plan.fixtures) > _MOST_FIXTURES:
        raise ConfigError(
            f"plan {plan.name!r} has {len(plan.fixtures)} fixtures, more than {_MOST_FIXTURES}; join some"
        )


def _require_names(plan: StorePlan) -> None:
    seen: set[str] = set()
    for one in plan.fixtures:
        if one.name in seen:
            raise ConfigError(f"two fixtures are named {one.name!r}; give one of them another name")
        seen.add(one.name)


def _require_room(plan: StorePlan, map_cell_m: float | None) -> None:
    for one in plan.fixtures:
        beyond = max(max(-x, x - plan.width, -y, y - plan.depth) for x, y in one.corners)
        if beyond > _OUTSIDE_M:
            raise ConfigError(
                f"{place(one, map_cell_m)} reaches {beyond:.2f} m out of the plan of {plan.width:g} m x "
                f"{plan.depth:g} m; move it in or make it smaller"
            )
    for zone in plan.zones:
        if min(zone.x + zone.width, zone.y + zone.depth, plan.width - zone.x, plan.depth - zone.y) <= 0:
            raise ConfigError(
                f"zone {zone.name!r} lies outside the plan of {plan.width:g} m x {plan.depth:g} m; move it"
            )
    outlines = np.array([outline(one) for one in plan.fixtures], dtype=object)
    first, second = shapely.STRtree(outlines).query(outlines, predicate="intersects")
    pairs = np.column_stack((first, second))[first < second]
    areas = shapely.area(shapely.intersection(outlines[pairs[:, 0]], outlines[pairs[:, 1]]))
    for (a, b), area in zip(pairs[areas > _OVERLAP_M2], areas[areas > _OVERLAP_M2], strict=True):
        one, other = plan.fixtures[a], plan.fixtures[b]
        if not (one.is_door and other.is_door):
            raise ConfigError(
                f"{place(one, map_cell_m)} and {place(other, map_cell_m)} overlap by {area:.2f} m2; move one of them"
            )


def _require_ways(plan: StorePlan, map_cell_m: float | None) -> None:
    cells = cut(plan)
    walkable = cells.walkable.ravel()
    ways = list(zip(plan.fixtures, cells.beside, strict=True))
    for one, beside in ways:
        if one.is_door and not cells.free.ravel()[beside].any():
            raise ConfigError(f"{place(one, map_cell_m)} is blocked by what stands on it; clear it")
    for one, beside in ways:
        asked = one.is_door or one.kind == "till" or (one.categories and one.kind != "display")
        if asked and not walkable[beside].any():
            why = "no free cell beside its open sides" if not beside.size else "no way from an entrance"
            what = f", which sells {', '.join(one.categories)}," if one.categories else ""
            raise ConfigError(f"{place(one, map_cell_m)}{what} cannot be reached: {why}; open a way to it")
    entered: set[int] = set()
    for one, beside in ways:
        entered |= set(cells.part.ravel()[beside].tolist()) if one.kind == "entrance" else set()
        if len(entered) > 1:
            raise ConfigError(f"{place(one, map_cell_m)} leads to another part of the floor; join the two parts")

"""How much room there is between the fixtures of a plan, from their exact outlines."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from simulation.store.plan.fixture import Fixture, turn
from simulation.store.plan.kinds import Side
from simulation.store.plan.plan import StorePlan
from simulation.store.plan.sound import outline

EDGE: Final = "the outer wall"
"""Name of whatever bounds the plan."""
_SLIT_M: Final = 0.3
"""Nobody takes a narrower gap for a way."""
_RIM_M: Final = 1.0
_TOUCH_M: Final = 0.01


@dataclass(frozen=True, slots=True)
class Passage:
    """A gap that one can walk through: the nearest points of two fixtures.

    Attributes:
        first: name of a fixture.
        second: name of another fixture, or `EDGE`.
        width_m: distance between the two.
        x: middle of the gap.
        y: middle of the gap.
    """

    first: str
    second: str
    width_m: float
    x: float
    y: float


def passages(plan: StorePlan, *, below_m: float) -> tuple[Passage, ...]:
    """Find the gaps narrower than `below_m` that shoppers can get to, narrowest first.

    Gaps under 30 cm are no ways. A gap counts if nothing else stands on the shortest line across it.
    """
    names, shapes = _obstacles(plan)
    tree = shapely.STRtree(shapes)
    floor = shapely.union_all(list(_floor_parts(plan, 0.0)))
    shapely.prepare(floor)
    first, second = tree.query(shapes, predicate="dwithin", distance=below_m)
    pairs = np.column_stack((first, second))[(first < second) & (first < len(names) - 4)]
    lines = shapely.shortest_line(shapes[pairs[:, 0]], shapes[pairs[:, 1]])
    found = []
    for (one, other), line in zip(pairs, lines, strict=True):
        if not _SLIT_M <= line.length < below_m - 1e-9:
            continue
        inner = shapely.LineString([line.interpolate(_TOUCH_M), line.interpolate(line.length - _TOUCH_M)])
        middle = line.interpolate(0.5, normalized=True)
        pair = {int(one), int(other)}
        if set(tree.query(inner, predicate="intersects").tolist()) - pair or not floor.contains(middle):
            continue
        if not _is_shared_corner(line, pair, shapes, tree):
            found.append(Passage(names[one], names[other], line.length, middle.x, middle.y))
    return tuple(sorted(found, key=lambda gap: (gap.width_m, gap.first, gap.second)))


def beyond_width(plan: StorePlan, width_m: float) -> tuple[Fixture, ...]:
    """Return the shelves, tills and exits that a disc of this diameter cannot be rolled to from an entrance."""
    reached = shapely.union_all(list(_floor_parts(plan, width_m / 2)))
    asked = [one for one in plan.fixtures if one.kind in ("till", "exit") or one in plan.shelves]
    near = width_m / 2 + _TOUCH_M
    return tuple(one for one in asked if reached.is_empty or outline(one).distance(reached) > near)


def queue_room_m(plan: StorePlan, till: Fixture, *, most_m: float) -> float:
    """Return how long a straight queue has room before the till, on the best of its open sides.

    Args:
        plan: with the till in it.
        till: one of its tills.
        most_m: where to stop looking.
    """
    names, shapes = _obstacles(plan)
    tree = shapely.STRtree(shapes)
    return max(
        _free_length(till, side, most_m, [shapes[at] for at in tree.query(strip) if names[at] != till.name], strip)
        for side in till.sides
        for strip in (_strip(till, side, most_m),)
    )


def _is_shared_corner(
    line: shapely.LineString, pair: set[int], shapes: NDArray[np.object_], tree: shapely.STRtree
) -> bool:
    """Whether the two meet across the gap in a corner only, beside a neighbour that faces the gap more broadly."""
    one, other = (shapes[at] for at in sorted(pair))
    facing = other.intersection(one.buffer(line.length + _TOUCH_M))
    left, top, right, bottom = facing.bounds
    ends = shapely.MultiPoint(line.coords).buffer(_TOUCH_M)
    return max(right - left, bottom - top) < _SLIT_M and bool(set(tree.query(ends, "intersects").tolist()) - pair)


@lru_cache(maxsize=8)
def _obstacles(plan: StorePlan) -> tuple[tuple[str, ...], NDArray[np.object_]]:
    standing = [one for one in plan.fixtures if not one.is_door]
    right, bottom = plan.width, plan.depth
    edges = [
        shapely.box(-_RIM_M, -_RIM_M, right + _RIM_M, 0),
        shapely.box(-_RIM_M, bottom, right + _RIM_M, bottom + _RIM_M),
        shapely.box(-_RIM_M, -_RIM_M, 0, bottom + _RIM_M),
        shapely.box(right, -_RIM_M, right + _RIM_M, bottom + _RIM_M),
    ]
    shapes = np.array([*(outline(one) for one in standing), *edges], dtype=object)
    return (*(one.name for one in standing), *(EDGE for _ in edges)), shapes


def _floor_parts(plan: StorePlan, margin_m: float) -> Iterator[shapely.Geometry]:
    """The parts of the floor, at least so far from everything, that an entrance leads to."""
    _, shapes = _obstacles(plan)
    taken = shapely.union_all(shapes)
    if margin_m:
        taken = taken.buffer(margin_m - 1e-6, quad_segs=16)
    left = shapely.box(0, 0, plan.width, plan.depth).difference(taken)
    doors = [outline(one) for one in plan.fixtures if one.kind == "entrance"]
    for part in shapely.get_parts(left):
        if any(part.distance(door) <= margin_m for door in doors):
            yield part


def _axes(till: Fixture, side: Side) -> tuple[tuple[float, float], tuple[float, float], float, float]:
    """Outward direction, direction along the face, distance of the face from the middle, half its length."""
    cos, sin = turn(till.rotation)
    east, south = (cos, sin), (-sin, cos)
    if side in ("east", "west"):
        sign = 1 if side == "east" else -1
        return (sign * east[0], sign * east[1]), south, till.width / 2, till.depth / 2
    sign = 1 if side == "south" else -1
    return (sign * south[0], sign * south[1]), east, till.depth / 2, till.width / 2


def _strip(till: Fixture, side: Side, length: float) -> shapely.Polygon:
    out, along, face, half = _axes(till, side)
    x, y = till.middle
    half -= _TOUCH_M
    corners = ((face, -half), (face, half), (face + length, half), (face + length, -half))
    return shapely.Polygon([(x + a * out[0] + b * along[0], y + a * out[1] + b * along[1]) for a, b in corners])


def _free_length(
    till: Fixture, side: Side, most_m: float, near: list[shapely.Polygon], strip: shapely.Polygon
) -> float:
    out, _, face, _ = _axes(till, side)
    middle = till.middle
    free = most_m
    for shape in near:
        for x, y in shapely.get_coordinates(shape.intersection(strip)):
            ahead = (x - middle[0]) * out[0] + (y - middle[1]) * out[1] - face
            free = min(free, max(0.0, ahead))
    return 0.0 if math.isclose(free, 0.0, abs_tol=1e-9) else free

"""Advice on a plan that can be simulated: what a planner should look at before building it.

None of this certifies that a store follows a building or accessibility code; the figures are screening values.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from scipy import ndimage

from simulation.store.clearance import beyond_width, passages, queue_room_m
from simulation.store.floor import CELL_M
from simulation.store.plan.cells import cut
from simulation.store.plan.plan import StorePlan
from simulation.store.plan.rasterise import rasterise
from simulation.store.plan.wording import among

Severity = Literal["warning", "note"]

NARROW_M: Final = 0.9
"""Least clear width for a wheelchair; ADA Standards 2010, 403.5.1, asks for 36 inches (.915 m)."""
TIGHT_M: Final = 1.2
"""Below this a person and a trolley do not pass each other. An assumption."""
EGRESS_M: Final = 61.0
"""Longest way to an exit without sprinklers: International Building Code 2021, table 1017.2, group M (200 ft)."""
EGRESS_SPRINKLERED_M: Final = 76.0
"""The same with sprinklers: 250 ft."""
QUEUE_M: Final = 3.0
"""Room for two shoppers with trolleys before a till. An assumption."""
QUEUE_LEAST_M: Final = 1.5
"""Room for one of them."""
_ENCLOSED_M2: Final = 1.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to look at.

    Attributes:
        code: such as "narrow-passage".
        severity: "warning" or "note".
        message: what was found, how large it is, and what to do.
        place: (x, y) in metres from the upper left corner; None where it is nowhere.
        fixtures: names of the fixtures that it is about.
    """

    code: str
    severity: Severity
    message: str
    place: tuple[float, float] | None = None
    fixtures: tuple[str, ...] = ()


def check_plan(plan: StorePlan) -> tuple[Finding, ...]:
    """Look for narrow ways, a long way out, short queues, closed-off floor and hidden displays; warnings come first.

    Raises: ConfigError: the plan cannot be simulated at all.
    """
    rasterise(plan)
    found = [*_widths(plan), *_narrow_ways(plan), *_egress(plan), *_queues(plan), *_enclosed(plan), *_hidden(plan)]
    return tuple(sorted(found, key=lambda one: one.severity != "warning"))


def check_demand(plan: StorePlan, categories: Iterable[str]) -> tuple[Finding, ...]:
    """Name the categories that shoppers want and no shelf sells, and those on shelves that nobody asks for.

    Args:
        plan: the store.
        categories: names that demand knows.
    """
    wanted, sold = set(categories), set(plan.categories)
    missing = [
        Finding(
            "category-without-shelf",
            "warning",
            f"shoppers want {name!r}, which is on no shelf, so they leave without it; add a shelf, or drop it from the "
            f"demand (on shelves: {among(plan.categories, wanted=name)})",
        )
        for name in sorted(wanted - sold)
    ]
    idle = [
        Finding(
            "shelf-without-demand",
            "note",
            f"{shelf} sells {name!r}, which no shopper asks for; check the spelling",
            shelf.middle,
            (shelf.name,),
        )
        for shelf in plan.shelves
        for name in shelf.categories
        if name not in wanted
    ]
    return (*missing, *idle)


def _widths(plan: StorePlan) -> Iterable[Finding]:
    for gap in passages(plan, below_m=TIGHT_M):
        narrow = gap.width_m < NARROW_M
        limit = f"{NARROW_M} m, too narrow for a wheelchair" if narrow else f"{TIGHT_M} m, too narrow to pass a trolley"
        yield Finding(
            "narrow-passage",
            "warning" if narrow else "note",
            f"{gap.width_m:.2f} m between {gap.first} and {gap.second} is less than {limit}; move one of them",
            (gap.x, gap.y),
            (gap.first, gap.second),
        )


def _narrow_ways(plan: StorePlan) -> Iterable[Finding]:
    for one in beyond_width(plan, NARROW_M):
        yield Finding(
            "narrow-way",
            "warning",
            f"{one} is reached only by ways narrower than {NARROW_M} m; widen one of them",
            one.middle,
            (one.name,),
        )


def _egress(plan: StorePlan) -> Iterable[Finding]:
    floor = rasterise(plan)
    way = np.where(floor.walkable.ravel(), floor.distance_m[floor.exit_target], 0.0)
    far = int(way.argmax())
    row, column = divmod(far, floor.walkable.shape[1])
    if way[far] > EGRESS_M:
        beyond = way[far] > EGRESS_SPRINKLERED_M
        limit = f"{EGRESS_SPRINKLERED_M:g} m" if beyond else f"{EGRESS_M:g} m, the advice without sprinklers"
        yield Finding(
            "egress-distance",
            "warning" if beyond else "note",
            f"the farthest place is {way[far]:.0f} m of walking from an exit, more than {limit}; add an exit near it",
            ((column + 0.5) * CELL_M, (row + 0.5) * CELL_M),
        )


def _queues(plan: StorePlan) -> Iterable[Finding]:
    for till in plan.tills:
        room = queue_room_m(plan, till, most_m=QUEUE_M)
        if room < QUEUE_M - 1e-9:
            yield Finding(
                "queue-space",
                "warning" if room < QUEUE_LEAST_M else "note",
                f"{till} has {room:.1f} m for a queue before it, less than {QUEUE_M:g} m; move what stands there",
                till.middle,
                (till.name,),
            )


def _enclosed(plan: StorePlan) -> Iterable[Finding]:
    cells = cut(plan)
    parts, count = ndimage.label(cells.free & ~cells.walkable)
    for part in range(1, count + 1):
        row, column = np.nonzero(parts == part)
        area = len(row) * CELL_M**2
        if area >= _ENCLOSED_M2:
            middle = ((float(column.mean()) + 0.5) * CELL_M, (float(row.mean()) + 0.5) * CELL_M)
            yield Finding(
                "enclosed-floor",
                "note",
                f"{area:.1f} m2 of floor around x {middle[0]:.1f} m, y {middle[1]:.1f} m cannot be walked to; open a "
                "way or mark it as blocked",
                middle,
            )


def _hidden(plan: StorePlan) -> Iterable[Finding]:
    floor = rasterise(plan)
    seen = np.bincount(floor.seen, minlength=len(plan.displays))
    for number, display in enumerate(plan.displays):
        if not seen[number]:
            yield Finding(
                "hidden-display",
                "warning",
                f"{display} is seen from nowhere that shoppers walk; turn or move it",
                display.middle,
                (display.name,),
            )

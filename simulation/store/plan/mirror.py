"""A plan seen in a mirror."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from simulation.store.plan.kinds import Side
from simulation.store.plan.plan import StorePlan

_MIRRORED: Final[dict[Side, Side]] = {"north": "north", "south": "south", "east": "west", "west": "east"}


def mirror(plan: StorePlan) -> StorePlan:
    """Swap east and west; names and order stay."""
    fixtures = tuple(
        replace(
            one,
            x=plan.width - one.x - one.width,
            rotation=-one.rotation if one.rotation else 0.0,
            sides=tuple(_MIRRORED[side] for side in one.sides),
        )
        for one in plan.fixtures
    )
    zones = tuple(replace(one, x=plan.width - one.x - one.width) for one in plan.zones)
    return replace(plan, fixtures=fixtures, zones=zones)

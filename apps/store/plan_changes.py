"""Two plans of one store held against each other: what each changed fixture is and holds, and where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import pandas as pd

from apps.store.plan_picture import SCALE
from simulation.store.plan import Fixture, StorePlan

MARK: Final = "#000000"
"""Of the outline of what changed: no fixture and no shade has it."""
_LINES: Final = 260
"""How many outlines side by side would be as wide as the plan."""
_ROOM_M: Final = 0.06
"""Between a fixture and the outline around it."""


def changed(plan: StorePlan, other: StorePlan) -> list[tuple[Fixture, Fixture]]:
    """Return the fixtures that hold something else or stand elsewhere, as they were and as they are."""
    now = {one.name: one for one in other.fixtures}
    return [(one, now[one.name]) for one in plan.fixtures if one.name in now and one != now[one.name]]


def change_table(plan: StorePlan, other: StorePlan) -> pd.DataFrame:
    """Return one row per changed fixture: Fixture, Now, Before."""
    rows = [
        {"Fixture": was.name, "Now": ", ".join(_said(now, was)), "Before": ", ".join(_said(was, now))}
        for was, now in changed(plan, other)
    ]
    return pd.DataFrame(rows, columns=["Fixture", "Now", "Before"])


def outlines(plan: StorePlan, other: StorePlan) -> str:
    """Draw a line around what changed or is new, to lay over the other plan's drawing; words on it stay legible."""
    shapes, line = [], plan.width * SCALE / _LINES
    known = {one.name for one in plan.fixtures}
    for now in [*(now for _, now in changed(plan, other)), *(one for one in other.fixtures if one.name not in known)]:
        room = replace(now, x=now.x - _ROOM_M, y=now.y - _ROOM_M, width=now.width + 2 * _ROOM_M,
                       depth=now.depth + 2 * _ROOM_M)  # fmt: skip
        points = " ".join(f"{x * SCALE:.1f},{y * SCALE:.1f}" for x, y in room.corners)
        shapes.append(f'<polygon points="{points}" fill="none" stroke="{MARK}" stroke-width="{line:.1f}"/>')
    return "\n".join(shapes)


def _said(one: Fixture, other: Fixture) -> Iterator[str]:
    """Say of a fixture what the other one has differently."""
    if one.categories != other.categories:
        yield ", ".join(one.categories)
    if (one.x, one.y) != (other.x, other.y):
        yield f"at {one.x:g}, {one.y:g} m"

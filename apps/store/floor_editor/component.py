"""The editor as Streamlit mounts it: a description of the plan goes in, where something was dropped comes out."""

from __future__ import annotations

import functools
from collections.abc import Callable
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from apps.store import heat_paint, plan_picture
from apps.store.plan_changes import changed

if TYPE_CHECKING:
    from apps.store.heat_paint import Heat
    from simulation.store.plan import Fixture, StorePlan

_FIXED: Final = ("wall", "blocked")


def floor_editor(
    plan: StorePlan,
    base: StorePlan,
    heat: Heat | None,
    *,
    key: str,
    revision: int,
    told: str,
    on_moved: Callable[[], None],
) -> None:
    """Show a plan whose fixtures can be moved.

    While `on_moved` runs, `st.session_state[key].moved` holds the drop: {"name": of the fixture, "x": m, "y": m,
    "revision": of the plan that was shown}.

    Args:
        plan: with the changes so far.
        base: without them; fixtures that differ have a black outline.
        heat: painted on the floor.
        key: of the component.
        revision: a number that changes with every answer, so that a drop on an older drawing is known for one.
        told: the line below the plan.
        on_moved: called after a drop, before the page runs again.
    """
    _component()(key=key, data=description(plan, base, heat, revision=revision, told=told), on_moved_change=on_moved)


def description(plan: StorePlan, base: StorePlan, heat: Heat | None, *, revision: int, told: str) -> dict[str, Any]:
    """Return what the browser draws, in plain values; lengths in metres, points in units of `plan_picture.SCALE`."""
    names = {now.name for _, now in changed(base, plan)} | (
        {one.name for one in plan.fixtures} - {one.name for one in base.fixtures}
    )
    return {
        "revision": revision,
        "width": plan.width,
        "depth": plan.depth,
        "scale": plan_picture.SCALE,
        "said": plan_picture.described(plan),
        "told": told,
        "heat": [] if heat is None else heat_paint.pieces(heat, plan_picture.SCALE),
        "fixtures": [_described(one, one.name in names) for one in plan.fixtures],
    }


def _described(fixture: Fixture, is_changed: bool) -> dict[str, Any]:
    label = plan_picture.label(fixture)
    scale = plan_picture.SCALE
    return {
        "name": fixture.name,
        "holds": plan_picture.holds(fixture),
        "colour": plan_picture.COLOURS[fixture.kind],
        "points": " ".join(f"{x * scale:.1f},{y * scale:.1f}" for x, y in fixture.corners),
        "x": fixture.x,
        "y": fixture.y,
        "width": fixture.width,
        "depth": fixture.depth,
        "middle": list(fixture.middle),
        "movable": fixture.kind not in _FIXED,
        "changed": is_changed,
        "label": "" if label is None else label.text,
        "label_at": [] if label is None else [label.x, label.y, label.size, label.turned],
    }


@functools.cache
def _component() -> Any:
    files = resources.files("apps.store.floor_editor")
    return st.components.v2.component(
        "tradefair_floor_editor",
        html='<div class="floor"></div>',
        css=files.joinpath("editor.css").read_text("utf-8"),
        js=files.joinpath("editor.js").read_text("utf-8"),
    )

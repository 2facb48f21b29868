"""The player as Streamlit mounts it: walks go in once, and the browser moves the dots; nothing comes back."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import streamlit as st

from apps.store import plan_picture
from apps.store.plan_changes import outlines

if TYPE_CHECKING:
    from simulation.store.plan import StorePlan
    from simulation.store.walks import Walk

Packed = list[list[int]]
_TENTHS: Final = 10
_CENTIMETRES: Final = 100


def player(plan: StorePlan, base: StorePlan, packed: Packed, *, start_s: float, said: str, key: str) -> None:
    """Show a plan over which walks can be played.

    Args:
        plan: in which they walk.
        base: without the changes; fixtures that differ have a black outline.
        packed: from `pack`.
        start_s: the time of the day at which the film begins, in seconds from midnight.
        said: what the film shows, for those who cannot see it.
        key: of the component.
    """
    _component()(key=key, data=description(plan, base, packed, start_s=start_s, said=said))


def pack(walks: Sequence[Walk], *, from_s: float) -> Packed:
    """Write walks as whole numbers, four for each point: tenths of seconds since `from_s`, cm, cm, what is done."""
    return [
        np.column_stack([(one.time_s - from_s) * _TENTHS, one.x * _CENTIMETRES, one.y * _CENTIMETRES, one.does])
        .round()
        .astype(int)
        .ravel()
        .tolist()
        for one in walks
    ]


def description(plan: StorePlan, base: StorePlan, packed: Packed, *, start_s: float, said: str) -> dict[str, Any]:
    """Return what the browser plays, in plain values; lengths of the plan in metres."""
    drawn = plan_picture.svg(plan, said=said, over=outlines(base, plan))
    return {
        "id": hashlib.sha256(repr((drawn, start_s, packed)).encode()).hexdigest(),
        "plan": drawn,
        "width": plan.width,
        "depth": plan.depth,
        "scale": plan_picture.SCALE,
        "start_s": start_s,
        "length_s": max((one[-4] for one in packed), default=0) / _TENTHS,
        "walks": packed,
        "said": said,
    }


@functools.cache
def _component() -> Any:
    files = resources.files("apps.store.player")
    return st.components.v2.component(
        "tradefair_walk_player",
        html='<div class="player"></div>',
        css=files.joinpath("player.css").read_text("utf-8"),
        js=files.joinpath("player.js").read_text("utf-8"),
    )

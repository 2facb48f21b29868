"""The what-if of the page Store: which change, and the comparison with its progress."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from apps.store import table as store_table
from apps.store.table import cells
from apps.store.till_place import free_place
from experiments.store.comparing import so_far
from experiments.store.what_if import what_if_document
from simulation.store.compare import comparing
from simulation.store.comparison import Comparison
from simulation.store.day import prepare, run_day
from simulation.store.demand_model import DemandModel, complete_journey_demand
from simulation.store.heat import averaged, heat_of
from simulation.store.plan import StorePlan, plan_text, read_plan
from simulation.store.plan.kinds import TILL_KINDS, TillKind
from simulation.store.settings import StoreSettings

KINDS: Final = {
    "swap": "Swap two categories",
    "move": "Move a fixture",
    "add_till": "Add a till",
    "remove": "Remove a fixture",
    "show": "Show another category on a display",
}
HEAT_DAYS: Final = 4
"""Days of the heat map and of the look that follows every change: few enough to answer within a second."""
BLOCK: Final = 8
DRAWS: Final = 16


@st.cache_resource(show_spinner="Reading real baskets")
def demand() -> DemandModel:
    """Return what draws the shoppers; read once."""
    return complete_journey_demand()


@st.cache_data(show_spinner="Letting shoppers walk", max_entries=16)
def usual_visits(text: str, shoppers: int) -> NDArray[np.float64]:
    """Return how many visits touch each cell on a mean day.

    Args:
        text: of a plan's TOML.
        shoppers: on an average day.
    """
    settings = StoreSettings.default()
    store = prepare(read_plan(text), settings)
    maps = []
    for day in range(HEAT_DAYS):
        drawn = demand().draw(day, seed=0, shoppers=shoppers, hours=store.hours, settings=settings)
        ran = run_day(store, drawn, settings)
        maps.append(heat_of(store.floor, ran.itinerary, ran.walked))
    return averaged(maps).values


def usual_days(shoppers: int) -> str:
    """Say what `usual_visits` is the mean of."""
    return f"Mean of {HEAT_DAYS} simulated days with {shoppers:,} shoppers on average, seed 0"


@st.cache_data(show_spinner=False, max_entries=64)
def _free_place(text: str, till: TillKind) -> tuple[float, float] | None:
    return free_place(read_plan(text), till)


def choose_edit(plan: StorePlan) -> dict[str, Any] | None:
    """Let the user describe one change; None where the plan has nothing to change in that way."""
    kind = st.segmented_control(
        "Kind of change", list(KINDS), default="swap", required=True, key="edit_kind", wrap=True,
        format_func=KINDS.__getitem__,
    )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if kind == "swap":
            return _swap(plan)
        if kind == "move":
            return _move(plan)
        if kind == "add_till":
            till = st.selectbox("Kind of till", TILL_KINDS, format_func=lambda one: one.replace("_", " "), width=180)
            free = _free_place(plan_text(plan), till)
            x, y = _place(plan, *(free or (plan.width / 2, plan.depth / 2)))
            if free is None:
                st.caption("No free place for a till of 1 m x 2 m that leaves all within reach was found.")
            return {"add_till": till, "x": x, "y": y}
        if kind == "remove":
            names = [one.name for one in plan.fixtures if one.kind != "wall"]
            return {"remove": st.selectbox("Fixture", names, width=280)}
        return _show(plan)


def _swap(plan: StorePlan) -> dict[str, Any] | None:
    known = list(plan.categories)
    if len(known) < 2:
        st.info("This plan sells one category; there is nothing to swap.")
        return None
    first = st.selectbox("One category", known, index=known.index("dairy") if "dairy" in known else 0, width=240)
    others = [name for name in known if name != first]
    usual = others.index("bakery") if "bakery" in others else 0
    return {"swap": [first, st.selectbox("The other", others, index=usual, width=240)]}


def _move(plan: StorePlan) -> dict[str, Any]:
    names = [one.name for one in plan.fixtures if one.kind != "wall"]
    chosen = plan.fixture(st.selectbox("Fixture", names, width=280))
    x, y = _place(plan, chosen.x, chosen.y)
    return {"move": chosen.name, "x": x, "y": y}


def _show(plan: StorePlan) -> dict[str, Any] | None:
    if not plan.displays:
        st.info("This plan has no display.")
        return None
    names = [one.name for one in plan.displays]
    display = st.selectbox("Display", names, width=280)
    return {"show": display, "category": st.selectbox("Category to show", plan.categories, width=240)}


def _place(plan: StorePlan, x: float, y: float) -> tuple[float, float]:
    """Ask for the upper left corner, in metres."""
    left = st.number_input("x, m from the left", 0.0, plan.width, float(x), 0.5, width=160)
    upper = st.number_input("y, m from the top", 0.0, plan.depth, float(y), 0.5, width=160)
    return float(left), float(upper)


def run_what_if(base: StorePlan, other: StorePlan, *, shoppers: int, most: int) -> Comparison:
    """Compare two plans on `most` days, with a bar and the leading figures so far.

    All days are simulated: the difference map needs more of them than sales do.
    """
    bar = st.progress(0.0, "Reading real baskets")
    partial = st.empty()
    model = demand()
    found = None
    steps = comparing(
        base, other, model=model, shoppers=shoppers, seed=0, block=BLOCK, half_width=None, most=most,
        parameter_draws=DRAWS, heat=("visits",),
    )  # fmt: skip
    for found in steps:
        done = 1.0 if found.finished else (found.days + found.draws) / (most + DRAWS)
        bar.progress(min(1.0, done), so_far(found))
        document = what_if_document(found, arm="changed", reference="as-is", title="")
        lines = [line for line in store_table.lines(document) if "." not in line.figure]
        partial.dataframe(
            pd.DataFrame([cells(line) for line in lines]),
            hide_index=True,
            alt="The figures so far, while days are added",
        )
    bar.empty()
    partial.empty()
    assert found is not None  # there is at least one block
    return found

"""The part of the page Store that draws a merchant's own traces."""

from __future__ import annotations

from typing import Final, Literal

import pandas as pd
import streamlit as st

from apps.csv_upload import csv_place
from apps.figure_text import count
from apps.plain_text import plain
from apps.store import places, plan_picture
from apps.store.heat import FlowMap, OneMap, found_heat, kinds, traced_maps
from retail.errors import TradefairError
from simulation.store.plan import StorePlan

Shown = Literal["visits", "dwell", "flow"]
TRACES: Final = "Your own traces"
"""What the page calls this part."""
EXAMPLE: Final = "visit,time,x,y\na17,0,8.2,6.8\na17,25,5.0,5.4\na17,60,2.6,3.4\na17,95,2.2,1.0\na17,140,2.0,6.0\n"
_WHAT: Final[dict[Shown, str]] = {"visits": "Visits", "dwell": "Seconds spent", "flow": "Ways taken"}
_MOST: Final = 10


def traces_part(plan: StorePlan) -> None:
    """Let the user upload traces in this plan, and show where people were."""
    left, right = st.columns([3, 2], gap="medium", vertical_alignment="bottom")
    with left:
        uploaded = st.file_uploader(
            "Traces as CSV: visit, time, x, y", type="csv", max_upload_size=25, key="traces",
            help="time: seconds from opening, or a date and time. x, y: metres from the plan's upper left corner.",
        )  # fmt: skip
    with right:
        what = st.segmented_control(
            "Show", list(_WHAT), default="visits", required=True, format_func=_WHAT.__getitem__, key="traces_what",
            bind="query-params",
        )  # fmt: skip
    if uploaded is None:
        st.info("A point of a visit a line, such as a camera or a trolley's beacon writes. The file stays in memory.")
        st.code(EXAMPLE, language="text")
        return
    try:
        with csv_place(uploaded.name, uploaded.getvalue()) as path:
            maps, about = traced_maps(plan, kinds(what), path)
    except TradefairError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    _show(plan, found_heat(maps), f"{count(about.visits, 'visit')} on {count(about.days, 'day')}")
    if about.off_floor:
        st.warning(plain(about.warning()), icon=":material/warning:")


def _show(plan: StorePlan, found: OneMap | FlowMap, who: str) -> None:
    busiest = found.busiest(most=_MOST)
    if not busiest:
        st.info("Nobody was in any square.")
        return
    first = busiest[0]
    st.subheader(f"{who}: most around {first['x_m']:g}, {first['y_m']:g} m")
    said = (
        f"{plan_picture.described(plan)} Beneath: {first['unit']} of {who}, {places.said(busiest)}; from light (few) to"
        " dark (many)."
    )
    st.image(found.drawn(plan), alt=said, width="stretch")
    st.caption(f"Squares of 1 m, {first['unit']}. The map is exact: it is yours. Whoever else is to see it gets noise.")
    with st.expander("The busiest squares, and how to hand the map on"):
        st.dataframe(pd.DataFrame(busiest), hide_index=True, alt="The busiest squares, with their middle in metres")
        st.markdown(
            "Traces are about people. What leaves your house goes through the release gate, with noise, budget and log:"
            " docs/store.md, *To show others*."
        )

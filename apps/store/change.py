"""The part of the page Store that changes a plan: drag fixtures, see figures at once, judge, save and share."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import pandas as pd
import streamlit as st

from apps.plain_text import plain
from apps.store import places
from apps.store import table as store_table
from apps.store.fixture_legend import fixture_legend
from apps.store.floor_editor import Variant, floor_editor, keep, kept_variant
from apps.store.heat_paint import Heat
from apps.store.saved_variants import save_form, saved_table
from apps.store.view import SIDE_M, VISITS, change_picture, differences, headline
from apps.store.what_if import HEAT_DAYS, choose_edit, demand, run_what_if, usual_days, usual_visits
from experiments.store.what_if import what_if_document
from retail.errors import TradefairError
from simulation.store.compare import comparing
from simulation.store.comparison import Comparison
from simulation.store.plan import StorePlan, apply_edits, plan_text, read_plan

EDITOR: Final = "floor"
LEADING: Final = ("sales_visit", "path_m", "trip_min", "wait_s", "checkout_s", "coverage_pct")


def change_part(plan: StorePlan, *, name: str, shoppers: int, days: int) -> None:
    """Show the part of the page that changes the plan.

    Args:
        plan: as it is.
        name: what the page calls it.
        shoppers: on an average day.
        days: paired days of a judgement.
    """
    variant, other = shown_variant(plan, name)
    text = plan_text(plan)
    floor, figures = st.columns([3, 2], gap="medium")
    looked = first_look(text, variant.edits, shoppers) if variant.edits else None
    with figures:
        _figures(looked, variant)
    with floor:
        visits = usual_visits(text, shoppers) if looked is None else looked.heat["visits"].other.values
        floor_editor(
            other, plan, Heat(visits, SIDE_M, VISITS), key=EDITOR,
            revision=variant.revision, told=_hint(variant), on_moved=partial(_drop, plan, name),
        )  # fmt: skip
        fixture_legend(other)
        busiest = places.largest(visits, SIDE_M, VISITS)
        where = places.said(busiest) or "nobody walks"
        st.caption(
            f"From light (few) to dark (many): where shoppers walk with these changes, {where}. {usual_days(shoppers)}."
        )
        places.twin(busiest, what="busiest squares")
    _changes(plan, variant)
    saved_table(name)
    if variant.edits:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            ready = st.button("Judge it", type="primary", icon=":material/gavel:", help=_judging(days))
            st.download_button(
                "Download the layout", plan_text(other).encode(), file_name="changed.toml", mime="application/toml",
                icon=":material/download:",
            )  # fmt: skip
        save_form(plan, name, variant, _judged(text, variant, shoppers, days), shoppers=shoppers)
        _judgement(plan, other, variant, text, ready=ready, shoppers=shoppers, days=days)


def shown_variant(plan: StorePlan, name: str) -> tuple[Variant, StorePlan]:
    """Return the changes and the plan with them; what cannot be applied is dropped, and said."""
    try:
        variant = kept_variant(name)
        return variant, apply_edits(plan, variant.edits)
    except TradefairError as error:
        st.error(f"The changes were dropped: {plain(str(error))}", icon=":material/error:")
        variant = Variant(name)
        keep(variant)
        return variant, plan


def _drop(plan: StorePlan, name: str) -> None:
    """Take a fixture's new place, before the page runs again."""
    event = st.session_state[EDITOR].moved
    variant = kept_variant(name)
    if event is None or event["revision"] != variant.revision:
        return
    keep(variant.with_edit(plan, {"move": str(event["name"]), "x": float(event["x"]), "y": float(event["y"])}))


def _hint(variant: Variant) -> str:
    if variant.refused:
        return f"Put back. {variant.refused}"
    return "Drag a fixture. By keyboard: arrow keys choose one, Enter takes it up, arrow keys move it, Enter drops it."


def _figures(looked: Comparison | None, variant: Variant) -> None:
    """Show the leading figures of a few days, at once."""
    if looked is None:
        st.info("Nothing is changed yet. Figures appear here as soon as you drop a fixture or add a change below.")
        return
    document = what_if_document(looked, arm="changed", reference="as-is", title="")
    lines = {line.figure: line for line in store_table.lines(document)}
    rows = []
    for line in (lines[one] for one in LEADING if one in lines):
        cells = store_table.cells(line)
        rows.append(
            {
                "Figure": f"{line.label}, {line.unit}",
                "Change": cells["Difference"],
                "Days alone": cells["Simulation noise"],
                "Now": cells["Base"],
            }
        )
    st.markdown(f"**{plain(variant.words())}**")
    st.dataframe(
        pd.DataFrame(rows), hide_index=True, height="content",
        alt="Leading figures: change on a few paired days, with the 95% interval of the days alone",
        column_config={
            "Figure": st.column_config.TextColumn(pinned=True),
            "Days alone": st.column_config.TextColumn(help="95% interval of the days alone, at central parameters."),
        },
    )  # fmt: skip
    st.caption(f"A first look: {looked.days} paired days, nothing judged. *Judge it* adds days and draws parameters.")


@st.cache_data(show_spinner="Letting shoppers walk", max_entries=64)
def first_look(text: str, edits: tuple[Mapping[str, Any], ...], shoppers: int) -> Comparison:
    """Compare on the days of the heat map, so that its figures and its map of the changed store are one simulation."""
    plan = read_plan(text)
    looks = comparing(
        plan, apply_edits(plan, edits), model=demand(), shoppers=shoppers, seed=0, block=HEAT_DAYS, most=HEAT_DAYS,
        half_width=None, parameter_draws=0, heat=("visits",),
    )  # fmt: skip
    return next(looks)


def _changes(plan: StorePlan, variant: Variant) -> None:
    """List the changes with a way to take each back, and let the user add one without dragging."""
    for place, edit in enumerate(variant.edits):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"{place + 1}. {plain(Variant('', (edit,)).words())}", width="content")
            st.button(
                "Take back", key=f"take_back_{place}", icon=":material/undo:", on_click=keep,
                args=(variant.without(place),), type="tertiary",
            )  # fmt: skip
    if len(variant.edits) > 1:
        st.button("Take all back", icon=":material/delete:", on_click=keep,
                  args=(Variant(variant.of, revision=variant.revision + 1),))  # fmt: skip
    with st.expander("Add a change without dragging", expanded=not variant.edits):
        so_far = apply_edits(plan, variant.edits)
        new = choose_edit(so_far)
        if new is not None:
            if "x" in new:
                _hindrance(so_far, new)
            st.button("Add this change", icon=":material/add:", on_click=_add, args=(plan, variant, new))
        if variant.refused:
            st.error(plain(variant.refused), icon=":material/error:")


def _hindrance(plan: StorePlan, edit: Mapping[str, Any]) -> None:
    """Say beside the fields why a fixture cannot stand at the chosen place, before anybody adds it."""
    refused = Variant("").with_edit(plan, edit).refused
    if refused:
        st.warning(f"It cannot stand there: {plain(refused)}", icon=":material/block:")


def _add(plan: StorePlan, variant: Variant, edit: Mapping[str, Any]) -> None:
    keep(variant.with_edit(plan, edit))


def _judging(days: int) -> str:
    return f"{days} paired days, then draws of the model's parameters; figures tighten while it runs."


def _key(text: str, variant: Variant, shoppers: int, days: int) -> tuple[str, str, int, int]:
    return text, repr(variant.edits), shoppers, days


def _judged(text: str, variant: Variant, shoppers: int, days: int) -> Comparison | None:
    kept = st.session_state.get("what_if")
    return kept[1] if kept is not None and kept[0] == _key(text, variant, shoppers, days) else None


def _judgement(
    plan: StorePlan, other: StorePlan, variant: Variant, text: str, *, ready: bool, shoppers: int, days: int
) -> None:
    if ready:
        try:
            found = run_what_if(plan, other, shoppers=shoppers, most=days)
        except TradefairError as error:
            st.error(plain(str(error)), icon=":material/error:")
            return
        st.session_state["what_if"] = (_key(text, variant, shoppers, days), found)
        st.rerun()
    judged = _judged(text, variant, shoppers, days)
    if judged is None:
        return
    lines = store_table.lines(what_if_document(judged, arm="changed", reference="as-is", title=""))
    st.subheader(plain(headline(lines, variant.words())))
    st.caption(f"{judged.days} paired days at the central parameters, {judged.draws} draws of the parameters.")
    differences(lines)
    pair = judged.heat.get("visits")
    if pair is not None:
        st.subheader("Where more or fewer walk")
        change_picture(other, pair.change.values, pair.change.marked, side_m=pair.change.side_m, days=pair.change.days)

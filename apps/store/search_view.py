"""What a page shows of a search: the best layout so far, and at the end its verdict on days that it never saw."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from typing import Any

import streamlit as st

from apps.plain_text import plain, plain_cells
from apps.store import plan_picture
from apps.store import table as store_table
from apps.store.edit_words import short
from apps.store.plan_changes import change_table, changed, outlines
from apps.store.view import change_picture, differences
from experiments.store.what_if import what_if_document
from simulation.store.comparison import Comparison, Row
from simulation.store.kpi import kpi
from simulation.store.plan import StorePlan, bundled_plans, edit_table
from simulation.store.search import Found


def changed_layout(plan: StorePlan, other: StorePlan) -> None:
    """Show a layout with what changed in it."""
    many = len(changed(plan, other))
    what = f"{many} fixture{'' if many == 1 else 's'} changed, outlined in black."
    said = f"{plan_picture.described(other)} {what}"
    st.image(plan_picture.svg(other, said=said, over=outlines(plan, other)), alt=said, width="stretch")
    st.caption(what)


def what_stands_where(plan: StorePlan, other: StorePlan) -> None:
    """List what changed, in a part that opens."""
    with st.expander("What stands where now"):
        st.table(plain_cells(change_table(plan, other)), hide_index=True, alt="Changed fixtures, now and before")


def edits_for_the_command(edits: Iterable[Mapping[str, Any]], *, name: str) -> None:
    """Show edits as a command takes them, in a part that opens.

    Args:
        edits: as tables.
        name: of the plan.
    """
    with st.expander("The edits, for the command"):
        known = name if name in bundled_plans() else "plan.toml"
        lines = [f"tradefair store compare {shlex.quote(known)}", *map(short, edits)]
        st.code(" \\\n  ".join(lines), language=None)


def verdict(found: Found, judged: Comparison) -> None:
    """Show what the search promised, and what was left of it on other days.

    Args:
        found: what was found.
        judged: on days that the search never saw.
    """
    held = judged.row(found.objective)
    st.subheader(plain(_sentence(held)))
    digits = store_table.digits(found.gain, [] if held.noise is None else [found.gain + held.noise.half])
    missing = None if held.difference is None else found.gain - held.difference
    with st.container(horizontal=True):
        for label, value, why in (
            ("Promised on the training days", found.gain, "By the best of all layouts, on the days that chose it."),
            ("Kept on other days", held.difference, "Days that the search never saw."),
            ("Not kept", missing, "The first less the second: what the layout owes to the days that chose it."),
        ):
            shown = "-" if value is None else f"{store_table.number(value, digits, signed=True)} {held.unit}"
            st.metric(label, shown, help=why, border=True, width=240)
    st.caption(
        f"{found.tried} layouts were tried; the winner met {judged.days} other days, {judged.draws} draws of the"
        " parameters. No interval holds the luck of a search: another seed finds another layout. Every"
        " search here is judged on the same other days, so the best of several verdicts is too good as well."
    )


def every_figure(found: Found, judged: Comparison) -> None:
    """Show all figures of the winner on the other days, and where more or fewer walk."""
    st.subheader("Every figure on the other days")
    document = what_if_document(judged, arm="found", reference="as-is", title="")
    differences(store_table.lines(document))
    pair = judged.heat.get("visits")
    if pair is not None:
        st.subheader("Where more or fewer walk")
        change_picture(
            found.plan, pair.change.values, pair.change.marked, side_m=pair.change.side_m, days=pair.change.days
        )


def layout(plan: StorePlan, found: Found, *, name: str) -> None:
    """Show a layout, what changed in it, and its edits as a command takes them."""
    changed_layout(plan, found.plan)
    what_stands_where(plan, found.plan)
    edits_for_the_command(map(edit_table, found.edits), name=name)


def _sentence(held: Row) -> str:
    """Say in one sentence what the other days said."""
    label = held.label[:1].upper() + held.label[1:]
    if held.difference is None or held.combined is None:
        return f"{label}: not judged"
    one = kpi(held.name)
    value = store_table.number(held.difference, one.digits, signed=True)
    ends = store_table.interval((held.combined.lo, held.combined.hi), one.digits, signed=True)
    unit = f" {held.unit}".rstrip()
    return f"{label} {value}{unit} {ends} on days that the search never saw: {held.verdict}"

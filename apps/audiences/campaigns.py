"""A part of the page Audiences: what campaigns gain under each way to learn, and what privacy costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd
import streamlit as st

from apps.audiences import charts as audience_charts
from apps.audiences import table as audience_table
from apps.audiences.results import gave_nothing, sweep_point, what_was_chosen, wide_columns
from apps.audiences.table import Ends, Row
from apps.chart_words import apart, span
from apps.drawn_chart import show_chart
from apps.plain_text import plain

_GAINED: Final = "gained"
_UNIT: Final = "conversions per 1,000 advertised to"


def show_campaigns(document: Mapping[str, Any], title: Any) -> None:
    """Show one finished run of targeting."""
    points = audience_table.points(document["rows"])
    where = sweep_point(points, key="campaign_point")
    rows = points[where]
    with title:
        st.title(plain(_finding(document, rows, where)))
    gave_nothing(document)
    if not audience_table.measured(rows, _GAINED):
        st.info("No arm of this run has finished; the page Runs says why.")
        return
    _gained(rows)
    _cost(document, rows, where)
    _everything(rows)
    what_was_chosen(rows)


def _finding(document: Mapping[str, Any], rows: Sequence[Row], where: str) -> str:
    """Say what learning together brings, and what the strongest promise with noise once costs."""
    together = _first(rows, "federated", private=False)
    if together is None:
        return "What campaigns gain"
    parts = []
    alone = _first(rows, "isolated", private=False)
    if alone is not None:
        found = audience_table.compared(document, _GAINED, together["arm"], alone["arm"], where)
        if found is not None:
            parts.append(_against_alone(found))
    if not parts:
        value = audience_table.written(audience_table.ends_of(together, _GAINED), 1)
        parts.append(f"{audience_table.arm_label(together)} gains {value} {_UNIT}")
    private = _first(rows, "federated", private=True)
    if private is not None:
        found = audience_table.compared(document, _GAINED, private["arm"], together["arm"], where)
        if found is not None:
            less = audience_table.written((-found[0], -found[2], -found[1]), 1)
            epsilon = f"epsilon {private['epsilon']:g}"
            clear = found[2] < 0 or found[1] > 0
            parts.append(f"{epsilon} costs {less}" if clear else f"what {epsilon} costs cannot be told ({less})")
    return "; ".join(parts)


def _against_alone(apart: Ends) -> str:
    """Say whether a federation gains more than each merchant alone, as far as the interval tells."""
    value, lo, hi = apart
    if lo > 0:
        more = audience_table.written(apart, 1)
        return f"Learning together gains {more} more {_UNIT} than each merchant alone"
    if hi < 0:
        fewer = audience_table.written((-value, -hi, -lo), 1)
        return f"Learning together gains {fewer} fewer {_UNIT} than each merchant alone"
    text = audience_table.written(apart, 1, signed=True)
    return f"It cannot be told whether learning together gains more {_UNIT} than each merchant alone ({text})"


def _first(rows: Sequence[Row], model: str, *, private: bool) -> Row | None:
    """Return the first measured arm of a model; of private ones the smallest epsilon with noise once."""
    found = [
        row for row in audience_table.measured(rows, _GAINED)
        if row["model"] == model and (row["epsilon"] is not None) == private
    ]  # fmt: skip
    return min(found, key=lambda row: (row.get("noise") == "every_node", row["epsilon"] or 0), default=None)


def _gained(rows: Sequence[Row]) -> None:
    st.header("What an advertisement gains")
    st.caption(
        f"Gained {_UNIT}: those that would not have come without it. Effects are drawn over what real households "
        "bought, so the truth is known; no real campaign had them. 95% intervals, trials and merchants drawn anew."
    )
    table = audience_table.long_table(rows, _GAINED, 1)
    said = f"Gained {_UNIT}: {span(table)}"
    st.markdown(f"**{plain(said)}.**")
    show_chart(
        audience_charts.figure_of_arms,
        table,
        title="Gained per 1,000 advertised to",
        line=0.0,
        alt=f"{said}; with 95% intervals, the most above",
    )
    with st.expander("The same figures as a table"):
        shown = table[["Arm", "Text", "Kind"]].rename(columns={"Text": "Gained per 1,000"})
        st.dataframe(shown, hide_index=True, height="content", alt=f"{_UNIT} of each arm")


def _cost(document: Mapping[str, Any], rows: Sequence[Row], where: str) -> None:
    """Show how far private arms lie from the federation without noise, on the same draws."""
    together = _first(rows, "federated", private=False)
    private = [row for row in audience_table.measured(rows, _GAINED) if row["epsilon"] is not None]
    lines = []
    for row in private:
        found = None
        if together is not None:
            found = audience_table.compared(document, _GAINED, row["arm"], together["arm"], where)
        if found is not None:
            lines.append({"Arm": audience_table.arm_label(row), "Kind": audience_table.kind_of(row),
                          **audience_table.ends_columns(found, 1, signed=True)})  # fmt: skip
    st.header("What privacy costs")
    if together is None or not lines:
        st.info("No arm with an epsilon was compared with a federation without one.")
        return
    label = audience_table.arm_label(together)
    st.caption(
        f"Less {plain(label)}, which promises nothing, on the same trials and merchants. Epsilon is of one trial, for "
        "one person over all merchants. Arms of another learner are held against the same one."
    )
    table = pd.DataFrame(lines)
    said = apart(table, label)
    st.markdown(f"**{plain(said[:1].upper() + said[1:])}.**")
    show_chart(
        audience_charts.figure_of_arms,
        table,
        title="Difference, gained per 1,000 advertised to",
        line=0.0,
        signed=True,
        sort=False,
        alt=f"{_UNIT} of each private arm less {label}, with 95% intervals: {said}",
    )
    with st.expander("The same differences as a table"):
        shown = table[["Arm", "Text"]].rename(columns={"Text": f"Less {label}, per 1,000"})
        st.dataframe(shown, hide_index=True, height="content", alt=f"Differences from {label}")


def _everything(rows: Sequence[Row]) -> None:
    st.header("Every arm")
    heads = {
        _GAINED: ("Gained per 1,000", 1.0, 1),
        "qini": ("Qini", 1.0, 2),
        "gap": ("Small fall shorter than large by, per 1,000", 1.0, 1),
        "wasted": ("Lost ones, %", 100.0, 1),
        "platform_gained": ("Platform gains, per 1,000", 1.0, 1),
    }
    shown = [name for name in heads if audience_table.measured(rows, name)]
    cells = []
    for row in rows:
        line = {"Arm": audience_table.bare_label(row), "Epsilon": audience_table.epsilon_text(row)}
        for name in shown:
            head, scale, digits = heads[name]
            value, lo, hi = (scale * one for one in audience_table.ends_of(row, name))
            line[head] = audience_table.written((value, lo, hi), digits)
        cells.append(line)
    st.dataframe(
        pd.DataFrame(cells), hide_index=True, height="content", alt="Figures of every arm with 95% intervals",
        column_config=wide_columns(cells, first="Arm"),
    )  # fmt: skip
    st.caption(
        "Qini: area of the ranking above chance, as a share of the best ranking's. Small and large: by how much more "
        "the smaller half of merchants falls short of the truth. Lost ones: whom the advertisement makes less likely "
        "to buy."
    )

"""Charts of the page Compliance: who may read what, and what each release took from a budget."""

from __future__ import annotations

from typing import Final

import altair as alt
import pandas as pd

from apps.compliance.access_view import ANSWER, DATA, KIND_NAMES, ROWS, WHO, WHY
from apps.compliance.budget_view import RELEASE, SHARE, SO_FAR
from apps.runs.charts import PALETTE

CELL: Final = "cell"
"""Name of the selection in the heat map: a mapping with `WHO` and `DATA`."""

_ORDER: Final = ["yes", "if", "no"]
_FILLS: Final = {"light": ["#0072B2", "#F2C14E", "#E9ECEF"], "dark": ["#3F97D1", "#E3B341", "#2E333B"]}
_INKS: Final = {"light": ["#FFFFFF", "#1F1F1F", "#3C4043"], "dark": ["#0B0D10", "#0B0D10", "#D5D9DE"]}
"""Each ink has a contrast of at least 4.5 to 1 with its fill; the word in a cell says what its colour says."""


def access_map(table: pd.DataFrame, *, chosen: tuple[str, str] | None, dark: bool) -> alt.LayerChart:
    """Draw one form of `access_table`: a row for each pair of who and whose, a column for each kind of data.

    Args:
        table: the cells of one form.
        chosen: `WHO` and `DATA` of the cell to frame; None frames none.
        dark: whether the page is dark.
    """
    theme = "dark" if dark else "light"
    framed = [(who, data) == chosen for who, data in zip(table[WHO], table[DATA], strict=True)]
    select = alt.selection_point(name=CELL, fields=[WHO, DATA], on="click", clear=False, empty=False)
    base = alt.Chart(table.assign(framed=framed)).encode(
        x=alt.X(
            f"{DATA}:N",
            sort=list(KIND_NAMES.values()),
            title=None,
            axis=alt.Axis(orient="top", labelAngle=-60, ticks=False, domain=False, labelLimit=120, labelOverlap=False),
        ),
        y=alt.Y(
            f"{WHO}:N",
            sort=list(ROWS),
            title=None,
            axis=alt.Axis(
                ticks=False, domain=False, labelLimit=170, labelPadding=6, labelBound=False, labelFlush=False
            ),
        ),
        tooltip=[alt.Tooltip(f"{name}:N", title=name) for name in (WHO, DATA, ANSWER, WHY)],
    )
    fill = alt.Color(f"{ANSWER}:N", scale=alt.Scale(domain=_ORDER, range=_FILLS[theme]), legend=None)
    frame = {
        "stroke": alt.condition("datum.framed", alt.value(PALETTE[1]), alt.value("transparent")),
        "strokeWidth": alt.condition("datum.framed", alt.value(3), alt.value(0)),
    }
    cells = base.mark_rect(cornerRadius=2, xOffset=1, yOffset=1, cursor="pointer").encode(color=fill, **frame)
    ink = alt.Color(f"{ANSWER}:N", scale=alt.Scale(domain=_ORDER, range=_INKS[theme]), legend=None)
    words = base.mark_text(fontSize=11, cursor="pointer").encode(text=f"{ANSWER}:N", color=ink)
    layers = alt.layer(cells.add_params(select), words).resolve_scale(color="independent")
    return layers.properties(height=alt.Step(23))


def spending(table: pd.DataFrame) -> alt.LayerChart:
    """Draw what each release took from a budget as bars, and what was spent by then as a line."""
    order = list(table["Number"])
    names = dict(zip(table["Number"], table[RELEASE], strict=True))
    label = " : ".join(f"datum.value == {number} ? {_quoted(name)}" for number, name in names.items()) + " : ''"
    base = alt.Chart(table).encode(
        x=alt.X(
            "Number:O",
            sort=order,
            title="Release, in order",
            axis=alt.Axis(labelExpr=label, labelAngle=-45, labelLimit=110, labelOverlap=True),
        ),
        tooltip=[
            alt.Tooltip(f"{RELEASE}:N"),
            alt.Tooltip("Purpose:N"),
            alt.Tooltip(f"{SHARE}:Q", format=".2%"),
            alt.Tooltip(f"{SO_FAR}:Q", format=".2%"),
            alt.Tooltip("State:N"),
        ],
    )
    top = max(1.0, float(table[SO_FAR].max()))
    axis = {"axis": alt.Axis(format=".0%"), "scale": alt.Scale(domain=[0, top]), "title": SHARE}
    bars = base.mark_bar(color=PALETTE[0]).encode(y=alt.Y(f"{SHARE}:Q", **axis))
    line = base.mark_line(strokeDash=[6, 3], color=PALETTE[1]).encode(y=alt.Y(f"{SO_FAR}:Q", **axis))
    dots = base.mark_point(filled=True, size=50, color=PALETTE[1], opacity=1).encode(y=alt.Y(f"{SO_FAR}:Q", **axis))
    return alt.layer(bars, line, dots).properties(height=300)


def _quoted(text: str) -> str:
    escaped = "".join(char if char.isprintable() and char not in "\\'" else " " for char in text)
    return f"'{escaped}'"

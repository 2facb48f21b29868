"""What pages show of a store: plans with heat beneath them, and differences of two stores with both intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from apps.csv_download import csv_bytes
from apps.drawn_chart import show_chart
from apps.plain_text import plain
from apps.store import charts as store_charts
from apps.store import places, plan_picture
from apps.store.fixture_legend import fixture_legend
from apps.store.heat_paint import Heat, strongest_text
from apps.store.table import NOT_JUDGED, Line, cells, judged
from apps.store.table import drawn as were_drawn
from simulation.store.plan import StorePlan
from simulation.store.verdict import LEAST_DRAWS

VISITS: Final = "visits a day"
SIDE_M: Final = 0.5
"""Edge of a square of a heat map."""
LEADING: Final = ("sales_visit", "checkout_s")
_VERDICTS: Final = ("better", "worse", "higher", "lower")
_BOTH: Final = (
    "Thick bars: 95% interval of the days alone.",
    "Thin bars: the model's parameters are drawn from their ranges as well.",
)
_DRAWN: Final = (
    *_BOTH,
    "Nothing is called better or worse while the thin bar holds 0.",
)
_TOO_FEW: Final = (
    *_BOTH,
    f"With fewer than {LEAST_DRAWS} draws of the parameters nothing is called better or worse: by chance a few may lie"
    " so near the central ones that the thin bar is hardly longer than the thick one.",
)
_NOT_DRAWN: Final = (
    "Bars: 95% interval of the days alone, as if every parameter were right.",
    "With parameter draws at 0 nothing is called better or worse: with enough days any difference would look sure,"
    " however wrong the model.",
)


def picture(plan: StorePlan, values: NDArray[np.float64], *, made: str, side_m: float = SIDE_M) -> None:
    """Show a plan with visits beneath its fixtures, and the busiest squares as a table.

    Args:
        plan: to show.
        values: visits of each square on a mean day.
        made: what they are the mean of.
        side_m: edge of a square.
    """
    busiest = places.largest(values, side_m, VISITS)
    where = places.said(busiest) or "nobody walks"
    said = (
        f"{plan_picture.described(plan)} Beneath: how many visits touch each place in a day, {where}; from light (few)"
        " to dark (many)."
    )
    st.image(plan_picture.svg(plan, Heat(values, side_m, VISITS), said=said), alt=said, width="stretch")
    fixture_legend(plan)
    st.caption(f"Where shoppers walk, from light (few) to dark (many): {where}. {made}.")
    places.twin(busiest, what="busiest squares")


def change_picture(
    plan: StorePlan, change: NDArray[np.float64], marked: NDArray[np.bool_], *, side_m: float, days: int
) -> None:
    """Show where more or fewer walk; only what is beyond the noise of the days is painted."""
    most = places.changed_most(change, marked, side_m, VISITS)
    where = places.said(most, signed=True)
    said = (
        f"{plan_picture.described(plan)} Painted: places with fewer visits in blue, with more in orange, on"
        f" {share(marked, change):.0%} of the places that anybody visits; elsewhere no clear difference."
        + (f" It changes {where}." if where else "")
    )
    heat = Heat(change, side_m, VISITS, marked)
    st.image(plan_picture.svg(plan, heat, said=said), alt=said, width="stretch")
    fixture_legend(plan)
    strongest = (
        f" The strongest colours stand for {strongest_text(heat)} {VISITS} or more, so that a few places do not make"
        " all others pale."
    )
    st.caption(
        f"The changed plan, {days} paired days{f'; it changes {where}' if where else ''}. Unpainted: no clear"
        f" difference.{strongest if where else ''} At most 5% of the painted places are expected to be noise."
    )
    places.twin(most, what="squares that change most")


def share(marked: NDArray[np.bool_], change: NDArray[np.float64]) -> float:
    """Return the share of marked places among those that change at all."""
    touched = int((change != 0).sum())
    return float(marked.sum()) / touched if touched else 0.0


def headline(lines: Sequence[Line], what: str, *, leading: str = "") -> str:
    """Say in one sentence what a change does to the leading figure.

    Args:
        lines: of one comparison.
        what: the change.
        leading: the figure; sales per visit or, at tills alone, waiting and service when there is none of that name.
    """
    lead = leading_line(lines, leading=leading)
    if lead is None:
        return what
    if lead.verdict == NOT_JUDGED:
        return f"{what}: {lead.label} not judged"
    if lead.verdict not in _VERDICTS:
        return f"{what}: no clear difference in {lead.label}"
    return f"{what}: {lead.label} {cells(lead)['Difference']} {lead.unit}, {lead.verdict}"


def leading_line(lines: Sequence[Line], *, leading: str = "") -> Line | None:
    """Return the figure that a comparison is headed by; None where none of them was measured."""
    figures = {line.figure: line for line in lines}
    lead = next((figures[name] for name in (leading, *LEADING) if name in figures), None)
    return None if lead is None or math.isnan(lead.difference) else lead


def finding(lines: Sequence[Line]) -> str:
    """Say in one sentence which figures differ clearly."""
    if not judged(lines):
        often = f"fewer than {LEAST_DRAWS} times" if were_drawn(lines) else "not"
        return f"No figure is judged: the model's parameters were {often} drawn from their ranges"
    clear = [f"{line.label} {line.verdict}" for line in lines if line.verdict in _VERDICTS]
    if not clear:
        return f"None of {len(lines)} figures differs clearly"
    return (
        f"{len(clear)} of {len(lines)} figures {'differs' if len(clear) == 1 else 'differ'} clearly: {', '.join(clear)}"
    )


def differences(lines: Sequence[Line]) -> None:
    """Show chart and table of the main figures, and those of displays and zones in a part that opens."""
    main = [line for line in lines if "." not in line.figure]
    others = [line for line in lines if "." in line.figure]
    drawn = store_charts.difference_table(main)
    st.markdown(f"**{plain(finding(main))}**")
    if not drawn.empty:
        words = "; ".join(f"{row['Figure']} {row['Difference']}, {row['Clear']}" for _, row in drawn.iterrows())
        show_chart(store_charts.difference_chart, drawn, alt=f"Differences in percent of the reference. {words}")
    told = _DRAWN if judged(main) else _TOO_FEW if were_drawn(main) else _NOT_DRAWN
    st.caption(" ".join([*told, *_absent(store_charts.left_out(main))]))
    _table(main, "Every figure of both stores, with its difference and both 95% intervals")
    if others:
        with st.expander("Displays and zones"):
            _table(others, "Figures of each display and zone, with both 95% intervals")
    st.download_button(
        "Download as CSV",
        csv_bytes(frame(lines)),
        file_name="store-comparison.csv",
        mime="text/csv",
        icon=":material/download:",
    )


def frame(lines: Sequence[Line]) -> pd.DataFrame:
    """Every figure with its numbers in columns, for download."""
    rows: list[dict[str, Any]] = [
        {
            "figure": line.figure, "label": line.label, "unit": line.unit, "base": line.base, "other": line.other,
            "difference": line.difference, "simulation_lo": line.simulation[0], "simulation_hi": line.simulation[1],
            "combined_lo": line.combined[0], "combined_hi": line.combined[1], "verdict": line.verdict,
            "rests_on": line.source, "parameters": line.note, "days": line.days,
        }
        for line in lines
    ]  # fmt: skip
    return pd.DataFrame(rows)


def _absent(labels: Sequence[str]) -> list[str]:
    if not labels:
        return []
    return [
        "In the table only, because they are near 0, their interval is wide, or their percent would squeeze all others"
        f" together: {plain('; '.join(labels))}."
    ]


def _table(lines: Sequence[Line], alt: str) -> None:
    """Show a table whose first columns answer the question, since a phone shows no more than those."""
    first = ("With parameters", "Verdict", "Base", "Other", "Simulation noise")
    order = (*(first if were_drawn(lines) else ("Simulation noise", "Base", "Other")), "Rests on")
    rows = []
    for line in lines:
        text = cells(line)
        rows.append(
            {
                "Figure": text["Figure"],
                "Difference": f"{text['Difference']} {line.unit}".strip(),
                **{name: text[name] for name in order},
            }
        )
    st.dataframe(
        pd.DataFrame(rows).rename(columns={"Base": "Reference", "Other": "Changed"}),
        hide_index=True,
        height="content",
        alt=alt,
        column_config={
            "Figure": st.column_config.TextColumn(pinned=True, width=150),
            "With parameters": st.column_config.TextColumn(help="95% interval of days and parameters together."),
            "Simulation noise": st.column_config.TextColumn(help="95% interval of the days alone."),
            "Rests on": st.column_config.TextColumn(help="Where the parameters behind the figure come from."),
        },
    )

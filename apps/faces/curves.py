"""The charts of a scenario with faces, each with its finding and its figures as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd
import streamlit as st

from apps.chart_words import apart, span
from apps.drawn_chart import show_chart
from apps.faces import charts as face_charts
from apps.faces import table as face_table
from apps.plain_text import plain
from experiments.documents import read_frame
from experiments.runs import RunStore

Row = Mapping[str, Any]
DET_RATES: Final = (0.001, 0.01, 0.1)
"""False match rates at which the table of DET curves gives the other rate."""


def arms(rows: Sequence[Row], metric: str) -> None:
    """Draw one rate of every arm, and tabulate all rates."""
    st.header("Error rates")
    table = pd.DataFrame(
        [
            {
                "Arm": face_table.arm_label(row),
                "value": row[metric],
                "lo": row[f"{metric}_lo"],
                "hi": row[f"{metric}_hi"],
                "Private": "no epsilon" if row["epsilon"] is None else "with an epsilon",
                "Text": face_table.percent_text(row, metric),
            }
            for row in rows
            if isinstance(row.get(metric), int | float) and row[metric] == row[metric]
        ]
    )
    name = face_table.NAMES[metric]
    if len(table):
        said = f"{name} in %: {span(table)}"
        st.markdown(f"**{plain(said)}.**")
        show_chart(
            face_charts.rates_of_arms,
            table.drop(columns="Text"),
            title=f"{name} (lower is better)",
            alt=f"{said}; each arm with its 95% interval, the best above",
        )
    found = face_table.face_rows(rows)
    cells = pd.DataFrame([{"Arm": one.label, **one.cells} for one in found])
    st.dataframe(
        cells,
        hide_index=True,
        height="content",
        alt="Error rates of every arm, in percent with 95% intervals",
        column_config={"Arm": st.column_config.TextColumn(pinned=True, width="medium")},
    )
    with st.expander("What the rates mean"):
        st.markdown("\n".join(f"- **{name}**: {meaning}." for name, meaning in face_table.MEANINGS.items()))
        st.markdown("In percent; words as in ISO/IEC 19795-1. Without an epsilon no privacy is claimed.")


def by_people(rows: Sequence[Row], differences: Sequence[Row], metric: str) -> None:
    """Draw a rate against the number of people, and what each arm gains over nobody's picture, where a sweep has it."""
    found = face_table.by_people(rows, differences, metric)
    if len({one.people for one in found}) < 2:
        return
    st.header("By number of people")
    name = face_table.NAMES[metric]
    ends = ("value", "lo", "hi")
    table = pd.DataFrame(
        [
            {"Arm": one.label, "people": one.people, **dict(zip(ends, one.values, strict=True)),
             "Text": face_table.share_text(one.values)}
            for one in found
        ]
    )  # fmt: skip
    most = table["people"].max()
    said = f"{name} in % with {most:,} people: {span(table[table['people'] == most])}"
    st.markdown(f"**{plain(said)}.**")
    show_chart(
        face_charts.by_people,
        table.drop(columns="Text"),
        title=f"{name} (lower is better)",
        alt=f"{said}; against the number of people, one line per arm, with 95% intervals",
    )
    less = pd.DataFrame(
        [
            {"Arm": one.label, "people": one.people, **dict(zip(ends, one.against, strict=True)),
             "Text": face_table.points_text(one.against)}
            for one in found
            if one.against is not None
        ]
    )  # fmt: skip
    if len(less):
        said = f"With {most:,} people {apart(less[less['people'] == most], 'the arm that sees nobody')}"
        st.markdown(f"**{plain(said)}**, on the same tested people; below 0 is better")
        show_chart(
            face_charts.by_people,
            less.drop(columns="Text"),
            title=f"{name}, percentage points apart",
            arms=[one.label for one in found],
            from_zero=True,
            alt=f"{said} in {name}; differences against the number of people, with 95% intervals",
        )
    st.caption("Bars are 95% intervals, people and seeds drawn anew.")
    with st.expander("The same figures as a table"):
        cells = table[["Arm", "people", "Text"]].rename(columns={"people": "People", "Text": f"{name}, %"})
        if len(less):
            texts = dict(zip(zip(less["Arm"], less["people"], strict=True), less["Text"], strict=True))
            pairs = zip(table["Arm"], table["people"], strict=True)
            cells["Less the arm that sees nobody, points"] = [texts.get(pair, "-") for pair in pairs]
        st.dataframe(cells, hide_index=True, height="content", alt=f"{name} of each arm by the number of people")


def det(store: RunStore, scenario: str, rows: Sequence[Row]) -> None:
    """Draw the mean DET curve of each arm over its runs."""
    parts = []
    for row in rows:
        files = [store.root / scenario / run_id / "artifacts" / "det.parquet" for run_id in row["run_ids"]]
        curves = [read_frame(file) for file in files if file.is_file()]
        if curves:
            mean = pd.concat(curves).groupby("fmr", as_index=False)["fnmr"].mean()
            parts.append(mean.assign(Arm=face_table.arm_label(row)))
    if not parts:
        return
    table = pd.concat(parts, ignore_index=True)
    st.header("DET curves")
    at = det_table(table)
    middle = at.assign(value=at[DET_RATES[1]], Text=[f"{100 * one:.1f}%" for one in at[DET_RATES[1]]])
    said = f"FNMR where at most {DET_RATES[1]:.0%} of strangers match: {span(middle)}"
    st.markdown(f"**{plain(said)}.**")
    st.caption(
        "Each threshold is a point; left and low is better. Means over folds and seeds, without intervals: those of "
        "single rates stand above. Left of the end of a curve there were too few pairs to tell."
    )
    show_chart(face_charts.det, table[table["fnmr"] > 0], alt=f"{said}; FNMR against FMR for each arm, logarithmic")
    with st.expander("The same figures as a table"):
        heads = {rate: f"FNMR at FMR {rate:.1%}" for rate in DET_RATES}
        cells = at.rename(columns=heads)
        for head in heads.values():
            cells[head] = ["-" if one != one else f"{one:.1%}" for one in cells[head]]
        st.dataframe(cells, hide_index=True, height="content", alt="FNMR of each arm at three rates of false matches")


def det_table(curves: pd.DataFrame) -> pd.DataFrame:
    """Return Arm and, for each of `DET_RATES`, the lowest FNMR at which no more strangers match; NaN where unknown.

    Args:
        curves: Arm, fmr, fnmr (shares).
    """
    rows: list[dict[Any, Any]] = []
    for arm, mine in curves.groupby("Arm", sort=False):
        known: dict[Any, Any] = {rate: mine.loc[mine["fmr"] <= rate * (1 + 1e-9), "fnmr"].min() for rate in DET_RATES}
        rows.append({"Arm": arm} | known)
    return pd.DataFrame(rows, columns=["Arm", *DET_RATES])

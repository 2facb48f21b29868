"""The results of a scenario with faces: who tells people apart how well, what privacy costs, and targets."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from apps.chart_words import runs_behind
from apps.faces import curves as face_curves
from apps.faces import table as face_table
from apps.plain_text import plain
from apps.runs.result_tables import GAVE_NOTHING, problems
from apps.store.results import show_targets
from experiments.runs import RunStore

Row = Mapping[str, Any]


def show_face_results(store: RunStore, scenario: str, document: Mapping[str, Any]) -> None:
    """Show what `summary.json` of a scenario with faces holds."""
    points = points_of(document["rows"])
    with st.container(horizontal=True):
        where = list(points)[-1]
        if len(points) > 1:
            last = len(points) - 1
            where = st.selectbox(
                "Sweep point", list(points), index=last, key="face_point", bind="query-params", width=320
            )
        rows = points[where]
        names = [metric for metric in face_table.NAMES if metric != "gap_closed" and _has(rows, metric)]
        words = {face_table.NAMES[metric]: metric for metric in names}
        word = st.segmented_control(
            "Rate", list(words), default=next(iter(words), None), required=True, key="face_rate",
            bind="query-params", wrap=True,
        )  # fmt: skip
    metric = words.get(str(word), "eer")
    st.title(plain(finding(rows, document["differences"], where)))
    title = document["title"] or scenario
    stop = "" if title[-1] in ".?!" else "."
    behind = runs_behind(document.get("runs", ())) or "0 runs"
    st.caption(
        f"{plain(title)}{stop} {behind}. {face_table.scope(rows)}; whoever is tested was never seen in training. "
        "Intervals: 95%, people and seeds drawn anew."
    )
    notes = problems(tuple(document["failures"]), tuple(document["unfinished"]))
    if notes:
        st.warning("\n".join([GAVE_NOTHING, *(f"- {line}" for line in notes)]))
    face_curves.arms(rows, metric)
    if len(points) > 1:
        face_curves.by_people(document["rows"], document["differences"], metric)
    face_curves.det(store, scenario, rows)
    _compared(rows, document["differences"], metric, where)
    if document["targets"]:
        show_targets(document["targets"])


def finding(rows: Sequence[Row], differences: Sequence[Row], where: str) -> str:
    """Say in one sentence what the table shows: what a federation closes of the gap, else what privacy is worth."""
    gap = next((row for row in rows if row.get("gap_closed") == row.get("gap_closed") and row.get("gap_closed")), None)
    if gap is not None and gap["epsilon"] is None:
        share, low = _with_percent(gap, "gap_closed"), gap.get("gap_closed_lo")
        what = "of the gap between merchants alone and pooled pictures"
        if isinstance(low, int | float) and low <= 0:
            return f"Too few people to tell whether {gap['label']} closes any {what}: {share}"
        return f"{gap['label']} closes {share} {what}"
    private = [row for row in rows if row["epsilon"] is not None]
    control = next((row for row in rows if row["method"] == "untrained"), None)
    if private and control is not None:
        epsilon = max(row["epsilon"] for row in private)
        names = {f"difference(eer, {row['arm']}, {control['arm']})" for row in private if row["epsilon"] == epsilon}
        found = [one for one in differences if one["name"] in names and _at(one) == where and _number(one["value"])]
        if found and all(_number(one["lo"]) and _number(one["hi"]) for one in found):
            return _worth(found, epsilon)
    measured = [row for row in rows if _number(row.get("eer"))]
    if not measured:
        return "Nothing was measured yet"
    best = min(measured, key=lambda row: float(row["eer"]))
    return f"{face_table.arm_label(best)} tells people apart best: EER {_with_percent(best, 'eer')}"


def _worth(found: Sequence[Row], epsilon: float) -> str:
    """Say what private arms with one epsilon are worth against nobody's picture; of several, how many and not which.

    The best of several would look better than it is.
    """
    if len(found) > 1:
        marks = [_clear(one) for one in found]
        better, worse = marks.count("better"), marks.count("worse")
        more = f", and {worse} raise it" if worse else ""
        return (
            f"At epsilon {epsilon:g}, {better} of {len(found)} private arms lower EER clearly, against using nobody's "
            f"picture{more}"
        )
    one = found[0]
    points = f"{-100 * one['value']:.1f} points [{-100 * one['hi']:.1f}, {-100 * one['lo']:.1f}]"
    if _clear(one) == "no":
        return f"At epsilon {epsilon:g} no clear gain over using nobody's picture: {points} of EER"
    if one["value"] > 0:
        points = f"{100 * one['value']:.1f} points [{100 * one['lo']:.1f}, {100 * one['hi']:.1f}]"
        return f"At epsilon {epsilon:g} people's private mean raises EER by {points}"
    return f"At epsilon {epsilon:g} people's private mean lowers EER by {points}"


def _with_percent(row: Row, metric: str) -> str:
    return face_table.percent_text(row, metric).replace(" ", "% ", 1)


def _compared(rows: Sequence[Row], differences: Sequence[Row], metric: str, where: str) -> None:
    """Show paired differences from an arm that the user chooses."""
    labels = {row["arm"]: face_table.arm_label(row) for row in rows}
    found = [
        (*name, one)
        for one in differences
        if _at(one) == where and (name := _parts(one["name"])) is not None and name[0] == metric
    ]
    compared = {reference for _, _, reference, _ in found}
    references = {label: arm for arm, label in labels.items() if arm in compared}
    if not references:
        return
    st.header("Paired differences")
    word = st.selectbox("Compared with", list(references), key="face_against", bind="query-params", width=320)
    table = pd.DataFrame(
        [
            {"Arm": labels.get(arm, arm), "Difference (points)": _points_text(one), "Clear": _clear(one)}
            for _, arm, reference, one in found
            if reference == references[word]
        ]
    )
    st.dataframe(table, hide_index=True, height="content", alt=f"Paired differences from {word}")
    st.caption("In percentage points; less than 0 is better. Clear: the interval does not hold 0.")


def _points_text(one: Row) -> str:
    value, lo, hi = (math.nan if one[key] is None else 100 * float(one[key]) for key in ("value", "lo", "hi"))
    return "not measured" if math.isnan(value) else f"{value:+z.1f} [{lo:+z.1f}, {hi:+z.1f}]"


def _clear(one: Row) -> str:
    if not (_number(one["lo"]) and _number(one["hi"])) or one["lo"] <= 0 <= one["hi"]:
        return "no"
    return "better" if one["value"] < 0 else "worse"


def _parts(name: str) -> tuple[str, str, str] | None:
    inner = name.removeprefix("difference(").removesuffix(")")
    parts = [one.strip() for one in inner.split(",")]
    return (parts[0], parts[1], parts[2]) if name.startswith("difference(") and len(parts) == 3 else None


def points_of(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Return the rows of each point of the sweep, by its text."""
    points: dict[str, list[Row]] = {}
    for row in rows:
        points.setdefault(", ".join(f"{key} = {value}" for key, value in row["sweep"].items()), []).append(row)
    return points


def _at(one: Row) -> str:
    return ", ".join(f"{key} = {value}" for key, value in one["provenance"].get("sweep", {}).items())


def _has(rows: Sequence[Row], metric: str) -> bool:
    return any(_number(row.get(metric)) for row in rows)


def _number(value: object) -> bool:
    return isinstance(value, int | float) and value == value

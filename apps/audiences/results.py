"""The results of an audience scenario: one figure of every arm, paired differences, all figures, targets."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from apps.audiences import charts as audience_charts
from apps.audiences import table as audience_table
from apps.audiences.table import Row
from apps.chart_words import apart, runs_behind, span
from apps.csv_download import csv_bytes
from apps.drawn_chart import show_chart
from apps.plain_text import plain
from apps.runs.result_tables import GAVE_NOTHING, problems
from apps.store.results import show_targets
from experiments.audience.methods import METHODS, Method, digits_of, method_of
from experiments.runs import RunStore
from retail.errors import DataError


def show_audience_results(store: RunStore, scenario: str, document: Mapping[str, Any]) -> None:
    """Show what `summary.json` of an audience scenario holds.

    Raises: DataError: it is damaged, or its method is none of this version.
    """
    audience_table.check_audience(document, store.root / scenario / "summary.json")
    method = known_method(document, scenario)
    title = st.container()
    points = audience_table.points(document["rows"])
    with st.container(horizontal=True, vertical_alignment="bottom"):
        where = sweep_point(points, key="audience_point")
        rows = points[where]
        names = [name for name in method.columns if audience_table.measured(rows, name)]
        words = {one_line(method.figures[name].title): name for name in names if name in method.figures}
        word = None
        if words:
            word = st.segmented_control(
                "Figure", list(words), default=next(iter(words)), required=True, key="audience_figure",
                bind="query-params", wrap=True,
            )  # fmt: skip
    metric = words.get(str(word), next(iter(words.values()), ""))
    with title:
        st.title(plain(finding(method, document, rows, metric, where)))
        named = str(document["title"] or scenario)
        behind = runs_behind(document.get("runs", ()))
        st.caption(
            f"{plain(named)}{'' if named[-1] in '.?!' else '.'} {f'{plain(behind)}. ' if behind else ''}"
            f"{plain(' '.join(method.notes))}"
        )
    gave_nothing(document)
    if metric:
        _figure(method, rows, metric)
        _differences(method, document, rows, metric, where)
    everything(method, rows, scenario)
    what_was_chosen(rows)
    if document["targets"]:
        show_targets(document["targets"])


def known_method(document: Mapping[str, Any], scenario: str) -> Method:
    """Return the method of a table. Raises: DataError: this version has none of that name."""
    name = str(document["rows"][0]["method"])
    if name not in METHODS:
        raise DataError(f"{scenario}: method {name!r} is none of this version; run it with the version that made it")
    return method_of(name)


def finding(method: Method, document: Mapping[str, Any], rows: Sequence[Row], metric: str, where: str) -> str:
    """Say in one sentence what the references are, and how many arms lie clearly above and below."""
    if not metric:
        return "Nothing was measured yet"
    name = one_line(method.figures[metric].title)
    labels = {row["arm"]: audience_table.arm_label(row) for row in rows}
    for reference in audience_table.references(document, metric, rows):
        others = [row["arm"] for row in audience_table.measured(rows, metric) if row["arm"] != reference]
        found = [audience_table.compared(document, metric, arm, reference, where) for arm in others]
        if not any(one is not None and math.isfinite(one[1]) for one in found):
            continue
        clear = [one for one in found if one is not None and (one[1] > 0 or one[2] < 0)]
        higher = sum(one[1] > 0 for one in clear)
        return (
            f"{name}: {higher} of {len(others)} arms lie clearly above {labels[reference]}, {len(clear) - higher} "
            "clearly below"
        )
    first = audience_table.measured(rows, metric)[0]
    text = audience_table.written(audience_table.ends_of(first, metric), digits_of(method, metric))
    return f"{audience_table.arm_label(first)}: {name} {text} {_unit(method, metric)}".rstrip()


def against(method: Method, document: Mapping[str, Any], rows: Sequence[Row], metric: str, where: str) -> str:
    """Write how far each arm lies from the reference that `finding` names, with its interval; empty without one."""
    for reference in audience_table.references(document, metric, rows) if metric else ():
        found = [(row, audience_table.compared(document, metric, row["arm"], reference, where)) for row in rows]
        texts = [
            f"{audience_table.arm_label(row)} {audience_table.written(ends, digits_of(method, metric), signed=True)}"
            for row, ends in found
            if ends is not None and math.isfinite(ends[1])
        ]
        if texts:
            return f"Differences on the same draws, with 95% intervals: {'; '.join(texts)}."
    return ""


def sweep_point(points: Mapping[str, Sequence[Row]], *, key: str) -> str:
    """Let the user choose a point of the sweep, where there are several."""
    last = list(points)[-1]
    if len(points) == 1:
        return last
    chosen = st.selectbox("Sweep point", list(points), index=len(points) - 1, key=key, bind="query-params", width=320)
    return chosen if chosen in points else last


def gave_nothing(document: Mapping[str, Any]) -> None:
    """Say which runs gave nothing."""
    notes = problems(tuple(document["failures"]), tuple(document["unfinished"]))
    if notes:
        st.warning("\n".join([GAVE_NOTHING, *(f"- {line}" for line in notes)]))


def everything(method: Method, rows: Sequence[Row], scenario: str) -> None:
    """Show every figure of every arm, what figures mean, and offer them as CSV."""
    st.header("All arms")
    shown = [name for name in method.columns if audience_table.measured(rows, name)]
    cells = [
        {
            "Arm": audience_table.bare_label(row),
            "Epsilon": audience_table.epsilon_text(row),
            **{
                one_line(method.figures[name].title): audience_table.written(
                    audience_table.ends_of(row, name), digits_of(method, name)
                )
                for name in shown
            },
            "Seconds": f"{row['seconds']:.1f}",
        }
        for row in rows
    ]
    st.dataframe(
        pd.DataFrame(cells), hide_index=True, height="content", alt="Figures of every arm with 95% intervals",
        column_config=wide_columns(cells, first="Arm"),
    )  # fmt: skip
    others = [
        {
            "Arm": audience_table.arm_label(row),
            "Figure": _name(method, name),
            "Value": audience_table.written(audience_table.ends_of(row, name), digits_of(method, name)),
            "Unit": _unit(method, name),
        }
        for row in rows
        for name in row["figures"]
        if name not in method.columns
    ]
    if others:
        with st.expander("Other figures"):
            st.dataframe(pd.DataFrame(others), hide_index=True, height="content", alt="Other figures of every arm")
    with st.expander("What the figures mean"):
        used = {name for row in rows for name in row["figures"]}
        known = [(name, text) for name, text in method.figures.items() if name in used]
        st.markdown(
            "\n".join(f"- **{plain(one_line(text.title))}** ({text.unit}): {plain(text.meaning)}." for _, text in known)
            .replace(" (1):", ":")
        )  # fmt: skip
    st.download_button(
        "Download as CSV", csv_bytes(frame(rows)), file_name=f"{scenario}.csv", mime="text/csv",
        icon=":material/download:",
    )  # fmt: skip


def wide_columns(cells: Sequence[Mapping[str, Any]], *, first: str) -> dict[str, Any]:
    """Lay out a table of figures: its first column stays in sight, and no interval is cut off."""
    longest = {name: max(len(str(cell[name])) for cell in cells) for name in (cells[0] if cells else ())}
    columns: dict[str, Any] = {
        name: st.column_config.TextColumn(width=max(26 + 7 * max(length, len(name)), 80))
        for name, length in longest.items()
    }
    return {**columns, first: st.column_config.TextColumn(pinned=True, width="medium")}


def frame(rows: Sequence[Row]) -> pd.DataFrame:
    """Every arm with all its numbers in columns, for download; swept keys as `sweep.KEY`."""
    left = ("sweep", "run_ids", "seeds", "origins", "figures", "said")
    return pd.DataFrame(
        [
            {key: value for key, value in row.items() if key not in left}
            | {f"sweep.{key}": value for key, value in row["sweep"].items()}
            for row in rows
        ]
    )


def one_line(text: str) -> str:
    """Write a heading that has line breaks in one line, with a capital."""
    line = " ".join(text.split())
    return line[:1].upper() + line[1:]


def _figure(method: Method, rows: Sequence[Row], metric: str) -> None:
    text = method.figures[metric]
    digits = digits_of(method, metric)
    table = audience_table.long_table(rows, metric, digits)
    name = _name(method, metric)
    st.header(plain(name))
    said = f"{name}: {span(table)}"
    st.markdown(f"**{plain(said)}.**")
    ends = "Points with 95% intervals" if table["lo"].notna().any() else "Points; this figure has no interval"
    st.caption(f"{plain(text.meaning[:1].upper() + text.meaning[1:])}. {ends}.")
    unit = _unit(method, metric)
    show_chart(
        audience_charts.figure_of_arms,
        table,
        title=f"{name}, {unit}" if unit else name,
        alt=f"{said}; each arm with its 95% interval, the largest above",
    )
    with st.expander("The same figures as a table"):
        shown = table[["Arm", "Text", "Kind"]].rename(columns={"Text": name})
        st.dataframe(shown, hide_index=True, height="content", alt=f"{name} of each arm with its 95% interval")


def _differences(method: Method, document: Mapping[str, Any], rows: Sequence[Row], metric: str, where: str) -> None:
    labels = {row["arm"]: audience_table.arm_label(row) for row in rows}
    against = {labels[arm]: arm for arm in audience_table.references(document, metric, rows)}
    if not against:
        return
    st.header("Paired differences")
    reference = next(iter(against))
    if len(against) > 1:
        reference = str(
            st.selectbox("Compared with", list(against), key="audience_against", bind="query-params", width=320)
        )
    other = against.get(reference, next(iter(against.values())))
    digits = digits_of(method, metric)
    lines = []
    for row in audience_table.measured(rows, metric):
        found = audience_table.compared(document, metric, row["arm"], other, where)
        if found is not None and row["arm"] != other:
            lines.append({"Arm": labels[row["arm"]], "Kind": audience_table.kind_of(row),
                          **audience_table.ends_columns(found, digits, signed=True)})  # fmt: skip
    table = pd.DataFrame(lines)
    name, unit = _name(method, metric), _unit(method, metric)
    said = f"In {name} {apart(table, labels[other])}"
    st.markdown(f"**{plain(said)}.**")
    st.caption(
        f"Less {plain(labels[other])}, on the same draws. An interval that holds 0 shows no clear difference; "
        "intervals above may overlap although one arm is clearly better."
        if table["lo"].notna().any()
        else f"Less {plain(labels[other])}. These differences have no intervals."
    )
    show_chart(
        audience_charts.figure_of_arms,
        table,
        title=f"Difference in {name}{', ' + unit if unit else ''}",
        line=0.0,
        signed=True,
        alt=f"{said}; paired differences with 95% intervals",
    )
    with st.expander("The same differences as a table"):
        shown = table[["Arm", "Text"]].rename(columns={"Text": f"Difference in {name}"})
        st.dataframe(shown, hide_index=True, height="content", alt=f"Differences in {name} from {labels[other]}")


def what_was_chosen(rows: Sequence[Row]) -> None:
    """Show what runs say of themselves: a sentence of several arms once."""
    said: dict[str, list[str]] = {}
    for row in rows:
        for sentence in row.get("said", ()):
            said.setdefault(str(sentence), []).append(audience_table.arm_label(row))
    if said:
        with st.expander("What was chosen, and on what"):
            lines = [
                f"- {plain(sentence)}"
                if len(labels) == len(rows)
                else f"- {plain('; '.join(labels))}: {plain(sentence)}"
                for sentence, labels in said.items()
            ]
            st.markdown("\n".join(lines))


def _name(method: Method, metric: str) -> str:
    return one_line(method.figures[metric].title if metric in method.figures else metric.replace("_", " "))


def _unit(method: Method, metric: str) -> str:
    unit = method.figures[metric].unit if metric in method.figures else ""
    return "" if unit == "1" else unit

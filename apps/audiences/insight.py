"""A part of the page Audiences: what a change of our brand would do, and how much people would have to care for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd
import streamlit as st

from apps.audiences import charts as audience_charts
from apps.audiences import table as audience_table
from apps.audiences.results import gave_nothing, sweep_point, what_was_chosen, wide_columns
from apps.audiences.table import Ends, Row
from apps.chart_words import span
from apps.drawn_chart import show_chart
from apps.plain_text import plain
from apps.runs.run_record import read_run
from experiments.audience.measured import TABLE_FILE
from experiments.documents import read_frame
from experiments.runs import RunStore
from retail.errors import DataError

_UNMEASURED: Final = "unmeasured"
_CHANGES: Final = {
    "price": "A lower price", "display": "On display everywhere", "mailer": "Always in the mailer",
    _UNMEASURED: "Something nobody measured",
}  # fmt: skip
_WEIGHTS: Final = {
    "price": "log-odds a unit of price", "display": "log-odds", "mailer": "log-odds", _UNMEASURED: "log-odds",
}  # fmt: skip
_ESTIMATED: Final = "as people choose now"
_FALLBACK: Final = {"gain_pct": 60.0, "cut": 0.1, "kind": "BABY DIAPERS", "product": "751"}
"""What `experiments.audience.insight_run.Plan` takes for options that a scenario leaves out; a test compares them."""


def show_insight(store: RunStore, scenario: str, document: Mapping[str, Any], title: Any) -> None:
    """Show one finished run of insight.

    Raises: DataError: a file of a run is damaged.
    """
    points = audience_table.points(document["rows"])
    where = sweep_point(points, key="insight_point")
    rows = points[where]
    changes = [name for name in _CHANGES if audience_table.measured(rows, f"needed_{name}")
               or audience_table.measured(rows, f"gain_{name}")]  # fmt: skip
    if not changes:
        title.title("No model of this run has changed our brand")
        gave_nothing(document)
        return
    options = _options(store, scenario, rows)
    words = {_CHANGES[name]: name for name in changes}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        word = st.segmented_control(
            "Change of our brand", list(words), default=next(iter(words)), required=True, key="insight_change",
            bind="query-params", wrap=True,
        )  # fmt: skip
        change = words.get(str(word), changes[0])
        usable = [row for row in rows if audience_table.measured([row], f"needed_{change}")
                  or audience_table.measured([row], f"gain_{change}")]  # fmt: skip
        models = {audience_table.arm_label(row): row for row in usable}
        usual = next((at for at, row in enumerate(usable) if row["model"] == "mixed"), 0)
        label = st.selectbox(
            "Model in the title", list(models), index=usual, key="insight_model", bind="query-params", width=340
        )
    model = models.get(str(label), usable[usual])
    wanted = float(options["gain_pct"])
    estimates = _estimates(store, scenario, usable, change)
    with title:
        st.title(plain(_finding(model, change, wanted, float(options["cut"]), estimates.get(model["arm"]))))
        st.caption(
            f"Our brand is {plain(options['product'])} among {plain(str(options['kind']).capitalize())}. Rivals do not "
            "answer and nobody new comes in: these are shares of the same choices with another product, no forecast. "
            "95% intervals of the estimates, clustered by person."
        )
    gave_nothing(document)
    if audience_table.measured(usable, f"gain_{change}"):
        _gains(usable, change, wanted)
    if audience_table.measured(usable, f"needed_{change}"):
        _weights(usable, change, wanted, estimates)
    _everything(usable, wanted)
    what_was_chosen(usable)


def _finding(model: Row, change: str, wanted: float, cut: float, estimate: Ends | None) -> str:
    """Say in one sentence what a change brings, and what weight would bring what is wanted."""
    needed = audience_table.written(audience_table.ends_of(model, f"needed_{change}"), 2, signed=True)
    if change == _UNMEASURED:
        said = f"For {wanted:+.0f}% people would have to care by {needed} log-odds for an improvement"
        price = audience_table.ends_of(model, "needed_as_price")
        return f"{said}, as for a price cut of {audience_table.written(price, 2)}" if price[0] == price[0] else said
    name = f"A price lower by {100 * cut:.0f}%" if change == "price" else _CHANGES[change]
    gain = audience_table.ends_of(model, f"gain_{change}")
    said = f"{name} changes our share by {audience_table.written(gain, 1, signed=True)}%"
    if needed == "-":
        return f"{said}; no weight would bring {wanted:+.0f}%"
    now = "" if estimate is None else f", and is {audience_table.written(estimate, 2, signed=True)} now"
    return f"{said}; for {wanted:+.0f}% its weight would have to be {needed}{now}"


def _options(store: RunStore, scenario: str, rows: Sequence[Row]) -> dict[str, Any]:
    """Return the options of the runs, as the first one with a folder tells them."""
    for row in rows:
        for run_id in row["run_ids"]:
            settings = read_run({"path": str(store.root / scenario / run_id)}).settings
            if settings:
                return {**_FALLBACK, **settings.get("options", {}), **settings.get("arm", {}).get("options", {})}
    return dict(_FALLBACK)


def _estimates(store: RunStore, scenario: str, rows: Sequence[Row], change: str) -> dict[str, Ends]:
    """Return what people weigh a change now, by arm; arms whose run kept no estimate of it are left out.

    Raises: DataError: a file is damaged, or was made by another version.
    """
    found = {}
    for row in rows:
        for run_id in row["run_ids"][:1]:
            path: Path = store.root / scenario / run_id / "artifacts" / TABLE_FILE
            if change == _UNMEASURED or not path.is_file():
                continue
            table = read_frame(path)
            if not {"name", "value", "lo", "hi"} <= set(table.columns):
                raise DataError(f"{path}: is no table of estimates; run the scenario again with this version")
            mine = table[table["name"] == change]
            if len(mine):
                value, lo, hi = (float(mine[key].iloc[0]) for key in ("value", "lo", "hi"))
                found[row["arm"]] = (value, lo, hi)
    return found


def _gains(rows: Sequence[Row], change: str, wanted: float) -> None:
    st.header("What it would bring")
    chances = [audience_table.ends_of(row, f"chance_{change}")[0] for row in rows]
    known = [one for one in chances if one == one]
    never = f" In {100 * min(known):.0f} to {100 * max(known):.0f}% of draws of the estimates it does." if known else ""
    if known and max(known) == 0:
        never = " In no draw of the estimates does it, under any model."
    st.caption(f"Change of our share, in percent of it; the dashed line is the {wanted:+.0f}% that is wanted.{never}")
    table = audience_table.long_table(rows, f"gain_{change}", 1)
    said = f"{_CHANGES[change]}, change of our share in %: {span(table)}"
    st.markdown(f"**{plain(said)}.**")
    show_chart(
        audience_charts.figure_of_arms,
        table,
        title="Change of our share, %",
        line=wanted,
        signed=True,
        sort=False,
        alt=f"{said}; by each model, with 95% intervals",
    )
    with st.expander("The same figures as a table"):
        shown = table[["Arm", "Text"]].rename(columns={"Arm": "Model", "Text": "Change of our share, %"})
        st.dataframe(shown, hide_index=True, height="content", alt="Change of our share by each model")


def _weights(rows: Sequence[Row], change: str, wanted: float, estimates: Mapping[str, Ends]) -> None:
    unit, needed = _WEIGHTS[change], f"needed for {wanted:+.0f}%"
    st.header(f"How much people would have to care for {wanted:+.0f}%")
    lines: list[dict[str, Any]] = []
    cells = []
    for row in rows:
        value = audience_table.ends_of(row, f"needed_{change}")
        name = audience_table.arm_label(row)
        cell = {"Model": name}
        for kind, ends in ((_ESTIMATED, estimates.get(row["arm"])), (needed, value)):
            if ends is not None and ends[0] == ends[0]:
                lines.append({"Arm": name, "Kind": kind, **audience_table.ends_columns(ends, 2, signed=True)})
            if kind == needed or estimates:
                cell[f"{kind[:1].upper()}{kind[1:]}, {unit}"] = (
                    "-" if ends is None else audience_table.written(ends, 2, signed=True)
                )
        if change == _UNMEASURED:
            cell["As a price cut, money a unit"] = audience_table.written(
                audience_table.ends_of(row, "needed_as_price"), 2
            )
        cells.append(cell)
    weights = pd.DataFrame(lines, columns=["Arm", "Kind", "value", "lo", "hi", "Text"])
    said = f"Weight {needed}: {span(weights[weights['Kind'] == needed])}"
    st.markdown(f"**{plain(said)}.**")
    st.caption(
        f"Weight, {unit}: by how much it moves the log-odds that our brand is taken. "
        + ("Of an improvement that nobody measured, such as a drier diaper, nobody knows what it weighs now."
           if change == _UNMEASURED else "Where the two intervals are far apart, the change cannot do it.")
    )  # fmt: skip
    show_chart(
        audience_charts.weights,
        weights,
        title=f"Weight, {unit}",
        kinds=(_ESTIMATED, needed),
        alt=f"{said}; by each model, {_CHANGES[change].lower()}, with 95% intervals",
    )
    with st.expander("The same weights as a table"):
        st.dataframe(pd.DataFrame(cells), hide_index=True, height="content", alt="Weights by each model")


def _everything(rows: Sequence[Row], wanted: float) -> None:
    st.header("Every change, by every model")
    cells = []
    for row in rows:
        cell: dict[str, str] = {"Model": audience_table.arm_label(row), "Regime": str(row.get("regime") or "any")}
        for name, text in _CHANGES.items():
            if name != _UNMEASURED:
                cell[f"{text}: share, %"] = audience_table.written(
                    audience_table.ends_of(row, f"gain_{name}"), 1, signed=True
                )
        cell[f"Needed for {wanted:+.0f}%, log-odds"] = audience_table.written(
            audience_table.ends_of(row, "needed_unmeasured"), 2, signed=True
        )
        cell["As a price cut"] = audience_table.written(audience_table.ends_of(row, "needed_as_price"), 2)
        cells.append(cell)
    st.dataframe(
        pd.DataFrame(cells), hide_index=True, height="content", alt="Every change by every model, 95% intervals",
        column_config=wide_columns(cells, first="Model"),
    )  # fmt: skip
    st.caption(
        "A price cut divides by the weight of the price; where that may be 0, its interval has no end. Prices were not "
        "set by chance, so a price that is low because nobody wants the brand looks harmless."
    )

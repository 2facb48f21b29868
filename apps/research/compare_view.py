"""Two arms or runs side by side: a sentence with the paired difference, its picture, every figure, and the settings."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import altair as alt
import pandas as pd
import streamlit as st

from apps.chart_words import runs_behind
from apps.csv_download import csv_bytes
from apps.drawn_chart import show_chart
from apps.figure_text import unit_text
from apps.plain_text import plain
from apps.research.headlines import KINDS
from apps.research.opening_pair import opening_pair
from apps.runs.charts import PALETTE
from apps.runs.metric_names import in_order, metric_name
from experiments.pair_figures import Pair, Side
from experiments.pairs import Pairing, arms_of, pair_up
from experiments.results import Result
from experiments.runs import RunStore
from retail.errors import TradefairError

ARMS, RUNS = "Arms", "Single runs"
_ROWS: Final[dict[str, Any]] = {
    "title": None, "ticks": False, "domain": False, "grid": False, "labelAlign": "left", "labelPadding": -4,
    "labelLimit": 330, "zindex": 1, "labelOverlap": False, "labelOffset": -9,
}  # fmt: skip


def show_comparison(store: RunStore) -> None:
    """Let two sides be chosen and show what is between them."""
    title = st.container()
    level = st.segmented_control(
        "Compare", [ARMS, RUNS], default=ARMS, required=True, key="level", bind="query-params",
        help="An arm is all its runs together. Single runs show what one test window or seed gives.",
    )  # fmt: skip
    sides = _sides(store, single_runs=level == RUNS)
    if not sides:
        title.title("Nothing to compare yet")
        st.info("Two arms can be compared once a scenario has its table.")
        st.page_link("app_pages/scenarios.py", label="Start a scenario", icon=":material/play_arrow:")
        return
    chosen = _choose(store, sides)
    try:
        pairing = pair_up(store, *chosen)
    except TradefairError as error:
        title.title("Choose two sides that differ")
        st.warning(plain(error), icon=":material/compare_arrows:")
        return
    if not pairing.pairs:
        title.title("These two share no figure")
        st.info("They measured different things. Choose an arm of the same scenario, or of one with the same method.")
        return
    known = {pair.metric: pair for pair in pairing.pairs}
    names = {label_of(store, chosen[0], known[metric]): known[metric] for metric in in_order(known)}
    name = st.selectbox("Figure", list(names), key="figure", bind="query-params", width=420)
    pair = names.get(name, next(iter(names.values())))
    title.title(plain(sentence(chosen, name, pair, pairing)))
    _say_what(chosen, pairing)
    _charts(chosen, name, pair)
    _table(store, chosen, names)
    _settings(chosen, pairing)


def sentence(sides: tuple[Side, Side], name: str, pair: Pair, pairing: Pairing) -> str:
    """Say which of two arms has the higher figure, or that it cannot be told."""
    first, second = (_called(side, sides) for side in sides)
    found = pair.difference
    if math.isnan(found.value):
        return f"{name}: {first} and {second} cannot be paired"
    amount = written(found, signed=True)
    unit = f" {unit_text(found.unit)}".rstrip()
    if math.isnan(found.lo):
        return f"{name}: {first} less {second} is {amount}{unit}, without an interval"
    if found.lo <= 0 <= found.hi:
        return f"{name}: no clear difference between {first} and {second}, {amount}{unit}"
    return f"{name}: {written(found)}{unit} {'higher' if found.value > 0 else 'lower'} for {first} than for {second}"


def written(result: Result, *, signed: bool = False) -> str:
    """Write a figure with its interval, in as many digits as it needs; without signs as an amount."""
    ends = [result.value, result.lo, result.hi]
    if math.isnan(ends[0]):
        return "none"
    if not signed and result.name.startswith("difference(") and ends[0] < 0:
        ends = [-ends[0], -ends[2], -ends[1]]
    largest = max(abs(end) for end in ends if math.isfinite(end))
    digits = 4 if largest < 1 else 3 if largest < 10 else 1 if largest < 1000 else 0
    value, lo, hi = (f"{end:{'+' if signed else ''}z,.{digits}f}" for end in ends)
    return value if math.isnan(ends[1]) else f"{value} [{lo}, {hi}]"


def label_of(store: RunStore, side: Side, pair: Pair) -> str:
    """Return what people call a figure of a kind of scenario."""
    metric = pair.metric
    if side.kind == "recommendation":
        return metric_name(metric).label
    if side.kind == "faces":
        from apps.faces.table import NAMES

        return NAMES.get(metric, metric)
    if side.kind == "market":
        from apps.market.figure_names import figure_name

        return figure_name(metric)
    if side.kind == "audience":
        from experiments.audience.methods import METHODS, method_of

        method = str(side.record(store).get("method"))
        if method in METHODS and metric in method_of(method).figures:
            words = " ".join(method_of(method).figures[metric].title.split())
            return words[:1].upper() + words[1:]
    words = str(pair.first.provenance.get("label") or metric.replace("_", " "))
    return words[:1].upper() + words[1:]


def _sides(store: RunStore, *, single_runs: bool) -> dict[str, tuple[Side, ...]]:
    """Return what can be compared, by scenario, the newest table first; damaged tables are named."""
    dated = []
    for name in store.scenarios():
        path = store.root / name / "summary.json"
        try:
            found = arms_of(store, name, single_runs=single_runs)
        except TradefairError as error:
            st.warning(plain(error), icon=":material/error:")
            continue
        if found:
            dated.append((path.stat().st_mtime, name, found))
    return {name: found for _, name, found in sorted(dated, reverse=True)}


def _choose(store: RunStore, sides: dict[str, tuple[Side, ...]]) -> tuple[Side, Side]:
    left, right = st.columns(2)
    with left:
        scenario = st.selectbox("Scenario", list(sides), key="first", bind="query-params")
        mine = {side.label: side for side in sides[scenario]}
        place, _ = opening_pair(store, sides[scenario])
        first = mine[st.selectbox("This", list(mine), index=place, key="first_arm", bind="query-params")]
    with right:
        same = [name for name, found in sides.items() if found[0].kind == first.kind]
        scenario = st.selectbox(
            f"Scenario ({KINDS.get(first.kind, first.kind)})", same, index=same.index(scenario), key="second",
            bind="query-params",
        )  # fmt: skip
        others = {side.label: side for side in sides[scenario]}
        _, place = opening_pair(store, sides[scenario])
        second = others[st.selectbox("Less this", list(others), index=place, key="second_arm", bind="query-params")]
    return first, second


def _called(side: Side, sides: tuple[Side, Side]) -> str:
    return side.label if sides[0].scenario == sides[1].scenario else f"{side.label} ({side.scenario})"


def _say_what(sides: tuple[Side, Side], pairing: Pairing) -> None:
    runs = " and ".join(_resting_on(side) for side in sides)
    if pairing.why_not:
        st.info(
            f"There is no paired difference: {plain(pairing.why_not)}. Each figure stands with its own interval; "
            "whether these overlap does not tell whether the arms differ.",
            icon=":material/link_off:",
        )
        st.caption(f"95% intervals. {plain(runs)}.")
        return
    what = {
        "recommendation": "the same shoppers and seeds", "faces": "the same people and seeds",
        "market": "markets of the same seeds", "audience": "the same draws", "store": "the same days",
    }[sides[0].kind]  # fmt: skip
    st.caption(
        f"Paired over {what}. {plain(runs)}. 95% intervals. One of 20 intervals misses even where nothing differs."
    )


def _resting_on(side: Side) -> str:
    """Name a side with the runs behind it; one run of it is its own name already."""
    runs = runs_behind(side.run_ids)
    return side.label if len(side.run_ids) == 1 and side.run_ids[0][:8] in side.label else f"{side.label}: {runs}"


def _charts(sides: tuple[Side, Side], name: str, pair: Pair) -> None:
    unit = unit_text(pair.first.unit)
    axis = f"{name}, {unit}" if unit else name
    called = [_called(side, sides) for side in sides]
    both = _frame(zip(called, (pair.first, pair.second), strict=True))
    left, right = st.columns(2)
    with left:
        st.subheader("Each by itself")
        show_chart(_rows, both, axis, alt=f"{name}: " + "; ".join(f"{row.Arm} {row.Text}" for row in both.itertuples()))
    with right:
        st.subheader("The difference")
        if math.isnan(pair.difference.value):
            st.caption("None, see above.")
            return
        less = _frame([(f"{called[0]} less {called[1]}", pair.difference)], signed=True)
        show_chart(
            _rows,
            less,
            f"Difference in {axis}",
            line=True,
            alt=f"{less['Arm'][0]} in {name}: {less['Text'][0]}; the dashed line is no difference",
        )


def _frame(rows: Any, *, signed: bool = False) -> pd.DataFrame:
    lines = [(arm, one.value, one.lo, one.hi, written(one, signed=signed)) for arm, one in rows]
    return pd.DataFrame(lines, columns=["Arm", "value", "lo", "hi", "Text"])


def _rows(table: pd.DataFrame, title: str, *, line: bool = False) -> alt.LayerChart:
    """Draw one row with a point and its interval for each arm."""
    base = alt.Chart(table).encode(
        y=alt.Y("Arm:N", sort=None, axis=alt.Axis(**_ROWS)), tooltip=["Arm:N", alt.Tooltip("Text:N", title=title)]
    )
    signs: dict[str, Any] = {"labelExpr": "datum.value === 0 ? '0' : format(datum.value, '+~r')"} if line else {}
    axis = alt.Axis(titleLimit=0, tickCount=5, **signs)
    x = alt.X("lo:Q", title=title, scale=alt.Scale(zero=line, nice=True), axis=axis)
    bars = base.transform_filter("isValid(datum.lo) && isValid(datum.hi)").mark_rule(
        strokeWidth=2, yOffset=8, color=PALETTE[0]
    )
    dots = base.mark_point(filled=True, size=80, opacity=1, yOffset=8, color=PALETTE[0]).encode(
        x=alt.X("value:Q", title=title)
    )
    layers = [bars.encode(x=x, x2="hi:Q"), dots]
    if line:
        zero = alt.Chart(pd.DataFrame({"zero": [0.0]})).mark_rule(color=PALETTE[4], strokeDash=[4, 4])
        layers.insert(0, zero.encode(x=alt.X("zero:Q", title=title)))
    return alt.layer(*layers).properties(height=alt.Step(44))


def _table(store: RunStore, sides: tuple[Side, Side], names: dict[str, Pair]) -> None:
    st.header("Every figure")
    called = [_called(side, sides) for side in sides]
    rows = [
        {
            "Figure": name,
            called[0]: written(pair.first),
            called[1]: written(pair.second),
            "Difference": written(pair.difference, signed=True),
            "Clear": _clear(pair.difference),
            "Unit": unit_text(pair.first.unit),
        }
        for name, pair in names.items()
    ]
    table = pd.DataFrame(rows)
    st.dataframe(
        table if table["Unit"].any() else table.drop(columns="Unit"), hide_index=True, height="content",
        alt="Every figure of both, and their paired difference",
        column_config={"Figure": st.column_config.TextColumn(pinned=True)},
    )  # fmt: skip
    st.download_button(
        "Download as CSV", csv_bytes(figures(called, names)), file_name="comparison.csv", mime="text/csv",
        icon=":material/download:", on_click="ignore",
    )  # fmt: skip


def figures(called: Sequence[str], names: Mapping[str, Pair]) -> pd.DataFrame:
    """Every figure of both sides and their difference, as numbers with the ends of their intervals, for download."""
    rows = []
    for name, pair in names.items():
        row: dict[str, Any] = {"figure": name, "unit": pair.first.unit, "this": called[0], "less": called[1]}
        for side, found in (("this", pair.first), ("less", pair.second), ("difference", pair.difference)):
            row |= {f"{side}_value": found.value, f"{side}_lo": found.lo, f"{side}_hi": found.hi}
        rows.append({**row, "clear": _clear(pair.difference)})
    return pd.DataFrame(rows)


def _clear(found: Result) -> str:
    if math.isnan(found.value) or math.isnan(found.lo):
        return "cannot be told"
    return "no" if found.lo <= 0 <= found.hi else "higher" if found.value > 0 else "lower"


def _settings(sides: tuple[Side, Side], pairing: Pairing) -> None:
    st.header("Settings in which they differ")
    if not pairing.settings:
        one_run = sides[0].run_ids == sides[1].run_ids
        st.caption("None: one run measured the arm and its reference." if one_run else "None.")
        return
    called = [_called(side, sides) for side in sides]
    lines = [
        {"Key": key, called[0]: _setting(one), called[1]: _setting(other)}
        for key, (one, other) in pairing.settings.items()
    ]
    st.dataframe(pd.DataFrame(lines), hide_index=True, height="content", alt="Settings in which the two differ")


def _setting(value: Any) -> str:
    return "left out" if value is None else str(value)

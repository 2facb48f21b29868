"""The charts of the app, in Altair, legible in light and dark, told apart by shape and dash as well as by colour."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

import altair as alt
import pandas as pd

from apps.runs.chart_tables import NO_NOISE
from apps.runs.metric_names import metric_name
from apps.runs.result_tables import ARM

PALETTE: Final = ("#0072B2", "#D55E00", "#009E73", "#B65C93", "#7F7F7F", "#A08000", "#A0603C", "#8468D8")
"""After Okabe and Ito 2008; each has a contrast of at least 3 to 1 with a white and with a near-black page."""
SHAPES: Final = (
    "circle",
    "square",
    "triangle-up",
    "diamond",
    "cross",
    "triangle-down",
    "triangle-right",
    "triangle-left",
)
DASHES: Final = ([1, 0], [7, 3], [2, 2], [9, 3, 2, 3], [4, 4], [12, 4], [1, 3], [6, 2, 1, 2])
_INTERVAL: Final = "95% interval"
_LEGEND: Final = {
    "title": None,
    "orient": "bottom",
    "columns": 1,
    "labelLimit": 330,
    "symbolLimit": 0,
    "symbolOpacity": 1,
    "symbolStrokeWidth": 0,
}


def frontier(table: pd.DataFrame, references: pd.DataFrame, *, metric: str) -> alt.LayerChart:
    """Draw usefulness against epsilon: a dodged point with its interval per arm, a dashed line per reference.

    An empty place at the right keeps the names of the references clear of the points.
    """
    private = sorted(set(table["epsilon"]) - {NO_NOISE}, key=float)
    order = [*private, *([NO_NOISE] if NO_NOISE in set(table["epsilon"]) else [])]
    series = list(dict.fromkeys(table["series"]))
    base = alt.Chart(table).encode(
        x=alt.X(
            "epsilon:N",
            scale=alt.Scale(domain=order if references.empty else [*order, ""], padding=0.4),
            title="Epsilon (smaller protects more)",
            axis=alt.Axis(labelAngle=0, ticks=False),
        ),
        xOffset=alt.XOffset("series:N", sort=series, scale=alt.Scale(padding=0.5)),
        color=alt.Color("series:N", sort=series, scale=_scale(series, PALETTE), legend=alt.Legend(**_LEGEND)),
        tooltip=_tooltips(metric_name(metric).label, ARM, "epsilon"),
    )
    marks = [*_reference_lines(references, metric), _bars(base, metric), _points(base, series)]
    return alt.layer(*marks).resolve_axis(y="independent").properties(height=_height(series))


def growth(table: pd.DataFrame, *, title: str, column: str = "shoppers") -> alt.LayerChart:
    """Draw figures against a swept number, such as shoppers or rounds: a line with its interval band per arm.

    Args:
        table: of `chart_tables.growth_table`.
        title: what is drawn.
        column: of the swept number; its axis is logarithmic where no number is 0 or below.
    """
    series = list(dict.fromkeys(table["series"]))
    sizes = sorted({float(size) for size in table[column]})
    axis = alt.Axis(values=sizes, format="~s", labelOverlap=True, grid=False)
    name, log = column.replace("_", " ").capitalize(), sizes[0] > 0
    scale = alt.Scale(type="log" if log else "linear", nice=False, padding=12)
    base = alt.Chart(table).encode(
        x=alt.X(
            f"{column}:Q",
            scale=scale,
            title=f"{name} (log scale)" if log else name,
            axis=axis,
        ),
        color=alt.Color("series:N", sort=series, scale=_scale(series, PALETTE), legend=alt.Legend(**_LEGEND)),
        tooltip=_tooltips(title, "series", column),
    )
    band = base.mark_area(opacity=0.1).encode(y=alt.Y("lo:Q", scale=alt.Scale(zero=False), title=title), y2="hi:Q")
    dash = alt.StrokeDash("series:N", sort=series, scale=_scale(series, DASHES), legend=None)
    line = base.mark_line(strokeWidth=2).encode(y=alt.Y("value:Q", axis=None), strokeDash=dash)
    layers = alt.layer(band, line, _points(base, series))
    return layers.resolve_axis(y="independent").properties(height=_height(series))


def differences(table: pd.DataFrame, *, metric: str, reference: str) -> alt.LayerChart:
    """Draw paired differences from a reference: a point with its interval per arm, and the line of no difference."""
    order = list(table[ARM])
    title = f"Difference in {metric_name(metric).label} from {reference}"
    names = _inside(labelAlign="left", labelOffset=-9)
    base = alt.Chart(table).encode(y=alt.Y(f"{ARM}:N", sort=order, axis=names))
    x = alt.X(
        "lo:Q",
        title=title,
        scale=alt.Scale(zero=True, nice=True),
        axis=alt.Axis(titleLimit=0, tickCount=5, format="+~g"),
    )
    clear = alt.Color(
        "Clear:N",
        scale=alt.Scale(domain=["better", "no", "worse"], range=[PALETTE[0], PALETTE[4], PALETTE[1]]),
        legend=alt.Legend(title="Clear difference", orient="bottom"),
    )
    shape = alt.Shape(
        "Clear:N",
        scale=alt.Scale(domain=["better", "no", "worse"], range=["triangle-right", "circle", "triangle-left"]),
        legend=alt.Legend(title="Clear difference", orient="bottom"),
    )
    tooltip = [ARM, "Difference:N", "Ratio:N"]
    zero = alt.Chart(pd.DataFrame({"zero": [0.0]})).mark_rule(color=PALETTE[4], strokeDash=[4, 4]).encode(x="zero:Q")
    bars = base.mark_rule(strokeWidth=2, yOffset=8).encode(x=x, x2="hi:Q", color=clear, tooltip=tooltip)
    dots = base.mark_point(filled=True, size=80, opacity=1, yOffset=8).encode(
        x="value:Q", color=clear, shape=shape, tooltip=tooltip
    )
    return alt.layer(zero, bars, dots).properties(height=alt.Step(38))


def _height(series: Sequence[str]) -> int:
    """Pixels of a chart with its legend, one line per series, beneath."""
    return 380 + 24 * len(series)


def _scale(series: Sequence[str], values: Sequence[Any]) -> alt.Scale:
    return alt.Scale(domain=list(series), range=[values[place % len(values)] for place in range(len(series))])


def _bars(base: alt.Chart, metric: str) -> alt.Chart:
    y = alt.Y("lo:Q", scale=alt.Scale(zero=False, padding=14), title=metric_name(metric).label)
    return base.mark_rule(strokeWidth=2).encode(y=y, y2="hi:Q")


def _points(base: alt.Chart, series: Sequence[str]) -> alt.Chart:
    shape = alt.Shape("series:N", sort=list(series), scale=_scale(series, SHAPES), legend=alt.Legend(**_LEGEND))
    return base.mark_point(filled=True, size=90, opacity=1).encode(y=alt.Y("value:Q", axis=None), shape=shape)


def _tooltips(title: str, *keys: str) -> list[alt.Tooltip]:
    named = [alt.Tooltip(f"{key}:N", title=key.capitalize()) for key in keys]
    numbers = (("value", title), ("lo", f"{_INTERVAL}, lower end"), ("hi", f"{_INTERVAL}, upper end"))
    return [*named, *(alt.Tooltip(f"{key}:Q", title=heading, format=".4f") for key, heading in numbers)]


def _reference_lines(references: pd.DataFrame, metric: str) -> list[alt.Chart]:
    """Dashed lines with their names inside the plot; the highest name stands above its line, the others beneath.

    Names are labels of an axis, not text marks, so that they take their colour from the light or dark theme.
    """
    if references.empty:
        return []
    tooltip = _tooltips(metric_name(metric).label, ARM)
    lines = []
    for place, row in references.iterrows():
        shift = -8 if place == len(references) - 1 else 8
        label = json.dumps(row[ARM])
        axis = _inside(values=[row["value"]], labelExpr=label, labelOffset=shift, orient="right", labelAlign="right")
        y = alt.Y("value:Q", axis=axis)
        line = alt.Chart(pd.DataFrame([row])).mark_rule(color=PALETTE[4], strokeDash=[6, 4], strokeWidth=1.5)
        lines.append(line.encode(y=y, tooltip=tooltip))
    return lines


def _inside(**options: Any) -> alt.Axis:
    """An axis that is nothing but labels, drawn inside the plot."""
    bare = {
        "title": None,
        "ticks": False,
        "domain": False,
        "grid": False,
        "labelPadding": -4,
        "labelLimit": 330,
        "zindex": 1,
    }
    return alt.Axis(**{**bare, "labelOverlap": False, **options})

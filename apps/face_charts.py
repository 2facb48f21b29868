"""Charts of error rates: arms with their intervals, DET curves, and rates against the number of people."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import pandas as pd

from apps.charts import DASHES, PALETTE

_DET_TICKS = [0.0001, 0.001, 0.01, 0.1, 1.0]
_LEGEND = {"title": None, "orient": "bottom", "columns": 1, "labelLimit": 330, "symbolLimit": 0}


def rates_of_arms(table: pd.DataFrame, *, title: str) -> alt.LayerChart:
    """Draw one rate: a point with its interval for each arm, the best above.

    Args:
        table: Arm, value, lo, hi (shares), Private (whether the arm has an epsilon).
        title: of the axis.
    """
    order = list(table.sort_values("value")["Arm"])
    axis = alt.Axis(
        title=None, labelAlign="left", labelOffset=-9, labelPadding=-4, ticks=False, domain=False, labelLimit=320,
        orient="left", grid=False,
    )  # fmt: skip
    base = alt.Chart(table).encode(
        y=alt.Y("Arm:N", sort=order, axis=axis),
        color=alt.Color(
            "Private:N",
            scale=alt.Scale(domain=["no epsilon", "with an epsilon"], range=[PALETTE[0], PALETTE[1]]),
            legend=alt.Legend(title=None, orient="bottom"),
        ),
        tooltip=["Arm", *(alt.Tooltip(f"{name}:Q", format=".1%") for name in ("value", "lo", "hi"))],
    )
    x = alt.X("lo:Q", title=title, axis=alt.Axis(format=".0%", titleLimit=0), scale=alt.Scale(zero=True, nice=True))
    bars = base.mark_rule(strokeWidth=2, yOffset=8).encode(x=x, x2="hi:Q")
    dots = base.mark_point(filled=True, size=80, opacity=1, yOffset=8).encode(
        x="value:Q",
        shape=alt.Shape(
            "Private:N",
            scale=alt.Scale(domain=["no epsilon", "with an epsilon"], range=["circle", "diamond"]),
            legend=alt.Legend(title=None, orient="bottom"),
        ),
    )
    return alt.layer(bars, dots).properties(height=alt.Step(38))


def det(table: pd.DataFrame) -> alt.Chart:
    """Draw DET curves on logarithmic axes: left and low is better.

    Args:
        table: Arm, fmr, fnmr, both above 0.
    """
    arms = list(dict.fromkeys(table["Arm"]))
    return (
        alt.Chart(table)
        .mark_line(strokeWidth=2)
        .encode(
            x=_log("fmr", "False match rate (FMR)"),
            y=_log("fnmr", "False non-match rate (FNMR)"),
            color=alt.Color("Arm:N", sort=arms, scale=_each(arms, PALETTE), legend=alt.Legend(**_LEGEND)),
            strokeDash=alt.StrokeDash("Arm:N", sort=arms, scale=_each(arms, DASHES), legend=alt.Legend(**_LEGEND)),
            tooltip=["Arm", alt.Tooltip("fmr:Q", format=".2%"), alt.Tooltip("fnmr:Q", format=".1%")],
        )
        .properties(height=360 + 24 * len(arms))
    )


def by_people(table: pd.DataFrame, *, title: str) -> alt.LayerChart:
    """Draw a rate against the number of people: a line with its interval for each arm, on a log axis.

    Args:
        table: Arm, people, value, lo, hi.
        title: of the axis.
    """
    arms = list(dict.fromkeys(table["Arm"]))
    sizes = sorted({float(size) for size in table["people"]})
    base = alt.Chart(table).encode(
        x=alt.X(
            "people:Q",
            scale=alt.Scale(type="log", nice=False, padding=12),
            title="People (log scale)",
            axis=alt.Axis(values=sizes, format="~s", labelOverlap=True, grid=False),
        ),
        color=alt.Color("Arm:N", sort=arms, scale=_each(arms, PALETTE), legend=alt.Legend(**_LEGEND)),
        tooltip=["Arm", "people", *(alt.Tooltip(f"{name}:Q", format=".2%") for name in ("value", "lo", "hi"))],
    )
    percent = alt.Axis(format=".1%", titleLimit=0)
    band = base.mark_area(opacity=0.1).encode(
        y=alt.Y("lo:Q", scale=alt.Scale(zero=False), title=title, axis=percent), y2="hi:Q"
    )
    line = base.mark_line(strokeWidth=2, point=True).encode(
        y="value:Q",
        strokeDash=alt.StrokeDash("Arm:N", sort=arms, scale=_each(arms, DASHES), legend=alt.Legend(**_LEGEND)),
    )
    return alt.layer(band, line).properties(height=340 + 24 * len(arms))


def _log(field: str, title: str) -> alt.X | alt.Y:
    channel = alt.X if field == "fmr" else alt.Y
    axis = alt.Axis(values=_DET_TICKS, format="~%", titleLimit=0)
    return channel(f"{field}:Q", title=title, scale=alt.Scale(type="log", nice=False), axis=axis)


def _each(arms: Sequence[str], values: Sequence[object]) -> alt.Scale:
    return alt.Scale(domain=list(arms), range=[values[place % len(values)] for place in range(len(arms))])

"""Charts of error rates: arms with their intervals, DET curves, and rates against the number of people."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import pandas as pd

from apps.runs.charts import DASHES, PALETTE, SHAPES

_DET_TICKS = [0.0001, 0.001, 0.01, 0.1, 1.0]
_BESIDE = 1.06  # how far apart arms stand on the axis of people
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
    x = alt.X(
        "lo:Q",
        title=title,
        axis=alt.Axis(format=".0%", titleLimit=0, tickCount=6),
        scale=alt.Scale(zero=True, nice=True),
    )
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


def by_people(table: pd.DataFrame, *, title: str, arms: Sequence[str] = (), from_zero: bool = False) -> alt.LayerChart:
    """Draw a rate against the number of people: a line with its intervals for each arm, on a log axis.

    Arms stand a little beside each other at each number, so that no interval hides another.

    Args:
        table: Arm, people, value, lo, hi.
        title: of the axis.
        arms: in the order of their colours and marks, so that two charts show them alike; the table's own when empty.
        from_zero: whether values are differences in points, with a line at 0; else they are shares.
    """
    arms = list(dict.fromkeys([*arms, *table["Arm"]]))
    legend = alt.Legend(**_LEGEND, values=list(dict.fromkeys(table["Arm"])), symbolOpacity=1, symbolStrokeWidth=0)
    sizes = sorted({float(size) for size in table["people"]})
    place = table["Arm"].map({arm: number - (len(arms) - 1) / 2 for number, arm in enumerate(arms)})
    beside = table.assign(beside=table["people"] * _BESIDE**place)
    numbers = "+.2f" if from_zero else ".2%"
    base = alt.Chart(beside).encode(
        x=alt.X(
            "beside:Q",
            scale=alt.Scale(type="log", nice=False, padding=12),
            title="People (log scale)",
            axis=alt.Axis(values=sizes, format="~s", labelOverlap=True, grid=False),
        ),
        color=alt.Color("Arm:N", sort=arms, scale=_each(arms, PALETTE), legend=legend),
        tooltip=["Arm", "people", *(alt.Tooltip(f"{name}:Q", format=numbers) for name in ("value", "lo", "hi"))],
    )
    signs = "datum.value == 0 ? '0' : format(datum.value, '+~f')"
    axis = alt.Axis(titleLimit=0, **({"labelExpr": signs} if from_zero else {"format": ".0%"}))
    y = alt.Y("lo:Q", scale=alt.Scale(zero=from_zero), title=title, axis=axis)
    bars = base.mark_rule(strokeWidth=1.5, opacity=0.7).encode(y=y, y2="hi:Q")
    dash = alt.StrokeDash("Arm:N", sort=arms, scale=_each(arms, DASHES), legend=legend)
    lines = base.mark_line(strokeWidth=2).encode(y="value:Q", strokeDash=dash)
    shape = alt.Shape("Arm:N", sort=arms, scale=_each(arms, SHAPES), legend=legend)
    dots = base.mark_point(filled=True, size=45, opacity=1).encode(y="value:Q", shape=shape)
    zero = alt.Chart(pd.DataFrame({"zero": [0]})).mark_rule(color="gray", opacity=0.8).encode(y="zero:Q")
    marks = [bars, lines, dots]
    return alt.layer(*([zero, *marks] if from_zero else marks)).properties(height=360 + 28 * len(arms))


def _log(field: str, title: str) -> alt.X | alt.Y:
    channel = alt.X if field == "fmr" else alt.Y
    axis = alt.Axis(values=_DET_TICKS, format="~%", titleLimit=0)
    return channel(f"{field}:Q", title=title, scale=alt.Scale(type="log", nice=False), axis=axis)


def _each(arms: Sequence[str], values: Sequence[object]) -> alt.Scale:
    return alt.Scale(domain=list(arms), range=[values[place % len(values)] for place in range(len(arms))])

"""Charts of markets: who gains against a reference, over time, the own label's prominence, a map, other ways to ask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import altair as alt
import pandas as pd

from apps.market import table as market_table
from apps.runs.charts import DASHES, PALETTE, SHAPES

GAINS: Final = ("gains", "loses", "cannot be told")
_GAIN_COLOURS: Final = (PALETTE[0], PALETTE[1], PALETTE[4])
_GAIN_SHAPES: Final = ("triangle-right", "triangle-left", "circle")
_SIGNS: Final = {"gains": "+", "loses": "\u2212", "cannot be told": "?"}
_NAMES: Final[dict[str, Any]] = {
    "title": None, "ticks": False, "domain": False, "grid": False, "labelAlign": "left", "labelPadding": -4,
    "labelLimit": 330, "zindex": 1, "labelOverlap": False,
}  # fmt: skip
_SIGNED: Final = "datum.value === 0 ? '0' : format(datum.value, '+~r')"


def gains_table(found: Sequence[market_table.Gain]) -> pd.DataFrame:
    """One row for each gain: Regime, Side, value, lo, hi, Text, Verdict."""
    return pd.DataFrame(
        [
            {
                "Regime": one.label,
                "Side": market_table.heading(one.metric),
                **dict(zip(("value", "lo", "hi"), one.values, strict=True)),
                "Text": market_table.written(one.metric, one.values, signed=True),
                "Verdict": one.verdict,
            }
            for one in found
        ],
        columns=["Regime", "Side", "value", "lo", "hi", "Text", "Verdict"],
    )


def gains(table: pd.DataFrame, *, title: str, heading: str = "Side") -> alt.LayerChart:
    """Draw one row for each side: a point with its interval, blue where it gains, orange where it loses.

    Args:
        table: Side, value, lo, hi, Text, Verdict (one of `GAINS`).
        title: of the axis.
        heading: what a row is, in tooltips.
    """
    names = alt.Axis(**_NAMES, labelOffset=-9)
    base = alt.Chart(table).encode(y=alt.Y("Side:N", sort=list(table["Side"]), axis=names))
    legend = alt.Legend(title=None, orient="bottom", columns=3)
    colour = alt.Color("Verdict:N", scale=_scale(GAINS, _GAIN_COLOURS), legend=legend)
    shape = alt.Shape("Verdict:N", scale=_scale(GAINS, _GAIN_SHAPES), legend=legend)
    tooltip = [alt.Tooltip("Side:N", title=heading), alt.Tooltip("Text:N", title=title), "Verdict:N"]
    bars = base.mark_rule(strokeWidth=2, yOffset=8).encode(x=_x(title), x2="hi:Q", color=colour, tooltip=tooltip)
    dots = base.mark_point(filled=True, size=80, opacity=1, yOffset=8).encode(
        x="value:Q", color=colour, shape=shape, tooltip=tooltip
    )
    return alt.layer(_zero(), bars, dots).properties(height=alt.Step(38))


def sides_of_regimes(table: pd.DataFrame, *, title: str) -> alt.LayerChart:
    """Draw one block for each regime, in it a point with its interval for each side.

    Args:
        table: Regime, Side, value, lo, hi, Text, Verdict.
        title: of the axis.
    """
    regimes, sides = list(dict.fromkeys(table["Regime"])), list(dict.fromkeys(table["Side"]))
    return _blocks(table, blocks="Regime", order=regimes, series="Side", kinds=sides, x=_x(title), title=title)


def prominence(table: pd.DataFrame, published: pd.DataFrame) -> alt.LayerChart:
    """Draw own label's shares under each regime, beside published ones as dashed lines of the same colour.

    Args:
        table: Regime, Share (what of), value, lo, hi (shares of 1), Text.
        published: Share, value.
    """
    title = "Own label, % of listings, sales and first places"
    regimes, kinds = list(dict.fromkeys(table["Regime"])), list(dict.fromkeys(table["Share"]))
    x = alt.X("lo:Q", title=title, axis=alt.Axis(format="~%", titleLimit=0, tickCount=5), scale=alt.Scale(zero=True))
    lines = (
        alt.Chart(published)
        .mark_rule(strokeDash=[6, 4], strokeWidth=1.5)
        .encode(
            x="value:Q",
            color=alt.Color("Share:N", sort=kinds, scale=_scale(kinds, PALETTE)),
            tooltip=[alt.Tooltip("Share:N", title="Published"), alt.Tooltip("value:Q", format=".1%", title="Share")],
        )
    )
    return _blocks(table, blocks="Regime", order=regimes, series="Share", kinds=kinds, x=x, title=title, line=lines)


def over_time(table: pd.DataFrame, *, title: str) -> alt.LayerChart:
    """Draw differences over the periods of a market, one line for each size of merchants, and a line at 0.

    Args:
        table: Size, period, value, and lo and hi, which are drawn as a band where they are numbers.
        title: of the axis.
    """
    sizes = list(dict.fromkeys(table["Size"]))
    legend = alt.Legend(title=None, orient="bottom", columns=3, symbolLimit=0)
    axis = alt.Axis(titleLimit=0, labelExpr=_SIGNED)
    colour = alt.Color("Size:N", sort=sizes, scale=_scale(sizes, PALETTE), legend=legend)
    lines = (
        alt.Chart(table)
        .mark_line(strokeWidth=2)
        .encode(
            x=alt.X("period:Q", title="Period", axis=alt.Axis(grid=False, tickCount=5)),
            y=alt.Y("value:Q", title=title, axis=axis),
            color=colour,
            strokeDash=alt.StrokeDash("Size:N", sort=sizes, scale=_scale(sizes, DASHES), legend=legend),
            tooltip=["Size:N", "period:Q", alt.Tooltip("value:Q", format="+.3f", title="Difference")],
        )
    )
    zero = alt.Chart(pd.DataFrame({"zero": [0.0]})).mark_rule(color="gray", opacity=0.8).encode(y="zero:Q")
    band = (
        alt.Chart(table[table["lo"].notna()])
        .mark_area(opacity=0.15)
        .encode(
            x="period:Q",
            y=alt.Y("lo:Q", title=title, axis=axis),
            y2="hi:Q",
            color=colour,
        )
    )
    return alt.layer(band, zero, lines).properties(height=400)


def sign_map(table: pd.DataFrame, *, side: str) -> alt.LayerChart:
    """Draw own label's quality against the bonus in the ranking, coloured by what a side gets.

    Args:
        table: quality, bonus, Verdict, Text.
        side: who gains or loses.
    """
    axis = alt.Axis(labelAngle=0, ticks=False, grid=False, domain=False, titleLimit=0)
    base = alt.Chart(table).encode(
        x=alt.X("bonus:O", title="Bonus in the ranking, log-odds", axis=axis),
        y=alt.Y("quality:O", sort="descending", title="Own label's quality", axis=axis),
        tooltip=[
            alt.Tooltip("quality:O", title="Own label's quality"),
            alt.Tooltip("bonus:O", title="Bonus"),
            alt.Tooltip("Text:N", title="Difference, money an arrival"),
            alt.Tooltip("Verdict:N", title=side),
        ],
    )
    legend = alt.Legend(title=None, orient="bottom", columns=3, symbolType="square")
    cells = base.mark_rect(stroke="white", strokeOpacity=0.4).encode(
        color=alt.Color("Verdict:N", scale=_scale(GAINS, _GAIN_COLOURS), legend=legend)
    )
    marked = table.assign(sign=table["Verdict"].map(_SIGNS))
    signs = base.properties(data=marked).mark_text(color="white", fontSize=17, fontWeight="bold").encode(text="sign:N")
    return alt.layer(cells, signs).properties(height=alt.Step(46))


def curve(table: pd.DataFrame, *, margin: float, unit: str) -> alt.LayerChart:
    """Draw a specification curve: the declared question first, then the others, with the margin as a dashed line.

    Args:
        table: Specification, effect, lo, hi, Text, p, Declared (declared, other way).
        margin: of the rule.
        unit: of effects.
    """
    kinds = ["declared", "another way"]
    names = alt.Axis(**_NAMES, labelOffset=-9)
    base = alt.Chart(table).encode(y=alt.Y("Specification:N", sort=list(table["Specification"]), axis=names))
    x = alt.X(
        "lo:Q", title=f"Effect, {unit}", axis=alt.Axis(titleLimit=0, tickCount=5, labelExpr=_SIGNED),
        scale=alt.Scale(zero=True, nice=True),
    )  # fmt: skip
    legend = alt.Legend(title=None, orient="bottom")
    colour = alt.Color("Declared:N", scale=_scale(kinds, PALETTE), legend=legend)
    shape = alt.Shape("Declared:N", scale=_scale(kinds, ("diamond", "circle")), legend=legend)
    tooltip = ["Specification:N", alt.Tooltip("Text:N", title=f"Effect, {unit}"), "p:N"]
    line = (
        alt.Chart(pd.DataFrame({"margin": [margin]}))
        .mark_rule(color=PALETTE[4], strokeDash=[6, 4])
        .encode(x="margin:Q", tooltip=alt.Tooltip("margin:Q", title="Margin"))
    )
    bars = base.mark_rule(strokeWidth=2, yOffset=8).encode(x=x, x2="hi:Q", color=colour, tooltip=tooltip)
    dots = base.mark_point(filled=True, size=70, opacity=1, yOffset=8).encode(
        x="effect:Q", color=colour, shape=shape, tooltip=tooltip
    )
    return alt.layer(line, bars, dots).properties(height=alt.Step(38))


def _blocks(
    table: pd.DataFrame,
    *,
    blocks: str,
    order: Sequence[str],
    series: str,
    kinds: Sequence[str],
    x: alt.X,
    title: str,
    line: alt.Chart | None = None,
) -> alt.LayerChart:
    """Draw blocks of rows; the first row of each is kept free for its name."""
    row = 17
    names = alt.Axis(**_NAMES, labelOffset=-(row * len(kinds)) // 2)
    offset = alt.YOffset(f"{series}:N", scale=alt.Scale(domain=["", *kinds], padding=0))
    base = alt.Chart(table).encode(
        y=alt.Y(f"{blocks}:N", sort=list(order), axis=names, scale=alt.Scale(padding=0)), yOffset=offset
    )
    legend = alt.Legend(title=None, orient="bottom", columns=2, symbolLimit=0)
    colour = alt.Color(f"{series}:N", sort=list(kinds), scale=_scale(kinds, PALETTE), legend=legend)
    shape = alt.Shape(f"{series}:N", sort=list(kinds), scale=_scale(kinds, SHAPES), legend=legend)
    tooltip = [f"{blocks}:N", f"{series}:N", alt.Tooltip("Text:N", title=title)]
    bars = base.mark_rule(strokeWidth=2).encode(x=x, x2="hi:Q", color=colour, tooltip=tooltip)
    dots = base.mark_point(filled=True, size=60, opacity=1).encode(
        x="value:Q", color=colour, shape=shape, tooltip=tooltip
    )
    return alt.layer(line or _zero(), bars, dots).properties(height=alt.Step(row))


def _x(title: str) -> alt.X:
    axis = alt.Axis(titleLimit=0, tickCount=5, labelExpr=_SIGNED)
    return alt.X("lo:Q", title=title, axis=axis, scale=alt.Scale(zero=True, nice=True))


def _zero() -> alt.Chart:
    data = pd.DataFrame({"zero": [0.0]})
    return alt.Chart(data).mark_rule(color=PALETTE[4], strokeDash=[4, 4]).encode(x="zero:Q")


def _scale(series: Sequence[str], values: Sequence[Any]) -> alt.Scale:
    return alt.Scale(domain=list(series), range=[values[place % len(values)] for place in range(len(series))])

"""The chart of a store comparison: every figure's difference in percent of the base, with both its intervals."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Final

import altair as alt
import pandas as pd

from apps.runs.charts import PALETTE
from apps.store.table import Line, cells

CLEAR: Final = ("better", "worse", "higher or lower", "no clear difference", "not judged")
_COLOURS: Final = (PALETTE[0], PALETTE[1], PALETTE[3], PALETTE[4], PALETTE[5])
_SHAPES: Final = ("triangle-up", "triangle-down", "diamond", "circle", "square")
_VERDICTS: Final = {"higher": CLEAR[2], "lower": CLEAR[2]}
MOST_UNCLEAR: Final = 25.0
"""Percent of the base: a figure without a clear difference whose interval reaches farther would flatten all others."""
MOST_CLEAR: Final = 200.0
"""The same for a clear one; what reaches farther has a base near 0."""
_FEWEST: Final = 3
"""Figures that a chart keeps, whatever stands out."""
COLUMNS: Final = (
    "Figure", "value", "lo", "hi", "noise_lo", "noise_hi", "Clear", "Difference", "Days alone", "With parameters",
    "Base",
)  # fmt: skip


STANDS_OUT: Final = 4.0
"""Times as far as the next figure: one that reaches yet farther would leave dots that nobody can tell apart."""


def difference_table(lines: Iterable[Line]) -> pd.DataFrame:
    """Return one row per figure that percent can show: Figure, value, four ends in % of the base, Clear, texts."""
    rows = []
    for line in _shown(list(lines)):
        percent = 100 / abs(line.base)
        text = cells(line)
        rows.append(
            {
                "Figure": line.label,
                "value": line.difference * percent,
                "lo": line.combined[0] * percent,
                "hi": line.combined[1] * percent,
                "noise_lo": line.simulation[0] * percent,
                "noise_hi": line.simulation[1] * percent,
                "Clear": _VERDICTS.get(line.verdict, line.verdict or CLEAR[3]),
                "Difference": f"{text['Difference']} {line.unit}".strip(),
                "Days alone": text["Simulation noise"],
                "With parameters": text["With parameters"],
                "Base": f"{text['Base']} {line.unit}".strip(),
            }
        )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def left_out(lines: Iterable[Line]) -> list[str]:
    """Name the figures that the chart cannot show, because percent of their base says little."""
    given = list(lines)
    shown = {id(line) for line in _shown(given)}
    return [line.label for line in given if id(line) not in shown]


def _shown(lines: Sequence[Line]) -> list[Line]:
    """Return what the chart shows: what fits, less what stands out so far that the others could not be read."""
    shown = sorted((line for line in lines if _fits(line)), key=_reach)
    while len(shown) > _FEWEST and _reach(shown[-1]) > STANDS_OUT * _reach(shown[-2]) > 0:
        shown.pop()
    kept = {id(line) for line in shown}
    return [line for line in lines if id(line) in kept]


def _reach(line: Line) -> float:
    """Return how far a figure with its intervals lies from 0, in percent of its base."""
    ends = [abs(end) for end in (line.difference, *line.combined, *line.simulation) if math.isfinite(end)]
    return max(ends) * 100 / abs(line.base)


def _fits(line: Line) -> bool:
    if not line.base or not math.isfinite(line.base) or not math.isfinite(line.difference):
        return False
    clear = line.verdict in (*CLEAR[:2], *_VERDICTS)
    return _reach(line) <= (MOST_CLEAR if clear else MOST_UNCLEAR)


def difference_chart(table: pd.DataFrame) -> alt.LayerChart:
    """Draw the differences: a thick bar for the noise of the days, a thin one with the parameters, a line at 0."""
    order = list(table["Figure"])
    names = alt.Axis(
        title=None, ticks=False, domain=False, grid=False, labelAlign="left", labelPadding=-4, labelOffset=-10,
        labelLimit=330, zindex=1, labelOverlap=False,
    )  # fmt: skip
    base = alt.Chart(table).encode(y=alt.Y("Figure:N", sort=order, axis=names))
    shown = [label for label in CLEAR if label in set(table["Clear"])] or [CLEAR[3]]
    places = [CLEAR.index(label) for label in shown]
    legend = alt.Legend(title=None, orient="bottom", columns=2)
    colour = alt.Color(
        "Clear:N", scale=alt.Scale(domain=shown, range=[_COLOURS[place] for place in places]), legend=legend
    )
    shape = alt.Shape(
        "Clear:N", scale=alt.Scale(domain=shown, range=[_SHAPES[place] for place in places]), legend=legend
    )
    tooltip = ["Figure", "Base", "Difference", "Days alone", "With parameters", "Clear"]
    signed = "datum.value === 0 ? '0' : format(datum.value, '+~r')"
    axis = alt.Axis(title="Difference in % of the reference", tickCount=5, labelExpr=signed, titleLimit=0)
    x = alt.X("lo:Q", axis=axis, scale=alt.Scale(zero=True, nice=True))
    zero = alt.Chart(pd.DataFrame({"zero": [0.0]})).mark_rule(color=PALETTE[4], strokeDash=[4, 4]).encode(x="zero:Q")
    thin = (
        base.transform_filter("isValid(datum.lo)")
        .mark_rule(strokeWidth=1.5, yOffset=8)
        .encode(x=x, x2="hi:Q", color=colour, tooltip=tooltip)
    )
    thick = base.mark_rule(strokeWidth=5, opacity=0.55, yOffset=8).encode(
        x="noise_lo:Q", x2="noise_hi:Q", color=colour, tooltip=tooltip
    )
    dots = base.mark_point(filled=True, size=70, opacity=1, yOffset=8).encode(
        x="value:Q", color=colour, shape=shape, tooltip=tooltip
    )
    return alt.layer(zero, thin, thick, dots).properties(height=alt.Step(38))

"""Charts of audiences: one figure of every arm with its interval, and two figures of a few things side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import altair as alt
import pandas as pd

from apps.audiences.table import KINDS
from apps.runs.charts import PALETTE

_COLOURS: Final = dict(zip(KINDS, (PALETTE[4], PALETTE[0], PALETTE[2], PALETTE[1]), strict=True))
_SHAPES: Final = dict(zip(KINDS, ("circle", "square", "diamond", "cross"), strict=True))
_NAMES: Final[dict[str, Any]] = {
    "title": None, "ticks": False, "domain": False, "grid": False, "labelAlign": "left", "labelPadding": -4,
    "labelLimit": 330, "zindex": 1, "labelOverlap": False, "labelOffset": -9,
}  # fmt: skip


def figure_of_arms(
    table: pd.DataFrame, *, title: str, line: float | None = None, signed: bool = False, sort: bool = True
) -> alt.LayerChart:
    """Draw one figure: a row with a point and its interval for each arm.

    Args:
        table: Arm, Kind (one of `KINDS`), value, lo, hi, Text.
        title: of the axis, with the unit.
        line: where a dashed line stands, such as what chance would give; the axis begins near it. None for none.
        signed: whether the axis writes signs.
        sort: whether the largest figure stands above; else arms keep their order.
    """
    kinds = [kind for kind in KINDS if kind in set(table["Kind"])]
    return _rows(
        table, kinds=kinds, colours=[_COLOURS[kind] for kind in kinds],
        shapes=[_SHAPES[kind] for kind in kinds], title=title, line=line, signed=signed, sort=sort,
    )  # fmt: skip


def weights(table: pd.DataFrame, *, title: str, kinds: Sequence[str]) -> alt.LayerChart:
    """Draw what people weigh beside what they would have to weigh, one row for each model and kind.

    Args:
        table: Arm, Kind (one of `kinds`), value, lo, hi, Text.
        title: of the axis, with the unit.
        kinds: estimated and needed, in this order.
    """
    looks = dict(zip(kinds, ((PALETTE[0], "circle"), (PALETTE[1], "diamond")), strict=True))
    shown = [kind for kind in kinds if kind in set(table["Kind"])]
    return _rows(
        table.assign(Arm=table["Arm"] + ": " + table["Kind"]), kinds=shown, colours=[looks[kind][0] for kind in shown],
        shapes=[looks[kind][1] for kind in shown], title=title, line=0.0, signed=True, sort=False,
    )  # fmt: skip


def _rows(
    table: pd.DataFrame,
    *,
    kinds: Sequence[str],
    colours: Sequence[str],
    shapes: Sequence[str],
    title: str,
    line: float | None,
    signed: bool,
    sort: bool,
) -> alt.LayerChart:
    order = list((table.sort_values("value", ascending=False) if sort else table)["Arm"])
    legend = alt.Legend(title=None, orient="bottom", columns=2, symbolLimit=0, labelLimit=330) if kinds[1:] else None
    base = alt.Chart(table).encode(
        y=alt.Y("Arm:N", sort=order, axis=alt.Axis(**_NAMES)),
        color=alt.Color("Kind:N", scale=alt.Scale(domain=list(kinds), range=list(colours)), legend=legend),
        tooltip=["Arm:N", alt.Tooltip("Text:N", title=title), "Kind:N"],
    )
    signs: dict[str, Any] = {"labelExpr": "datum.value === 0 ? '0' : format(datum.value, '+~r')"} if signed else {}
    x = alt.X(
        "lo:Q", title=title, axis=alt.Axis(titleLimit=0, tickCount=5, **signs), scale=alt.Scale(zero=False, nice=True)
    )
    shape = alt.Shape("Kind:N", scale=alt.Scale(domain=list(kinds), range=list(shapes)), legend=legend)
    bars = base.transform_filter("isValid(datum.lo) && isValid(datum.hi)").mark_rule(strokeWidth=2, yOffset=8)
    dots = base.mark_point(filled=True, size=80, opacity=1, yOffset=8).encode(x=alt.X("value:Q", title=title))
    layers = [bars.encode(x=x, x2="hi:Q"), dots.encode(shape=shape)]
    if line is not None:
        at = alt.Chart(pd.DataFrame({"line": [line]})).mark_rule(color=PALETTE[4], strokeDash=[4, 4])
        layers.insert(0, at.encode(x=alt.X("line:Q", title=title)))
    return alt.layer(*layers).properties(height=alt.Step(38))

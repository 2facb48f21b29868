"""Small pictures as SVG: bars, and values with intervals. No script, no outside reference, a text alternative."""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from experiments.report.text import visible, written

WIDTH: Final = 640
SCREEN: Final = {"ink": "var(--ink)", "mark": "var(--accent)", "grid": "var(--line)", "soft": "var(--soft-ink)"}
PAPER: Final = {"ink": "#1b2430", "mark": "#1f5fa8", "grid": "#c9d1da", "soft": "#4a5663"}

_LABELS: Final = 220
_ROW: Final = 26
_TEXT: Final = 13


def svg(
    chart: Mapping[str, Any],
    *,
    number: int,
    colours: Mapping[str, str] = SCREEN,
    show: Callable[[str], str] = visible,
) -> str:
    """Draw a chart of the report's document.

    Args:
        chart: kind, title, unit, points, as `ReportModel.document` holds them.
        number: of the chart in the document, for ids.
        colours: `SCREEN` follows the page's light and dark mode; `PAPER` is for print.
        show: makes a text fit to be shown, `visible` or `printable`.
    """
    points = [(show(str(label)), *values) for label, *values in chart["points"]]
    draw = _bars if chart["kind"] == "bars" else _intervals
    body, height = draw(points, chart["unit"], colours)
    title, words = _escape(show(chart["title"])), _escape(show(alternative(chart)))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-labelledby="chart-{number}-title chart-{number}-text" font-size="{_TEXT}">'
        f'<title id="chart-{number}-title">{title}</title><desc id="chart-{number}-text">{words}</desc>{body}</svg>'
    )


def alternative(chart: Mapping[str, Any]) -> str:
    """Say in words what the picture shows: how many values, the smallest and the largest."""
    points, unit = chart["points"], chart["unit"]
    if not points:
        return f"{chart['title']}: no values."
    least, most = min(points, key=lambda point: point[1]), max(points, key=lambda point: point[1])
    what = f"{len(points)} values" if len(points) > 1 else "one value"
    if least[1] == most[1]:
        return f"{chart['title']}: {what}, {written(most[1], unit)} throughout. The table holds the numbers."
    return (
        f"{chart['title']}: {what}, from {written(least[1], unit)} ({least[0]}) to "
        f"{written(most[1], unit)} ({most[0]}). The table holds the numbers."
    )


def _bars(points: Sequence[Any], unit: str, colours: Mapping[str, str]) -> tuple[str, int]:
    """Upright bars in the order given, one per release, on an axis that begins at zero."""
    left, right, top, bottom = 92, 10, 14, 34
    height = 210
    wide, high = WIDTH - left - right, height - top - bottom
    most = max((point[1] for point in points), default=0.0) or 1.0
    parts = []
    for tick in _ticks(0.0, most):
        y = top + high * (1 - tick / most)
        parts.append(_line(left, y, WIDTH - right, y, colours["grid"]))
        parts.append(_label(left - 8, y + 4, _tick_text(tick), colours["soft"], "end"))
    step = wide / max(len(points), 1)
    for place, (_, value, _, _) in enumerate(points):
        tall = high * max(value, 0.0) / most
        x, width = left + step * place + step * 0.1, max(step * 0.8, 1.0)
        parts.append(
            f'<rect x="{x:.1f}" y="{top + high - tall:.1f}" width="{min(width, 60):.1f}" height="{tall:.1f}" '
            f'fill="{colours["mark"]}"/>'
        )
    if points:
        parts.append(_label(left, height - 12, _short(points[0][0], 40), colours["ink"], "start"))
    if len(points) > 1:
        parts.append(_label(WIDTH - right, height - 12, _short(points[-1][0], 40), colours["ink"], "end"))
    return "".join(parts), height


def _intervals(points: Sequence[Any], unit: str, colours: Mapping[str, str]) -> tuple[str, int]:
    """One row per value: a dot, a line from lo to hi, the label on the left and the number on the right."""
    right, top, bottom = 84, 8, 28
    height = top + bottom + _ROW * len(points)
    wide = WIDTH - _LABELS - right
    lows, highs = [point[2] for point in points], [point[3] for point in points]
    low, high = min(lows, default=0.0), max(highs, default=1.0)
    pad = (high - low or abs(high) or 1.0) * 0.06
    low, high = low - pad, high + pad

    def across(value: float) -> float:
        return _LABELS + wide * (value - low) / (high - low)

    parts = []
    for tick in _ticks(low, high):
        x = across(tick)
        parts.append(_line(x, top, x, height - bottom, colours["grid"]))
        parts.append(_label(x, height - 10, _tick_text(tick), colours["soft"], "middle"))
    for place, (label, value, lo, hi) in enumerate(points):
        y = top + _ROW * (place + 0.5)
        parts.append(_label(_LABELS - 12, y + 4, _short(label, 32), colours["ink"], "end"))
        parts.append(_line(across(lo), y, across(hi), y, colours["mark"], 3))
        parts.append(f'<circle cx="{across(value):.1f}" cy="{y:.1f}" r="4.5" fill="{colours["mark"]}"/>')
        parts.append(_label(WIDTH - 4, y + 4, written(value, unit), colours["ink"], "end"))
    return "".join(parts), height


def _ticks(low: float, high: float) -> list[float]:
    """Return three to six round values within a range: steps of 1, 2 or 5 times a power of ten."""
    rough = (high - low) / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
    return [place * step for place in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _tick_text(tick: float) -> str:
    return f"{tick:,.0f}" if abs(tick) >= 1000 else f"{tick:.6g}"


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, width: float = 1) -> str:
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="{width:g}" '
        'stroke-linecap="round"/>'
    )


def _label(x: float, y: float, text: str, colour: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" text-anchor="{anchor}">{_escape(text)}</text>'


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _escape(text: str) -> str:
    return html.escape(text, quote=True)


def drawable(values: Sequence[float | int | None]) -> bool:
    """Whether all values can be drawn: finite numbers."""
    return all(value is not None and math.isfinite(value) for value in values)

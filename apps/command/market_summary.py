"""Tables of market scenarios."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from apps import market_table
from apps.command import tables

_LABEL_MONEY = {
    "consumer_surplus": "Consumers",
    "consumer_surplus_attention_free": "where places cost nothing",
    "merchant_revenue": "Others' sales",
    "own_revenue": "Own label's sales",
}
_LABEL_MARKET = {
    "own_sales": "Own label of sales, %",
    "own_first": "of first places, %",
    "hhi": "HHI",
    "price_paid": "Price paid",
    "prices_held": "Prices held, share",
}
_ENDS = ("", "_lo", "_hi")
_WORDS = {"+": "more", "-": "less", "range": "in the range", "?": "open"}


def print_market(document: Mapping[str, Any]) -> None:
    """Print what a market scenario found: a table for each point of the sweep, and targets."""
    tables.say(document["title"] or document["scenario"])
    points: dict[str, list[Mapping[str, Any]]] = {}
    for row in document["rows"]:
        points.setdefault(market_table.point(row["sweep"]), []).append(row)
    for where, rows in points.items():
        if where:
            tables.say(f"\n{where}")
        if rows[0]["method"] == "signs":
            _print_signs(rows)
        elif rows[0]["method"] == "label":
            _print_label(document, rows, where)
        else:
            _print_regimes(document, rows, where)
    if rows and rows[0]["method"] == "label":
        for said in sorted({str(row["interval"]) for row in document["rows"] if "interval" in row}):
            tables.say(said)
        tables.say("They do not say how well simulated lists fit shelves: docs/market-semi-empirical.md.")
    elif rows and rows[0]["method"] != "signs":
        seeds = max((len(row["seeds"]) for row in document["rows"]), default=0)
        tables.say(
            f"Means over {seeds} simulated markets with 95% intervals over markets; differences are of the same market."
        )
        tables.say("They say how sure the model is of its mean, not how well it fits a real market: docs/market.md.")
    if document["targets"]:
        tables.print_targets(document["targets"])


def _print_regimes(document: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], where: str) -> None:
    sides = tuple(market_table.SIDES)
    for reference in market_table.references(document):
        lines: dict[str, list[str]] = {}
        for one in market_table.gains(document, sides, reference, where):
            lines.setdefault(one.label, []).append(market_table.written(one.metric, one.values, signed=True))
        if lines:
            tables.say("")
            heads = ("regime", *(market_table.heading(metric) for metric in sides))
            title = f"less {reference}, in money an arrival (1 = the mean cost of a product)"
            tables.print_rows(heads, [[label, *cells] for label, cells in lines.items()], title=title)
    for title, metrics in (
        ("a merchant's profit in a period, by size", tuple(market_table.SIZES)),
        ("the market", tuple(market_table.MARKET)),
    ):
        shown = [metric for metric in metrics if any(metric in row for row in rows)]
        cells = [[_label(row), *(market_table.figure(row, metric) for metric in shown)] for row in rows]
        tables.say("")
        tables.print_rows(("regime", *map(market_table.heading, shown)), cells, title=title)


def _print_label(document: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], where: str) -> None:
    money = f"in {next((row['currency'] for row in rows if 'currency' in row), 'money')} a visit"
    for reference in market_table.references(document):
        lines: dict[str, list[str]] = {}
        for one in market_table.gains(document, tuple(_LABEL_MONEY), reference, where):
            lines.setdefault(one.label, []).append(_drawn(one.metric, one.values, signed=True))
        if lines:
            tables.say("")
            cells = [[label, *figures] for label, figures in lines.items()]
            tables.print_rows(("own label", *_LABEL_MONEY.values()), cells, title=f"less {reference}, {money}")
    for title, metrics in ((money, _LABEL_MONEY), ("the market", _LABEL_MARKET)):
        cells = [
            [
                _label(row),
                *(_drawn(name, [market_table.number(row.get(f"{name}{end}")) for end in _ENDS]) for name in metrics),
            ]
            for row in rows
        ]
        tables.say("")
        tables.print_rows(("own label", *metrics.values()), cells, title=title)
    for row in rows:
        if row.get("left_out"):
            tables.say(f"{row['label']}: prices held, as no cost above 0 explains them: {row['left_out']} of sales.")


def _drawn(metric: str, values: Sequence[float], *, signed: bool = False) -> str:
    """Write a figure over draws; one that no draw changes has no interval, and differences have four digits."""
    value, lo, hi = values
    if hi - lo <= 1e-9 * abs(value):
        lo = hi = math.nan
    if not signed or math.isnan(value):
        return market_table.written(metric, (value, lo, hi))
    return f"{value:+.4f}" + ("" if math.isnan(lo) else f" [{lo:+.4f}, {hi:+.4f}]")


def _print_signs(rows: Sequence[Mapping[str, Any]]) -> None:
    cells = []
    for row in rows:
        effect, without = (
            market_table.written("", [market_table.number(row.get(f"{name}{end}")) for end in ("", "_lo", "_hi")])
            for name in ("effect", "without_assumption")
        )
        expected = _WORDS.get(str(row.get("expected")), "-")
        cells.append([row.get("number"), _label(row), expected, effect, without, row.get("verdict", "-")])
    tables.say("")
    tables.print_rows(("", "experiment", "expected", "effect", "without its assumption", "verdict"), cells)
    tables.say("shown: the 95% interval over markets lies on the expected side. reported: no sign was expected.")


def _label(row: Mapping[str, Any]) -> str:
    return f"{row['label']} (missing)" if row["missing_runs"] else str(row["label"])

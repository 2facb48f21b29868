"""Tables of market scenarios."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from apps.command import tables
from apps.market import label_table as market_label_table
from apps.market import table as market_table

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
        for said in market_label_table.intervals(document["rows"]):
            tables.say(said)
    elif rows and rows[0]["method"] != "signs":
        seeds = max((len(row["seeds"]) for row in document["rows"]), default=0)
        tables.say(
            f"Means over {seeds} simulated markets with 95% intervals over markets; differences are of the same market."
        )
        tables.say("They say how sure the model is of its mean, not how well it fits a real market: docs/market.md.")
    if document["targets"]:
        drawn = bool(rows) and rows[0]["method"] == "label"
        others = "other draws of the price coefficient" if drawn else "other markets"
        tables.print_targets(document["targets"], others=others)


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
    for line in (*market_table.affiliates(rows), *market_table.silent(rows)):
        tables.say(line)


def _print_label(document: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], where: str) -> None:
    money = f"in {market_label_table.unit(rows)}"
    for reference in market_table.references(document):
        lines: dict[str, list[str]] = {}
        for one in market_table.gains(document, tuple(market_label_table.MONEY), reference, where):
            lines.setdefault(one.label, []).append(market_label_table.drawn(one.metric, one.values, signed=True))
        if lines:
            tables.say("")
            cells = [[label, *figures] for label, figures in lines.items()]
            heads = ("own label", *market_label_table.MONEY.values())
            tables.print_rows(heads, cells, title=f"less {reference}, {money}")
    for title, metrics in ((money, market_label_table.MONEY), ("the market", market_label_table.MARKET)):
        cells = [[_label(row), *(market_label_table.figure(row, name) for name in metrics)] for row in rows]
        tables.say("")
        tables.print_rows(("own label", *metrics.values()), cells, title=title)
    for line in market_label_table.left_out(rows):
        tables.say(line)


def _print_signs(rows: Sequence[Mapping[str, Any]]) -> None:
    cells = []
    for row in rows:
        effect, without = (
            market_table.written("", [market_table.number(row.get(f"{name}{end}")) for end in ("", "_lo", "_hi")])
            for name in ("effect", "without_assumption")
        )
        if row.get("interval") == "exact":
            effect, without = f"{effect} (exact)", f"{without} (exact)"
        expected = _WORDS.get(str(row.get("expected")), "-")
        cells.append([row.get("number"), _label(row), expected, effect, without, row.get("verdict", "-")])
    tables.say("")
    tables.print_rows(("", "experiment", "expected", "effect", "without its assumption", "verdict"), cells)
    tables.say("shown: the 95% interval over markets lies on the expected side; of a share of markets, the exact one.")
    tables.say("(exact): a small market that is solved, the same for every seed. reported: no sign was expected.")


def _label(row: Mapping[str, Any]) -> str:
    return f"{row['label']} (missing)" if row["missing_runs"] else str(row["label"])

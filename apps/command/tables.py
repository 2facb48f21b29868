"""Tables for people and JSON for programs, both on standard output."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from rich import box
from rich.console import Console
from rich.table import Table

HEADINGS: Final = {
    "total_ndcg10": "total\nNDCG@10",
    "repeat_ndcg10": "repeat\nNDCG@10",
    "explore_ndcg10": "explore\nNDCG@10",
    "hit10": "hit rate\n@10",
}
_PLAIN_WIDTH: Final = 160


def print_json(document: Mapping[str, Any]) -> None:
    """Print one JSON document; NaN becomes null."""
    from experiments.documents import json_ready

    print(json.dumps(json_ready(document), indent=1, allow_nan=False))


def say(text: str) -> None:
    """Print plain text, never broken into lines."""
    _console().print(text, soft_wrap=True, markup=False, highlight=False)


def tell(text: str, rows: Mapping[str, Any] | Sequence[Mapping[str, Any]], as_json: bool) -> None:
    """Say in words what was done, or print its row or rows as JSON."""
    if as_json:
        print_json({"runs": [], "rows": [rows] if isinstance(rows, Mapping) else list(rows)})
    else:
        say(text)


def print_rows(columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str = "") -> None:
    """Print a table; numbers are aligned to the right, None is a dash."""
    table = Table(title=title or None, box=box.SIMPLE, title_justify="left", pad_edge=False)
    rows = [list(row) for row in rows]
    for position, column in enumerate(columns):
        numeric = any(isinstance(row[position], int | float) for row in rows)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    _console().print(table, markup=False)


def print_summary(document: Mapping[str, Any]) -> None:
    """Print a scenario's `summary.json`: one line per arm or, of a store, per figure; then the targets."""
    if document.get("kind") == "store":
        from apps.command.store_summary import print_store

        print_store(document)
        return
    if document.get("kind") == "faces":
        from apps.command.face_summary import print_faces

        print_faces(document)
        return
    if document.get("kind") == "market":
        from apps.command.market_summary import print_market

        print_market(document)
        return
    if document.get("kind") == "audience":
        from apps.command.audience_summary import print_audience

        print_audience(document)
        return
    rows = document["rows"]
    metrics = [name for name in HEADINGS if any(name in row for row in rows)] or _other_metrics(rows)
    swept = list(dict.fromkeys(key for row in rows for key in row["sweep"]))
    columns = ["arm", *swept, "epsilon", *(HEADINGS.get(name, name) for name in metrics), "seconds"]
    lines = []
    for row in rows:
        cells = [interval(row.get(name), row.get(f"{name}_lo"), row.get(f"{name}_hi")) for name in metrics]
        arm = row["arm"] + (f" ({row['missing_runs']} runs missing)" if row["missing_runs"] else "")
        epsilon = "-" if row["epsilon"] is None else f"{row['epsilon']:g}"
        lines.append([arm, *(row["sweep"].get(key) for key in swept), epsilon, *cells, f"{row['seconds']:.1f}"])
    print_rows(columns, lines, title=document["title"] or document["scenario"])
    if document.get("mode") == "deployment":
        say("A deployment: noise comes from the system's random source, and nothing was measured.")
        return
    say(f"{_scope(rows)}; 95% intervals: paired bootstrap over shoppers and seeds. No epsilon: no privacy claim.")
    if any(row["epsilon"] is not None for row in rows):
        say("Simulated noise comes from a seed: epsilon says what the same noise from a secret source would promise.")
    print_targets(document["targets"])


def at_point(sweep: Mapping[str, Any]) -> str:
    """Write a point of a sweep, to stand after a title."""
    return "".join(f", {key} = {value}" for key, value in sweep.items())


def print_targets(targets: Sequence[Mapping[str, Any]], *, others: str = "other shoppers or seeds") -> None:
    """Print which targets were met, with the interval of the figure.

    Args:
        targets: of a `summary.json`.
        others: what might have been drawn in place of what was.
    """
    from apps.figure_text import unit_text
    from experiments.targets import holds_bound

    if not targets:
        return
    words = {True: "met", False: "missed", None: "not measured"}
    say("")
    chance = False
    for target in targets:
        point = at_point(target["provenance"].get("sweep", {})).removeprefix(", ")
        where = f" at {point}" if point else ""
        figure = interval(target["value"], target["lo"], target["hi"])
        if target["unit"] != "ratio" and figure != "-":  # a ratio's name says it
            figure = f"{figure} {unit_text(target['unit'])}".rstrip()
        unsure = holds_bound(target["target"], target["lo"], target["hi"])
        chance |= unsure
        mark = ", by the point value only" if unsure else ""
        say(f"{words[target['met']]:>12}  {target['name']} {target['target']}: {figure}{mark}{where}")
    if chance:
        say(f"By the point value only: the interval holds the bound, so on {others} it might come out the other way.")


def interval(value: float | None, lo: float | None, hi: float | None, *, digits: int = 4) -> str:
    """Write a figure with its interval: `.0512 [.0487, .0539]`."""
    if not _number(value):
        return "-"
    if not (_number(lo) and _number(hi)):
        return _short(value, digits)
    return f"{_short(value, digits)} [{_short(lo, digits)}, {_short(hi, digits)}]"


def _short(value: float | None, digits: int) -> str:
    text = f"{value:z.{digits}f}"
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text


def _number(value: float | None) -> bool:
    return value is not None and value == value


def _scope(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say how many origins, seeds and shoppers stand behind the table."""
    origins = {origin for row in rows for origin in row["origins"]}
    seeds = {seed for row in rows for seed in row["seeds"]}
    shoppers = max((row["n_shoppers"] for row in rows), default=0)
    counts = ((len(origins), "origin"), (len(seeds), "seed"), (shoppers, "shopper"))
    return ", ".join(f"{count:,} {what}" + ("" if count == 1 else "s") for count, what in counts)


def _other_metrics(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the metrics of a user's own task: whatever has an interval."""
    names = (key.removesuffix("_lo") for row in rows for key in row if key.endswith("_lo"))
    return [name for name in dict.fromkeys(names) if any(name in row for row in rows)]


def _cell(value: object) -> str:
    if value is None or value != value:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _console() -> Console:
    """Return a console that never squeezes a table into the 80 columns of a pipe."""
    return Console(width=None if sys.stdout.isatty() else _PLAIN_WIDTH)

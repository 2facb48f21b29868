"""Tables for people and JSON for programs, both on standard output."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from rich import box
from rich.console import Console
from rich.table import Table

from simulation.store.verdict import LEAST_DRAWS

if TYPE_CHECKING:
    from apps.search_table import Searched
    from apps.store_table import Line

HEADINGS: Final = {
    "total_ndcg10": "total\nNDCG@10",
    "repeat_ndcg10": "repeat\nNDCG@10",
    "explore_ndcg10": "explore\nNDCG@10",
    "hit10": "hit rate\n@10",
}
_BOTH: Final = "95% intervals: of the days alone, and with the model's parameters drawn from their ranges."
_DRAWN: Final = (
    _BOTH,
    "No better or worse is claimed while the second holds 0.",
)
_NOT_DRAWN: Final = (
    "95% intervals: of the days alone, as if every parameter were right. With parameter draws at 0 nothing is called",
    "better or worse: with enough days any difference would look sure, however wrong the model.",
)
_TOO_FEW: Final = (
    _BOTH,
    f"Nothing is called better or worse with fewer than {LEAST_DRAWS} draws of the parameters: by chance a few may lie",
    "so near the central ones that the second interval is hardly wider than the first.",
)
_LONGEST_HEAD: Final = 16
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


def print_store(document: Mapping[str, Any]) -> None:
    """Print what a store scenario found: a table of differences for each arm, single figures, targets."""
    from apps import search_table, store_table

    labels = {row["arm"]: row["label"] for row in document["rows"]}
    title = document["title"] or document["scenario"]
    tables: dict[tuple[str, str, str], list[store_table.Line]] = {}
    pairs = []
    for line in store_table.lines(document):
        if tables and line.reference != next(iter(tables))[1]:
            pairs.append(line)  # two arms against each other, where a target asks
            continue
        tables.setdefault((line.arm, line.reference, at_point(line.sweep)), []).append(line)
    if not tables or list(labels.values()) != [title]:  # else the only table has it
        say(title)
    searches = search_table.searched(document)
    if searches:  # the answer comes before the many figures of each winner
        _print_searches(searches)
        _print_pairs(pairs)
        print_targets(document["targets"])
    for (arm, reference, where), lines in tables.items():
        _print_comparison(lines, f"{labels.get(arm, arm)}, compared with {reference}{where}")
    if tables:
        shown = list(chain.from_iterable(tables.values()))
        told = _DRAWN if store_table.judged(shown) else _TOO_FEW if store_table.drawn(shown) else _NOT_DRAWN
        for sentence in told:
            say(sentence)
        say("Rests on parameters from: D data, L literature, A assumption; plan: on plan and shoppers' lists alone.")
    singles = search_table.others(store_table.singles(document))
    if singles:
        print_rows(("figure", "unit", "value", "n", "note"), (_single(one) for one in singles))
    if not searches:
        _print_pairs(pairs)
        print_targets(document["targets"])


def _print_comparison(lines: Sequence[Line], title: str) -> None:
    """Print every figure of an arm beside the reference's."""
    from apps import store_table

    first = lines[0]
    heads = [first.reference, first.arm]
    if max(map(len, heads)) > _LONGEST_HEAD:  # the title names them
        heads = ["reference", "arm"]
    written = [store_table.cells(line) for line in lines]
    columns = ["figure", "unit", *heads, *(name.lower() for name in list(written[0])[4:])]
    rows = [[*list(line.values())[:-1], _letters(line["Rests on"])] for line in written]
    days = max(line.days for line in lines)
    say("")
    print_rows(columns, rows, title=f"{title}: {days} paired days")


def _print_searches(found: Sequence[Searched]) -> None:
    """Print what searches promised on their training days, what was left of it, and what their winners change."""
    from apps import search_table
    from apps.edit_words import words

    figure = "" if found[0].kept is None else found[0].kept.label
    columns = ("search", *(name.lower() for name in search_table.cells(found[0])), "run")
    rows = [[f"{one.arm}{at_point(one.sweep)}", *search_table.cells(one).values(), one.run[:8] or "-"] for one in found]
    say("")
    print_rows(columns, rows, title=f"{figure}: promised on the training days, kept on days that no search saw")
    say("Not kept is how much better the layout looked on the days that chose it than on others; its interval counts")
    say("those other days alone. No interval holds the luck of a search: see other seeds.")
    if any(one.edits for one in found):
        say("\nWhat the layouts change:")
    for one in found:
        if one.edits:
            say(f"  {one.arm}{at_point(one.sweep)}: {'; '.join(map(words, one.edits))}")
    if any(one.run for one in found):
        say("In each run's folder: artifacts/other.toml, the layout as a plan, and edits.toml, its edits.")


def _print_pairs(pairs: Sequence[Line]) -> None:
    """Print arms against each other, one line for each."""
    from apps import store_table

    if not pairs:
        return
    rows = []
    for one in pairs:
        text = store_table.cells(one)
        rest = (text[name] for name in ("Difference", "Simulation noise", "With parameters", "Verdict"))
        rows.append([f"{one.arm} less {one.reference}{at_point(one.sweep)}", one.label, one.unit, *rest])
    columns = ("arms", "figure", "unit", "difference", "simulation noise", "with parameters", "verdict")
    say("")
    print_rows(columns, rows, title="one arm against the other, on the same days")


def _single(record: Mapping[str, Any]) -> list[object]:
    from apps import store_table
    from apps.figure_text import unit_text

    value, *ends = (float("nan") if record[key] is None else record[key] for key in ("value", "lo", "hi"))
    decimals = store_table.digits(value, ends)
    shown = store_table.number(value, decimals)
    if ends[0] == ends[0]:
        shown += " " + store_table.interval((ends[0], ends[1]), decimals)
    where = at_point(record["provenance"].get("sweep", {}))
    return [record["name"] + where, unit_text(record["unit"]), shown, record["n"], record["provenance"].get("note", "")]


def _letters(sources: str) -> str:
    """Shorten kinds of sources to their first letters."""
    return (
        "" if not sources else sources if sources == "plan" else " ".join(one[0].upper() for one in sources.split(", "))
    )


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
        unsure = _holds_bound(target)
        chance |= unsure
        mark = " *" if unsure else ""
        say(f"{words[target['met']]:>12}  {target['name']} {target['target']}: {figure}{mark}{where}")
    say("A target is met or missed by the figure itself.")
    if chance:
        say(f"* the interval holds the bound: on {others} it might come out the other way.")


def _holds_bound(target: Mapping[str, Any]) -> bool:
    bound = float(str(target["target"]).split()[-1])
    lo, hi = target["lo"], target["hi"]
    return _number(lo) and _number(hi) and lo < hi and lo <= bound <= hi


def interval(value: float | None, lo: float | None, hi: float | None) -> str:
    """Write a figure with its interval: `.0512 [.0487, .0539]`."""
    if not _number(value):
        return "-"
    if not (_number(lo) and _number(hi)):
        return _short(value)
    return f"{_short(value)} [{_short(lo)}, {_short(hi)}]"


def _short(value: float | None) -> str:
    text = f"{value:.4f}"
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

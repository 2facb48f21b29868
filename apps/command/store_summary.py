"""What a store scenario found, for the terminal: differences with both intervals, searches, single figures, targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from apps.command import tables
from apps.figure_text import unit_text
from apps.store import search_table
from apps.store import table as store_table
from apps.store.edit_words import words
from simulation.store.verdict import LEAST_DRAWS

if TYPE_CHECKING:
    from apps.store.search_table import Searched
    from apps.store.table import Line

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


def print_store(document: Mapping[str, Any]) -> None:
    """Print what a store scenario found: a table of differences for each arm, single figures, targets."""
    labels = {row["arm"]: row["label"] for row in document["rows"]}
    title = document["title"] or document["scenario"]
    compared: dict[tuple[str, str, str], list[store_table.Line]] = {}
    pairs = []
    for line in store_table.lines(document):
        if compared and line.reference != next(iter(compared))[1]:
            pairs.append(line)  # two arms against each other, where a target asks
            continue
        compared.setdefault((line.arm, line.reference, tables.at_point(line.sweep)), []).append(line)
    if not compared or list(labels.values()) != [title]:  # else the only table has it
        tables.say(title)
    searches = search_table.searched(document)
    if searches:  # the answer comes before the many figures of each winner
        _print_searches(searches)
        _print_pairs(pairs)
        tables.print_targets(document["targets"])
    for (arm, reference, where), lines in compared.items():
        _print_comparison(lines, f"{labels.get(arm, arm)}, compared with {reference}{where}")
    if compared:
        shown = list(chain.from_iterable(compared.values()))
        told = _DRAWN if store_table.judged(shown) else _TOO_FEW if store_table.drawn(shown) else _NOT_DRAWN
        for sentence in told:
            tables.say(sentence)
        tables.say(
            "Rests on parameters from: D data, L literature, A assumption; plan: on plan and shoppers' lists alone."
        )
    singles = search_table.others(store_table.singles(document))
    if singles:
        tables.print_rows(("figure", "unit", "value", "n", "note"), (_single(one) for one in singles))
    if not searches:
        _print_pairs(pairs)
        tables.print_targets(document["targets"])


def _print_comparison(lines: Sequence[Line], title: str) -> None:
    """Print every figure of an arm beside the reference's."""
    first = lines[0]
    heads = [first.reference, first.arm]
    if max(map(len, heads)) > _LONGEST_HEAD:  # the title names them
        heads = ["reference", "arm"]
    written = [store_table.cells(line) for line in lines]
    columns = ["figure", "unit", *heads, *(name.lower() for name in list(written[0])[4:])]
    rows = [[*list(line.values())[:-1], _letters(line["Rests on"])] for line in written]
    days = max(line.days for line in lines)
    tables.say("")
    tables.print_rows(columns, rows, title=f"{title}: {days} paired days")


def _print_searches(found: Sequence[Searched]) -> None:
    """Print what searches promised on their training days, what was left of it, and what their winners change."""
    figure = "" if found[0].kept is None else found[0].kept.label
    columns = ("search", *(name.lower() for name in search_table.cells(found[0])), "run")
    rows = [
        [f"{one.arm}{tables.at_point(one.sweep)}", *search_table.cells(one).values(), one.run[:8] or "-"]
        for one in found
    ]
    tables.say("")
    tables.print_rows(columns, rows, title=f"{figure}: promised on the training days, kept on days that no search saw")
    tables.say(
        "Not kept is how much better the layout looked on the days that chose it than on others; its interval counts"
    )
    tables.say("those other days alone. No interval holds the luck of a search: see other seeds.")
    if any(one.edits for one in found):
        tables.say("\nWhat the layouts change:")
    for one in found:
        if one.edits:
            tables.say(f"  {one.arm}{tables.at_point(one.sweep)}: {'; '.join(map(words, one.edits))}")
    if any(one.run for one in found):
        tables.say("In each run's folder: artifacts/other.toml, the layout as a plan, and edits.toml, its edits.")


def _print_pairs(pairs: Sequence[Line]) -> None:
    """Print arms against each other, one line for each."""
    if not pairs:
        return
    rows = []
    for one in pairs:
        text = store_table.cells(one)
        rest = (text[name] for name in ("Difference", "Simulation noise", "With parameters", "Verdict"))
        rows.append([f"{one.arm} less {one.reference}{tables.at_point(one.sweep)}", one.label, one.unit, *rest])
    columns = ("arms", "figure", "unit", "difference", "simulation noise", "with parameters", "verdict")
    tables.say("")
    tables.print_rows(columns, rows, title="one arm against the other, on the same days")


def _single(record: Mapping[str, Any]) -> list[object]:
    value, *ends = (float("nan") if record[key] is None else record[key] for key in ("value", "lo", "hi"))
    decimals = store_table.digits(value, ends)
    shown = store_table.number(value, decimals)
    if ends[0] == ends[0]:
        shown += " " + store_table.interval((ends[0], ends[1]), decimals)
    where = tables.at_point(record["provenance"].get("sweep", {}))
    return [record["name"] + where, unit_text(record["unit"]), shown, record["n"], record["provenance"].get("note", "")]


def _letters(sources: str) -> str:
    """Shorten kinds of sources to their first letters."""
    return (
        "" if not sources else sources if sources == "plan" else " ".join(one[0].upper() for one in sources.split(", "))
    )

"""What searches promised on their training days and what was left of it on others, one line per search."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from apps.figure_text import count
from apps.store import table as store_table
from apps.store.table import Interval, Line

FIGURES: Final = frozenset({"training_mean", "training_gain", "optimism", "layouts", "edits"})
"""Figures of a run that this table shows; what `store_table.singles` has beside them is shown elsewhere."""


@dataclass(frozen=True, slots=True)
class Searched:
    """One search.

    Attributes:
        sweep: the swept keys and their values.
        arm: its name.
        label: what people call it.
        kept: the figure that was searched for, on the held-out days; None where there is no such comparison.
        promised: change of the figure on the training days.
        optimism: what of that was not kept, above 0 where the winner looked better than it is.
        optimism_ends: its 95% interval, from the held-out days alone.
        layouts: that were simulated.
        steps: how many edits lead to the winner.
        edits: these, as tables, where they are known.
        run: the id of its run.
    """

    sweep: Mapping[str, Any]
    arm: str
    label: str
    kept: Line | None
    promised: float
    optimism: float
    optimism_ends: Interval
    layouts: int
    steps: int
    edits: tuple[Mapping[str, Any], ...]
    run: str


def searched(document: Mapping[str, Any]) -> list[Searched]:
    """Read the searches of a store scenario from its `summary.json`; none where it has none."""
    singles = {(repr(dict(_sweep(one))), one["name"]): one for one in document["results"]}
    lines = store_table.lines(document)
    found = []
    for row in document["rows"]:
        sweep = row.get("sweep", {})
        figures = {name: singles.get((repr(dict(sweep)), f"{name}({row['arm']})")) for name in FIGURES}
        if figures["training_gain"] is None:
            continue
        optimism, kept = figures["optimism"], _kept(lines, row)
        way = kept.better if kept is not None and kept.better else 1
        found.append(
            Searched(
                sweep=sweep,
                arm=row["arm"],
                label=row["label"],
                kept=kept,
                promised=way * _number(figures["training_gain"], "value"),
                optimism=_number(optimism, "value"),
                optimism_ends=(_number(optimism, "lo"), _number(optimism, "hi")),
                layouts=int(_number(figures["layouts"], "value")),
                steps=int(_number(figures["edits"], "value")),
                edits=tuple(row.get("edits") or ()),
                run=next(iter(row.get("run_ids") or ("",))),
            )
        )
    return found


def others(singles: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the single figures that this table does not show."""
    return [one for one in singles if one["provenance"].get("figure") not in FIGURES]


def cells(one: Searched) -> dict[str, str]:
    """Write a search for people: Promised, Kept, With parameters, Verdict, Not kept, Layouts, Edits."""
    kept = one.kept
    unit = "" if kept is None else kept.unit
    ends = (math.nan, math.nan) if kept is None else kept.simulation
    decimals = store_table.digits(one.optimism, one.optimism_ends)
    interval = store_table.interval(one.optimism_ends, decimals, signed=True)
    text = {} if kept is None else store_table.cells(kept)
    many = store_table.digits(one.promised, [one.promised + (ends[1] - ends[0]) / 2])
    return {
        "Promised": f"{store_table.number(one.promised, many, signed=True)} {unit}".strip(),
        "Kept": f"{text.get('Difference', '-')} {unit}".strip(),
        "With parameters": text.get("With parameters", "-"),
        "Verdict": text.get("Verdict", ""),
        "Not kept": f"{store_table.number(one.optimism, decimals, signed=True)} {interval}",
        "Layouts": str(one.layouts),
        "Edits": str(one.steps),
    }


def answer(one: Searched) -> str:
    """Say in a line what a search brought on days that it never saw, and in another what it had promised."""
    text = cells(one)
    if one.kept is None:
        return f"{one.label}: not judged on other days"
    kept, unit = store_table.cells(one.kept), f" {one.kept.unit}".rstrip()
    if "[" in text["With parameters"]:
        ends = f"{text['With parameters']} with parameters"
    else:
        ends = f"{kept['Simulation noise']} for the days alone"
    return (
        f"{one.kept.label} {kept['Difference']}{unit} (of {kept['Base']}), {ends}: {one.kept.verdict}, on"
        f" {count(one.kept.days, 'day')} that the search never saw.\nPromised on its training days: {text['Promised']}."
    )


def _kept(lines: Sequence[Line], row: Mapping[str, Any]) -> Line | None:
    """Return the comparison with the plan as it is, which comes before those with other arms."""
    sweep = row.get("sweep", {})
    return next(
        (one for one in lines if (one.arm, one.figure, dict(one.sweep)) == (row["arm"], row.get("leading"), sweep)),
        None,
    )


def _sweep(record: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = record["provenance"].get("sweep", {})
    return found


def _number(record: Mapping[str, Any] | None, key: str) -> float:
    return math.nan if record is None or record[key] is None else float(record[key])

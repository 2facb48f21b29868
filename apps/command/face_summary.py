"""Tables of scenarios with faces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.command import tables
from apps.faces import table as face_table


def print_faces(document: Mapping[str, Any]) -> None:
    """Print what a scenario with faces found: a table for each point of the sweep, and targets."""
    points: dict[str, list[Mapping[str, Any]]] = {}
    for row in document["rows"]:
        points.setdefault(tables.at_point(row["sweep"]), []).append(row)
    tables.say(document["title"] or document["scenario"])
    for where, rows in points.items():
        lines = face_table.face_rows(rows)
        missing = {row["arm"]: row["missing_runs"] for row in rows if row["missing_runs"]}
        names = [f"{one.label} ({missing[one.arm]} runs missing)" if one.arm in missing else one.label for one in lines]
        cells = [
            [name, *one.cells.values(), f"{row['seconds']:.0f}"]
            for name, one, row in zip(names, lines, rows, strict=True)
        ]
        tables.say("")
        title = f"percent, with 95% intervals{where}"
        tables.print_rows(("arm", *(lines[0].cells if lines else ()), "seconds"), cells, title=title)
    _print_by_people(document)
    tables.say(
        f"{face_table.scope(document['rows'])}; people in the test were never seen in training. Intervals: people and"
    )
    tables.say(
        "seeds drawn anew, the same ones for all arms; folds share training people. No epsilon: no privacy claim."
    )
    if any(row["epsilon"] is not None for row in document["rows"]):
        tables.say(
            "Simulated noise comes from a seed: epsilon says what the same noise from a secret source would promise."
        )
    tables.say("EER equal error rate; FNMR, FMR one to one, FNIR, FPIR one to many (ISO/IEC 19795-1). Lower is better.")
    if document["targets"]:
        tables.print_targets(document["targets"])


def _print_by_people(document: Mapping[str, Any]) -> None:
    """Print the equal error rate of every arm by the number of people, and how far it lies from the control."""
    found = face_table.by_people(document["rows"], document["differences"], "eer")
    sizes = sorted({one.people for one in found})
    if len(sizes) < 2:
        return
    rates: dict[str, dict[int, str]] = {}
    points: dict[str, dict[int, str]] = {}
    for one in found:
        rates.setdefault(one.label, {})[one.people] = face_table.share_text(one.values)
        if one.against is not None:
            points.setdefault(one.label, {})[one.people] = face_table.points_text(one.against)
    names = ("arm", *(f"{size:,} people" for size in sizes))
    for title, cells in (
        ("EER by number of people, percent", rates),
        ("EER less that of the arm that sees nobody, percentage points", points),
    ):
        if cells:
            tables.say("")
            lines = [[label, *(own.get(size, "-") for size in sizes)] for label, own in cells.items()]
            tables.print_rows(names, lines, title=f"{title}, with 95% intervals")

"""Tables of audience scenarios."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from apps.command import tables
from experiments.audience.methods import Method, digits_of, method_of

_SEEDED = "Simulated noise comes from a seed: epsilon says what the same noise from a secret source would promise."
_DRAWN_ANEW = "Noise comes from the release gate and is drawn anew by each run, so another run gives other counts."


def print_audience(document: Mapping[str, Any]) -> None:
    """Print what an audience scenario found: tables for each point of the sweep, what to read them with, targets."""
    tables.say(document["title"] or document["scenario"])
    points: dict[str, list[Mapping[str, Any]]] = {}
    for row in document["rows"]:
        points.setdefault(tables.at_point(row["sweep"]), []).append(row)
    for where, rows in points.items():
        method = method_of(rows[0]["method"])
        _print_arms(method, rows, where)
        _print_others(method, rows, where)
        _print_differences(method, document, rows, where)
        _print_said(rows)
    if points:
        method = method_of(document["rows"][0]["method"])
        tables.say("")
        for note in method.notes:
            tables.say(note)
        for name in method.columns:
            if name in method.figures:
                tables.say(f"{_one_line(method.figures[name].title)}: {method.figures[name].meaning}.")
        if any(row["epsilon"] is not None for row in document["rows"]):
            tables.say(_SEEDED if method.seeded else _DRAWN_ANEW)
    if document["targets"]:
        tables.print_targets(document["targets"])


def _print_arms(method: Method, rows: Sequence[Mapping[str, Any]], where: str) -> None:
    shown = [name for name in method.columns if any(name in row for row in rows)]
    cells = [
        [_label(row), _epsilon(row), *(_figure(method, row, name) for name in shown), f"{row['seconds']:.1f}"]
        for row in rows
    ]
    tables.say("")
    heads = ("arm", "epsilon", *(_title(method, name) for name in shown), "seconds")
    tables.print_rows(heads, cells, title=f"with 95% intervals{where}")


def _print_others(method: Method, rows: Sequence[Mapping[str, Any]], where: str) -> None:
    """Print the figures that have no column of their own, one line for each figure of each arm."""
    lines = [
        [_full_label(row), _one_line(_title(method, name)), _unit(method, name), _figure(method, row, name)]
        for row in rows
        for name in row["figures"]
        if name not in method.columns
    ]
    if lines:
        tables.say("")
        tables.print_rows(("arm", "figure", "unit", "value"), lines, title=f"beside{where}")


def _print_differences(
    method: Method, document: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], where: str
) -> None:
    """Print how far arms lie from those that they are compared with."""
    labels = {row["arm"]: _full_label(row) for row in rows}
    lines = []
    for one in document["differences"]:
        metric, arm, reference = (part.strip() for part in one["name"].partition("(")[2].rstrip(")").split(","))
        if tables.at_point(one["provenance"].get("sweep", {})) != where or metric not in method.compared:
            continue
        figure = tables.interval(one["value"], one["lo"], one["hi"], digits=digits_of(method, metric))
        lines.append(
            [
                f"{labels.get(arm, arm)} less {labels.get(reference, reference)}",
                _one_line(_title(method, metric)),
                figure,
            ]
        )
    if lines:
        tables.say("")
        tables.print_rows(("arms", "figure", "difference"), lines, title=f"one arm against the other, paired{where}")


def _print_said(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print what runs say of themselves: a sentence of several arms once, with their labels before it."""
    said: dict[str, list[str]] = {}
    for row in rows:
        for sentence in row.get("said", ()):
            said.setdefault(str(sentence), []).append(_full_label(row))
    if said:
        tables.say("")
    for sentence, labels in said.items():
        tables.say(f"{'; '.join(labels)}: {sentence}" if len(labels) < len(rows) else sentence)


def _label(row: Mapping[str, Any]) -> str:
    return f"{row['label']} (missing)" if row["missing_runs"] else str(row["label"])


def _full_label(row: Mapping[str, Any]) -> str:
    """Name an arm where its epsilon has no column: arms that differ in it alone share a label."""
    epsilon = f"epsilon {_epsilon(row)}"
    return _label(row) if row["epsilon"] is None or epsilon in row["label"] else f"{_label(row)}, {epsilon}"


def _epsilon(row: Mapping[str, Any]) -> str:
    return "-" if row["epsilon"] is None else f"{row['epsilon']:g}"


def _figure(method: Method, row: Mapping[str, Any], name: str) -> str:
    values = (row.get(name), row.get(f"{name}_lo"), row.get(f"{name}_hi"))
    return tables.interval(*values, digits=digits_of(method, name))


def _title(method: Method, name: str) -> str:
    return method.figures[name].title if name in method.figures else name.replace("_", " ")


def _unit(method: Method, name: str) -> str:
    unit = method.figures[name].unit if name in method.figures else ""
    return "" if unit == "1" else unit


def _one_line(text: str) -> str:
    return " ".join(text.split())

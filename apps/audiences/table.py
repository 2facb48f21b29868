"""What an audience scenario found, ready for a table: arms, their figures with intervals, and paired differences."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd

from experiments.runs import RunStore
from retail.errors import DataError, TradefairError

Row = Mapping[str, Any]
Ends = tuple[float, float, float]
"""A figure and the ends of its 95% interval; NaN for what there is not."""

KINDS: Final = ("nothing is learned", "learned, no epsilon", "with an epsilon", "banned")
_NOT_LEARNED: Final = frozenset(
    "random lines category rule none oracle majority shares baskets redeemed bought".split()
    + "redeemers redemptions buyers".split()
)
_BANNED: Final = frozenset({"seed_regression", "nearest_seed"})
_ROW: Final = ("arm", "label", "method", "model", "epsilon", "sweep", "figures", "run_ids", "missing_runs", "seconds")
_DOCUMENT: Final = ("title", "rows", "differences", "targets", "failures", "unfinished")


def read_audience(store: RunStore, scenario: str) -> Mapping[str, Any] | None:
    """Read the table of an audience scenario; None where there is none, or where the scenario is of another kind.

    Raises:
        DataError: `summary.json` is damaged, or of a form that this version does not write.
    """
    path = store.root / scenario / "summary.json"
    document = store.document(path)
    if not isinstance(document, Mapping) or document.get("kind") != "audience":
        return None
    check_audience(document, path)
    return document


def check_audience(document: Mapping[str, Any], path: Path) -> None:
    """Refuse a table that cannot be shown. Raises: DataError: it is not of this version's form."""
    missing = [key for key in _DOCUMENT if key not in document]
    rows = document.get("rows")
    if not missing and not (isinstance(rows, list) and rows and all(isinstance(row, Mapping) for row in rows)):
        missing = ["rows"]
    missing = missing or [key for row in document["rows"] for key in _ROW if key not in row]
    if missing:
        raise DataError(f"{path}: is no summary of this version (no {missing[0]!r}); run the scenario again")


def finished(store: RunStore, method: str) -> tuple[dict[str, Mapping[str, Any]], list[str]]:
    """Return the tables of all scenarios of one method, the newest first, and what was wrong with unreadable ones."""
    found: dict[str, Mapping[str, Any]] = {}
    troubles = []
    for scenario in store.scenarios():
        try:
            document = read_audience(store, scenario)
        except TradefairError as error:
            troubles.append(str(error))
            continue
        if document is not None and document["rows"][0]["method"] == method:
            found[scenario] = document
    newest = sorted(found, key=lambda one: -(store.root / one / "summary.json").stat().st_mtime)
    return {name: found[name] for name in newest}, troubles


def points(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Return the rows at each point of the sweep, by its text; the text is empty without a sweep."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(at(row["sweep"]), []).append(row)
    return found


def at(sweep: Mapping[str, Any]) -> str:
    """Write a point of a sweep for people."""
    return ", ".join(f"{key} = {value}" for key, value in sweep.items())


def arm_label(row: Row) -> str:
    """Return what people call an arm, with its epsilon where it has one, and whether its run is missing."""
    epsilon = "" if row["epsilon"] is None else f"{row['epsilon']:g}"
    named = "" if not epsilon or f"epsilon {epsilon}" in row["label"] else f", ε {epsilon}"
    return f"{row['label']}{named}{' (missing)' if row['missing_runs'] else ''}"


def bare_label(row: Row) -> str:
    """Return what people call an arm where its epsilon has a column of its own."""
    return f"{row['label']}{' (missing)' if row['missing_runs'] else ''}"


def epsilon_text(row: Row) -> str:
    """Write the epsilon of an arm."""
    return "none" if row["epsilon"] is None else f"{row['epsilon']:g}"


def kind_of(row: Row) -> str:
    """Return which of `KINDS` an arm is."""
    if row["epsilon"] is not None:
        return KINDS[2]
    return KINDS[0] if row["model"] in _NOT_LEARNED else KINDS[3] if row["model"] in _BANNED else KINDS[1]


def ends_of(row: Row, metric: str) -> Ends:
    """Return a figure of an arm."""
    return number(row.get(metric)), number(row.get(f"{metric}_lo")), number(row.get(f"{metric}_hi"))


def measured(rows: Sequence[Row], metric: str) -> list[Row]:
    """Return the arms that have a figure."""
    return [row for row in rows if math.isfinite(ends_of(row, metric)[0])]


def compared(document: Mapping[str, Any], metric: str, arm: str, reference: str, where: str = "") -> Ends | None:
    """Return how far an arm lies above another, paired; None where the two were not compared."""
    for one in document["differences"]:
        if at(one["provenance"].get("sweep", {})) != where:
            continue
        value, lo, hi = (number(one[key]) for key in ("value", "lo", "hi"))
        if one["name"] == f"difference({metric}, {arm}, {reference})":
            return value, lo, hi
        if one["name"] == f"difference({metric}, {reference}, {arm})":
            return -value, -hi, -lo
    return None


def references(document: Mapping[str, Any], metric: str, rows: Sequence[Row]) -> list[str]:
    """List the arms that most others were compared with, which are the scenario's references."""
    arms = {row["arm"] for row in rows}
    counts: dict[str, set[str]] = {}
    for one in document["differences"]:
        parts = [part.strip() for part in str(one["name"]).removeprefix("difference(").rstrip(")").split(",")]
        if len(parts) == 3 and parts[0] == metric and {parts[1], parts[2]} <= arms:
            counts.setdefault(parts[2], set()).add(parts[1])
    most = max((len(found) for found in counts.values()), default=0)
    return [arm for arm, found in counts.items() if len(found) == most]


def written(values: Ends, digits: int, *, signed: bool = False) -> str:
    """Write a figure with its interval; an end that is not known although the other is has no bound."""
    value, lo, hi = values
    if not math.isfinite(value):
        return "-"
    form = f"{'+' if signed else ''}z,.{digits}f"
    text = f"{value:{form}}"
    if not (math.isfinite(lo) or math.isfinite(hi)):
        return text
    low, high = (f"{one:{form}}" if math.isfinite(one) else "no end" for one in (lo, hi))
    return f"{text} [{low}, {high}]"


def long_table(rows: Sequence[Row], metric: str, digits: int) -> pd.DataFrame:
    """One row for each arm with a figure: Arm, Kind, value, lo, hi, Text."""
    return pd.DataFrame(
        [
            {"Arm": arm_label(row), "Kind": kind_of(row), **ends_columns(ends_of(row, metric), digits)}
            for row in measured(rows, metric)
        ],
        columns=["Arm", "Kind", "value", "lo", "hi", "Text"],
    )


def ends_columns(values: Ends, digits: int, *, signed: bool = False) -> dict[str, Any]:
    """Return the columns of a chart for one figure: value, lo, hi, Text."""
    return {**dict(zip(("value", "lo", "hi"), values, strict=True)), "Text": written(values, digits, signed=signed)}


def number(value: Any) -> float:
    """Return a number; NaN for what is none, as JSON has null."""
    return float(value) if isinstance(value, int | float) else math.nan

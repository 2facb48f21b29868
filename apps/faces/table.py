"""What a scenario with faces found, ready for a table: error rates in percent with their intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

NAMES: Final = {
    "eer": "EER",
    "fnmr_fmr_1e-2": "FNMR at FMR 1%",
    "fnmr_fmr_1e-3": "FNMR at FMR 0.1%",
    "fnir_fpir_1e-2": "FNIR at FPIR 1%",
    "eer_door": "EER, door camera",
    "gap_closed": "Gap closed",
}
"""Metric -> what people call it, in the order of the table."""
MEANINGS: Final = {
    "EER": "equal error rate: as many pairs of pictures of one person are told apart as pairs of two are mixed up",
    "FNMR": "share of pairs of one person that do not match, when at most so many pairs of two people do (FMR)",
    "FNIR": "share of probes of enrolled people who are not found first, when at most 1% of strangers find anybody",
    "EER, door camera": "the same pictures as a cheap camera over the door would take them",
    "Gap closed": "how far an arm goes from each merchant alone to pooled pictures, by EER",
}


@dataclass(frozen=True, eq=False)
class FaceRow:
    """One arm.

    Attributes:
        arm: its name.
        label: what people call it, with epsilon where it has one.
        cells: name of the figure -> percent with interval, or a dash.
    """

    arm: str
    label: str
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PeopleRow:
    """One rate of one arm with one number of people.

    Attributes:
        label: what people call the arm.
        people: how many there are, tested ones included.
        values: the rate and the ends of its interval, shares.
        against: how far it lies from the arm that sees nobody, and the ends of that interval, percentage points; less
            than 0 is better. None for that arm itself, and where there is none.
    """

    label: str
    people: int
    values: tuple[float, ...]
    against: tuple[float, ...] | None


def face_rows(rows: Sequence[Mapping[str, Any]]) -> list[FaceRow]:
    """Turn the records of a summary, of one point of the sweep, into rows; figures that no arm has are left out."""
    shown = [metric for metric in NAMES if any(not math.isnan(_number(row.get(metric))) for row in rows)]
    return [
        FaceRow(row["arm"], arm_label(row), {NAMES[metric]: percent_text(row, metric) for metric in shown})
        for row in rows
    ]


def arm_label(row: Mapping[str, Any]) -> str:
    """Return an arm's label, with its epsilon where it has one."""
    return row["label"] if row["epsilon"] is None else f"{row['label']}, ε {row['epsilon']:g}"


def percent_text(row: Mapping[str, Any], metric: str) -> str:
    """Write a share as percent with its interval, `10.6 [7.9, 13.4]`; a dash where there is none."""
    return share_text(_ends(row, metric), digits=0 if metric == "gap_closed" else 1)


def share_text(values: tuple[float, ...], *, digits: int = 1) -> str:
    """Write a share, given with the ends of its interval, as `percent_text` does."""
    value, lo, hi = values
    if math.isnan(value):
        return "-"
    text = f"{100 * value:z.{digits}f}"
    return text if math.isnan(lo) or math.isnan(hi) else f"{text} [{100 * lo:z.{digits}f}, {100 * hi:z.{digits}f}]"


def by_people(
    rows: Sequence[Mapping[str, Any]], differences: Sequence[Mapping[str, Any]], metric: str
) -> list[PeopleRow]:
    """List one rate of every arm by the number of people, where a sweep goes over `data.people` alone.

    Args:
        rows: the records of a summary.
        differences: its paired differences.
        metric: of `NAMES`.

    Returns: in the order of `rows`; nothing without such a sweep. What nobody measured is left out.
    """
    control = next((row["arm"] for row in rows if row["method"] == "untrained"), None)
    paired = {
        (one["name"], one["provenance"].get("sweep", {}).get("data.people")): one
        for one in differences
        if not math.isnan(_number(one["value"]))
    }
    found = []
    for row in rows:
        if list(row["sweep"]) != ["data.people"] or math.isnan(_number(row.get(metric))):
            continue
        people = int(row["sweep"]["data.people"])
        one = paired.get((f"difference({metric}, {row['arm']}, {control})", people))
        against = None if one is None else tuple(100 * _number(one[key]) for key in ("value", "lo", "hi"))
        found.append(PeopleRow(arm_label(row), people, _ends(row, metric), against))
    return found


def points_text(points: tuple[float, ...]) -> str:
    """Write a difference in percentage points with its interval, `-1.3 [-1.9, -0.6]`."""
    value, lo, hi = points
    text = f"{value:+z.1f}"
    return text if math.isnan(lo) or math.isnan(hi) else f"{text} [{lo:+z.1f}, {hi:+z.1f}]"


def scope(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say on how many people, folds and seeds the figures rest."""
    folds = len({fold for row in rows for fold in row["origins"]})
    seeds = len({seed for row in rows for seed in row["seeds"]})
    people = max((row["n_shoppers"] for row in rows), default=0)
    counts = ((people, "person", "people"), (folds, "fold", "folds"), (seeds, "seed", "seeds"))
    return ", ".join(f"{number:,} {one if number == 1 else many}" for number, one, many in counts)


def _ends(row: Mapping[str, Any], metric: str) -> tuple[float, ...]:
    return tuple(_number(row.get(f"{metric}{end}")) for end in ("", "_lo", "_hi"))


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else math.nan

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
    "EER, door camera": "the same pictures as a cheap camera over a door would take them",
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
    value, lo, hi = (_number(row.get(f"{metric}{end}")) for end in ("", "_lo", "_hi"))
    if math.isnan(value):
        return "-"
    digits = 0 if metric == "gap_closed" else 1
    text = f"{100 * value:.{digits}f}"
    return text if math.isnan(lo) or math.isnan(hi) else f"{text} [{100 * lo:.{digits}f}, {100 * hi:.{digits}f}]"


def scope(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say on how many people, folds and seeds the figures rest."""
    folds = len({fold for row in rows for fold in row["origins"]})
    seeds = len({seed for row in rows for seed in row["seeds"]})
    people = max((row["n_shoppers"] for row in rows), default=0)
    counts = ((people, "person", "people"), (folds, "fold", "folds"), (seeds, "seed", "seeds"))
    return ", ".join(f"{number:,} {one if number == 1 else many}" for number, one, many in counts)


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else math.nan

"""What a chart says, in one sentence: for the line above it, and for those who cannot see it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from apps.figure_text import count


def span(table: pd.DataFrame, *, name: str = "Arm", text: str = "Text", value: str = "value") -> str:
    """Say which row is highest and which lowest: `A 0.71 [0.69, 0.73] is the highest of 3, C 0.50 the lowest`.

    Args:
        table: a row for each thing that is drawn; rows without a value do not count.
        name: column with what a row is called.
        text: column with its value and interval in words.
        value: column with the number.
    """
    known = table[table[value].map(math.isfinite)]
    if known.empty:
        return "nothing was measured"
    rows = known.sort_values(value, ascending=False)
    highest, lowest = (f"{rows[name].iloc[place]} {rows[text].iloc[place]}" for place in (0, -1))
    if len(rows) == 1:
        return highest
    return f"{highest} is the highest of {len(rows)}, {lowest} the lowest"


def apart(table: pd.DataFrame, reference: str, *, line: float = 0.0) -> str:
    """Say how many rows lie clearly above and below a reference, going by their intervals.

    Args:
        table: lo, hi, one row for each thing that is held against the reference.
        reference: what they are called after "above" and "below".
        line: where the reference lies.
    """
    judged = table[table["lo"].notna() & table["hi"].notna()]
    if judged.empty:
        return f"{count(len(table), 'difference')} from {reference}, without intervals"
    above, below = int((judged["lo"] > line).sum()), int((judged["hi"] < line).sum())
    return f"{above} of {len(judged)} lie clearly above {reference}, {below} clearly below"


def runs_behind(runs: Sequence[object]) -> str:
    """Say how many runs a figure rests on, and which is the first; empty without any."""
    return f"{count(len(runs), 'run')}, the first is {runs[0]}" if runs else ""

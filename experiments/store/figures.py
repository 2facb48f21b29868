"""The figures of a store run as table rows: each with its unit, its interval, and where its parameters come from."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

import pandas as pd

from experiments.runs import METRIC_COLUMNS
from experiments.targets import statistic_name

Statistic = Literal["value", "difference", "simulation_difference", "ratio"]
ABOUT: Final = (
    "statistic", "figure", "label", "arm", "reference", "base", "other", "source", "note", "better", "verdict",
)  # fmt: skip
"""What a row says beside its numbers."""
NO_INTERVAL: Final = (math.nan, math.nan)


def row(
    figure: str,
    arm: str,
    value: float,
    interval: tuple[float, float] = NO_INTERVAL,
    *,
    statistic: Statistic = "value",
    reference: str | None = None,
    sides: tuple[float, float] = (math.nan, math.nan),
    unit: str = "1",
    n: int = 0,
    label: str = "",
    source: str = "",
    note: str = "",
    better: int = 0,
    verdict: str = "",
) -> dict[str, Any]:
    """Describe one figure.

    Args:
        figure: its name, such as "path_m".
        arm: whose it is.
        value: the figure.
        interval: both ends of the 95% interval, NaN without one.
        statistic: "simulation_difference" has the interval of simulation noise alone, "difference" that of noise and
            parameters.
        reference: the other arm, of a difference or ratio.
        sides: of a difference or ratio, what it is made of: the reference's value and the arm's on exactly its days. An
            arm with another number of days has another value of the same reference.
        unit: such as "m".
        n: days, or other units of repetition, behind it.
        label: what people call the figure.
        source: kinds of parameters that it rests on: data, literature, assumption.
        note: what else to know, in words.
        better: 1 where more is better, -1 where less is, 0 where neither.
        verdict: what the interval says, in words.
    """
    name = statistic_name(statistic, figure, arm, reference)
    numbers = {"name": name, "value": float(value), "lo": float(interval[0]), "hi": float(interval[1])}
    about = {"statistic": statistic, "figure": figure, "arm": arm, "reference": reference or ""}
    made_of = {"base": float(sides[0]), "other": float(sides[1])}
    words = {"label": label or figure, "source": source, "note": note, "better": int(better), "verdict": verdict}
    return {**numbers, "unit": unit, "n": int(n), **about, **made_of, **words}


def table(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Put rows together, columns `METRIC_COLUMNS` and `ABOUT`."""
    return pd.DataFrame(list(rows), columns=[*METRIC_COLUMNS, *ABOUT])

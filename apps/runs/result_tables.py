"""Tables of a scenario's results: arms, paired differences, targets, and their plain twins for download."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import pandas as pd

from apps.figure_text import count, with_interval
from apps.runs.metric_names import metric_name
from apps.runs.stored_results import Point
from apps.trouble import troubles
from experiments.results import Result
from experiments.targets import Target

ARM: Final = "Arm"
NO_CLAIM: Final = "none"
GAVE_NOTHING: Final = (
    "Some runs gave nothing; the page Runs shows them. Once the reason is gone, `tradefair run` with `--retry-failed`"
    " runs them again."
)
_STATUS: Final = {True: "met", False: "missed", None: "not measured"}


def arms(point: Point) -> pd.DataFrame:
    """One row per arm: Arm, Epsilon, each metric with its interval as text, Seconds, Missing runs where there are any.

    Seconds are wall-clock time summed over the arm's runs.
    """
    rows = []
    for arm, row in point.arms.items():
        cells: dict[str, Any] = {ARM: row["label"], "Epsilon": _epsilon(row)}
        cells |= {metric_name(metric).label: with_interval(point.value(metric, arm)) for metric in point.metrics}
        rows.append({**cells, "Seconds": row["seconds"], "Missing runs": row["missing_runs"]})
    table = pd.DataFrame(rows)
    return table if table["Missing runs"].any() else table.drop(columns="Missing runs")


def differences(point: Point, metric: str, reference: str) -> pd.DataFrame:
    """One row per arm compared with a reference: Arm, value, lo, hi, Difference and Ratio as text, Clear.

    Sorted by value, largest first. Clear: `better` or `worse` where the interval excludes 0, else `no`.
    """
    rows = []
    for arm in point.arms:
        difference = point.compared("difference", metric, arm, reference)
        if difference is None:
            continue
        rows.append(
            {
                ARM: point.names[arm],
                "value": difference.value,
                "lo": difference.lo,
                "hi": difference.hi,
                "Difference": with_interval(difference, signed=True),
                "Ratio": with_interval(point.compared("ratio", metric, arm, reference)),
                "Clear": _clear(difference),
            }
        )
    columns = [ARM, "value", "lo", "hi", "Difference", "Ratio", "Clear"]
    return pd.DataFrame(rows, columns=columns).sort_values("value", ascending=False, ignore_index=True)


def better_and_worse(table: pd.DataFrame, reference: str) -> str:
    """Say how many arms of `differences` are clearly better than the reference, and how many clearly worse."""
    better, worse = (int((table["Clear"] == word).sum()) for word in ("better", "worse"))
    return f"{better} of {count(len(table), 'arm')} clearly better than {reference}, {worse} clearly worse"


def targets(point: Point) -> pd.DataFrame:
    """One row per target: Target in words, Bound, Measured with its interval, Result (met, missed, not measured)."""
    rows = []
    for result in point.targets:
        rows.append(
            {
                "Result": _STATUS[result.met],
                "Target": _in_words(point, Target.parse(result.name, result.target or "> 0")),
                "Bound": (result.target or "")
                .replace(">=", "≥")
                .replace("<=", "≤")
                .replace("> ", "above ")
                .replace("< ", "below "),
                "Measured": with_interval(result),
            }
        )
    return pd.DataFrame(rows, columns=["Result", "Target", "Bound", "Measured"])


def figures(point: Point) -> pd.DataFrame:
    """Every arm with its numbers in columns, metric, metric_lo, metric_hi, for download."""
    keys = ["arm", "label", "method", "epsilon", "epsilon_pld", "delta", "noise"]
    intervals = [f"{metric}{end}" for metric in point.metrics for end in ("", "_lo", "_hi")]
    rows = [{**row, **{f"sweep.{key}": value for key, value in point.sweep.items()}} for row in point.arms.values()]
    keys += [f"sweep.{key}" for key in point.sweep]
    return pd.DataFrame(rows).reindex(columns=[*keys, *intervals, "seconds", "n_shoppers", "missing_runs"])


def problems(failures: tuple[Mapping[str, Any], ...], unfinished: tuple[Mapping[str, Any], ...]) -> list[str]:
    """Say in one line for each reason which runs gave nothing."""
    return [f"{one.who} {one.kind}: {one.message}" for one in troubles(failures, unfinished)]


def _epsilon(row: Mapping[str, Any]) -> str:
    return NO_CLAIM if row["epsilon"] is None else f"{row['epsilon']:g}"


def _clear(difference: Result) -> str:
    if math.isnan(difference.lo) or difference.lo <= 0 <= difference.hi:
        return "no"
    return "better" if difference.value > 0 else "worse"


def _in_words(point: Point, target: Target) -> str:
    metric = metric_name(target.metric).label
    arm = point.names.get(target.arm, target.arm)
    if target.reference is None:
        return f"{metric}: {arm}"
    reference = point.names.get(target.reference, target.reference)
    word = "divided by" if target.kind == "ratio" else "minus"
    return f"{metric}: {arm} {word} {reference}"

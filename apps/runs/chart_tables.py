"""What the charts draw, as tables: the points of privacy against usefulness, of references, and of growth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import pandas as pd

from apps.runs.result_tables import ARM
from apps.runs.stored_results import Point

NO_NOISE: Final = "no noise"


def frontier_table(point: Point, metric: str) -> pd.DataFrame:
    """The points of the privacy-utility chart: series, epsilon (text, `no noise` without), arm, value, lo, hi.

    A series is a method with one noise placement; its arm without noise is shown where there is one.
    """
    labels: dict[tuple[str, str], list[str]] = {}
    arms = []
    private = {row["method"] for row in point.arms.values() if row["epsilon"] is not None}
    for arm, row in point.arms.items():
        result = point.value(metric, arm)
        if row["method"] not in private or result is None:
            continue
        key = (row["method"], row["noise"] or "aggregator")
        arms.append((arm, row, key, result))
        if row["epsilon"] is not None:
            labels.setdefault(key, []).append(row["label"])
    rows = []
    for arm, row, key, result in arms:
        epsilons = [other["epsilon"] for _, other, other_key, _ in arms if other_key == key]
        shared = len(epsilons) == len(set(epsilons)) and key in labels
        name = labels[key][0] if shared and len(set(labels[key])) == 1 else row["label"]
        epsilon = NO_NOISE if row["epsilon"] is None else f"{row['epsilon']:g}"
        figures = {"value": result.value, "lo": result.lo, "hi": result.hi}
        rows.append({"series": name, "epsilon": epsilon, ARM: point.names[arm], **figures})
    return pd.DataFrame(rows, columns=["series", "epsilon", ARM, "value", "lo", "hi"])


def reference_table(point: Point, metric: str) -> pd.DataFrame:
    """The horizontal lines of the privacy-utility chart: popularity and pooled raw data, Arm, value, lo, hi."""
    rows = []
    for method in ("popularity", "pooled"):
        for arm in point.find(method, private=False):
            if (result := point.value(metric, arm)) is not None:
                rows.append({ARM: point.names[arm], "value": result.value, "lo": result.lo, "hi": result.hi})
    return pd.DataFrame(rows, columns=[ARM, "value", "lo", "hi"]).sort_values("value", ignore_index=True)


def growth_table(
    points: Mapping[float, Point],
    metric: str,
    arms: Sequence[str],
    *,
    reference: str | None = None,
    column: str = "shoppers",
) -> pd.DataFrame:
    """The points of the growth chart: the swept number, series, value, lo, hi, one row per number and arm.

    Args:
        points: by the swept number.
        metric: which figure.
        arms: which lines.
        reference: an arm; figures are then ratios to it, from paired resampling.
        column: what the column of the swept number is called.
    """
    rows = []
    for at, point in sorted(points.items()):
        for arm in arms:
            figure = point.compared("ratio", metric, arm, reference) if reference else point.value(metric, arm)
            if figure is not None:
                rows.append((at, point.names[arm], figure.value, figure.lo, figure.hi))
    return pd.DataFrame(rows, columns=[column, "series", "value", "lo", "hi"])

"""What the figures say, in sentences; each number is read from the summary, with its interval."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from apps.figure_text import percent, percent_interval, with_interval
from apps.runs.metric_names import metric_name
from apps.runs.stored_results import Point
from experiments.results import Result


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence that carries a page or a chart, and what qualifies it."""

    sentence: str
    detail: str = ""


def headline(point: Point, metric: str) -> Finding:
    """Say what privacy costs at the smallest epsilon, else which arm is best."""
    kept = kept_of_pooled(point, metric)
    if not kept:
        return _best_arm(point, metric)
    arm, ratio = next(iter(kept.items()))
    epsilon = point.arms[arm]["epsilon"]
    whole = f"{_verb(ratio)} {percent(ratio.value)} of pooled {metric_name(metric).noun}"
    sentence = f"At epsilon {epsilon:g}, federated training {whole}"
    details = [f"95% interval {percent_interval(ratio)}."] if percent_interval(ratio) else []
    twins = [twin for twin in point.find("dp_popularity", private=True) if point.arms[twin]["epsilon"] == epsilon]
    floors = [(twin, "popularity with the same epsilon") for twin in twins]
    floors += [(floor, "popularity without noise") for floor in point.find("popularity", private=False)]
    for floor, words in floors:
        details.append(_against(point.compared("ratio", metric, arm, floor), words))
    return Finding(sentence, " ".join(filter(None, details)))


def kept_of_pooled(point: Point, metric: str) -> Mapping[str, Result]:
    """Return, for each private federated arm, its ratio to pooled raw data; the smallest epsilon first.

    Variants of the arm that leads, told by another label, are left to the table; other places of the noise are not.
    """
    pooled, private = point.find("pooled", private=False), point.find("federated", private=True)
    if not pooled or not private:
        return {}
    label = point.arms[private[0]]["label"]
    kept = [arm for arm in private if point.arms[arm]["label"] == label or point.arms[arm]["noise"] != "aggregator"]
    found = {arm: point.compared("ratio", metric, arm, pooled[0]) for arm in kept}
    return {arm: ratio for arm, ratio in found.items() if ratio is not None}


def price_of_privacy(points: Mapping[float, Point], metric: str, what: str = "shoppers") -> Finding | None:
    """Say what the smallest epsilon costs with the most shoppers; None where that cannot be told.

    Args:
        points: by number of shoppers, or of what else was swept.
        metric: whose loss.
        what: was swept.
    """
    for swept in sorted(points, reverse=True):
        point = points[swept]
        twins = point.find("federated", private=False) + point.find("pooled", private=False)
        for arm in point.find("federated", private=True)[:1]:
            ratios = (point.compared("ratio", metric, arm, twin) for twin in twins)
            ratio = next((found for found in ratios if found is not None), None)
            if ratio is None:
                continue
            epsilon, noun = point.arms[arm]["epsilon"], metric_name(metric).noun
            if ratio.lo <= 1 <= ratio.hi:
                cost = f"costs no measurable {noun}"
            else:
                cost = f"{'costs' if ratio.value < 1 else 'adds'} {percent(abs(1 - ratio.value))} of {noun}"
            detail = f"Kept: {percent(ratio.value)}, 95% interval {percent_interval(ratio)}."
            return Finding(f"With {swept:,.10g} {what}, epsilon {epsilon:g} {cost}", detail)
    return None


def _best_arm(point: Point, metric: str) -> Finding:
    values = {arm: point.value(metric, arm) for arm in point.arms}
    measured = {arm: value for arm, value in values.items() if value is not None}
    if not measured:
        return Finding("No arm has been measured yet", "See below which runs failed or did not finish.")
    best = max(measured, key=lambda arm: measured[arm].value)
    name = metric_name(metric)
    return Finding(
        f"{point.names[best]} has the highest {name.label}: {measured[best].value:.3f}",
        f"{with_interval(measured[best])}, 95% interval. Whether arms differ is for their paired differences to say.",
    )


def _verb(ratio: Result) -> str:
    return "keeps" if ratio.value < 1 else "reaches"


def _against(ratio: Result | None, reference: str) -> str:
    if ratio is None:
        return ""
    clear = math.isnan(ratio.lo) or not ratio.lo <= 1 <= ratio.hi
    return f"It reaches {with_interval(ratio)} times {reference}" + ("." if clear else ", no clear difference.")

"""Figures of a scenario or a run, each held against its log entry."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from experiments.report.evidence import Evidence, Located
from experiments.report.model import Chart, Figure
from experiments.sweep import canonical

FIGURE: Final = "figure"
_CALL: Final = re.compile(r"(?P<metric>[^()]+)\((?P<arm>[^(),]+)\)")
_FIRST: Final = ("explore_ndcg10", "total_ndcg10")
_MOST_DRAWN: Final = 24
_AGAINST: Final = {"difference": "less", "ratio": "over"}
_PAIR: Final = re.compile(r"(?P<how>difference|ratio)\((?P<metric>[^(),]+), (?P<arm>[^(),]+), (?P<reference>[^(),]+)\)")
OUTCOMES: Final = {True: "met", False: "missed", None: "not measured"}


def arm_figures(evidence: Evidence, origin: str, results: Iterable[Mapping[str, Any]]) -> tuple[Figure, ...]:
    """Return one figure per arm, sweep point and metric of a scenario's summary; running times are left out."""
    logged = _logged_figures(evidence, origin)
    figures = []
    for result in results:
        named = _CALL.fullmatch(str(result["name"]))
        if named is None or result.get("unit") == "s":
            continue
        sweep = dict(result.get("provenance", {}).get("sweep", {}))
        found = logged.get((named["arm"], canonical(sweep), named["metric"]))
        figures.append(_figure(evidence, found, result, arm=named["arm"], name=named["metric"], sweep=sweep))
    return tuple(figures)


def difference_figures(evidence: Evidence, origin: str, results: Iterable[Mapping[str, Any]]) -> tuple[Figure, ...]:
    """Return one figure per difference or ratio of a store scenario, whose interval counts days and parameters."""
    logged = _logged_figures(evidence, origin)
    figures = []
    for result in results:
        about = result.get("provenance", {})
        if about.get("statistic") not in _AGAINST:
            continue
        sweep, name = dict(about.get("sweep", {})), str(result["name"])
        found = logged.get(("", canonical(sweep), name))
        figures.append(_figure(evidence, found, result, arm=str(about["arm"]), name=name, sweep=sweep))
    return tuple(figures)


def run_figures(evidence: Evidence, origin: str, rows: Iterable[Mapping[str, Any]], *, arm: str) -> tuple[Figure, ...]:
    """Return one figure per row of a run's table of metrics.

    Args:
        evidence: the logs.
        origin: of the run's log.
        rows: name, value, lo, hi, unit, n.
        arm: of the run.
    """
    view = evidence.logs.view(origin)
    logged = {entry.body.get("name"): (origin, entry) for entry in view.of(FIGURE)} if view is not None else {}
    rows = [row for row in rows if row.get("unit") != "s"]
    return tuple(_figure(evidence, logged.get(r["name"]), r, arm=arm, name=str(r["name"]), sweep={}) for r in rows)


def target_figures(evidence: Evidence, origin: str, results: Iterable[Mapping[str, Any]]) -> tuple[Figure, ...]:
    """Return one figure per target of a scenario's summary, with the wanted condition and the outcome."""
    view = evidence.logs.view(origin)
    logged: dict[tuple[str, str], Located] = {}
    for entry in view.of(FIGURE) if view is not None else ():
        if "target" in entry.body:
            name = str(entry.body.get("name") or entry.body["target"])
            logged[name, canonical(dict(entry.body.get("sweep") or {}))] = (origin, entry)
    figures = []
    for result in results:
        sweep = dict(result.get("provenance", {}).get("sweep", {}))
        found = logged.get((str(result["name"]), canonical(sweep)))
        met = OUTCOMES[result.get("met")]
        if found is not None and "met" in found[1].body and found[1].body["met"] != result.get("met"):
            logged_met = OUTCOMES.get(found[1].body["met"], "unknown")
            evidence.problems.append(
                f"{origin}: entry {found[1].index} logged the target as {logged_met}, the stored result says {met}"
            )
        figure = _figure(evidence, found, result, arm="", name=str(result["name"]), sweep=sweep)
        figures.append(replace(figure, condition=str(result.get("target") or ""), met=met))
    return tuple(figures)


def figure_charts(figures: Sequence[Figure]) -> tuple[Chart, ...]:
    """Return a picture of the leading metric over the arms; none where no value can be drawn."""
    metrics = list(dict.fromkeys(_metric(figure.name) for figure in figures))
    metric = next((name for name in _FIRST if name in metrics), metrics[0] if metrics else "")
    points = []
    for figure in figures:
        value, lo, hi = figure.value.value, figure.lo.value, figure.hi.value
        if _metric(figure.name) == metric and value is not None:
            label = f"{figure.label} ({figure.sweep})" if figure.sweep else figure.label
            points.append((label, float(value), float(value if lo is None else lo), float(value if hi is None else hi)))
    if not points or len(points) > _MOST_DRAWN:
        return ()
    unit = next(figure.value.unit for figure in figures if _metric(figure.name) == metric)
    title = f"{metric} for each arm, with 95% intervals" if len(points) > 1 else metric
    return (Chart("intervals", title, unit, tuple(points)),)


def _metric(name: str) -> str:
    """Say what a figure measures, whichever arm it is of: `sales_visit less that of as-is`."""
    pair = _PAIR.fullmatch(name)
    return f"{pair['metric']} {_AGAINST[pair['how']]} that of {pair['reference']}" if pair else name


def sweep_text(sweep: Mapping[str, Any]) -> str:
    """Write a sweep point: `data.shoppers = 400`."""
    return ", ".join(f"{key} = {value}" for key, value in sweep.items())


def _logged_figures(evidence: Evidence, origin: str) -> dict[tuple[str, str, str], Located]:
    """Index a scenario's logged figures by arm, sweep point and metric; a later entry replaces an earlier one."""
    view = evidence.logs.view(origin)
    logged: dict[tuple[str, str, str], Located] = {}
    for entry in view.of(FIGURE) if view is not None else ():
        body = entry.body
        if "target" in body or not isinstance(body.get("name"), str):
            continue
        named = _CALL.fullmatch(body["name"])
        arm, metric = (named["arm"], named["metric"]) if named else (str(body.get("arm", "")), body["name"])
        logged[arm, canonical(dict(body.get("sweep") or {})), metric] = (origin, entry)
    return logged


def _figure(
    evidence: Evidence,
    found: Located | None,
    result: Mapping[str, Any],
    *,
    arm: str,
    name: str,
    sweep: Mapping[str, Any],
) -> Figure:
    unit = str(result.get("unit", "1"))

    def number(field: str, unit: str) -> Any:
        known = found is not None and field in found[1].body
        return evidence.field(found if known else None, field, unit, expected=result.get(field))

    numbers = {field: number(field, unit) for field in ("value", "lo", "hi")}
    count = number("n", "count")
    return Figure(arm=arm, label=arm or name, sweep=sweep_text(sweep), name=name, n=count, **numbers)

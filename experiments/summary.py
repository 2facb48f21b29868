"""What a scenario's finished runs say together: one record per arm, paired differences, targets met or missed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from experiments.documents import read_json
from experiments.intervals import Bootstrap, bootstrap
from experiments.results import Result
from experiments.runs import SHOPPER, RunStore
from experiments.scenario import Scenario
from experiments.spec import Spec
from experiments.sweep import RunSpec, canonical
from experiments.targets import Target, statistic_name

REFERENCE_METHODS: Final = ("popularity", "pooled")
UNIT: Final = "1"


@dataclass(frozen=True, eq=False)
class Summary:
    """The table of a scenario.

    Attributes:
        scenario: its name.
        title: its title.
        runs: ids of the finished runs.
        rows: one record per arm (and sweep point), see `docs` of the run store.
        arms: the same figures, one `Result` per arm and metric.
        differences: paired differences and ratios against the reference arms.
        targets: one `Result` per target (and sweep point).
        failures: run_id, arm, origin, seed, refused, message of the runs that failed.
        unfinished: the same for runs without an outcome.
        kind: of the scenario.
        mode: "simulation" or "deployment", in which nothing is measured.
    """

    scenario: str
    title: str
    runs: tuple[str, ...]
    rows: tuple[Mapping[str, Any], ...]
    arms: tuple[Result, ...]
    differences: tuple[Result, ...]
    targets: tuple[Result, ...]
    failures: tuple[Mapping[str, Any], ...]
    unfinished: tuple[Mapping[str, Any], ...]
    kind: str = Scenario.kind
    mode: str = "simulation"

    def results(self) -> tuple[Result, ...]:
        """Return every figure once; one that a target is about carries the target."""
        figures: dict[str, Result] = {}
        for result in (*self.arms, *self.differences, *self.targets):
            figures[result.name + canonical(result.provenance.get("sweep", {}))] = result
        return tuple(figures.values())

    def document(self) -> dict[str, Any]:
        """Return what `summary.json` holds."""
        return {
            "kind": self.kind,
            "mode": self.mode,
            "scenario": self.scenario,
            "title": self.title,
            "runs": list(self.runs),
            "rows": [dict(row) for row in self.rows],
            "results": [result.record() for result in self.arms],
            "differences": [result.record() for result in self.differences],
            "targets": [result.record() for result in self.targets],
            "failures": [dict(failure) for failure in self.failures],
            "unfinished": [dict(run) for run in self.unfinished],
        }


@dataclass(frozen=True, eq=False)
class _Point:
    """The runs at one point of the sweep."""

    sweep: Mapping[str, Any]
    specs: tuple[RunSpec, ...]
    records: Mapping[str, Mapping[str, Any]]
    metrics: Mapping[str, Bootstrap]

    def ids(self, *arms: str | None) -> list[str]:
        return [spec.run_id for spec in self.specs if spec.arm.name in arms and spec.run_id in self.records]

    def provenance(self, *arms: str | None) -> dict[str, Any]:
        runs = {"runs": self.ids(*arms)}
        return {**runs, "sweep": dict(self.sweep)} if self.sweep else runs


def summarise(
    scenario: Scenario, specs: Sequence[RunSpec], store: RunStore, notes: Mapping[str, str] | None = None
) -> Summary:
    """Read the outcomes of all runs of a scenario and put them together.

    Args:
        scenario: the scenario that was expanded.
        specs: its runs.
        store: where they live.
        notes: by run id, what is known about unfinished runs.
    """
    points = [_point(chosen, store) for chosen in _by_sweep(specs)]
    finished = tuple(spec.run_id for point in points for spec in point.specs if spec.run_id in point.records)
    failures, unfinished = gave_nothing(specs, store, notes or {})
    return Summary(
        scenario=scenario.name,
        title=scenario.title,
        runs=finished,
        rows=tuple(row for point in points for row in _rows(point)),
        arms=tuple(result for point in points for result in _arm_results(point)),
        differences=tuple(result for point in points for result in _differences(scenario, point)),
        targets=tuple(result for point in points for result in _targets(scenario, point, store)),
        failures=failures,
        unfinished=unfinished,
        mode=scenario.privacy.mode,
    )


def gave_nothing(
    specs: Sequence[Spec], store: RunStore, notes: Mapping[str, str]
) -> tuple[tuple[Mapping[str, Any], ...], tuple[Mapping[str, Any], ...]]:
    """Return the runs that failed, with their reason, and those without an outcome, with what is known of them."""
    failures, unfinished = [], []
    for spec in specs:
        status = store.status(spec)
        run = {"run_id": spec.run_id, **spec.identity()}
        if status == "failed":
            failure = store.failure(spec)
            failures.append({**run, **{key: failure.get(key) for key in ("refused", "error", "message")}})
        elif status == "unfinished":
            unfinished.append({**run, "message": notes.get(spec.run_id, "")})
    return tuple(failures), tuple(unfinished)


def _by_sweep(specs: Sequence[RunSpec]) -> list[list[RunSpec]]:
    points: dict[str, list[RunSpec]] = {}
    for spec in specs:
        points.setdefault(canonical(dict(spec.sweep)), []).append(spec)
    return list(points.values())


def _point(specs: Sequence[RunSpec], store: RunStore) -> _Point:
    """Read the runs of one sweep point and resample them, metric by metric."""
    records: dict[str, Mapping[str, Any]] = {}
    tables: dict[str, dict[tuple[str, int, int], Any]] = {}
    for spec in specs:
        record = read_json(store.directory(spec) / "run.json")
        if record is None:
            continue
        records[spec.run_id] = record
        shoppers = store.shoppers(spec.scenario, spec.run_id)
        keys = shoppers[SHOPPER].to_numpy()
        for metric in shoppers.columns.drop(SHOPPER):
            values = shoppers[metric].to_numpy(np.float64, na_value=np.nan)
            tables.setdefault(str(metric), {})[spec.arm.name, spec.origin, spec.seed] = keys, values
    arms = list(dict.fromkeys(spec.arm.name for spec in specs))
    metrics = {metric: bootstrap(cells, arms=arms) for metric, cells in tables.items()}
    return _Point(specs[0].sweep, tuple(specs), records, metrics)


def _rows(point: _Point) -> list[dict[str, Any]]:
    return [
        arm_row(spec.arm, point.specs, point.records, point.metrics, origin=lambda one: one.origin)
        for spec in _unique_arms(point.specs)
    ]


def arm_row(
    arm: Any,
    specs: Sequence[Any],
    records: Mapping[str, Mapping[str, Any]],
    metrics: Mapping[str, Bootstrap],
    *,
    origin: Callable[[Any], int],
) -> dict[str, Any]:
    """Return the record of one arm, with its figures and what it claims.

    Args:
        arm: with name, label, method, epsilon and noise.
        specs: runs of one point of the sweep, of all arms.
        records: of the finished ones, by run id.
        metrics: resampled figures of all arms.
        origin: the test window, or fold, of a run.
    """
    mine = [spec for spec in specs if spec.arm.name == arm.name]
    done = [spec for spec in mine if spec.run_id in records]
    own = [records[spec.run_id] for spec in done]
    row: dict[str, Any] = {
        "arm": arm.name,
        "label": arm.label or arm.name,
        "method": arm.method,
        "epsilon": arm.epsilon,
        "epsilon_pld": max((r["epsilon_pld"] for r in own if r.get("epsilon_pld") is not None), default=None),
        "delta": next((r["delta"] for r in own if r.get("delta") is not None), None),
        "noise": arm.noise if arm.epsilon is not None else None,
    }
    for metric, resampled in metrics.items():
        interval = resampled.value(arm.name)
        row |= {metric: interval.value, f"{metric}_lo": interval.lo, f"{metric}_hi": interval.hi}
    return row | {
        "seconds": sum(record["seconds"] for record in own),
        "seeds": sorted({spec.seed for spec in done}),
        "origins": sorted({origin(spec) for spec in done}),
        "n_shoppers": max((b.value(arm.name).n for b in metrics.values()), default=0),
        "missing_runs": len(mine) - len(done),
        "run_ids": [spec.run_id for spec in done],
        "sweep": dict(mine[0].sweep),
    }


def _unique_arms(specs: Sequence[RunSpec]) -> list[RunSpec]:
    return list({spec.arm.name: spec for spec in specs}.values())


def _arm_results(point: _Point) -> list[Result]:
    results = []
    for spec in _unique_arms(point.specs):
        arm = spec.arm.name
        for metric, resampled in point.metrics.items():
            name = statistic_name("value", metric, arm)
            results.append(Result.of(name, resampled.value(arm), unit=UNIT, provenance=point.provenance(arm)))
        seconds = [float(point.records[run_id]["seconds"]) for run_id in point.ids(arm)]
        nan = float("nan")
        results.append(Result(f"seconds({arm})", sum(seconds), nan, nan, "s", 0, provenance=point.provenance(arm)))
    return results


def _differences(scenario: Scenario, point: _Point) -> list[Result]:
    results = []
    for arm, reference in _comparisons(scenario, point):
        for metric, resampled in point.metrics.items():
            story = point.provenance(arm, reference)
            difference = statistic_name("difference", metric, arm, reference)
            results.append(Result.of(difference, resampled.difference(arm, reference), unit=UNIT, provenance=story))
            ratio = statistic_name("ratio", metric, arm, reference)
            results.append(Result.of(ratio, resampled.ratio(arm, reference), unit="ratio", provenance=story))
    return results


def _comparisons(scenario: Scenario, point: _Point) -> list[tuple[str, str]]:
    """Return pairs of arms worth comparing.

    Every arm meets the floor, the ceiling and each reference that a target names; private arms also meet noisy
    popularity with the same epsilon.
    """
    arms = [spec.arm for spec in _unique_arms(point.specs)]
    named = {Target.parse(expression, bound).reference for expression, bound in scenario.targets.items()}
    general = [arm.name for arm in arms if arm.method in REFERENCE_METHODS or arm.name in named]
    pairs = []
    for arm in arms:
        twins = [
            other.name for other in arms if other.method == "dp_popularity" and other.epsilon == arm.epsilon is not None
        ]
        pairs += [(arm.name, other) for other in dict.fromkeys(general + twins) if other != arm.name]
    return pairs


def _targets(scenario: Scenario, point: _Point, store: RunStore) -> list[Result]:
    results = []
    for expression, condition in scenario.targets.items():
        target = Target.parse(expression, condition)
        result = _measure(target, point, store)
        met = None if np.isnan(result.value) else target.met(result.value)
        results.append(replace(result, target=target.condition, met=met))
    return results


def _measure(target: Target, point: _Point, store: RunStore) -> Result:
    """Measure what a target is about; NaN where its arm has no finished run or no such metric."""
    story = point.provenance(target.arm, target.reference)
    resampled = point.metrics.get(target.metric)
    if resampled is None:
        value = _mean_metric(target, point, store) if target.kind == "value" else float("nan")
        return Result(target.name, value, float("nan"), float("nan"), UNIT, 0, provenance=story)
    if target.reference is None:
        return Result.of(target.name, resampled.value(target.arm), unit=UNIT, provenance=story)
    compare = resampled.ratio if target.kind == "ratio" else resampled.difference
    unit = "ratio" if target.kind == "ratio" else UNIT
    return Result.of(target.name, compare(target.arm, target.reference), unit=unit, provenance=story)


def _mean_metric(target: Target, point: _Point, store: RunStore) -> float:
    """Mean over runs of a figure that tasks report for a run as a whole."""
    values = []
    for spec in point.specs:
        if spec.arm.name == target.arm and spec.run_id in point.records:
            table = store.run_metrics(spec.scenario, spec.run_id).set_index("name")["value"]
            values += [float(table[target.metric])] if target.metric in table.index else []
    return float(np.mean(values)) if values else float("nan")

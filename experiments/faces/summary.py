"""What the finished runs of a scenario with faces say together: rates, paired differences, shares of a gap, targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from experiments.documents import read_frame, read_json
from experiments.faces.scenario import FaceArm, FaceScenario
from experiments.faces.spec import REPLICATES_FILE, FaceSpec
from experiments.intervals import Bootstrap, Interval
from experiments.results import Result
from experiments.runs import RunStore
from experiments.summary import UNIT, Summary, arm_row, gave_nothing
from experiments.sweep import canonical
from experiments.targets import Target, statistic_name

GAP: Final = "gap_closed"
"""Share of the way from isolated to pooled that a federated arm goes, by equal error rate."""
_GAP_OF: Final = "eer"
_SEEDS: Final = 0x5EED


@dataclass(frozen=True, eq=False)
class _Point:
    """The runs at one point of the sweep."""

    sweep: Mapping[str, Any]
    specs: tuple[FaceSpec, ...]
    records: Mapping[str, Mapping[str, Any]]
    metrics: Mapping[str, Bootstrap]

    @property
    def arms(self) -> list[FaceArm]:
        return list({spec.arm.name: spec.arm for spec in self.specs}.values())

    def provenance(self, *arms: str | None) -> dict[str, Any]:
        runs = [spec.run_id for spec in self.specs if spec.arm.name in arms and spec.run_id in self.records]
        return {"runs": runs, "sweep": dict(self.sweep)} if self.sweep else {"runs": runs}

    def of_method(self, method: str) -> str | None:
        """Return the first arm of a method."""
        return next((arm.name for arm in self.arms if arm.method == method), None)

    def gap(self, arm: str) -> tuple[Interval, dict[str, Any]] | None:
        """Return the share of the gap that an arm closes, with where it comes from."""
        floor, ceiling = self.of_method("isolated"), self.of_method("pooled")
        federated = any((one.name, one.method) == (arm, "federated") for one in self.arms)
        if floor is None or ceiling is None or not federated or _GAP_OF not in self.metrics:
            return None
        found = self.metrics[_GAP_OF].closed(arm, floor, ceiling)
        return found, self.provenance(arm, floor, ceiling)


def summarise_faces(
    scenario: FaceScenario, specs: Sequence[FaceSpec], store: RunStore, notes: Mapping[str, str] | None = None
) -> Summary:
    """Read the outcomes of all runs of a scenario with faces and put them together.

    A rate is the mean over folds of the mean over seeds. Its interval is that of people and seeds drawn anew: within
    each fold people are drawn (the same ones for all arms and seeds), over all folds seeds are.

    Args:
        scenario: the scenario that was expanded.
        specs: its runs.
        store: where they live.
        notes: by run id, what is known about unfinished runs.
    """
    groups: dict[str, list[FaceSpec]] = {}
    for spec in specs:
        groups.setdefault(canonical(dict(spec.sweep)), []).append(spec)
    points = [_point(chosen, store) for chosen in groups.values()]
    failures, unfinished = gave_nothing(specs, store, notes or {})
    return Summary(
        scenario=scenario.name,
        title=scenario.title,
        runs=tuple(run for point in points for run in point.records),
        rows=tuple(row for point in points for row in _rows(point)),
        arms=tuple(result for point in points for result in _figures(point)),
        differences=tuple(result for point in points for result in _differences(scenario, point)),
        targets=tuple(result for point in points for result in _targets(scenario, point)),
        failures=failures,
        unfinished=unfinished,
        kind=scenario.kind,
    )


def _point(specs: Sequence[FaceSpec], store: RunStore) -> _Point:
    records: dict[str, Mapping[str, Any]] = {}
    cells: dict[str, dict[tuple[str, int, int], tuple[float, Any]]] = {}
    for spec in specs:
        record = read_json(store.directory(spec) / "run.json")
        if record is None:
            continue
        records[spec.run_id] = record
        values = store.run_metrics(spec.scenario, spec.run_id).set_index("name")["value"]
        redrawn = read_frame(store.directory(spec) / "artifacts" / REPLICATES_FILE)
        for name in redrawn.columns:
            cells.setdefault(str(name), {})[spec.arm.name, spec.fold, spec.seed] = float(values[name]), redrawn[name]
    arms = list(dict.fromkeys(spec.arm.name for spec in specs))
    people = {spec.arm.name: 0 for spec in specs}
    for fold in dict.fromkeys(spec.fold for spec in specs):
        for arm in arms:
            mine = (spec for spec in specs if (spec.arm.name, spec.fold) == (arm, fold))
            people[arm] += max((int(records[one.run_id]["people"]) for one in mine if one.run_id in records), default=0)
    counts = np.array([people[arm] for arm in arms], dtype=np.int64)
    metrics = {name: bootstrap_of(found, arms, counts) for name, found in cells.items()}
    return _Point(specs[0].sweep, tuple(specs), records, metrics)


def bootstrap_of(
    cells: Mapping[tuple[str, int, int], tuple[float, Any]], arms: Sequence[str], counts: np.ndarray
) -> Bootstrap:
    """Put the rates of runs, measured and with people redrawn, into the shape that intervals are computed from.

    What does not depend on a seed was run once, and stands for every seed.
    """
    folds, seeds = sorted({fold for _, fold, _ in cells}), sorted({seed for _, _, seed in cells})
    length = len(next(iter(cells.values()))[1])
    means = np.full((len(arms), len(folds), len(seeds)), np.nan)
    redrawn = np.full((length, *means.shape), np.nan)
    for row, arm in enumerate(arms):
        own = {seed for name, _, seed in cells if name == arm}
        for column, fold in enumerate(folds):
            for layer, seed in enumerate(seeds):
                cell = cells.get((arm, fold, min(own) if len(own) == 1 else seed))
                if cell is not None:
                    means[row, column, layer], redrawn[:, row, column, layer] = cell
    rng = np.random.default_rng([_SEEDS, len(seeds)])
    weights = rng.multinomial(len(seeds), np.full(len(seeds), 1 / len(seeds)), length).astype(np.float64)
    return Bootstrap(tuple(arms), means, redrawn, weights, counts)


def _rows(point: _Point) -> list[dict[str, Any]]:
    rows = []
    for arm in point.arms:
        row = arm_row(arm, point.specs, point.records, point.metrics, origin=lambda one: one.fold)
        gap = point.gap(arm.name)
        if gap is not None:
            row |= {GAP: gap[0].value, f"{GAP}_lo": gap[0].lo, f"{GAP}_hi": gap[0].hi}
        rows.append(row)
    return rows


def _figures(point: _Point) -> list[Result]:
    results = []
    for arm in point.arms:
        story = point.provenance(arm.name)
        for metric, drawn in point.metrics.items():
            results.append(Result.of(f"{metric}({arm.name})", drawn.value(arm.name), unit=UNIT, provenance=story))
        gap = point.gap(arm.name)
        if gap is not None:
            results.append(Result.of(f"{GAP}({arm.name})", gap[0], unit="ratio", provenance=gap[1]))
        seconds = sum(float(point.records[run]["seconds"]) for run in story["runs"])
        results.append(Result(f"seconds({arm.name})", seconds, np.nan, np.nan, "s", 0, provenance=story))
    return results


def _differences(scenario: FaceScenario, point: _Point) -> list[Result]:
    """Compare every arm with those that train alone, that pool, that see nobody, and that a target names."""
    targets = [Target.parse(expression, bound) for expression, bound in scenario.targets.items()]
    usual = [point.of_method(method) for method in ("untrained", "isolated", "pooled")]
    references = dict.fromkeys([one for one in usual if one] + [one.reference for one in targets if one.reference])
    results = []
    for arm in point.arms:
        for reference in references:
            if reference == arm.name:
                continue
            for metric, drawn in point.metrics.items():
                name = statistic_name("difference", metric, arm.name, reference)
                found = drawn.difference(arm.name, reference)
                story = point.provenance(arm.name, reference)
                results.append(Result.of(name, found, unit=UNIT, provenance=story))
    return results


def _targets(scenario: FaceScenario, point: _Point) -> list[Result]:
    results = []
    for expression, condition in scenario.targets.items():
        target = Target.parse(expression, condition)
        found = _measured(target, point)
        met = None if np.isnan(found.value) else target.met(found.value)
        results.append(replace(found, target=target.condition, met=met))
    return results


def _measured(target: Target, point: _Point) -> Result:
    """Measure what a target is about; NaN where there is no such figure yet."""
    story = point.provenance(target.arm, target.reference)
    if target.metric == GAP and target.kind == "value":
        gap = point.gap(target.arm)
        if gap is not None:
            return Result.of(target.name, gap[0], unit="ratio", provenance=gap[1])
    drawn = point.metrics.get(target.metric)
    if drawn is None:
        return Result(target.name, np.nan, np.nan, np.nan, UNIT, 0, provenance=story)
    if target.reference is None:
        return Result.of(target.name, drawn.value(target.arm), unit=UNIT, provenance=story)
    compare = drawn.ratio if target.kind == "ratio" else drawn.difference
    unit = "ratio" if target.kind == "ratio" else UNIT
    return Result.of(target.name, compare(target.arm, target.reference), unit=unit, provenance=story)

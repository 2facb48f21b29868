"""What the finished runs of an audience scenario say together: figures of each arm, differences, targets."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd

from experiments.audience.measured import REDRAWN_FILE, Floats, percentiles
from experiments.audience.scenario import AudienceScenario
from experiments.audience.spec import AudienceSpec
from experiments.documents import read_frame, read_json
from experiments.results import Result
from experiments.runs import RunStore
from experiments.summary import Summary, gave_nothing
from experiments.sweep import canonical
from experiments.targets import Target, statistic_name

_SAID: Final = ("said", "epsilon_spent", "epsilon_pld", "epsilon_total", "privacy_unit")
"""What a row repeats of `run.json`, where it is there."""


@dataclass(frozen=True, eq=False)
class _Point:
    """The finished runs at one point of the sweep, by arm.

    Attributes:
        sweep: where it is.
        specs: its runs, finished or not.
        records: `run.json` of the finished ones.
        metrics: their figures, by name.
        redrawn: their figures drawn anew.
    """

    sweep: Mapping[str, Any]
    specs: Mapping[str, AudienceSpec]
    records: Mapping[str, Mapping[str, Any]]
    metrics: Mapping[str, pd.DataFrame]
    redrawn: Mapping[str, pd.DataFrame]

    def story(self, *arms: str | None) -> dict[str, Any]:
        """Where a figure comes from."""
        runs = [self.specs[arm].run_id for arm in arms if arm is not None and arm in self.records]
        return {"runs": runs, "sweep": dict(self.sweep)} if self.sweep else {"runs": runs}

    def figure(self, metric: str, arm: str) -> Result:
        """Return a figure of an arm; NaN where there is none."""
        name, table = statistic_name("value", metric, arm), self.metrics.get(arm)
        if table is None or metric not in table.index:
            return Result(name, math.nan, math.nan, math.nan, "1", 0, provenance=self.story(arm))
        row: dict[Any, Any] = dict(table.loc[metric].items())
        return Result(
            name, float(row["value"]), float(row["lo"]), float(row["hi"]), str(row["unit"]), int(row["n"]),
            provenance=self.story(arm),
        )  # fmt: skip

    def compared(self, kind: str, metric: str, arm: str, reference: str) -> Result:
        """Return a difference or ratio, paired draw by draw where both arms were drawn alike, else without ends."""
        mine, other = self.figure(metric, arm), self.figure(metric, reference)
        unit = "ratio" if kind == "ratio" else mine.unit
        value = _against(kind, np.array([mine.value]), np.array([other.value]))[0]
        lo, hi = percentiles(self._paired(kind, metric, arm, reference), value)
        name = statistic_name(kind, metric, arm, reference)
        n = min(mine.n, other.n)
        return Result(name, float(value), lo, hi, unit, n, provenance=self.story(arm, reference))

    def _paired(self, kind: str, metric: str, arm: str, reference: str) -> Floats | None:
        tables = [self.redrawn.get(one) for one in (arm, reference)]
        draws = {str(self.records[one]["draws"]) for one in (arm, reference) if one in self.records}
        if len(draws) != 1 or draws == {""} or any(one is None or metric not in one for one in tables):
            return None
        first, second = (one[metric].to_numpy(np.float64) for one in tables if one is not None)
        return None if len(first) != len(second) else _against(kind, first, second)


def summarise_audience(
    scenario: AudienceScenario,
    specs: Sequence[AudienceSpec],
    store: RunStore,
    notes: Mapping[str, str] | None = None,
) -> Summary:
    """Read the outcomes of all runs of an audience scenario and put them together.

    Intervals are those that the method gave its figures; of differences and ratios, percentiles over draws that both
    arms share (`Measured.draws`).

    Args:
        scenario: the scenario that was expanded.
        specs: its runs.
        store: where they live.
        notes: by run id, what is known about unfinished runs.
    """
    groups: dict[str, list[AudienceSpec]] = {}
    for spec in specs:
        groups.setdefault(canonical(dict(spec.sweep)), []).append(spec)
    points = [_point(chosen, store) for chosen in groups.values()]
    failures, unfinished = gave_nothing(specs, store, notes or {})
    return Summary(
        scenario=scenario.name,
        title=scenario.title,
        runs=tuple(spec.run_id for point in points for arm, spec in point.specs.items() if arm in point.records),
        rows=tuple(row for point in points for row in _rows(point)),
        arms=tuple(one for point in points for one in _figures(point)),
        differences=tuple(one for point in points for one in _differences(scenario, point)),
        targets=tuple(one for point in points for one in _targets(scenario, point)),
        failures=failures,
        unfinished=unfinished,
        kind=scenario.kind,
    )


def _point(specs: Sequence[AudienceSpec], store: RunStore) -> _Point:
    records: dict[str, Mapping[str, Any]] = {}
    metrics: dict[str, pd.DataFrame] = {}
    redrawn: dict[str, pd.DataFrame] = {}
    for spec in specs:
        record = read_json(store.directory(spec) / "run.json")
        if record is not None:
            records[spec.arm.name] = record
            metrics[spec.arm.name] = store.run_metrics(spec.scenario, spec.run_id).set_index("name")
            redrawn[spec.arm.name] = read_frame(store.directory(spec) / "artifacts" / REDRAWN_FILE)
    return _Point(specs[0].sweep, {spec.arm.name: spec for spec in specs}, records, metrics, redrawn)


def _rows(point: _Point) -> Iterator[dict[str, Any]]:
    for arm, spec in point.specs.items():
        record = point.records.get(arm)
        row = {key: value for key, value in spec.record().items() if key not in ("seed", "kind")}
        for metric in point.metrics[arm].index if arm in point.metrics else ():
            found = point.figure(metric, arm)
            row |= {metric: found.value, f"{metric}_lo": found.lo, f"{metric}_hi": found.hi}
        yield row | {
            "figures": list(point.metrics[arm].index) if arm in point.metrics else [],
            "seconds": 0.0 if record is None else record["seconds"],
            "seeds": [] if record is None else [spec.seed],
            "origins": [],
            "n_shoppers": 0 if record is None else record.get("consumers", 0),
            "missing_runs": int(record is None),
            "run_ids": [] if record is None else [spec.run_id],
            "sweep": dict(spec.sweep),
            **{key: record[key] for key in _SAID if record and record.get(key) is not None},
        }


def _figures(point: _Point) -> Iterator[Result]:
    for arm, table in point.metrics.items():
        for metric in table.index:
            yield point.figure(str(metric), arm)
        seconds = float(point.records[arm]["seconds"])
        yield Result(f"seconds({arm})", seconds, math.nan, math.nan, "s", 0, provenance=point.story(arm))


def _differences(scenario: AudienceScenario, point: _Point) -> Iterator[Result]:
    """Compare every arm with the references, and with what a target names."""
    targets = [Target.parse(expression, bound) for expression, bound in scenario.targets.items()]
    pairs = [(arm, reference) for reference in scenario.references for arm in point.metrics if arm != reference]
    pairs += [(one.arm, one.reference) for one in targets if one.reference is not None]
    for arm, reference in dict.fromkeys(pairs):
        if arm in point.metrics and reference in point.metrics:
            shared = set(point.metrics[reference].index)
            for metric in point.metrics[arm].index:
                if metric in shared:
                    yield point.compared("difference", str(metric), arm, reference)


def _targets(scenario: AudienceScenario, point: _Point) -> Iterator[Result]:
    for expression, condition in scenario.targets.items():
        target = Target.parse(expression, condition)
        if target.reference is None:
            found = point.figure(target.metric, target.arm)
        else:
            found = point.compared(target.kind, target.metric, target.arm, target.reference)
        met = None if math.isnan(found.value) else target.met(found.value)
        yield replace(found, target=target.condition, met=met)


def _against(kind: str, mine: Floats, other: Floats) -> Floats:
    if kind == "difference":
        return mine - other
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(other == 0, np.nan, mine / other)

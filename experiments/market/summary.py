"""What the finished runs of a market scenario say together: figures of each arm, paired differences, targets."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from experiments.documents import read_frame, read_json
from experiments.market.figures import FIGURES, within
from experiments.market.scenario import MarketScenario
from experiments.market.spec import SEEDS_FILE, MarketSpec
from experiments.market.spread import Spread, ends
from experiments.results import Result
from experiments.runs import RunStore
from experiments.summary import Summary, gave_nothing
from experiments.sweep import canonical
from experiments.targets import Target, statistic_name

Floats = npt.NDArray[np.float64]
_SAID: Final = (
    "number", "expected", "verdict", "question", "source", "assumption", "unit", "currency", "interval", "left_out",
)  # fmt: skip
"""What a row repeats of `run.json`, where it is there."""


@dataclass(frozen=True, eq=False)
class _Point:
    """The finished runs at one point of the sweep.

    Attributes:
        sweep: where it is.
        specs: its runs, finished or not, by arm.
        tables: arm -> one row for each seed.
        records: arm -> its `run.json`.
    """

    sweep: Mapping[str, Any]
    specs: Mapping[str, MarketSpec]
    tables: Mapping[str, pd.DataFrame]
    records: Mapping[str, Mapping[str, Any]]

    def story(self, *arms: str | None) -> dict[str, Any]:
        """Where a figure comes from."""
        runs = [self.specs[arm].run_id for arm in arms if arm is not None and arm in self.tables]
        return {"runs": runs, "sweep": dict(self.sweep)} if self.sweep else {"runs": runs}

    def of(
        self, name: str, metric: str, values: Floats, story: Mapping[str, Any], unit: str | None = None, arm: str = ""
    ) -> Result:
        """Put the values of a figure together, as its method does, and its experiment where it is an `arm`'s own."""
        method = next(iter(self.specs.values())).settings.method
        if unit is None:
            told = [record["units"] for record in self.records.values() if "units" in record]
            unit = next((units[metric] for units in told if metric in units), _unit(metric))
        if method == "label":
            return of_draws(name, values, unit=unit, provenance=story)
        spread: Spread = self.records.get(arm, {}).get("interval", "mean") if method == "signs" else "mean"
        found = of_seeds(name, values, unit=unit, provenance=story, spread=spread)
        if arm and method != "signs" and found.n > 1 and np.ptp(values[~np.isnan(values)]) == 0:
            # a level that rules fix, such as a capped fee; equal differences are no such thing, see `paired`
            return replace(found, lo=found.value, hi=found.value)
        if arm and method != "signs":
            lo, hi = within(metric, found.lo, found.hi)
            return replace(found, lo=lo, hi=hi)
        return found

    def column(self, arm: str, metric: str) -> Floats | None:
        """One value for each seed; None where there is none."""
        table = self.tables.get(arm)
        if table is None or metric not in table.columns:
            return None
        return table[metric].to_numpy(np.float64)


def summarise_market(
    scenario: MarketScenario, specs: Sequence[MarketSpec], store: RunStore, notes: Mapping[str, str] | None = None
) -> Summary:
    """Read the outcomes of all runs of a market scenario and put them together.

    Intervals are Student's over seeds; of differences and ratios, over the seeds' own differences: all arms meet the
    same market seed by seed. They say how sure the model is of its mean, and nothing about how well it fits a real
    market. The interval of an arm's own share is cut at 0 and 1. An experiment about a sign says itself which interval
    its figures have (`experiments.market.spread`). With `method = "label"` a seed is a draw of the price coefficients:
    figures are medians, and intervals hold 95% of the draws, however many there are (`of_draws`).

    Args:
        scenario: the scenario that was expanded.
        specs: its runs.
        store: where they live.
        notes: by run id, what is known about unfinished runs.
    """
    groups: dict[str, list[MarketSpec]] = {}
    for spec in specs:
        groups.setdefault(canonical(dict(spec.sweep)), []).append(spec)
    points = [_point(chosen, store) for chosen in groups.values()]
    failures, unfinished = gave_nothing(specs, store, notes or {})
    return Summary(
        scenario=scenario.name,
        title=scenario.title,
        runs=tuple(spec.run_id for point in points for arm, spec in point.specs.items() if arm in point.tables),
        rows=tuple(row for point in points for row in _rows(point)),
        arms=tuple(one for point in points for one in _figures(point)),
        differences=tuple(one for point in points for one in _differences(scenario, point)),
        targets=tuple(one for point in points for one in _targets(scenario, point)),
        failures=failures,
        unfinished=unfinished,
        kind=scenario.kind,
    )


def of_seeds(name: str, values: Floats, *, unit: str, provenance: Mapping[str, Any], spread: Spread = "mean") -> Result:
    """Return a mean over seeds with its interval; NaN without a value, and without an interval where it has none."""
    real = values[~np.isnan(values)]
    if not len(real):
        return Result(name, math.nan, math.nan, math.nan, unit, 0, provenance=provenance)
    lo, hi = ends(real, spread)
    return Result(name, float(real.mean()), lo, hi, unit, len(real), provenance=provenance)


def of_draws(name: str, values: Floats, *, unit: str, provenance: Mapping[str, Any]) -> Result:
    """Return the median over draws of what was estimated, with the range that holds 95% of them; NaN without a value.

    Student's interval of `of_seeds` would say how sure the mean of the draws is, and shrink with their number.
    """
    real = values[~np.isnan(values)]
    if not len(real):
        return Result(name, math.nan, math.nan, math.nan, unit, 0, provenance=provenance)
    lo, value, hi = (float(one) for one in np.quantile(real, (0.025, 0.5, 0.975)))
    return Result(name, value, lo, hi, unit, len(real), provenance=provenance)


def _point(specs: Sequence[MarketSpec], store: RunStore) -> _Point:
    tables: dict[str, pd.DataFrame] = {}
    records: dict[str, Mapping[str, Any]] = {}
    for spec in specs:
        record = read_json(store.directory(spec) / "run.json")
        if record is not None:
            records[spec.arm.name] = record
            tables[spec.arm.name] = read_frame(store.directory(spec) / "artifacts" / SEEDS_FILE).set_index("seed")
    return _Point(specs[0].sweep, {spec.arm.name: spec for spec in specs}, tables, records)


def _rows(point: _Point) -> Iterator[dict[str, Any]]:
    for arm, spec in point.specs.items():
        record = point.records.get(arm)
        row = {key: value for key, value in spec.record().items() if key not in ("seed", "kind")}
        for metric in point.tables[arm].columns if arm in point.tables else ():
            found = point.of("", metric, point.tables[arm][metric].to_numpy(np.float64), {}, arm=arm)
            row |= {metric: found.value, f"{metric}_lo": found.lo, f"{metric}_hi": found.hi}
        if spec.settings.method == "regimes" and arm in point.tables:
            row |= _silent(point.tables[arm])
        yield row | {
            "seconds": 0.0 if record is None else record["seconds"],
            "seeds": [] if record is None else list(spec.seeds),
            "origins": [],
            "n_shoppers": 0 if record is None else record.get("consumers", 0),
            "missing_runs": int(record is None),
            "run_ids": [] if record is None else [spec.run_id],
            "sweep": dict(spec.sweep),
            **{key: record[key] for key in _SAID if record and key in record},
        }


def _silent(table: pd.DataFrame) -> dict[str, int]:
    """Count the markets where nobody sold anything in the periods that count, and where no merchant did."""
    nobody = (table["buying"] == 0).to_numpy()
    merchants = (table["without_sales"] >= 1).to_numpy()
    return {"nobody_sold": int(nobody.sum()), "only_own_sold": int((merchants & ~nobody).sum())}


def _figures(point: _Point) -> Iterator[Result]:
    for arm, table in point.tables.items():
        story = point.story(arm)
        for metric in table.columns:
            yield point.of(f"{metric}({arm})", metric, table[metric].to_numpy(np.float64), story, arm=arm)


def _differences(scenario: MarketScenario, point: _Point) -> Iterator[Result]:
    """Compare every arm with the references, and with what a target names."""
    targets = [Target.parse(expression, bound) for expression, bound in scenario.targets.items()]
    pairs = [(arm, reference) for reference in scenario.references for arm in point.tables if arm != reference]
    pairs += [(one.arm, one.reference) for one in targets if one.reference is not None]
    for arm, reference in dict.fromkeys(pairs):
        if arm in point.tables and reference in point.tables:
            for metric in point.tables[arm].columns:
                yield _compared("difference", metric, arm, reference, point)


def _compared(kind: str, metric: str, arm: str, reference: str, point: _Point) -> Result:
    mine, other = point.column(arm, metric), point.column(reference, metric)
    name, story = statistic_name(kind, metric, arm, reference), point.story(arm, reference)
    unit = "ratio" if kind == "ratio" else None
    if mine is None or other is None:
        return point.of(name, metric, np.empty(0), story, unit)
    with np.errstate(divide="ignore", invalid="ignore"):
        values = mine / other if kind == "ratio" else mine - other
    return point.of(name, metric, np.where(np.isfinite(values), values, np.nan), story, unit)


def _targets(scenario: MarketScenario, point: _Point) -> Iterator[Result]:
    for expression, condition in scenario.targets.items():
        target = Target.parse(expression, condition)
        if target.reference is not None:
            found = _compared(target.kind, target.metric, target.arm, target.reference, point)
        else:
            values = point.column(target.arm, target.metric)
            found = point.of(
                target.name, target.metric, np.empty(0) if values is None else values, point.story(target.arm),
                arm=target.arm,
            )  # fmt: skip
        met = None if math.isnan(found.value) else target.met(found.value)
        yield replace(found, target=target.condition, met=met)


def _unit(metric: str) -> str:
    return FIGURES[metric].unit if metric in FIGURES else "1"

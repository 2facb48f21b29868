"""What the finished runs of a store scenario say together: every run brings its own figures with their intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import pandas as pd

from experiments.documents import read_json
from experiments.results import Result
from experiments.runs import METRIC_COLUMNS, RunStore
from experiments.store.scenario import StoreScenario
from experiments.store.spec import StoreSpec
from experiments.summary import Summary, gave_nothing
from experiments.sweep import canonical
from experiments.targets import Target

COMPARED: Final = ("difference(", "ratio(", "simulation_difference(")
"""How the names of figures begin that are about two arms."""
_NOTHING: Final = Result("", math.nan, math.nan, math.nan, "1", -1)


def summarise_store(
    scenario: StoreScenario, specs: Sequence[StoreSpec], store: RunStore, notes: Mapping[str, str] | None = None
) -> Summary:
    """Read the outcomes of all runs of a store scenario and put them together.

    A figure of the reference comes with every run. Runs of one sweep point meet the same shoppers on the same days, but
    not on equally many: the run with most days is taken. What a difference is made of stands with the difference.

    Args:
        scenario: the scenario that was expanded.
        specs: its runs.
        store: where they live.
        notes: by run id, what is known about unfinished runs.
    """
    figures: dict[str, Result] = {}
    records: dict[str, Mapping[str, Any]] = {}
    for spec in specs:
        record = read_json(store.directory(spec) / "run.json")
        if record is None:
            continue
        records[spec.run_id] = record
        for row in store.run_metrics(spec.scenario, spec.run_id).to_dict("records"):
            figure, place = result_of(row, runs=[spec.run_id], sweep=spec.sweep), canonical(dict(spec.sweep))
            if figure.n > figures.get(figure.name + place, _NOTHING).n:
                figures[figure.name + place] = figure
    if scenario.method == "search":
        figures |= _between_arms(scenario, specs, store, records)
    failures, unfinished = gave_nothing(specs, store, notes or {})
    return Summary(
        scenario=scenario.name,
        title=scenario.title,
        runs=tuple(records),
        rows=tuple(_row(spec, records.get(spec.run_id)) for spec in specs),
        arms=tuple(one for one in figures.values() if not one.name.startswith(COMPARED)),
        differences=tuple(one for one in figures.values() if one.name.startswith(COMPARED)),
        targets=tuple(_targets(scenario, specs, figures)),
        failures=failures,
        unfinished=unfinished,
        kind=scenario.kind,
    )


def result_of(row: Mapping[Any, Any], *, runs: Sequence[str], sweep: Mapping[str, Any]) -> Result:
    """Bring a row of `experiments.store.figures` into the one shape; what it says beside its numbers is provenance."""
    about = {key: value for key, value in row.items() if key not in METRIC_COLUMNS and not pd.isna(value)}
    story: dict[str, Any] = {"runs": list(runs), **about, **({"sweep": dict(sweep)} if sweep else {})}
    value, lo, hi = (float(row[key]) for key in ("value", "lo", "hi"))
    return Result(str(row["name"]), value, lo, hi, str(row["unit"]), int(row["n"]), provenance=story)


def _row(spec: StoreSpec, record: Mapping[str, Any] | None) -> dict[str, Any]:
    return {
        **{key: value for key, value in spec.record().items() if key not in ("seed", "kind")},
        "epsilon_pld": None,
        "delta": (record or {}).get("delta"),
        "noise": None,
        "seconds": 0.0 if record is None else record["seconds"],
        "seeds": [] if record is None else [spec.seed],
        "origins": [],
        "days": (record or {}).get("days"),
        "n_shoppers": (record or {}).get("simulated", 0),
        "missing_runs": int(record is None),
        "run_ids": [] if record is None else [spec.run_id],
        "sweep": dict(spec.sweep),
        **({} if record is None or "edits" not in record else {key: record[key] for key in ("leading", "edits")}),
    }


def _between_arms(
    scenario: StoreScenario, specs: Sequence[StoreSpec], store: RunStore, records: Mapping[str, Mapping[str, Any]]
) -> dict[str, Result]:
    """Compare two arms with each other where a target asks for it; both met the same shoppers."""
    from experiments.store.arm_days import rows_of_targets

    found: dict[str, Result] = {}
    finished = [spec for spec in specs if spec.run_id in records]
    for point in dict.fromkeys(canonical(dict(spec.sweep)) for spec in finished):
        arms = {spec.arm.name: spec for spec in finished if canonical(dict(spec.sweep)) == point}
        artifacts = {name: store.directory(spec) / "artifacts" for name, spec in arms.items()}
        one = next(iter(arms.values()))
        for pair, row in rows_of_targets(scenario, artifacts, records[one.run_id]):
            runs = [arms[name].run_id for name in pair]
            found[row["name"] + point] = result_of(row, runs=runs, sweep=one.sweep)
    return found


def _targets(scenario: StoreScenario, specs: Sequence[StoreSpec], figures: Mapping[str, Result]) -> list[Result]:
    results = []
    points = {canonical(dict(spec.sweep)): spec for spec in specs}
    for point, spec in points.items():
        for expression, condition in scenario.targets.items():
            target = Target.parse(expression, condition)
            found = figures.get(target.name + point)
            if found is None:
                story: dict[str, Any] = {"runs": [], **({"sweep": dict(spec.sweep)} if spec.sweep else {})}
                found = Result(target.name, math.nan, math.nan, math.nan, "1", 0, provenance=story)
            met = None if math.isnan(found.value) else target.met(found.value)
            results.append(replace(found, target=target.condition, met=met))
    return results

"""The figures of two arms, and their difference, read from what each kind of run keeps."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from experiments.documents import read_frame, read_json
from experiments.intervals import bootstrap
from experiments.results import Result
from experiments.runs import SHOPPER, RunStore
from experiments.summary import UNIT
from experiments.sweep import canonical
from experiments.targets import statistic_name
from retail.errors import DataError

Floats = npt.NDArray[np.float64]
_FIRST, _SECOND = "first", "second"


@dataclass(frozen=True, eq=False)
class Side:
    """An arm at one point of its scenario's sweep, or a single run of it.

    Attributes:
        scenario: its scenario.
        kind: of the scenario.
        arm: its name.
        label: what people call it, with epsilon, sweep point and run where these tell it from others.
        sweep: the swept keys and their values.
        run_ids: its finished runs, at least one.
        whole: whether these are all runs of the arm.
    """

    scenario: str
    kind: str
    arm: str
    label: str
    sweep: Mapping[str, Any]
    run_ids: tuple[str, ...]
    whole: bool = True

    def record(self, store: RunStore) -> Mapping[str, Any]:
        """Return `run.json` of its first run, with `path`. Raises: DataError: it is gone."""
        path = store.root / self.scenario / self.run_ids[0]
        record = read_json(path / "run.json")
        if record is None:
            raise DataError(f"{path / 'run.json'} is gone, though the table rests on it; run the scenario again")
        return {**record, "path": str(path)}


@dataclass(frozen=True, eq=False)
class Pair:
    """One figure of two arms.

    Attributes:
        metric: its name.
        first: of the first arm.
        second: of the second.
        difference: first less second, NaN where there is none.
    """

    metric: str
    first: Result
    second: Result
    difference: Result


def _of_people(store: RunStore, first: Side, second: Side, paired: bool) -> Iterable[Pair]:
    """Recommendations: shoppers and seeds are drawn anew, the same ones for both."""
    single = len(first.run_ids) == len(second.run_ids) == 1
    tables: dict[str, dict[tuple[str, int, int], tuple[npt.NDArray[Any], Floats]]] = {}
    for name, side in ((_FIRST, first), (_SECOND, second)):
        for run in side.run_ids:
            record, frame = read_json(store.root / side.scenario / run / "run.json"), store.shoppers(side.scenario, run)
            keys = frame[SHOPPER].to_numpy()
            seed = 0 if single else int(record["seed"])  # two runs may differ in their seed alone
            for metric in frame.columns.drop(SHOPPER):
                values = frame[metric].to_numpy(np.float64, na_value=np.nan)
                tables.setdefault(str(metric), {})[name, int(record["origin"]), seed] = keys, values
    for metric, cells in tables.items():
        if {name for name, _, _ in cells} != {_FIRST, _SECOND}:
            continue
        drawn = bootstrap(cells, arms=(_FIRST, _SECOND))
        found = _named(metric, first, second, drawn.value(_FIRST), drawn.value(_SECOND), UNIT)
        if paired:
            name, story = found.difference.name, found.difference.provenance
            difference = Result.of(name, drawn.difference(_FIRST, _SECOND), unit=UNIT, provenance=story)
            found = replace(found, difference=difference)
        yield found


def _of_faces(store: RunStore, first: Side, second: Side, paired: bool) -> Iterable[Pair]:
    """Faces: people of each fold and seeds are drawn anew, the same ones for both."""
    from experiments.faces.spec import REPLICATES_FILE
    from experiments.faces.summary import bootstrap_of

    cells: dict[str, dict[tuple[str, int, int], tuple[float, Any]]] = {}
    people = {_FIRST: 0, _SECOND: 0}
    for name, side in ((_FIRST, first), (_SECOND, second)):
        folds: dict[int, int] = {}
        for run in side.run_ids:
            record = read_json(store.root / side.scenario / run / "run.json")
            values = store.run_metrics(side.scenario, run).set_index("name")["value"]
            redrawn = read_frame(store.root / side.scenario / run / "artifacts" / REPLICATES_FILE)
            folds[int(record["fold"])] = int(record["people"])
            for metric in redrawn.columns:
                key = name, int(record["fold"]), int(record["seed"])
                cells.setdefault(str(metric), {})[key] = float(values[metric]), redrawn[metric]
        people[name] = sum(folds.values())
    counts = np.array([people[_FIRST], people[_SECOND]], dtype=np.int64)
    for metric, found in cells.items():
        if {name for name, _, _ in found} == {_FIRST, _SECOND}:
            drawn = bootstrap_of(found, (_FIRST, _SECOND), counts)
            pair = _named(metric, first, second, drawn.value(_FIRST), drawn.value(_SECOND), UNIT)
            if paired:
                story = pair.difference.provenance
                difference = Result.of(
                    pair.difference.name, drawn.difference(_FIRST, _SECOND), unit=UNIT, provenance=story
                )
                pair = replace(pair, difference=difference)
            yield pair


def _of_markets(store: RunStore, first: Side, second: Side, paired: bool) -> Iterable[Pair]:
    """Markets: each seed, or draw, of one against the same one of the other."""
    from experiments.market.spec import SEEDS_FILE
    from experiments.market.summary import of_draws, of_seeds

    frames = [
        read_frame(store.root / side.scenario / side.run_ids[0] / "artifacts" / SEEDS_FILE).set_index("seed")
        for side in (first, second)
    ]
    of_label = "label" in {str(side.record(store).get("method")) for side in (first, second)}
    shared = frames[0].index.intersection(frames[1].index)
    for pair in _reported(store, first, second):
        if paired and pair.metric in frames[0] and pair.metric in frames[1]:
            mine, other = (frame.loc[shared, pair.metric].to_numpy(np.float64) for frame in frames)
            less, blank = mine - other, pair.difference
            values = np.where(np.isfinite(less), less, np.nan)
            make = of_draws if of_label else of_seeds
            found = make(blank.name, values, unit=pair.first.unit, provenance=blank.provenance)
            pair = replace(pair, difference=found)
        yield pair


def _of_draws(store: RunStore, first: Side, second: Side, paired: bool) -> Iterable[Pair]:
    """Audiences: each draw of one against the same draw of the other, where both were drawn alike."""
    from experiments.audience.measured import REDRAWN_FILE, percentiles

    frames = [
        read_frame(store.root / side.scenario / side.run_ids[0] / "artifacts" / REDRAWN_FILE)
        for side in (first, second)
    ]
    drawn = {str(side.record(store).get("draws", "")) for side in (first, second)}
    alike = len(drawn) == 1 and drawn != {""} and len(frames[0]) == len(frames[1])
    for pair in _reported(store, first, second):
        if paired:
            value = pair.first.value - pair.second.value
            lo = hi = math.nan
            if alike and pair.metric in frames[0] and pair.metric in frames[1]:
                mine, other = (frame[pair.metric].to_numpy(np.float64) for frame in frames)
                lo, hi = percentiles(mine - other, value)
            n = min(pair.first.n, pair.second.n)
            difference = replace(pair.difference, value=value, lo=lo, hi=hi, unit=pair.first.unit, n=n)
            pair = replace(pair, difference=difference)
        yield pair


def _of_stores(store: RunStore, first: Side, second: Side, paired: bool) -> Iterable[Pair]:
    """Stores: what the table says of the two, if one is what the other was compared with."""
    document = read_json(store.root / first.scenario / "summary.json")
    at = canonical(first.sweep)
    known = {
        record["name"]: record
        for record in document["differences"]
        if canonical(record["provenance"].get("sweep", {})) == at
    }
    for pair in _reported(store, first, second):
        turned = statistic_name("difference", pair.metric, second.arm, first.arm)
        if paired and (record := known.get(pair.difference.name)) is not None:
            pair = replace(pair, difference=_result(record))
        elif paired and (record := known.get(turned)) is not None:
            found = _result(record)
            less = replace(found, name=pair.difference.name, value=-found.value, lo=-found.hi, hi=-found.lo)
            pair = replace(pair, difference=less)
        yield pair


def _reported(store: RunStore, first: Side, second: Side) -> Iterable[Pair]:
    """Pair the figures of both tables, without a difference."""
    tables = []
    for side in (first, second):
        document, at = read_json(store.root / side.scenario / "summary.json"), canonical(side.sweep)
        end = f"({side.arm})"
        tables.append(
            {
                record["name"].removesuffix(end): _result(record)
                for record in document["results"]
                if record["name"].endswith(end) and canonical(record["provenance"].get("sweep", {})) == at
            }
        )
    for metric, mine in tables[0].items():
        other = tables[1].get(metric)
        if other is not None and metric != "seconds" and not (math.isnan(mine.value) and math.isnan(other.value)):
            yield Pair(metric, mine, other, _blank(metric, first, second, mine.unit))


def _named(metric: str, first: Side, second: Side, mine: Any, other: Any, unit: str) -> Pair:
    figures = [
        Result.of(statistic_name("value", metric, side.arm), found, unit=unit, provenance={"runs": list(side.run_ids)})
        for side, found in ((first, mine), (second, other))
    ]
    return Pair(metric, figures[0], figures[1], _blank(metric, first, second, unit))


def _blank(metric: str, first: Side, second: Side, unit: str) -> Result:
    name = statistic_name("difference", metric, first.arm, second.arm)
    story = {"runs": [*first.run_ids, *second.run_ids]}
    return Result(name, math.nan, math.nan, math.nan, unit, 0, provenance=story)


def _result(record: Mapping[str, Any]) -> Result:
    numbers = {key: math.nan if record[key] is None else float(record[key]) for key in ("value", "lo", "hi")}
    return Result(**{**record, **numbers})


OF_KIND: Final[Mapping[str, Callable[[RunStore, Side, Side, bool], Iterable[Pair]]]] = {
    "recommendation": _of_people,
    "faces": _of_faces,
    "market": _of_markets,
    "audience": _of_draws,
    "store": _of_stores,
}

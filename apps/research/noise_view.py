"""Where the noise is added, and what that costs: arms of one epsilon that differ in nothing else."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd
import streamlit as st

from apps.drawn_chart import show_chart
from apps.figure_text import with_interval
from apps.runs import charts, result_tables
from apps.runs.metric_names import metric_name
from apps.runs.stored_results import Point
from experiments.pairs import arms_of, pair_up
from experiments.results import Result
from experiments.runs import RunStore
from experiments.sweep import canonical

_OF_NOISE: Final = {f"arm.{key}" for key in ("name", "label", "noise", "dropouts", "colluders")}
_AGGREGATOR: Final = "aggregator"
_PLACES: Final = {
    "every_node": "every node adds all of it",
    "distributed": "the nodes add it in shares, and nobody sees a sum without it",
}


@dataclass(frozen=True, slots=True)
class Placed:
    """What another place of the noise costs against an aggregator that adds it once.

    Attributes:
        arm: with the other place.
        against: the arm with the aggregator.
        place: where the noise is.
        epsilon: of both.
        difference: the arm's figure less the other's.
    """

    arm: str
    against: str
    place: str
    epsilon: float
    difference: Result


def placed(store: RunStore, scenario: str, point: Point, metric: str) -> list[Placed]:
    """Compare each arm whose noise is not at the aggregator with the arm that differs from it in that alone.

    Raises:
        DataError: a file of a run cannot be read.
    """
    sides = {side.arm: side for side in arms_of(store, scenario) if canonical(side.sweep) == canonical(point.sweep)}
    found = []
    for row, twin in _twins(point.arms):
        arm, other = row["arm"], twin["arm"]
        if arm in sides and other in sides:
            runs = (*sides[arm].run_ids, *sides[other].run_ids)
            difference = _differences(str(store.root), scenario, canonical(point.sweep), arm, other, runs).get(metric)
            if difference is not None and math.isfinite(difference.value):
                found.append(Placed(arm, other, row["noise"], float(row["epsilon"]), difference))
    return found


@st.cache_data(max_entries=200, show_spinner=False)
def _differences(root: str, scenario: str, at: str, arm: str, other: str, runs: tuple[str, ...]) -> dict[str, Result]:
    """Return the differences of two arms by figure; none where they differ in more than the noise.

    Finished runs do not change, so their ids stand for what is in them.
    """
    store = RunStore(Path(root))
    sides = {side.arm: side for side in arms_of(store, scenario) if canonical(side.sweep) == at}
    found = pair_up(store, sides[arm], sides[other])
    if set(found.settings) - _OF_NOISE:
        return {}
    return {pair.metric: pair.difference for pair in found.pairs}


def show_noise(store: RunStore, scenario: str, point: Point, metric: str) -> None:
    """Show what it costs to trust no aggregator; nothing where the scenario does not vary it."""
    found = placed(store, scenario, point, metric)
    if not found:
        return
    name = metric_name(metric)
    st.header("Where the noise is added")
    worst = min(found, key=lambda one: one.difference.value)
    st.markdown(f"**{_sentence(worst, name.label)}.**")
    reference = "noise added once, by the aggregator"
    rows = [
        {
            result_tables.ARM: f"ε {one.epsilon:g}: {_PLACES.get(one.place, one.place)}", "value": one.difference.value,
            "lo": one.difference.lo, "hi": one.difference.hi, "Difference": with_interval(one.difference, signed=True),
            "Ratio": "", "Clear": _clear(one.difference), "Arm name": point.names[one.arm],
            "Against": point.names[one.against],
        }
        for one in found
    ]  # fmt: skip
    table = pd.DataFrame(rows)
    show_chart(
        charts.differences,
        table,
        metric=metric,
        reference=reference,
        alt=f"Differences in {name.label} by who adds the noise. {_sentence(worst, name.label)}",
    )
    st.caption(
        "Arms of one epsilon, over the same shoppers and seeds, 95% intervals. They differ in whom a shopper must "
        "trust: the aggregator, nobody but the own merchant, or that not too many merchants collude."
    )
    with st.expander("The same differences as a table"):
        shown = table[["Arm name", "Against", "Difference", "Clear"]].rename(columns={"Arm name": "Arm"})
        st.dataframe(shown, hide_index=True, height="content", alt=f"Differences in {name.label} by place of the noise")


def _twins(arms: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    for row in arms.values():
        if row["epsilon"] is None or row["noise"] == _AGGREGATOR:
            continue
        alike = (
            other
            for other in arms.values()
            if (other["method"], other["epsilon"], other["noise"]) == (row["method"], row["epsilon"], _AGGREGATOR)
        )
        twin = next(alike, None)
        if twin is not None:
            yield row, twin


def _sentence(one: Placed, label: str) -> str:
    amount = with_interval(one.difference, signed=True)
    where = f"at epsilon {one.epsilon:g}, where {_PLACES.get(one.place, one.place)}"
    clear = _clear(one.difference)
    if clear == "no":
        return f"No clear difference in {label} {where}: {amount} against an aggregator that adds it once"
    return f"{label} is {clear} {where}: {amount} against an aggregator that adds it once"


def _clear(difference: Result) -> str:
    if math.isnan(difference.lo) or difference.lo <= 0 <= difference.hi:
        return "no"
    return "better" if difference.value > 0 else "worse"

"""Any two arms side by side, also of two scenarios: their figures, and the difference on what both met.

Figures of the same people, markets or draws are compared one by one, as the table of a scenario compares its arms.
Where the two did not meet the same, there is no paired difference, and the reason is said.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from experiments.comparison import settings_of
from experiments.documents import read_json
from experiments.pair_figures import OF_KIND, Pair, Side
from experiments.runs import RunStore
from experiments.scenario import Scenario
from experiments.sweep import canonical
from retail.errors import ConfigError, DataError

_MUST_AGREE: Final[Mapping[str, Sequence[str]]] = {
    "recommendation": ("data", "partition", "split"),
    "faces": ("data",),
    "market": ("method", "data", "label"),
    "audience": ("method", "data", "partition", "seed", "options"),
    "store": (),
}
"""Tables that two scenarios must share for their arms to have met the same people, markets or draws."""


@dataclass(frozen=True, eq=False)
class Pairing:
    """All figures that two arms share.

    Attributes:
        pairs: one for each figure.
        settings: dotted key -> the two values, None where a run lacks the key; only keys that differ.
        why_not: why there is no paired difference; empty where there is.
    """

    pairs: tuple[Pair, ...]
    settings: Mapping[str, tuple[Any, Any]]
    why_not: str = ""


def arms_of(store: RunStore, scenario: str, *, single_runs: bool = False) -> tuple[Side, ...]:
    """List what can be compared of a scenario; empty while it has no table.

    Args:
        store: where the runs are.
        scenario: its name.
        single_runs: each run by itself, and not each arm.

    Raises:
        DataError: the table is damaged.
    """
    document = store.document(store.root / scenario / "summary.json")
    if document is None:
        return ()
    try:
        rows = [row for row in document["rows"] if row["run_ids"]]
        kind = str(document.get("kind", Scenario.kind))
        labels = [_label(row, len(document["rows"][0]["sweep"]) > 0) for row in rows]
        names = [f"{label} ({row['arm']})" if labels.count(label) > 1 else label
                 for label, row in zip(labels, rows, strict=True)]  # fmt: skip
        sides = [
            Side(scenario, kind, row["arm"], name, row["sweep"], tuple(row["run_ids"]))
            for name, row in zip(names, rows, strict=True)
        ]
        if kind == "store":
            sides += _references(scenario, rows)
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise DataError(f"{scenario}: summary.json is not of this version ({error!r}); run it again") from None
    if not single_runs:
        return tuple(sides)
    return tuple(
        replace(side, label=f"{side.label}, run {run[:8]}", run_ids=(run,), whole=len(side.run_ids) == 1)
        for side in sides
        for run in side.run_ids
    )


def pair_up(store: RunStore, first: Side, second: Side) -> Pairing:
    """Compare two arms in every figure that both have.

    Raises:
        ConfigError: they are of different kinds, or one and the same.
        DataError: a file of a run cannot be read.
    """
    if first.kind != second.kind:
        raise ConfigError(f"a scenario about {first.kind} and one about {second.kind} share no figure; choose one kind")
    if (first.scenario, first.arm, first.run_ids) == (second.scenario, second.arm, second.run_ids):
        raise ConfigError("both sides are the same; choose another arm or run on one of them")
    one, other = settings_of(first.record(store)), settings_of(second.record(store))
    keys = sorted(one.keys() | other.keys())
    settings = {
        key: (one.get(key), other.get(key)) for key in keys if key != "scenario" and one.get(key) != other.get(key)
    }
    why_not = _why_not(store, first, second, settings)
    pairs = tuple(OF_KIND[first.kind](store, first, second, not why_not))
    if not why_not and pairs and all(math.isnan(pair.difference.value) for pair in pairs):
        why_not = _NOTHING_SHARED[first.kind]
    return Pairing(pairs, settings, why_not)


def _why_not(
    store: RunStore, first: Side, second: Side, settings: Mapping[str, tuple[Any, Any]]
) -> str:  # fmt: skip
    """Say why two arms did not meet the same; empty where they did."""
    if "signs" in {str(side.record(store).get("method")) for side in (first, second)}:
        return "each arm of a scenario about signs is an experiment of its own"
    if first.scenario == second.scenario and canonical(first.sweep) == canonical(second.sweep):
        return ""
    if first.kind == "store":
        return "each run of a store scenario compares its arm with the reference of its own scenario"
    apart = [key for key in settings if key.partition(".")[0] in _MUST_AGREE[first.kind] and key != "data.path"]
    if apart:
        return f"the two differ in {', '.join(apart)}, so they did not meet the same people, markets or draws"
    stories = [read_json(Path(side.record(store)["path"]) / "provenance.json") or {} for side in (first, second)]
    if stories[0].get("data_sha256") != stories[1].get("data_sha256"):
        return "the two were run on different data"
    return ""


def _references(scenario: str, rows: Sequence[Mapping[str, Any]]) -> list[Side]:
    """Return what the arms of a store scenario were compared with; every run measures it, too."""
    found: dict[str, Side] = {}
    for row in rows:
        at = ", ".join(f"{key} = {value}" for key, value in row["sweep"].items())
        label = f"{row['reference']} (reference)" + (f" at {at}" if at else "")
        side = Side(scenario, "store", row["reference"], label, row["sweep"], tuple(row["run_ids"]))
        found.setdefault(label, side)
    return list(found.values())


def _label(row: Mapping[str, Any], swept: bool) -> str:
    epsilon = "" if row["epsilon"] is None else f"{row['epsilon']:g}"
    label = str(row["label"])
    label = label if not epsilon or epsilon in label else f"{label}, ε {epsilon}"
    at = ", ".join(f"{key} = {value}" for key, value in row["sweep"].items())
    return f"{label} at {at}" if swept and at else label


_NOTHING_SHARED: Final = {
    "recommendation": "the two have no test window and seed in common",
    "faces": "the two have no fold and seed in common",
    "market": "the two have no market in common",
    "audience": "the two were not drawn alike",
    "store": "neither is what the other was compared with: choose the reference of the scenario on one side",
}

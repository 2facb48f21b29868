"""How far the scenarios of a store are, and which scenarios vary what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from apps.runs.stored_results import StoredResults
from experiments.runs import RunStore
from experiments.scenario_file import bundled_scenarios, load_scenario
from experiments.sweep import sweep_points
from retail.errors import TradefairError

SHOPPERS: Final = "data.shoppers"


@dataclass(frozen=True, slots=True)
class Progress:
    """How many runs a scenario has, and how many it wants; `wanted` is None where that cannot be told.

    Refused runs count as failed.
    """

    finished: int
    failed: int
    wanted: int | None


def progress(store: RunStore, scenario: str) -> Progress:
    """Count the runs of a scenario; runs of earlier settings or code count as well."""
    statuses = [record["status"] for record in store.records(scenario)]
    try:
        points = sweep_points(load_scenario(store.root / scenario / "scenario.toml"))
    except TradefairError:
        wanted = None
    else:
        wanted = sum(point.runs_wanted for _, point in points)
    return Progress(statuses.count("finished"), statuses.count("failed") + statuses.count("refused"), wanted)


def swept_numbers(store: RunStore, scenario: str, results: StoredResults | None) -> list[str]:
    """Return the swept keys of a table of recommendations whose values are all numbers; shoppers first."""
    document = store.document(store.root / scenario / "summary.json")
    if results is None or (isinstance(document, dict) and document.get("kind", "recommendation") != "recommendation"):
        return []
    sweeps = [point.sweep for point in results.points]
    keys = [key for key in sweeps[0] if all(type(one[key]) in (int, float) for one in sweeps)]
    return sorted(keys, key=lambda key: key != SHOPPERS)


def bundled_over_shoppers() -> tuple[str, ...]:
    """Return the bundled scenarios that vary the number of shoppers."""
    return tuple(name for name in bundled_scenarios() if SHOPPERS in load_scenario(name).sweep)

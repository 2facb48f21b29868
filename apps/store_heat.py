"""Heat maps for the command: of simulated days, or of a merchant's own traces."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from apps import plan_picture
from apps.heat_paint import Heat
from simulation.store.day import prepare, run_day
from simulation.store.demand_model import complete_journey_demand
from simulation.store.heat import HeatMap, averaged, heat_of
from simulation.store.plan import StorePlan
from simulation.store.settings import StoreSettings
from simulation.store.traces import read_traces, trace_heat

SIDE_CELLS: Final = 2
"""Squares of 1 m."""
What = Literal["visits", "dwell"]


def simulated_heat(plan: StorePlan, *, what: What, shoppers: int, days: int, seed: int) -> HeatMap:
    """Return the mean of simulated days with the Complete Journey's baskets."""
    settings = StoreSettings.default()
    store, model = prepare(plan, settings), complete_journey_demand()
    maps = []
    for day in range(days):
        demand = model.draw(day, seed=seed, shoppers=shoppers, hours=store.hours, settings=settings)
        ran = run_day(store, demand, settings)
        maps.append(heat_of(store.floor, ran.itinerary, ran.walked, what=what, side_cells=SIDE_CELLS))
    return averaged(maps)


def traced_heat(plan: StorePlan, traces: Path, *, what: What) -> HeatMap:
    """Return the heat map of a merchant's own traces, a mean day where they cover several.

    Raises:
        DataError: a row cannot be used; the message names it.
    """
    read = read_traces(traces, width_m=plan.width, depth_m=plan.depth)
    return trace_heat(read, what=what, side_m=SIDE_CELLS * 0.5)


def drawn(plan: StorePlan, found: HeatMap) -> str:
    """Return the plan as SVG with the heat map beneath its fixtures."""
    return plan_picture.svg(plan, Heat(found.values, found.side_m, f"{found.unit} a day"))


def busiest(found: HeatMap, *, most: int | None) -> list[dict[str, Any]]:
    """Return the squares with the largest values, largest first: middle in metres, value, unit; all that are not 0."""
    order = np.argsort(-found.values, axis=None, kind="stable")
    rows: list[dict[str, Any]] = []
    for place in order[:most]:
        row, column = np.unravel_index(place, found.values.shape)
        value = float(found.values[row, column])
        if value > 0:
            middle = ((float(one) + 0.5) * found.side_m for one in (column, row))
            x, y = middle
            rows.append({"x_m": x, "y_m": y, "value": value, "unit": f"{found.unit} a day"})
    return rows

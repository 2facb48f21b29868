"""Which category should which display show? An answer from a heat map, and one from chance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulation.store.demand import Demand
from simulation.store.floor import Floor
from simulation.store.plan import Show, StorePlan, apply_edits
from simulation.store.routes import Presence

Floats = NDArray[np.float64]
BEST: int = 3
"""How many of the busiest squares from which a display is seen stand for its visits."""


def visits_at_displays(floor: Floor, visits: Floats, side_cells: int) -> Floats:
    """Estimate how many visits see each display: the mean of the busiest squares from which it is seen.

    Args:
        floor: of the plan.
        visits: (rows, columns) visits on squares of `side_cells` cells.
        side_cells: edge of a square, in cells.
    """
    columns = floor.walkable.shape[1]
    cell = np.repeat(np.arange(floor.walkable.size), np.diff(floor.seen_start))
    square = (cell // columns // side_cells) * visits.shape[1] + cell % columns // side_cells
    found = np.zeros(len(floor.display_category))
    for display in range(len(found)):
        near = np.unique(square[floor.seen == display])
        busiest = np.sort(visits.ravel()[near])[-BEST:]
        found[display] = float(busiest.mean()) if len(busiest) else 0.0
    return found


def gain_by_category(demand: Demand, names: tuple[str, ...]) -> Floats:
    """Return what one exposure to a display of each category brings, up to the display's lift: rate times spend.

    A merchant knows both from its own tills; nothing about movement enters.

    Args:
        demand: any day of the model.
        names: categories on the floor; those that nobody asks for bring 0.
    """
    worth = {
        name: float(rate * spend)
        for name, rate, spend in zip(demand.categories, demand.base_rate, demand.unplanned_spend, strict=True)
    }
    return np.array([worth.get(name, 0.0) for name in names])


def shown_by_map(plan: StorePlan, floor: Floor, seen: Floats, worth: Floats) -> StorePlan:
    """Return the plan in which the displays that matter most show the categories that bring most.

    With the gain of a display times that of a category, sorting both is the best assignment (rearrangement
    inequality); each category is shown once.

    Args:
        plan: its displays, in the order of the floor.
        floor: of the plan, with the lifts of the displays.
        seen: (displays,) visits that see each display.
        worth: (categories of the floor,) as `gain_by_category`.
    """
    order = np.argsort(-seen * (floor.display_lift - 1), kind="stable")
    best = np.argsort(-worth, kind="stable")
    return _showing(plan, {int(d): floor.categories[int(c)] for d, c in zip(order, best, strict=False)})


def shown_by_chance(plan: StorePlan, floor: Floor, worth: Floats, rng: np.random.Generator) -> StorePlan:
    """Return the plan in which the same categories are shown, on displays drawn at random."""
    displays = len(floor.display_category)
    best = np.argsort(-worth, kind="stable")[:displays]
    return _showing(
        plan, {int(d): floor.categories[int(c)] for d, c in zip(rng.permutation(displays), best, strict=False)}
    )


def exact_visits(day: Presence) -> Floats:
    """Return the exact heat map of a day."""
    return day.counts.astype(np.float64)


def _showing(plan: StorePlan, wanted: dict[int, str]) -> StorePlan:
    names = [one.name for one in plan.displays]
    return apply_edits(plan, [Show(names[display], category) for display, category in sorted(wanted.items())])

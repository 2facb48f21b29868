"""Which places should have a display, and showing what? By a heat map, by the kinds of places, or by chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulation.store.demand import Demand
from simulation.store.floor import Floor

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
BEST: Final = 3
"""How many of the busiest squares from which a display is seen stand for its visits."""


@dataclass(frozen=True, eq=False)
class Shown:
    """Displays that are used, and what they show; each category once.

    Attributes:
        display: (k,) int64, numbers of the floor.
        category: (k,) int64, numbers of the floor.
    """

    display: Ints
    category: Ints

    def sales(self, shown: Floats) -> float:
        """Money per visit at these displays, from (displays, categories) as `display_sales.Sales.shown`."""
        return float(shown[self.display, self.category].sum())


@dataclass(frozen=True, eq=False)
class Choice:
    """What a merchant knows who chooses, beside visits.

    Attributes:
        lift: (displays,) float64 of each place, by the central parameters.
        worth: (categories of the floor,) float64, as `gain_by_category`.
        displays: how many there are to place.
        near: squares of the map from which each place is seen, as `squares_near`.
    """

    lift: Floats
    worth: Floats
    displays: int
    near: tuple[Ints, ...] = ()

    def by_map(self, visits: Floats, rng: np.random.Generator) -> Shown:
        """Choose by a heat map, (rows, columns)."""
        return self.by_visits(visits_at_displays(self.near, visits), rng)

    def promised(self, visits: Floats) -> Floats:
        """What a map says that each display would bring with each category, (displays, categories), up to a factor."""
        seen = visits_at_displays(self.near, visits)
        return np.asarray((seen * (self.lift - 1))[:, np.newaxis] * self.worth)

    def by_visits(self, seen: Floats, rng: np.random.Generator) -> Shown:
        """Use the places that matter most for the categories that bring most.

        With the gain of a display times that of a category, sorting both is the best choice (rearrangement inequality).
        Equal places are ordered by their lift, then by chance.

        Args:
            seen: (displays,) visits that see each place.
            rng: breaks ties.
        """
        order = np.lexsort((rng.random(len(seen)), -self.lift, -seen * (self.lift - 1)))
        return self._filled(order)

    def without_map(self, rng: np.random.Generator) -> Shown:
        """Choose as if all places were passed alike: by the kind of display, then by chance."""
        return self.by_visits(np.ones(len(self.lift)), rng)

    def by_chance(self, rng: np.random.Generator) -> Shown:
        """Use places drawn at random."""
        return self._filled(rng.permutation(len(self.lift)))

    def _filled(self, order: NDArray[np.intp]) -> Shown:
        best = np.argsort(-self.worth, kind="stable")
        many = min(self.displays, len(order), len(best))
        return Shown(order[:many].astype(np.int64), best[:many].astype(np.int64))


def squares_near(floor: Floor, *, columns: int, side_cells: int) -> tuple[Ints, ...]:
    """List the squares from which each display is seen.

    Args:
        floor: of the plan.
        columns: of the grid of squares.
        side_cells: edge of a square, in cells.

    Returns: for each display, numbers row * columns + column, rising.
    """
    wide = floor.walkable.shape[1]
    cell = np.repeat(np.arange(floor.walkable.size), np.diff(floor.seen_start))
    square = (cell // wide // side_cells) * columns + cell % wide // side_cells
    return tuple(np.unique(square[floor.seen == display]) for display in range(len(floor.display_category)))


def visits_at_displays(near: Sequence[Ints], visits: Floats) -> Floats:
    """Estimate how many visits see each display: the mean of the busiest squares from which it is seen.

    Args:
        near: from `squares_near`.
        visits: (rows, columns) visits on the same squares.
    """
    flat, found = visits.ravel(), np.zeros(len(near))
    for display, squares in enumerate(near):
        busiest = np.sort(flat[squares])[-BEST:]
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

"""Heat maps: where shoppers were, how long they stayed, where they went; alone, and as a difference of two layouts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from retail.errors import ConfigError, DataError
from simulation.store.floor import CELL_M, Floor
from simulation.store.intervals import discoveries
from simulation.store.itinerary import Itinerary
from simulation.store.outcome import Walked
from simulation.store.routes import presence

What = Literal["visits", "dwell", "flow_east", "flow_west", "flow_south", "flow_north"]
WHAT: Final[tuple[What, ...]] = ("visits", "dwell", "flow_east", "flow_west", "flow_south", "flow_north")
UNITS: Final[dict[What, str]] = {"visits": "visits", "dwell": "s", **{one: "moves" for one in WHAT[2:]}}
_FLOWS: Final = WHAT[2:]


@dataclass(frozen=True, eq=False)
class HeatMap:
    """Something measured on every square of a store, per day.

    Attributes:
        what: "visits" (people who were there at least once), "dwell" (seconds spent there by all), or moves out of the
            square to one of four sides.
        values: (rows, columns) float64, mean per day; row 0 is the upper edge.
        side_m: edge of a square.
        days: how many days were averaged.
    """

    what: What
    values: NDArray[np.float64]
    side_m: float
    days: int

    @property
    def unit(self) -> str:
        """Unit of the values, per day."""
        return UNITS[self.what]


@dataclass(frozen=True, eq=False)
class HeatDifference:
    """How a layout changes a heat map.

    Attributes:
        what: as of a heat map.
        values: (rows, columns) float64, mean over days of other minus base.
        marked: (rows, columns) bool: differs beyond the noise of the days. At most 5% of the marked squares are
            expected to be noise (Benjamini and Yekutieli's correction).
        side_m: edge of a square.
        days: pairs of days.
    """

    what: What
    values: NDArray[np.float64]
    marked: NDArray[np.bool_]
    side_m: float
    days: int


def heat_of(
    floor: Floor, itinerary: Itinerary, walked: Walked, *, what: What = "visits", side_cells: int = 1
) -> HeatMap:
    """Make the heat map of one day.

    Args:
        floor: the layout.
        itinerary: of the day.
        walked: of the day.
        what: what to show.
        side_cells: edge of a square in cells of .5 m. Visits to a square of several cells count a visit once; flow
            counts moves over the square's border only.

    Raises: ConfigError: `what` is unknown, or `side_cells` below 1.
    """
    rows, columns = floor.walkable.shape
    _check(what)
    if what == "visits":
        counts = presence(floor, itinerary, side_cells=side_cells).counts
        return HeatMap(what, counts.astype(np.float64), side_cells * CELL_M, 1)
    if type(side_cells) is not int or side_cells < 1:
        raise ConfigError(f"a square's side must be a whole number of cells, at least 1, got {side_cells!r}")
    if what == "dwell":
        return HeatMap(what, _summed(walked.dwell_s.reshape(rows, columns), side_cells), side_cells * CELL_M, 1)
    direction = _FLOWS.index(what)
    moves = walked.flow[direction].reshape(rows, columns).astype(np.float64)
    along = np.arange(columns if direction < 2 else rows)
    # Only moves from the cells at the border leave the square.
    leaves = (along % side_cells == side_cells - 1) if direction in (0, 2) else (along % side_cells == 0)
    moves = moves * (leaves if direction < 2 else leaves[:, None])
    return HeatMap(what, _summed(moves, side_cells), side_cells * CELL_M, 1)


def averaged(maps: Sequence[HeatMap]) -> HeatMap:
    """Average heat maps of several days, weighted by their days.

    Raises: DataError: there is none, or they show different things or stores of different size.
    """
    _check_alike(maps)
    days = sum(one.days for one in maps)
    values = sum((one.values * one.days for one in maps), np.zeros_like(maps[0].values)) / days
    return HeatMap(maps[0].what, values, maps[0].side_m, days)


def difference(base: Sequence[HeatMap], other: Sequence[HeatMap], *, rate: float = 0.05) -> HeatDifference:
    """Compare two layouts square by square on the same days.

    Args:
        base: one heat map per day.
        other: of the same days, in the same order.
        rate: false discovery rate of the marks.

    Raises: DataError: the days or the maps do not match.
    """
    if len(base) != len(other):
        raise DataError(f"{len(base)} days of the base stand against {len(other)} of the other; pair them")
    _check_alike([*base, *other])
    changes = np.stack([after.values - before.values for before, after in zip(base, other, strict=True)])
    marked = discoveries(changes.reshape(len(changes), -1), rate=rate).reshape(changes.shape[1:])
    return HeatDifference(base[0].what, changes.mean(axis=0), marked, base[0].side_m, len(base))


def _summed(values: NDArray[np.float64], side: int) -> NDArray[np.float64]:
    """Add up squares of `side` cells; zeros are put where the last ones stick out."""
    rows, columns = values.shape
    padded = np.pad(values, ((0, -rows % side), (0, -columns % side)))
    high, wide = padded.shape
    return np.asarray(padded.reshape(high // side, side, wide // side, side).sum(axis=(1, 3)), dtype=np.float64)


def _check(what: str) -> None:
    if what not in WHAT:
        raise ConfigError(f"a heat map shows one of {', '.join(WHAT)}, got {what!r}")


def _check_alike(maps: Sequence[HeatMap]) -> None:
    if not maps:
        raise DataError("there is no heat map to average; simulate at least one day")
    first = maps[0]
    for one in maps:
        if (one.what, one.side_m, one.values.shape) != (first.what, first.side_m, first.values.shape):
            raise DataError(
                f"a map of {one.what} on {one.values.shape} squares of {one.side_m:g} m does not fit one of "
                f"{first.what} on {first.values.shape} squares of {first.side_m:g} m; make both alike"
            )

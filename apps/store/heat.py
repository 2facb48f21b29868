"""Heat maps for the command: of simulated days, or of a merchant's own traces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from apps.figure_text import count
from apps.store import plan_picture
from apps.store.flow_paint import ARROW, MEANING, Flow, arrows
from apps.store.heat_paint import Heat
from apps.store.places import largest
from retail.errors import DataError
from simulation.store.day import prepare, run_day
from simulation.store.demand_model import complete_journey_demand
from simulation.store.floor import CELL_M
from simulation.store.heat import HeatMap, What, averaged, heat_of
from simulation.store.plan import StorePlan, rasterise
from simulation.store.settings import StoreSettings
from simulation.store.traces import points_off_floor, read_traces, trace_heat

Floats = NDArray[np.float64]
SIDE_CELLS: Final = 2
"""Squares of 1 m."""
MOST_OFF_FLOOR: Final = 0.5
"""Share of points in walls or fixtures, above which traces are not of this plan."""
FLOWS: Final[tuple[What, ...]] = ("flow_east", "flow_west", "flow_south", "flow_north")
Kind = tuple[What, int]
"""What a map shows, and the edge of its squares in cells."""
Maps = dict[Kind, HeatMap]


def kinds(what: Literal["visits", "dwell", "flow"]) -> tuple[Kind, ...]:
    """Return the maps that a picture is made of; a flow also takes cells of half a metre, for where arrows stand."""
    if what == "flow":
        return tuple((one, side) for one in FLOWS for side in (SIDE_CELLS, 1))
    return ((what, SIDE_CELLS),)


@dataclass(frozen=True, slots=True)
class About:
    """What a map was made from.

    Attributes:
        plan: name of the store.
        source: "simulated", or the file of traces.
        days: how many.
        visits: on all of them.
        points: of traces; None of simulated days.
        off_floor: points where nobody can walk.
    """

    plan: str
    source: str
    days: int
    visits: int
    points: int | None = None
    off_floor: int = 0

    def sentence(self) -> str:
        """Say it in one line."""
        days = count(self.days, "simulated day" if self.points is None else "day")
        return f"{self.plan}: {count(self.visits, 'visit')} on {days}" + (
            "" if self.points is None else f", {count(self.points, 'point')} from {self.source}"
        )

    def warning(self) -> str:
        """Say how many points lie where nobody can walk."""
        share = self.off_floor / (self.points or 1)
        return (
            f"{self.off_floor:,} of {count(self.points or 0, 'point')} ({share:.1%}) lie in walls or fixtures of the"
            " plan; they are in the map. A few are what a sensor's error makes of people beside a shelf; many mean that"
            " plan and traces do not lie on each other"
        )

    def record(self) -> dict[str, Any]:
        """Return it for JSON."""
        return asdict(self)


def simulated_maps(
    plan: StorePlan, wanted: Sequence[Kind], *, shoppers: int, days: int, seed: int
) -> tuple[Maps, About]:
    """Return mean maps of simulated days with the Complete Journey's baskets."""
    settings = StoreSettings.default()
    store, model = prepare(plan, settings), complete_journey_demand()
    maps: dict[Kind, list[HeatMap]] = {kind: [] for kind in wanted}
    visits = 0
    for day in range(days):
        demand = model.draw(day, seed=seed, shoppers=shoppers, hours=store.hours, settings=settings)
        ran = run_day(store, demand, settings)
        visits += demand.shoppers
        for (what, side), many in maps.items():
            many.append(heat_of(store.floor, ran.itinerary, ran.walked, what=what, side_cells=side))
    return {kind: averaged(many) for kind, many in maps.items()}, About(plan.name, "simulated", days, visits)


def traced_maps(plan: StorePlan, wanted: Sequence[Kind], traces: Path) -> tuple[Maps, About]:
    """Return maps of a merchant's own traces, a mean day where they cover several.

    Raises:
        DataError: a row cannot be used; the message names it. Or most points lie where nobody can walk.
    """
    read = read_traces(traces, width_m=plan.width, depth_m=plan.depth)
    off, points = points_off_floor(read, rasterise(plan)), len(read.x)
    if off > MOST_OFF_FLOOR * points:
        raise DataError(
            f"{traces}: {off:,} of {count(points, 'point')} lie in walls or fixtures of {plan.name}; use metres from"
            " the plan's upper left corner, x to the right and y down, and the plan in which they were recorded"
        )
    maps = {(what, side): trace_heat(read, what=what, side_m=side * CELL_M) for what, side in wanted}
    return maps, About(plan.name, str(traces), read.days, read.visits, points, off)


@dataclass(frozen=True, eq=False)
class OneMap:
    """Visits or dwell, as the command shows them."""

    heat: HeatMap

    def drawn(self, plan: StorePlan) -> str:
        """Return the plan as SVG with the heat map beneath its fixtures."""
        return plan_picture.svg(plan, Heat(self.heat.values, self.heat.side_m, f"{self.heat.unit} a day"))

    def busiest(self, *, most: int | None) -> list[dict[str, Any]]:
        """Return the squares with the largest values, largest first: middle in metres, value, unit; none that are 0."""
        return largest(self.heat.values, self.heat.side_m, f"{self.heat.unit} a day", most)


@dataclass(frozen=True, eq=False)
class FlowMap:
    """Where shoppers go, as the command shows it."""

    flow: Flow

    def drawn(self, plan: StorePlan) -> str:
        """Return the plan as SVG with arrows to where more shoppers go than come back from."""
        said = (
            f"{plan_picture.described(plan)} Arrows point to where more shoppers go than come back from; beneath them,"
            " from light to dark: how many move at all."
        )
        over = arrows(self.flow, width_m=plan.width, scale=plan_picture.SCALE)
        return plan_picture.svg(plan, self.flow.heat(), said=said, over=over, notes=((ARROW, MEANING),))

    def busiest(self, *, most: int | None) -> list[dict[str, Any]]:
        """Return the squares with the most moves over their borders: middle, moves, unit, and moves to each side."""
        flow = self.flow
        sides = {"east": flow.east, "west": flow.west, "south": flow.south, "north": flow.north}
        rows = largest(flow.total, flow.side_m, "moves a day", most)
        for row in rows:
            place = int(row["y_m"] / flow.side_m), int(row["x_m"] / flow.side_m)
            row |= {side: float(values[place]) for side, values in sides.items()}
        return rows


def found_heat(maps: Maps) -> OneMap | FlowMap:
    """Put the maps of one of the `kinds` together."""
    return OneMap(next(iter(maps.values()))) if len(maps) == 1 else FlowMap(_flow(maps))


def _flow(maps: Maps) -> Flow:
    east, west, south, north = (maps[what, SIDE_CELLS] for what in FLOWS)
    inside = np.sum([maps[what, 1].values for what in FLOWS], axis=0)
    rows, columns = east.values.shape
    weights = np.zeros((rows * SIDE_CELLS, columns * SIDE_CELLS))
    weights[: inside.shape[0], : inside.shape[1]] = inside
    blocks = (rows, SIDE_CELLS, columns, SIDE_CELLS)
    amount = weights.reshape(blocks).sum(axis=(1, 3))
    down, across = (np.indices(weights.shape) + 0.5) * CELL_M
    x, y = _middle(across, weights, amount, blocks), _middle(down, weights, amount, blocks)
    return Flow(east.values, west.values, south.values, north.values, x, y, east.side_m, east.days)


def _middle(place: Floats, weights: Floats, amount: Floats, blocks: tuple[int, int, int, int]) -> Floats:
    """Weighted mean place of each block, the plain one where there is no weight."""
    plain = place.reshape(blocks).mean(axis=(1, 3))
    weighted = (place * weights).reshape(blocks).sum(axis=(1, 3))
    return np.asarray(np.where(amount > 0, weighted / np.where(amount > 0, amount, 1.0), plain))

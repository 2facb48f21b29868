"""The readable engine for the floor: shoppers as Mesa agents on a grid of cells.

The same rules as the compiled engine, written a second time to be read, animated and extended, without using it. One
step of the model is one second:

1. Shoppers whose time has come enter, others end a stop.
2. Everyone who walks looks at the square ahead and sets a pace. Nobody has moved yet.
3. Everyone who walks moves on, cell by cell, as far as the pace leads.

    model = StoreModel(floor, itinerary)
    while model.running:
        model.step()
    walked = model.walked()
"""

from __future__ import annotations

import math

import numpy as np
from mesa import Model
from mesa.discrete_space import Cell, CellAgent, OrthogonalMooreGrid
from numpy.typing import NDArray

from retail.errors import DataError
from simulation.store.admission import admit
from simulation.store.floor import CELL_M, OUTSIDE, Floor
from simulation.store.itinerary import Itinerary
from simulation.store.outcome import Walked
from simulation.store.speed import LOOK_AHEAD, MOST_PEOPLE, WINDOW, speed_factors

_DIAGONAL_M = CELL_M * np.sqrt(2.0)


def walk(floor: Floor, itinerary: Itinerary) -> Walked:
    """Walk one day.

    The same bytes as `simulation.store.kernel.walk`, in about a hundred times its time.

    Raises: DataError: the itinerary cannot be walked on this floor, or the floor's next hops lead in a circle.
    """
    model = StoreModel(floor, itinerary)
    while model.running:
        model.step()
    return model.walked()


class Shopper(CellAgent):  # type: ignore[misc]
    """Someone on the floor, who walks to one stop after another and last to the tills.

    Attributes:
        number: of the shopper in the itinerary.
        pace: m/s in this second.
        progress_m: metres since the middle of the present cell.
        wakes_s: second until which the shopper stands still.
    """

    model: StoreModel

    def __init__(self, model: StoreModel, number: int) -> None:
        """Come in at the entrance, and look around there."""
        super().__init__(model)
        self.number = number
        stops = slice(model.itinerary.start[number], model.itinerary.start[number + 1])
        self.targets: list[int] = model.itinerary.target[stops].tolist()
        self.dwell_s: list[float] = model.itinerary.dwell_s[stops].tolist()
        self.free_speed = float(model.itinerary.speed[number])
        self.stop = 0
        self.pace = 0.0
        self.progress_m = 0.0
        self.straight = self.diagonal = self.leg = 0
        self.wakes_s = model.now
        self.visited: set[int] = set()
        self.move_to(model.place(int(model.itinerary.entrance[number])))
        self.stand(float(model.now), self.look_around(), 0)

    @property
    def aim(self) -> int:
        """Target that the shopper walks to."""
        return self.targets[self.stop] if self.stop < len(self.targets) else self.model.floor.tills_target

    @property
    def walks(self) -> bool:
        """Whether the shopper is under way in this second."""
        return self.wakes_s <= self.model.now

    def choose_pace(self) -> None:
        """Set the pace by how full the square ahead is."""
        ahead = here = self.model.number_of(self.cell)
        for _ in range(LOOK_AHEAD):
            onward = self.model.onward(self.aim, ahead)
            ahead = ahead if onward == OUTSIDE else onward
        people, cells = self.model.crowd_around(ahead)
        people -= max(map(abs, self.model.direction(here, ahead))) <= WINDOW // 2  # nobody is in their own way
        self.pace = self.free_speed * float(self.model.factors[min(people, MOST_PEOPLE - 1), cells])
        people, cells = self.model.crowd_around(here)
        self.model.densest = max(self.model.densest, people / (cells * CELL_M**2))

    def advance(self) -> None:
        """Walk for a second, or until a stop, a display that tempts, or the tills."""
        now, metres = float(self.model.now), self.progress_m + self.pace
        while True:
            here = self.model.number_of(self.cell)
            onward = self.model.onward(self.aim, here)
            if onward == OUTSIDE:
                if self.stop == len(self.targets):
                    self.model.reach_s[self.number] = now
                    self.leave()
                    return
                self.stop, self.leg = self.stop + 1, 0
                if self.dwell_s[self.stop - 1] > 0:
                    self.stand(now, self.dwell_s[self.stop - 1], 1)
                    return
                continue
            down, across = self.model.direction(here, onward)
            hop_m = _DIAGONAL_M if down and across else CELL_M
            if metres < hop_m:
                self.progress_m = metres
                return
            metres -= hop_m
            self.move_relative((down, across))
            self.note(here, down, across)
            now = self.model.now + 1 - metres / self.pace
            held_s = self.look_around()
            if held_s > 0:
                self.stand(now, held_s, 1)
                return

    def stand(self, since_s: float, for_s: float, least: int) -> None:
        """Stand still until the first whole second after a time."""
        if for_s > 0:
            self.progress_m = 0.0
            self.wakes_s = max(math.ceil(since_s + for_s), self.model.now + least)

    def note(self, here: int, down: int, across: int) -> None:
        """Book a move in the path and the flow."""
        self.straight, self.diagonal = self.straight + (not (down and across)), self.diagonal + bool(down and across)
        self.leg += 1
        if self.leg > self.model.floor.walkable.size:
            raise DataError(
                f"shopper {self.number} walks in a circle: next_cell of the floor never reaches a target; rebuild it"
            )
        for direction, taken in enumerate((across > 0, across < 0, down > 0, down < 0)):
            self.model.flow[direction, here] += taken

    def look_around(self) -> float:
        """See the displays in view for the first time, and buy where tempted.

        Returns: how long that holds the shopper up, in seconds.
        """
        here, floor = self.model.number_of(self.cell), self.model.floor
        if here not in self.visited:
            self.visited.add(here)
            self.model.visits[here] += 1
        picks = 0
        for display in floor.seen[floor.seen_start[here] : floor.seen_start[here + 1]]:
            if self.model.exposed[self.number, display]:
                continue
            self.model.exposed[self.number, display] = True
            same = floor.display_category == floor.display_category[display]
            bought = (self.model.unplanned[self.number] & same).any()
            if self.model.itinerary.tempted[self.number, display] and not bought:
                self.model.unplanned[self.number, display] = True
                picks += 1
        return picks * float(self.model.itinerary.pause_s)

    def leave(self) -> None:
        """Reach the tills: leave the floor."""
        self.model.path_m[self.number] = self.straight * CELL_M + self.diagonal * _DIAGONAL_M
        self.remove()


class StoreModel(Model):  # type: ignore[misc]
    """A day on a floor.

    Attributes:
        now: the second that the next step simulates.
        densest: highest density around a walker in this second, people per m2.
    """

    def __init__(self, floor: Floor, itinerary: Itinerary) -> None:
        """Open the store, with nobody in it.

        Raises: DataError: the itinerary cannot be walked on this floor.
        """
        admit(floor, itinerary)
        super().__init__(rng=0)
        self.floor, self.itinerary = floor, itinerary
        self.grid = OrthogonalMooreGrid(floor.walkable.shape, torus=False, random=self.random)
        self.factors = speed_factors()
        self.now = self.entered = 0
        self.densest = 0.0
        n, displays = itinerary.tempted.shape
        cells = floor.walkable.size
        self.reach_s, self.path_m = np.zeros(n), np.zeros(n)
        self.unplanned, self.exposed = np.zeros((n, displays), np.bool_), np.zeros((n, displays), np.bool_)
        self.visits, self.flow = np.zeros(cells, np.int64), np.zeros((4, cells), np.int64)
        self.dwell_s = np.zeros(cells)
        self.present: list[int] = []
        self.crowd: list[float] = []
        self.running = n > 0
        rows, columns = floor.walkable.shape
        reach = WINDOW // 2
        self._squares = [
            [
                self.place(r * columns + c)
                for r in range(max(row - reach, 0), min(row + reach + 1, rows))
                for c in range(max(column - reach, 0), min(column + reach + 1, columns))
            ]
            for row in range(rows)
            for column in range(columns)
        ]

    def step(self) -> None:
        """Simulate one second."""
        while self.entered < len(self.itinerary.enter_s) and self.itinerary.enter_s[self.entered] <= self.now:
            Shopper(self, self.entered)
            self.entered += 1
        self.present.append(len(self.agents))
        self.densest = 0.0
        for shopper in self.agents:
            self.dwell_s[self.number_of(shopper.cell)] += 1
        walkers = self.agents.select(lambda shopper: shopper.walks)
        walkers.do("choose_pace")
        walkers.do("advance")
        self.crowd.append(self.densest)
        self.now += 1
        self.running = self.entered < len(self.itinerary.enter_s) or len(self.agents) > 0

    def walked(self) -> Walked:
        """What has happened so far."""
        return Walked(
            reach_s=self.reach_s,
            path_m=self.path_m,
            unplanned=self.unplanned,
            exposed=self.exposed,
            visits=self.visits,
            dwell_s=self.dwell_s,
            flow=self.flow,
            present=np.array(self.present, dtype=np.int32),
            crowd=np.array(self.crowd, dtype=np.float64),
        )

    def place(self, number: int) -> Cell:
        """Grid cell of a numbered cell."""
        return self.grid[divmod(number, self.floor.walkable.shape[1])]

    def number_of(self, cell: Cell) -> int:
        """Number of a grid cell."""
        row, column = cell.coordinate
        return int(row * self.floor.walkable.shape[1] + column)

    def onward(self, target: int, cell: int) -> int:
        """Next cell on the way to a target."""
        return int(self.floor.next_cell[target, cell])

    def direction(self, here: int, there: int) -> tuple[int, int]:
        """Rows down and columns across from one cell to another."""
        columns = self.floor.walkable.shape[1]
        return there // columns - here // columns, there % columns - here % columns

    def crowd_around(self, cell: int) -> tuple[int, int]:
        """People in the square around a cell, and walkable cells of the square."""
        people = sum(len(near.agents) for near in self._squares[cell])
        return people, int(self.floor.window_cells[cell])


def positions(model: StoreModel) -> NDArray[np.float64]:
    """Where everyone on the floor is now, for pictures: (people, 3) number of the shopper, x and y in metres."""
    rows = [(one.number, *((half + 0.5) * CELL_M for half in reversed(one.cell.coordinate))) for one in model.agents]
    return np.array(rows, dtype=np.float64).reshape(-1, 3)

"""Ways to look for a better layout. Each proposes layouts and is told what they were worth; the budget is the caller's.

Annealing is what one would use; the others are what a sceptic asks to see beside it, on the same number of layouts.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol, get_args

import numpy as np

from simulation.store.plan import Edit, Fixture, StorePlan, Swap
from simulation.store.search.rules import Room

Strategy = Literal["annealed", "greedy", "random", "rule_of_thumb"]
STRATEGIES: Final[tuple[Strategy, ...]] = get_args(Strategy)
_FIRST: Final = 10
"""Changes of the figure that set the temperature."""
_HOT: Final = 0.5
"""First temperature, as a share of the mean of those changes."""
_COLD: Final = 0.01
"""Last temperature, as a share of the first."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A layout, and the edits that lead to it from the plan as it is."""

    plan: StorePlan
    edits: tuple[Edit, ...] = ()


class Walk(Protocol):
    """A strategy at work on one plan."""

    def propose(self) -> Candidate | None:
        """Return a layout to simulate; None where the strategy has no more."""

    def judge(self, candidate: Candidate, value: float, spent: float) -> None:
        """Take what a proposed layout was worth.

        Args:
            candidate: the layout.
            value: the figure on the training days; NaN where it has none.
            spent: share of the budget that is gone, 0 to 1.
        """


@dataclass
class Annealed:
    """Simulated annealing: goes to a neighbour that is worse with the chance exp(-loss / temperature).

    The temperature falls geometrically from half the mean change of the first tries to a hundredth of that.

    Attributes:
        room: what may change.
        way: +1 where more is better, -1 where less is.
        rng: draws neighbours and chances.
        here: where the walk is.
        value: of the figure there.

    Source: Kirkpatrick, Gelatt and Vecchi 1983.
    """

    room: Room
    way: int
    rng: np.random.Generator
    here: Candidate
    value: float
    _changes: list[float] = field(default_factory=list)

    def propose(self) -> Candidate | None:
        """Return a neighbour of where the walk is."""
        return _neighbour(self.room, self.here, self.rng)

    def judge(self, candidate: Candidate, value: float, spent: float) -> None:
        """Go there, or stay."""
        loss, u = self.way * (self.value - value), float(self.rng.random())
        if math.isnan(loss):
            return
        if len(self._changes) < _FIRST:
            self._changes.append(abs(loss))
        heat = _HOT * sum(self._changes) / len(self._changes) * _COLD**spent
        if loss <= 0 or (heat > 0 and u < math.exp(-loss / heat)):
            self.here, self.value = candidate, value


@dataclass
class Greedy:
    """Goes to a neighbour only if it is better; attributes as of `Annealed`."""

    room: Room
    way: int
    rng: np.random.Generator
    here: Candidate
    value: float

    def propose(self) -> Candidate | None:
        """Return a neighbour of the best layout."""
        return _neighbour(self.room, self.here, self.rng)

    def judge(self, candidate: Candidate, value: float, spent: float) -> None:
        """Go there if it is better."""
        if self.way * (value - self.value) > 0:
            self.here, self.value = candidate, value


@dataclass
class Scattered:
    """Proposes 1, 2, 4, ... random changes of the plan at once, each number equally often, whatever was worth what.

    The largest number is at most that of the fixtures that may change, so layouts lie from next door to anywhere.

    Attributes:
        room: what may change.
        rng: draws them.
    """

    room: Room
    rng: np.random.Generator

    def propose(self) -> Candidate | None:
        """Return the plan after some changes."""
        most = max(1, self.room.size).bit_length()
        found = self.room.anywhere(2 ** int(self.rng.integers(most)), self.rng)
        return None if found is None else Candidate(found[1], found[0])

    def judge(self, candidate: Candidate, value: float, spent: float) -> None:
        """Learn nothing."""


@dataclass
class RuleOfThumb:
    """Proposes one layout without any simulation: what most come for stands farthest from the entrance, or nearest.

    Farthest is what shops do so that shoppers see more on their way; nearest is for figures that are better when they
    are small, such as a trip's minutes. Distances are straight lines from the middle of the entrances to that of the
    shelf. Fixtures do not move.

    Attributes:
        room: what may change.
        far: whether it is farthest.
        pull: share of trips that buy a category.
    """

    room: Room
    far: bool
    pull: Mapping[str, float]
    _said: bool = False

    def propose(self) -> Candidate | None:
        """Return the layout of the rule, once; None where the plan is like that already or a check warns of it."""
        if self._said:
            return None
        self._said = True
        edits = tuple(self._edits())
        here: StorePlan | None = self.room.plan
        for edit in edits:
            here = None if here is None else self.room.applied(here, edit)
        return None if here is None or not edits else Candidate(here, edits)

    def judge(self, candidate: Candidate, value: float, spent: float) -> None:
        """Learn nothing."""

    def _edits(self) -> Iterable[Edit]:
        kinds: defaultdict[str, list[Fixture]] = defaultdict(list)
        for one in self.room.free:
            kinds[one.kind].append(one)
        for shelves in kinds.values():
            places = sorted(shelves, key=self._distance, reverse=self.far)
            wanted = sorted((one.categories for one in shelves), key=lambda held: (-self._worth(held), held))
            holds = {one.name: one.categories for one in shelves}
            for number, (place, content) in enumerate(zip(places, wanted, strict=True)):
                if holds[place.name] == content:
                    continue
                giver = next(one.name for one in places[number + 1 :] if holds[one.name] == content)
                yield Swap((place.name, giver))
                holds[place.name], holds[giver] = holds[giver], holds[place.name]

    def _distance(self, shelf: Fixture) -> float:
        doors = [one.middle for one in self.room.plan.fixtures if one.kind == "entrance"]
        x, y = (sum(place) / len(doors) for place in zip(*doors, strict=True))
        return math.hypot(shelf.middle[0] - x, shelf.middle[1] - y)

    def _worth(self, categories: tuple[str, ...]) -> float:
        return sum(self.pull.get(name, 0.0) for name in categories)


def walk_of(
    strategy: Strategy, room: Room, *, way: int, value: float, pull: Mapping[str, float], rng: np.random.Generator
) -> Walk:
    """Return a strategy at its start.

    Args:
        strategy: which one.
        room: what may change.
        way: +1 where more is better, -1 where less is.
        value: of the figure as it is.
        pull: share of trips that buy a category.
        rng: for its draws.
    """
    start = Candidate(room.plan)
    if strategy == "annealed":
        return Annealed(room, way, rng, start, value)
    if strategy == "greedy":
        return Greedy(room, way, rng, start, value)
    if strategy == "random":
        return Scattered(room, rng)
    return RuleOfThumb(room, way > 0, pull)


def _neighbour(room: Room, here: Candidate, rng: np.random.Generator) -> Candidate | None:
    found = room.neighbour(here.plan, rng)
    return None if found is None else Candidate(found[1], (*here.edits, found[0]))

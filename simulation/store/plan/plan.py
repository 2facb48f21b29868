"""A store as its planner sees it: fixtures in metres."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from retail.errors import ConfigError
from simulation.store.plan.fixture import Fixture, Zone
from simulation.store.plan.kinds import SELLING
from simulation.store.plan.wording import among


@dataclass(frozen=True)
class StorePlan:
    """A rectangle of floor and what stands on it.

    x grows to the east and y to the south, from the upper left corner; the four edges of the plan are walls.
    Whether a plan can be simulated is asked by `sound.require_sound`; reading and editing do so.

    Attributes:
        name: what to call the store.
        width: metres from west to east.
        depth: metres from north to south.
        fixtures: in the order in which displays and tills are numbered.
        opens_h: hour of the day when the first shopper may enter.
        closes_h: hour of the day when no shopper may enter any more.
        zones: parts of the floor; the first one that holds a place counts.

    Raises: ConfigError: the store closes before it opens.
    """

    name: str
    width: float
    depth: float
    fixtures: tuple[Fixture, ...]
    opens_h: float = 8.0
    closes_h: float = 22.0
    zones: tuple[Zone, ...] = ()

    def __post_init__(self) -> None:
        """Refuse hours that are none."""
        if not 0 <= self.opens_h < self.closes_h <= 24:
            raise ConfigError(
                f"opens_h = {self.opens_h}, closes_h = {self.closes_h}: must be hours of one day, opens_h the earlier"
            )

    @cached_property
    def _hash(self) -> int:
        return hash((self.name, self.width, self.depth, self.fixtures, self.opens_h, self.closes_h, self.zones))

    def __hash__(self) -> int:
        """Hash once: plans are keys of caches."""
        return self._hash

    @property
    def open_s(self) -> float:
        """How long the store is open, in seconds."""
        return (self.closes_h - self.opens_h) * 3600.0

    @property
    def area_m2(self) -> float:
        """Whole area, fixtures included."""
        return self.width * self.depth

    @property
    def tills(self) -> tuple[Fixture, ...]:
        """Tills, in their order."""
        return tuple(self._of("till"))

    @property
    def displays(self) -> tuple[Fixture, ...]:
        """Displays, in their order."""
        return tuple(self._of("display"))

    @property
    def shelves(self) -> tuple[Fixture, ...]:
        """Whatever holds categories that shoppers walk to: shelves, fridges and counters."""
        return tuple(one for one in self.fixtures if one.kind in SELLING and one.categories)

    @property
    def categories(self) -> tuple[str, ...]:
        """Names of what is on the shelves, sorted."""
        return tuple(sorted({name for shelf in self.shelves for name in shelf.categories}))

    def fixture(self, name: str) -> Fixture:
        """Return the fixture of that name.

        Raises: ConfigError: there is none.
        """
        for one in self.fixtures:
            if one.name == name:
                return one
        known = among((one.name for one in self.fixtures), wanted=name)
        raise ConfigError(f"plan {self.name!r} has no fixture {name!r}; take one of {known}")

    def _of(self, kind: str) -> Iterator[Fixture]:
        return (one for one in self.fixtures if one.kind == kind)

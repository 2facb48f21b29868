"""One thing on the floor of a store: where it stands, what it is, what it holds."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

from retail.errors import ConfigError
from simulation.store.plan.kinds import DOORS, SELLING, SIDES, DisplayKind, FixtureKind, Side, TillKind

LARGEST_SIDE_M: Final = 250.0
"""Longest side of a store; a larger one is more likely in the wrong unit than a store."""


@dataclass(frozen=True, slots=True)
class Fixture:
    """A rectangle in metres, perhaps turned.

    Attributes:
        name: unique in its plan.
        kind: one of `kinds.KINDS`.
        x: left edge before turning, in metres from the left edge of the plan.
        y: upper edge before turning, in metres from the upper edge of the plan.
        width: metres from west to east before turning.
        depth: metres from north to south before turning.
        rotation: degrees, clockwise on the drawn plan, about the middle.
        categories: what a shelf, fridge or counter sells; for a display the one category that it shows.
        sides: where shoppers can take from it or queue for it, named as before turning.
        display: kind of display, for displays.
        till: kind of till, for tills.
        servers: how many shoppers the till serves at once.
        max_items: most items that the till accepts; None for any number.
        open_h: (from, to) hours of the day when the till is staffed; empty for always.

    Raises: ConfigError: a size is no positive number, or the kind asks for something that is missing or superfluous.
    """

    name: str
    kind: FixtureKind
    x: float
    y: float
    width: float
    depth: float
    rotation: float = 0.0
    categories: tuple[str, ...] = ()
    sides: tuple[Side, ...] = field(default=SIDES)
    display: DisplayKind | None = None
    till: TillKind | None = None
    servers: int = 1
    max_items: int | None = None
    open_h: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        """Refuse a fixture that makes no sense by itself."""
        for key in ("x", "y", "width", "depth", "rotation"):
            if not math.isfinite(getattr(self, key)):
                raise ConfigError(f"{self}: {key} = {getattr(self, key)} must be a finite number")
        for key in ("width", "depth"):
            if getattr(self, key) <= 0:
                raise ConfigError(f"{self}: {key} = {getattr(self, key)} must be more than 0 metres")
        self._check_contents()
        self._check_till()

    def _check_contents(self) -> None:
        if self.kind in ("shelf", "fridge") and not self.categories:
            raise ConfigError(f"{self}: has no category; say what it sells, or make it a wall")
        if self.kind == "display" and (self.display is None or len(self.categories) != 1):
            raise ConfigError(f"{self}: needs a kind of display and one category; give display and category")
        if self.kind not in SELLING and self.kind != "display" and self.categories:
            raise ConfigError(f"{self}: holds no category, got {', '.join(self.categories)}; make it a shelf")
        if self.kind != "display" and self.display is not None:
            raise ConfigError(f"{self}: display = {self.display!r} is for displays only; drop it or set kind")
        if len(set(self.categories)) < len(self.categories) or not all(name.strip() for name in self.categories):
            raise ConfigError(f"{self}: categories {list(self.categories)} must be different names; correct them")
        if not self.sides or len(set(self.sides)) < len(self.sides):
            raise ConfigError(f"{self}: sides {list(self.sides)} must name each side once; drop sides for all four")

    def _check_till(self) -> None:
        if self.kind == "till" and self.till is None:
            raise ConfigError(f"{self}: needs a kind of till; give till, such as 'lane'")
        if self.kind != "till" and (self.till is not None or self.max_items is not None or self.open_h):
            raise ConfigError(f"{self}: till, max_items and open_h are for tills only; drop them or set kind")
        if not 1 <= self.servers <= 100 or (self.kind != "till" and self.servers != 1):
            raise ConfigError(f"{self}: servers = {self.servers} must be 1 to 100, and 1 for all but tills")
        if self.max_items is not None and self.max_items < 1:
            raise ConfigError(f"{self}: max_items = {self.max_items} must be at least 1")
        if not all(0 <= start < end <= 24 for start, end in self.open_h):
            raise ConfigError(f"{self}: open_h {list(self.open_h)} must be [from, to] hours within 0 and 24, from < to")
        for (_, end), (start, _) in zip(self.open_h, self.open_h[1:], strict=False):
            if start < end:
                raise ConfigError(f"{self}: open_h {list(self.open_h)} must follow one another without overlap")

    def __str__(self) -> str:
        """Name the fixture in a message."""
        return f"{self.kind} {self.name!r}"

    @property
    def is_door(self) -> bool:
        """Whether shoppers walk on it."""
        return self.kind in DOORS

    @property
    def middle(self) -> tuple[float, float]:
        """Its middle (x, y), in metres."""
        return self.x + self.width / 2, self.y + self.depth / 2

    @property
    def corners(self) -> tuple[tuple[float, float], ...]:
        """The four corners (x, y) in metres as they stand, clockwise on the drawn plan from the upper left one."""
        x, y = self.middle
        right, down = self.width / 2, self.depth / 2
        offsets = ((-right, -down), (right, -down), (right, down), (-right, down))
        cos, sin = turn(self.rotation)
        return tuple((x + cos * u - sin * v, y + sin * u + cos * v) for u, v in offsets)


@dataclass(frozen=True, slots=True)
class Zone:
    """A named rectangle of the floor, for figures such as the dwell time per zone.

    Raises: ConfigError: a size is no positive finite number.
    """

    name: str
    x: float
    y: float
    width: float
    depth: float

    def __post_init__(self) -> None:
        """Refuse a zone without area."""
        sizes = (self.x, self.y, self.width, self.depth)
        if not all(map(math.isfinite, sizes)) or self.width <= 0 or self.depth <= 0:
            raise ConfigError(
                f"zone {self.name!r}: x, y, width, depth = {sizes} must be finite, with width and depth > 0"
            )


def turn(degrees: float) -> tuple[float, float]:
    """Return cosine and sine, exact for quarter turns."""
    quarter, rest = divmod(degrees, 90.0)
    if rest == 0.0:
        return ((1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0))[int(quarter) % 4]
    return math.cos(math.radians(degrees)), math.sin(math.radians(degrees))

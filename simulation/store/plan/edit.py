"""The kinds of change to a plan, as small as a merchant would say them."""

from __future__ import annotations

from dataclasses import dataclass

from simulation.store.plan.kinds import SIDES, Side, TillKind


@dataclass(frozen=True, slots=True)
class Swap:
    """Swap what two fixtures hold, or two categories wherever they are sold.

    Attributes:
        swap: two categories, or the names of two fixtures that sell something. Displays keep what they show.
    """

    swap: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Move:
    """Move a fixture: `x`, `y` are its new upper left corner before turning, in metres; None keeps the rotation."""

    move: str
    x: float
    y: float
    rotation: float | None = None


@dataclass(frozen=True, slots=True)
class AddTill:
    """Add a till of a kind at `x`, `y`; it is named `name`, or `till-` and the next free number."""

    add_till: TillKind
    x: float
    y: float
    width: float = 1.0
    depth: float = 2.0
    servers: int = 1
    max_items: int | None = None
    sides: tuple[Side, ...] = SIDES
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Remove:
    """Remove a fixture."""

    remove: str


@dataclass(frozen=True, slots=True)
class Show:
    """Let a display show another category, which some shelf must sell."""

    show: str
    category: str


Edit = Swap | Move | AddTill | Remove | Show

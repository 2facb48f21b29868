"""What can stand in a store: the words that a plan may use."""

from __future__ import annotations

from typing import Final, Literal, get_args

FixtureKind = Literal["shelf", "fridge", "counter", "display", "till", "wall", "blocked", "entrance", "exit"]
"""A counter is low and may sell something (a deli, a produce table); `blocked` is any other place nobody walks on."""
TillKind = Literal["lane", "express", "self_checkout", "tray", "face", "tray_account"]
DisplayKind = Literal[
    "store_front",
    "rear_end_cap",
    "front_end_cap",
    "mid_aisle_end_cap",
    "side_aisle",
    "in_aisle",
    "secondary",
]
Side = Literal["north", "east", "south", "west"]

KINDS: Final[tuple[FixtureKind, ...]] = get_args(FixtureKind)
TILL_KINDS: Final[tuple[TillKind, ...]] = get_args(TillKind)
DISPLAY_KINDS: Final[tuple[DisplayKind, ...]] = get_args(DisplayKind)
SIDES: Final[tuple[Side, ...]] = get_args(Side)

SELLING: Final = frozenset({"shelf", "fridge", "counter"})
"""Kinds that may hold categories that shoppers walk to."""
DOORS: Final = frozenset({"entrance", "exit"})
"""Kinds that shoppers walk on; all others are in the way."""
TALL: Final = frozenset({"shelf", "fridge", "wall", "blocked"})
"""Kinds that one cannot look across."""

SIGHT_M: Final = 3.0
"""How far a display is noticed, in metres. An assumption: about the width of an aisle and a step."""

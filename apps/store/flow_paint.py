"""Where shoppers go, as arrows over a plan: each points to where more go than come back from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from apps.store.heat_paint import SHADES, Heat

Floats = NDArray[np.float64]
ARROW: Final = "#243B63"
MEANING: Final = "arrow: more go this way than back"
_TINTS: Final = SHADES[:5]
"""Light enough for dark arrows."""
_WIDEST_M: Final = 50.0
"""In wider plans four squares share an arrow, which could not be seen otherwise."""
_WEAKEST: Final = 0.03
"""Arrows of a smaller share of the strongest are left out."""


@dataclass(frozen=True, eq=False)
class Flow:
    """Moves over the borders of squares, per day.

    Attributes:
        east: (rows, columns) float64, moves out of each square to the east; row 0 is the upper edge.
        west: likewise.
        south: likewise.
        north: likewise.
        x: (rows, columns) float64 metres, the mean place of all moves in a square; its middle without any.
        y: likewise.
        side_m: edge of a square.
        days: how many were averaged.
    """

    east: Floats
    west: Floats
    south: Floats
    north: Floats
    x: Floats
    y: Floats
    side_m: float
    days: int

    @property
    def total(self) -> Floats:
        """Moves out of each square, whichever way."""
        return self.east + self.west + self.south + self.north

    def heat(self) -> Heat:
        """What is painted beneath the arrows: how many move at all, also where as many go as come back."""
        return Heat(self.total, self.side_m, "moves a day", shades=_TINTS)


def arrows(flow: Flow, *, width_m: float, scale: float) -> str:
    """Return the arrows as one SVG path.

    Args:
        flow: to be drawn.
        width_m: of the plan, which decides how many squares share an arrow.
        scale: units of the drawing per metre.
    """
    shared = 2 if width_m > _WIDEST_M else 1
    across, down, x, y = _shared(flow, shared)
    length = np.hypot(across, down)
    strongest = float(np.quantile(length[length > 0], 0.99)) if (length > 0).any() else np.inf
    side = flow.side_m * shared * scale
    shapes = []
    for row, column in zip(*np.nonzero(length > _WEAKEST * strongest), strict=True):
        strength = float(np.sqrt(min(1.0, length[row, column] / strongest)))
        ahead = (float(across[row, column] / length[row, column]), float(down[row, column] / length[row, column]))
        middle = (float(x[row, column]) * scale, float(y[row, column]) * scale)
        shapes.append(_arrow(middle, ahead, side * (0.25 + 0.6 * strength), side * (0.06 + 0.12 * strength)))
    if not shapes:
        return ""
    return f'<path fill="{ARROW}" stroke="#FFFFFF" stroke-width="0.6" d="{"".join(shapes)}"/>'


def _shared(flow: Flow, many: int) -> tuple[Floats, Floats, Floats, Floats]:
    """Net moves to the east and the south of `many` by `many` squares, and where the arrow of each stands.

    It stands in the square of the strongest net move, so that none stands on a fixture.
    """
    rows, columns = flow.east.shape
    pad = ((0, -rows % many), (0, -columns % many))

    def blocks(values: Floats) -> Floats:
        padded = np.pad(values, pad)
        high, wide = padded.shape[0] // many, padded.shape[1] // many
        return np.asarray(padded.reshape(high, many, wide, many).swapaxes(1, 2).reshape(high, wide, many * many))

    across, down = blocks(flow.east - flow.west), blocks(flow.south - flow.north)
    first = np.hypot(across, down).argmax(axis=2)[..., None]
    x, y = (np.take_along_axis(blocks(values), first, axis=2)[..., 0] for values in (flow.x, flow.y))
    return across.sum(axis=2), down.sum(axis=2), x, y


def _arrow(middle: tuple[float, float], ahead: tuple[float, float], length: float, width: float) -> str:
    """Draw an arrow around its middle."""
    head = min(0.5 * length, 2.2 * width)
    neck = length / 2 - head
    corners = (
        (-length / 2, -width / 2), (neck, -width / 2), (neck, -1.5 * width), (length / 2, 0.0),
        (neck, 1.5 * width), (neck, width / 2), (-length / 2, width / 2),
    )  # fmt: skip
    points = (
        f"{middle[0] + ahead[0] * along - ahead[1] * aside:.1f} {middle[1] + ahead[1] * along + ahead[0] * aside:.1f}"
        for along, aside in corners
    )
    return f"M{'L'.join(points)}z"

"""Heat maps as SVG shapes, to be put beneath a plan: one path for each shade, so that a large store stays small."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

SHADES: Final = ("#FFF7DC", "#F3E3A1", "#D5D77F", "#A3C97B", "#67B386", "#2E9A8F", "#1A7A8C", "#1F5A7D", "#243B63")
"""From few to many; lightness falls evenly, so that it reads in grey as well."""
LESS: Final = ("#0B4F8A", "#2F79B5", "#6BA5D0", "#B3D1E8")
MORE: Final = ("#F6D2B5", "#EBA36F", "#D9742E", "#A94C0B")
"""Fewer than before from strong to faint, then more from faint to strong."""


@dataclass(frozen=True, eq=False)
class Heat:
    """What is painted.

    Attributes:
        values: (rows, columns), row 0 the upper edge.
        side_m: edge of a square.
        unit: of the values, with what they are per.
        marked: where a difference is beyond noise; None for a map that is no difference.
        shades: from few to many, of a map that is no difference.
    """

    values: NDArray[np.float64]
    side_m: float
    unit: str
    marked: NDArray[np.bool_] | None = None
    shades: tuple[str, ...] = SHADES


def paths(heat: Heat, scale: float) -> str:
    """Return the squares as SVG paths; see `pieces`."""
    return "\n".join(f'<path fill="{shade}" d="{d}"/>' for shade, d in pieces(heat, scale))


def pieces(heat: Heat, scale: float) -> list[tuple[str, str]]:
    """Return a colour and the outline of its squares, as in SVG's `d`, for each shade that is there.

    Of a difference only what is marked is painted. Squares without a value, or with 0, are left out.

    Args:
        heat: what to paint.
        scale: units of the drawing per metre.
    """
    shades = (*LESS, *MORE) if heat.marked is not None else heat.shades
    number = _numbers(heat)
    side = heat.side_m * scale
    return [(shade, _runs(number == place, side)) for place, shade in enumerate(shades) if (number == place).any()]


def legend(heat: Heat) -> list[tuple[str, str]]:
    """Return colour and meaning of the shades, for a line beneath the drawing."""
    if heat.marked is not None and not heat.marked.any():
        return [("#FFFFFF", "no place differs beyond the noise of the days")]
    strongest = f"{strongest_text(heat)} {heat.unit} or more"
    if heat.marked is None:
        return [(heat.shades[0], "few"), (heat.shades[-1], strongest)]
    return [(LESS[0], f"fewer, by {strongest}"), (MORE[-1], f"more, by {strongest}")]


def strongest_text(heat: Heat) -> str:
    """Write the value at which the strongest shade begins; all that is larger has the same shade."""
    steps = len(heat.shades) if heat.marked is None else len(MORE)
    begins = _top(heat) * (steps - 1) / steps
    return f"{begins:,.0f}" if begins >= 10 else f"{begins:.2g}"


def _top(heat: Heat) -> float:
    """Return the end of the scale: all but the highest hundredth lie below it, and what is higher is clipped to it."""
    shown = np.abs(heat.values[heat.marked] if heat.marked is not None else heat.values[heat.values > 0])
    shown = shown[np.isfinite(shown)]
    return float(np.quantile(shown, 0.99)) if len(shown) else 1.0


def _numbers(heat: Heat) -> NDArray[np.int64]:
    """Return the number of each square's shade, -1 where nothing is painted."""
    share = np.clip(np.nan_to_num(heat.values) / (_top(heat) or 1.0), -1.0, 1.0)
    if heat.marked is None:
        number = np.minimum((share * len(heat.shades)).astype(np.int64), len(heat.shades) - 1)
        return np.where(heat.values > 0, number, -1)
    steps = len(MORE)
    strength = np.minimum((np.abs(share) * steps).astype(np.int64), steps - 1)
    number = np.where(share > 0, steps + strength, steps - 1 - strength)
    return np.where(heat.marked & (share != 0), number, -1)


def _runs(mask: NDArray[np.bool_], side: float) -> str:
    """Draw the set squares, neighbours in a row as one rectangle."""
    padded = np.zeros((mask.shape[0], mask.shape[1] + 2), dtype=np.int8)
    padded[:, 1:-1] = mask
    change = np.diff(padded, axis=1)
    rows, starts = np.nonzero(change == 1)
    _, ends = np.nonzero(change == -1)
    pieces: list[Any] = [
        f"M{start * side:g} {row * side:g}h{(end - start) * side:g}v{side:g}h{(start - end) * side:g}z"
        for row, start, end in zip(rows.tolist(), starts.tolist(), ends.tolist(), strict=True)
    ]
    return "".join(pieces)

"""A straight corridor evenly full of people, to see how fast a crowd of the model walks."""

from __future__ import annotations

from typing import Final

import numpy as np

from simulation.store import kernel
from simulation.store.floor import CELL_M, OUTSIDE, Floor
from simulation.store.itinerary import Itinerary

LONG: Final = 400
"""Cells: 200 m. The open end reaches back no further than people walk meanwhile, so that those who start in the first
half meet the density all the way."""
WIDE: Final = 8
"""Cells: 4 m."""


def corridor_speed(density: float, free_speed: float, *, seed: int) -> float:
    """Let people walk to the far end and return the mean speed of those who start in the first half, in m/s.

    Args:
        density: people per m2 at the start, at random places.
        free_speed: of everybody, when nobody is in the way.
        seed: of the places.
    """
    rng = np.random.default_rng(seed)
    people = int(density * WIDE * LONG * CELL_M**2)
    cells = rng.integers(0, WIDE * LONG, people).astype(np.int32)
    walked = kernel.walk(_corridor(), _walkers(cells, free_speed))
    first = cells % LONG < LONG // 2
    return float(walked.path_m[first].sum() / walked.reach_s[first].sum())


def _corridor() -> Floor:
    """A floor whose tills and exit are its last column, and nothing else."""
    column = np.tile(np.arange(LONG), WIDE)
    onward = np.where(column == LONG - 1, OUTSIDE, np.arange(WIDE * LONG) + 1).astype(np.int32)
    away = (LONG - 1 - column) * CELL_M
    padded = np.pad(np.ones((WIDE, LONG), dtype=np.int32), 2)
    window = sum(padded[r : r + WIDE, c : c + LONG] for r in range(5) for c in range(5))
    return Floor(
        walkable=np.ones((WIDE, LONG), dtype=np.bool_),
        categories=(),
        distance_m=np.stack([away, away]),
        next_cell=np.stack([onward, onward]),
        entrance=np.arange(0, WIDE * LONG, LONG, dtype=np.int32),
        display_category=np.zeros(0, dtype=np.int32),
        display_lift=np.zeros(0),
        display_kind=(),
        seen_start=np.zeros(WIDE * LONG + 1, dtype=np.int64),
        seen=np.zeros(0, dtype=np.int32),
        zone=np.zeros(WIDE * LONG, dtype=np.int32),
        zones=("corridor",),
        window_cells=np.asarray(window, dtype=np.int32).ravel(),
    )


def _walkers(cells: np.ndarray, speed: float) -> Itinerary:
    """People who start at once, each at a cell, and go straight to the end."""
    n = len(cells)
    return Itinerary(
        enter_s=np.zeros(n),
        entrance=cells,
        speed=np.full(n, speed),
        start=np.zeros(n + 1, dtype=np.int64),
        target=np.zeros(0, dtype=np.int32),
        dwell_s=np.zeros(0),
        items=np.zeros(0, dtype=np.int32),
        tempted=np.zeros((n, 0), dtype=np.bool_),
        pause_s=0.0,
    )

"""A plan cut into cells: what is in the way, and from where each fixture can be used."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from simulation.store.floor import CELL_M
from simulation.store.plan.fixture import Fixture, turn
from simulation.store.plan.plan import StorePlan

_SLACK_M: Final = 1e-9


@dataclass(frozen=True, eq=False)
class Cells:
    """Cells of a plan; numbers as in `floor.Floor`.

    Attributes:
        free: (rows, columns) bool: nothing stands there.
        walkable: (rows, columns) bool: free, and an entrance leads there.
        part: (rows, columns) int32: number of the connected part of the floor, from 1; 0 where something stands.
        covered: for each fixture the numbers of the cells that it stands on, rising.
        beside: for each fixture the free cells from where it can be used: next to one of its open sides; for a door
            the free cells on it.
    """

    free: NDArray[np.bool_]
    walkable: NDArray[np.bool_]
    part: NDArray[np.int32]
    covered: tuple[NDArray[np.int32], ...]
    beside: tuple[NDArray[np.int32], ...]


@lru_cache(maxsize=32)
def cut(plan: StorePlan) -> Cells:
    """Cut a plan into cells of `CELL_M`.

    A fixture stands on the cells whose middle it covers, edges included; what is thinner than a cell is taken as one
    cell thick, so that no wall has holes.
    """
    rows, columns = math.ceil(plan.depth / CELL_M - _SLACK_M), math.ceil(plan.width / CELL_M - _SLACK_M)
    free = np.ones((rows, columns), np.bool_)
    # A last cell of which the larger part lies outside is no floor.
    free[(np.arange(rows) + 0.5) * CELL_M > plan.depth + _SLACK_M] = False
    free[:, (np.arange(columns) + 0.5) * CELL_M > plan.width + _SLACK_M] = False
    boxes = [_covered(one, rows, columns) for one in plan.fixtures]
    for one, (top, left, mask) in zip(plan.fixtures, boxes, strict=True):
        if not one.is_door:
            free[top : top + mask.shape[0], left : left + mask.shape[1]] &= ~mask
    covered = tuple(_numbers(mask, top, left, columns) for top, left, mask in boxes)
    beside = tuple(_beside(one, box, free) for one, box in zip(plan.fixtures, boxes, strict=True))
    part, _ = ndimage.label(free)
    doors = [cells for one, cells in zip(plan.fixtures, beside, strict=True) if one.kind == "entrance"]
    entered = np.unique(part.ravel()[np.concatenate(doors)]) if doors else np.zeros(0, np.int32)
    return Cells(free, np.isin(part, entered), part, covered, beside)


@lru_cache(maxsize=16_384)
def _covered(fixture: Fixture, rows: int, columns: int) -> tuple[int, int, NDArray[np.bool_]]:
    """First row, first column, and which cells from there on are covered; with a rim where there is room."""
    corners = np.array(fixture.corners)
    rim = CELL_M * 2
    left, top = (max(0, math.floor((low - rim) / CELL_M)) for low in corners.min(axis=0))
    right = min(columns, math.ceil((corners[:, 0].max() + rim) / CELL_M))
    bottom = min(rows, math.ceil((corners[:, 1].max() + rim) / CELL_M))
    across, down = _local(fixture, np.arange(top, bottom)[:, None], np.arange(left, right)[None, :])
    return top, left, (across <= _SLACK_M) & (down <= _SLACK_M)


def _local(
    fixture: Fixture, row: NDArray[np.int64], column: NDArray[np.int64], *, signed: bool = False
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How far the middles of cells lie beyond the fixture, across and down in its own frame.

    Signed: the plain coordinates in that frame instead.
    """
    x, y = fixture.middle
    cos, sin = turn(fixture.rotation)
    east, south = (column + 0.5) * CELL_M - x, (row + 0.5) * CELL_M - y
    u, v = cos * east + sin * south, -sin * east + cos * south
    if signed:
        return u, v
    return np.abs(u) - max(fixture.width, CELL_M) / 2, np.abs(v) - max(fixture.depth, CELL_M) / 2


def _beside(fixture: Fixture, box: tuple[int, int, NDArray[np.bool_]], free: NDArray[np.bool_]) -> NDArray[np.int32]:
    top, left, mask = box
    part = free[top : top + mask.shape[0], left : left + mask.shape[1]]
    if fixture.is_door:
        return _numbers(mask & part, top, left, free.shape[1])
    near = np.zeros_like(mask)
    near[1:] |= mask[:-1]
    near[:-1] |= mask[1:]
    near[:, 1:] |= mask[:, :-1]
    near[:, :-1] |= mask[:, 1:]
    near &= part & ~mask
    if len(fixture.sides) < 4:
        near &= _on_open_side(fixture, top, left, mask.shape)
    return _numbers(near, top, left, free.shape[1])


@lru_cache(maxsize=16_384)
def _on_open_side(fixture: Fixture, top: int, left: int, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    row, column = np.arange(top, top + shape[0])[:, None], np.arange(left, left + shape[1])[None, :]
    across, down = _local(fixture, row, column)
    u, v = _local(fixture, row, column, signed=True)
    sideways = across > down
    north, south = "north" in fixture.sides, "south" in fixture.sides
    west, east = "west" in fixture.sides, "east" in fixture.sides
    return np.where(sideways, np.where(u < 0, west, east), np.where(v < 0, north, south))


def _numbers(mask: NDArray[np.bool_], top: int, left: int, columns: int) -> NDArray[np.int32]:
    row, column = np.nonzero(mask)
    return ((row + top) * columns + column + left).astype(np.int32)

"""A map of letters, and the rectangles that it shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from retail.errors import ConfigError
from simulation.store.plan.fixture import LARGEST_SIDE_M, Fixture
from simulation.store.plan.table import LegendTable

_FLOOR: Final = ". "
_DEFAULTS: Final = {"#": LegendTable(kind="wall")}


@dataclass(frozen=True, slots=True)
class _Block:
    letter: str
    row: int
    column: int
    rows: int
    columns: int


def read_map(
    text: str, legend: Mapping[str, LegendTable], *, cell_m: float
) -> tuple[float, float, tuple[Fixture, ...]]:
    """Turn a map into fixtures.

    Equal letters side by side become one fixture, or several where they form no rectangle. A fixture is named after
    the name in the legend or its contents, and numbered in reading order: `dairy-1`, `till-2`.

    Args:
        text: lines of letters; lines that are too short are filled up with floor.
        legend: what the letters mean; `.` and blank are floor, and `#` is a wall unless it is in the legend.
        cell_m: edge of the square that a letter stands for, in metres.

    Returns: width and depth in metres, and the fixtures in reading order.
    Raises: ConfigError: no map, a key that is no single letter, a letter without meaning, or far too large a map.
    """
    for key in legend:
        if len(key) != 1 or key in _FLOOR or not key.isprintable():
            raise ConfigError(f"legend key {key!r} must be one letter other than '.' and blank")
    lines = text.strip("\r\n").splitlines()
    columns = max((len(line) for line in lines), default=0)
    if not columns:
        raise ConfigError("map is empty; draw at least an entrance, an exit, a till and a shelf")
    if max(len(lines), columns) * cell_m > LARGEST_SIDE_M:
        raise ConfigError(
            f"map is {columns} letters wide and {len(lines)} lines deep, {columns * cell_m:g} m x "
            f"{len(lines) * cell_m:g} m; at most {LARGEST_SIDE_M:g} m, so check cell_m = {cell_m:g}"
        )
    known = {**_DEFAULTS, **legend}
    for row, line in enumerate(lines):
        for column, letter in enumerate(line):
            if letter not in _FLOOR and letter not in known:
                raise ConfigError(
                    f"map line {row + 1}, column {column + 1}: {letter!r} is not in the legend; add it, or use one of "
                    f"{' '.join(sorted(known))}"
                )
    blocks = _blocks([line.ljust(columns) for line in lines])
    return columns * cell_m, len(lines) * cell_m, _named(blocks, known, cell_m)


def _blocks(lines: list[str]) -> list[_Block]:
    """Cut the map into rectangles of one letter: each as wide as it can be, then as deep as it can be."""
    done = [[letter in _FLOOR for letter in line] for line in lines]
    blocks = []
    for row, line in enumerate(lines):
        for column, letter in enumerate(line):
            if done[row][column]:
                continue
            right = column
            while right < len(line) and line[right] == letter and not done[row][right]:
                right += 1
            run = letter * (right - column)
            bottom = row
            while bottom < len(lines) and lines[bottom][column:right] == run and not any(done[bottom][column:right]):
                done[bottom][column:right] = [True] * len(run)
                bottom += 1
            blocks.append(_Block(letter, row, column, bottom - row, len(run)))
    return blocks


def _named(blocks: list[_Block], known: Mapping[str, LegendTable], cell_m: float) -> tuple[Fixture, ...]:
    numbers: Counter[str] = Counter()
    fixtures = []
    for block in blocks:
        entry = known[block.letter]
        stem = entry.name or _stem(entry)
        numbers[stem] += 1
        fixtures.append(
            entry.fixture(
                name=f"{stem}-{numbers[stem]}",
                x=block.column * cell_m,
                y=block.row * cell_m,
                width=block.columns * cell_m,
                depth=block.rows * cell_m,
            )
        )
    return tuple(fixtures)


def _stem(entry: LegendTable) -> str:
    if entry.kind == "display":
        return str(entry.display).replace("_", "-")
    name = entry.category or (entry.categories or [""])[0]
    return (name or entry.kind).replace(" ", "-").replace("_", "-")

"""Cells of an access event: each read as its column wants it, or reported with its place and value."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from privacy.access import schema as a
from retail.problems import shown

LINE: Final = "line"
"""Where an event stands: line of a CSV, row of a Parquet file, index of an entry of a log."""

SEPARATOR: Final = ";"
_WITH_OFFSET: Final = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)? ?(Z|[+-]\d{2}:?\d{2})")
_FLAGS: Final[Mapping[object, bool]] = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class BadCell:
    """One cell that cannot be used, or a file that cannot be read at all.

    Attributes:
        file: path as given.
        place: "line", "row" or "entry"; "" when the whole file is meant.
        line: number of the line, row or entry; 0 when the whole file is meant. Line 1 is the header; row 1 the first.
        column: column name, "" when the whole line is meant.
        value: the cell, escaped and shortened.
        message: what is wrong and what to do.
    """

    file: str
    place: str
    line: int
    column: str
    value: str
    message: str

    def __str__(self) -> str:
        """One line: file, line, column, value, what is wrong and what to do."""
        where = [self.file, *([f"{self.place} {self.line}"] if self.place else [])]
        where += [f"column {self.column}"] if self.column else []
        return f"{', '.join(where)}{f', value {self.value!r}' if self.place and self.column else ''}: {self.message}"


class CellReader:
    """Reads the columns of one file and collects what is wrong with them."""

    def __init__(self, file: str, place: str, lines: Sequence[int]) -> None:
        self.file = file
        self.place = place
        self.lines = lines
        self.bad: list[BadCell] = []

    def events(self, cells: Mapping[str, Sequence[object]]) -> pd.DataFrame:
        """Read all columns of access events.

        Args:
            cells: for each column of the file, its cells in the order of `lines`; an optional column may be missing.

        Returns: LINE and the columns of the schema that the file has, in their order; times in UTC, flags as bool,
            COLUMNS as tuples of names, all else as text. Not to be used unless `bad` is empty.
        """
        table: dict[str, Any] = {LINE: np.asarray(self.lines, dtype=np.int64)}
        for name in a.EVENT_COLUMNS:
            if name not in cells:
                continue
            if name == a.TIME:
                table[name] = self.times(name, cells[name])
            elif name == a.COLUMNS:
                table[name] = pd.Series(self.name_lists(name, cells[name]), dtype=object)
            elif name in a.FLAGS:
                table[name] = np.asarray(self.flags(name, cells[name]), dtype=bool)
            elif name in a.CODES:
                table[name] = pd.Series(self.codes(name, cells[name], a.CODES[name]), dtype=object)
            else:
                table[name] = pd.Series(self.texts(name, cells[name], filled=name in a.NAMES), dtype=object)
        return pd.DataFrame(table)

    def codes(self, column: str, cells: Sequence[object], allowed: Sequence[str]) -> list[str]:
        """Read cells of a closed set; a missing cell is the empty text."""
        known = frozenset(allowed)
        texts = ["" if cell is None else cell for cell in cells]
        for at, cell in enumerate(texts):
            if not isinstance(cell, str) or cell not in known:
                self.add(at, column, cell, _not_one_of(cell, allowed))
        return [str(cell) for cell in texts]

    def flags(self, column: str, cells: Sequence[object]) -> list[bool]:
        """Read truth values: booleans, or true and false in any case."""
        read = []
        for at, cell in enumerate(cells):
            value = cell if isinstance(cell, bool) else _FLAGS.get(cell.lower() if isinstance(cell, str) else None)
            if value is None:
                self.add(at, column, cell, "write true or false")
            read.append(bool(value))
        return read

    def texts(self, column: str, cells: Sequence[object], *, filled: bool) -> list[str]:
        """Read free text; a missing cell is the empty text."""
        texts = ["" if cell is None else cell for cell in cells]
        for at, cell in enumerate(texts):
            if not isinstance(cell, str):
                self.add(at, column, cell, "not text; save the column as text")
            elif filled and not cell.strip():
                self.add(at, column, cell, "empty; write the id that the register and the policy use")
        return [str(cell) for cell in texts]

    def name_lists(self, column: str, cells: Sequence[object]) -> list[tuple[str, ...]]:
        """Read lists of column names: a list, or one text with the names separated by semicolons."""
        read = []
        for at, cell in enumerate(cells):
            names: list[Any] = [] if cell is None or cell == "" else [cell]
            if isinstance(cell, str) and cell:
                names = cell.split(SEPARATOR)
            elif isinstance(cell, list | tuple | np.ndarray):
                names = list(cell)
            if not all(isinstance(name, str) and name.strip() for name in names):
                self.add(at, column, cell, f"not a list of names; write them with {SEPARATOR!r} between, none empty")
            read.append(tuple(str(name) for name in names))
        return read

    def times(self, column: str, cells: Sequence[object]) -> pd.Series[Any]:
        """Read moments: ISO 8601 with an offset, so that no time zone has to be guessed."""
        texts = [cell if isinstance(cell, str) and _WITH_OFFSET.fullmatch(cell) else None for cell in cells]
        read = pd.to_datetime(pd.Series(texts, dtype=object), format="ISO8601", utc=True, errors="coerce")
        for at in np.flatnonzero(read.isna().to_numpy()):
            why = "not a time in ISO 8601 with an offset; write 2024-01-31T17:45:00Z"
            self.add(int(at), column, cells[int(at)], why)
        return read

    def known(self, column: str, cells: Sequence[object], ids: Sequence[str]) -> None:
        """Report cells that name none of some ids."""
        known = frozenset(ids)
        for at, cell in enumerate(cells):
            if cell and cell not in known:
                self.add(at, column, cell, "no party of that id; add a line for it")

    def add(self, at: int, column: str, cell: object, message: str) -> None:
        """Report the cell at a position of `lines`."""
        value = "" if cell is None else shown(cell, most=60)
        self.bad.append(BadCell(self.file, self.place, int(self.lines[at]), column, value, message))


def _not_one_of(cell: object, allowed: Sequence[str]) -> str:
    listed = ", ".join(value or "(empty)" for value in allowed)
    close = difflib.get_close_matches(str(cell).strip().lower(), [value for value in allowed if value], n=1)
    return (f"write {close[0]!r}, or another of: " if close else "not one of: ") + listed

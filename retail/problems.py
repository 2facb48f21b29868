"""What is wrong with a user's folder, counted and placed so that it can be mended."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from retail import columns as c

FIRST_ROWS: Final = 5
_VALUE_LENGTH: Final = 40


def shown(text: object, *, most: int = 200) -> str:
    """Return foreign text fit for a message: one line of ASCII, the rest escaped, at most `most` characters."""
    escaped = ascii(text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text))[1:-1]
    return escaped if len(escaped) <= most else escaped[:most] + ".."


@dataclass(frozen=True, slots=True)
class Problem:
    """One kind of mistake in one column of one file.

    Attributes:
        file: file name, or the folder's path when the folder itself is wrong.
        column: column name, several joined by " + ", or "" when the whole file is meant.
        rows_affected: number of data rows, 0 when the whole file is meant.
        message: what is wrong and what to do.
        first_rows: the first offending data rows; row 1 is the first one below the header.
    """

    file: str
    column: str
    rows_affected: int
    message: str
    first_rows: tuple[int, ...] = ()

    def __str__(self) -> str:
        """One line: file, column, number of rows, first rows, what is wrong and what to do."""
        where = self.file + (f", column {self.column}" if self.column else "")
        if not self.rows_affected:
            return f"{where}: {self.message}"
        count = f"{self.rows_affected:,} row" + ("s" if self.rows_affected > 1 else "")
        rows = ", ".join(str(row) for row in self.first_rows)
        placed = f" (first: {rows}; row 1 is the first below the header)" if rows else ""
        return f"{where}, {count}{placed}: {self.message}"


@dataclass(frozen=True, slots=True)
class FolderReport:
    """What a check of a folder found.

    Attributes:
        path: the folder.
        tables: table name -> file name, for the tables that are there.
        rows: table name -> data rows read; a file that could not be read is missing here.
        problems: nothing is loaded unless this is empty.
        notes: what is allowed but worth knowing (files and columns that are not read, lines without a product row).
    """

    path: Path
    tables: dict[str, str]
    rows: dict[str, int]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """True when the folder can be loaded."""
        return not self.problems

    @property
    def message(self) -> str:
        """One line for each problem; "" when there is none."""
        return "\n".join(str(problem) for problem in self.problems)


@dataclass(slots=True)
class Findings:
    """Problems of one file, added up while its rows pass by in batches.

    Attributes:
        file: file name.
        show_values: False for a table of personal attributes, whose cells stay out of messages.
    """

    file: str
    show_values: bool = True
    _counts: dict[tuple[str, str], int] = field(default_factory=dict)
    _rows: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    _example: dict[tuple[str, str], str] = field(default_factory=dict)

    def add(self, column: str, message: str, rows: Iterable[int], example: object = None) -> None:
        """Count rows that break a rule.

        Args:
            column: as in `Problem`.
            message: what is wrong and what to do; rows with the same column and message are counted together.
            rows: data rows counted from 1, ascending, and after those of earlier calls.
            example: the first offending cell; shown escaped and shortened, never for person ids.
        """
        found = list(rows)
        if not found:
            return
        kind = (column, message)
        self._counts[kind] = self._counts.get(kind, 0) + len(found)
        kept = self._rows.setdefault(kind, [])
        kept.extend(found[: FIRST_ROWS - len(kept)])
        if kind not in self._example and example is not None and self.show_values and column != c.PERSON:
            self._example[kind] = shown(example, most=_VALUE_LENGTH)

    def problems(self) -> tuple[Problem, ...]:
        """Return what was found, in the order in which it was first met."""
        return tuple(
            Problem(
                self.file,
                column,
                count,
                message
                + (f"; the first is '{self._example[column, message]}'" if (column, message) in self._example else ""),
                tuple(self._rows[column, message]),
            )
            for (column, message), count in self._counts.items()
        )

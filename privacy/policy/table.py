"""Reading a rule table: a CSV that a lawyer can write in a spreadsheet, checked cell by cell."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from privacy.policy.register import shown
from privacy.policy.rule import COLUMNS, FLAG, ID, Rule, parse
from retail.errors import PolicyError


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a file.

    Attributes:
        file: its path.
        line: number of the line, from 1; 0 for the whole file.
        column: name of the column; may be empty.
        value: what the cell holds.
        advice: what to do.
    """

    file: str
    line: int
    column: str
    value: str
    advice: str

    def __str__(self) -> str:
        """Write the problem in one line."""
        place = self.file + (f", line {self.line}" if self.line else "")
        column = f", column {self.column}: {shown(self.value)}" if self.column else ""
        return f"{place}{column}: {self.advice}"


def read_rules(path: Path, *, flagged: bool = False) -> list[Rule]:
    """Read a table of rules.

    Args:
        path: UTF-8 CSV whose header is `COLUMNS` (in any order).
        flagged: the table also has the column `flag`, as the rules of regimes do.

    Raises: PolicyError: the file cannot be read, or cells are wrong; the message names every one.
    """
    rules, problems = check_rules(path, flagged=flagged)
    if problems:
        raise PolicyError("\n".join(str(one) for one in problems))
    return rules


def check_rules(path: Path, *, flagged: bool = False) -> tuple[list[Rule], list[Problem]]:
    """Read a table of rules and list everything that is wrong with it (see `read_rules`)."""
    columns = (*COLUMNS, FLAG) if flagged else COLUMNS
    rules: list[Rule] = []
    problems: list[Problem] = []
    seen: dict[str, int] = {}
    try:
        for line, cells in read_cells(path, columns):
            rule, wrong = parse(cells)
            problems += [Problem(str(path), line, column, cells[column], advice) for column, advice in wrong]
            first = seen.setdefault(cells[ID], line)
            if first != line:
                problems.append(Problem(str(path), line, ID, cells[ID], f"line {first} has this id; choose another"))
            if rule is not None:
                rules.append(rule)
    except PolicyError as error:
        return [], [Problem(str(path), 0, "", "", str(error))]
    if not rules and not problems:
        problems.append(Problem(str(path), 0, "", "", "the table holds no rule; write at least one row"))
    return rules, problems


def read_cells(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Read a CSV with a header, strictly.

    Yields: number of the row's last line and its stripped cells by column; empty rows are left out.

    Raises: PolicyError: unreadable file, wrong header, or a row with too few or too many cells. The message does not
        name the file.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = [name.strip() for name in next(reader, [])]
            if sorted(header) != sorted(columns):
                semicolons = len(header) == 1 and ";" in header[0]
                hint = "; cells are parted by semicolons: save it as CSV with commas" if semicolons else ""
                got = f"got {', '.join(header)}{hint}"
                raise PolicyError(f"the header must hold the columns {', '.join(columns)}; {got}")
            for row in reader:
                if not any(cell.strip() for cell in row):
                    continue
                if len(row) != len(header):
                    raise PolicyError(
                        f"line {reader.line_num} has {len(row)} cells and the header {len(header)}; put cells that "
                        "hold a comma into double quotes"
                    )
                yield reader.line_num, {name: cell.strip() for name, cell in zip(header, row, strict=True)}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise PolicyError(f"it cannot be read as a UTF-8 CSV ({error}); save it again as CSV, UTF-8") from error

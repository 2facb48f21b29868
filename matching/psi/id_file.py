"""The list of a party's people: one column of a CSV file, each person once however many rows there are."""

from __future__ import annotations

import csv
from pathlib import Path

from privacy.consent.identifiers import person_text
from retail.columns import PERSON
from retail.errors import ConsentError, DataError


def read_ids(path: Path, *, column: str | None = None) -> list[str]:
    """Read ids as text, spaces around them cut off, in order of first appearance.

    Args:
        path: a CSV file in UTF-8 with a line of names at its top.
        column: the column of ids; None for `person_id`, or for the only column of a file.

    Raises: DataError: no such file or column, another encoding, no rows, or a cell that is no id. No message shows one.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, strict=True)
            names = [name.strip() for name in next(rows, [])]
            if not any(names):
                raise DataError(f"{path} has no line of names at its top; it needs one, and a line for each person")
            place = _place(path, names, column)
            seen: dict[str, None] = {}
            for row in rows:
                if not row:
                    continue  # an empty line
                seen[_id(path, rows.line_num, row[place] if place < len(row) else "")] = None
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}; check the path") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not in UTF-8; save it again in that encoding") from error
    except csv.Error as error:
        raise DataError(f"{path} is no CSV file ({error}); save it again as one") from error
    if not seen:
        raise DataError(f"{path} names nobody; it needs a line of names and a line for each person")
    return list(seen)


def _place(path: Path, names: list[str], column: str | None) -> int:
    wanted = column or (names[0] if len(names) == 1 else PERSON)
    if names.count(wanted) != 1:
        what = "no column" if wanted not in names else "more than one column"
        raise DataError(f"{path} has {what} {wanted!r:.60}, but {', '.join(names)[:200]}; name the ids' with --column")
    return names.index(wanted)


def _id(path: Path, line: int, cell: str) -> str:
    try:
        return person_text(cell.strip())
    except ConsentError as error:
        raise DataError(f"{path}, line {line}: {error}; mend that line") from error

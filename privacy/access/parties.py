"""The parties file: who really is who, and whose data are whose, kept by somebody other than the writer of the log."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, cast

from privacy.access import schema as a
from privacy.access.cells import BadCell, CellReader
from privacy.access.file import missing_columns, read_cells
from privacy.policy import Dataset, Party, Register
from retail.errors import DataError

RECORD: Final = "record"
ID: Final = "id"
PARTY_COLUMNS: Final = (RECORD, ID, a.ROLE, a.UNIT, a.OWNER, a.KIND, a.FORM, a.ABOUT_PERSONS, a.PUBLIC)
_RECORDS: Final = ("party", "dataset")
_MOST_SHOWN: Final = 50


def read_parties(path: Path) -> Register:
    """Read a register from a CSV.

    A line with `record` party needs id and role (unit may be empty); one with `record` dataset needs id, owner, kind,
    form, about_persons and public. The other cells of a line stay empty.

    Args:
        path: CSV with the columns `PARTY_COLUMNS`, in any order.

    Raises:
        DataError: every cell that cannot be used, with file, line, column and value.
    """
    path = Path(path)
    lines, cells, bad = read_cells(path)
    bad += missing_columns(path, list(cells), PARTY_COLUMNS) if cells or not bad else ()
    if bad:
        raise DataError(_listed(bad))
    name = str(path)
    records = CellReader(name, "line", lines)
    kinds = records.codes(RECORD, cells[RECORD], _RECORDS)
    register = Register()
    problems = records.bad
    for record, given in (("party", (a.ROLE, a.UNIT)), ("dataset", PARTY_COLUMNS[4:])):
        chosen = [at for at, kind in enumerate(kinds) if kind == record]
        part = {column: [cells[column][at] for at in chosen] for column in PARTY_COLUMNS}
        reader = CellReader(name, "line", [lines[at] for at in chosen])
        read = _columns(reader, part, given)
        _refuse_repeated(reader, part[ID])
        for column in set(PARTY_COLUMNS) - {RECORD, ID, *given}:
            reader.codes(column, part[column], ("",))
        if record == "dataset":
            reader.known(
                a.OWNER, part[a.OWNER], [str(cells[ID][at]) for at, kind in enumerate(kinds) if kind == "party"]
            )
        problems = problems + reader.bad
        if problems:
            continue
        for values in zip(*read.values(), strict=True):
            row = dict(zip(read, values, strict=True))
            register.add(Party(**row) if record == "party" else Dataset(**row))
    if problems:
        raise DataError(_listed(sorted(problems, key=lambda cell: cell.line)))
    return register


def _columns(reader: CellReader, part: dict[str, list[object]], given: tuple[str, ...]) -> dict[str, list[Any]]:
    read: dict[str, list[Any]] = {ID: reader.texts(ID, part[ID], filled=True)}
    for column in given:
        if column in a.FLAGS:
            read[column] = cast(list[Any], reader.flags(column, part[column]))
        elif column in a.CODES:
            read[column] = cast(list[Any], reader.codes(column, part[column], [one for one in a.CODES[column] if one]))
        else:
            read[column] = cast(list[Any], reader.texts(column, part[column], filled=column == a.OWNER))
    return read


def _refuse_repeated(reader: CellReader, ids: list[object]) -> None:
    seen: set[object] = set()
    for at, one in enumerate(ids):
        if one in seen:
            reader.add(at, ID, one, "stands twice; keep one line for each id")
        seen.add(one)


def _listed(bad: list[BadCell] | tuple[BadCell, ...]) -> str:
    lines = [str(cell) for cell in bad[:_MOST_SHOWN]]
    if len(bad) > _MOST_SHOWN:
        lines.append(f"... and {len(bad) - _MOST_SHOWN:,} more cells")
    return "\n".join(lines)

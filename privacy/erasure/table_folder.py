"""A folder of tables in the format of `retail`: rows of a person are taken out, files are replaced whole."""

from __future__ import annotations

import csv
import functools
import glob
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from privacy.consent.tombstones import Tombstones
from privacy.erasure.places import Guarded
from retail import columns as c
from retail.errors import DataError
from retail.files import atomic_write

_TRIES: Final = 3
_SUFFIXES: Final = (".csv", ".parquet")


class TableFolder(Guarded):
    """The CSV and Parquet files of one folder that have a column of person ids.

    Other files and folders inside are not searched; `statement` names them. Rows of other people keep their bytes (CSV)
    or values, order and types (Parquet).

    Guarantee: after `erase`, no row of a searched file has the id. Assumes that the id stands in the named columns; an
        id inside free text or in a column of another name is not found. The file system may keep old blocks, and
        backups and snapshots are places of their own.

    Args:
        name: of the place.
        path: the folder.
        tombstones: who may not come back.
        columns: names of columns that hold ids of people.
    """

    kind = "store"
    action = "erase"

    def __init__(
        self, name: str, path: Path | str, *, tombstones: Tombstones, columns: Sequence[str] = (c.PERSON,)
    ) -> None:
        super().__init__(name, tombstones=tombstones)
        self.path = Path(path)
        self._columns = tuple(columns)

    @property
    def statement(self) -> str:  # type: ignore[override]
        """Which files in the folder were not searched."""
        try:
            entries = sorted(self.path.iterdir())
        except OSError:
            return ""
        searched = set(self._files())
        others = [one.name for one in entries if one not in searched and not one.name.startswith(".")]
        return f"not searched, no column {' or '.join(self._columns)}: {', '.join(others)}" if others else ""

    def holds(self, person: str) -> int:
        """Count the person's rows over all files.

        Raises: DataError: the folder or a file cannot be read.
        """
        return sum(len(rows) for file in self._files() for rows in [_rows_of(file, self._columns, person)])

    def erase(self, person: str) -> int:
        """Take the person's rows out of every file that has some; see `Store.erase`.

        Raises: DataError: a file cannot be read or written, or changes faster than it can be rewritten.
        """
        self._remove_leftovers()
        return sum(self._erase_from(file, person) for file in self._files())

    def persons(self) -> Iterator[tuple[str, list[object]]]:
        """Yield each file's name and its ids, row by row; values as the file has them, None where empty."""
        for file in self._files():
            for column in self._columns:
                if column in _header(file):
                    yield file.name, list(_ids(file, column))

    def check(self) -> None:
        """Make sure that nobody who was erased is in the folder: an old backup, a partner's new delivery.

        Raises: ConsentError: which file holds rows of erased people, and in which rows; never an id.
        """
        for file, ids in self.persons():
            self._tombstones.refuse(ids, where=f"{self.name}, {file}")

    def take_in(self, file: Path) -> None:
        """Copy a table file into the folder, unless somebody in it was erased.

        Raises: ConsentError: rows of erased people. DataError: no CSV or Parquet file, or it cannot be read or written.
        """
        if file.suffix not in _SUFFIXES:
            raise DataError(f"{file} is no .csv or .parquet file; save it as one of them")
        for column in self._columns:
            if column in _header(file):
                self.admit(_ids(file, column))
        atomic_write(self.path / file.name, lambda temporary: shutil.copyfile(file, temporary))

    def _files(self) -> list[Path]:
        try:
            entries = sorted(self.path.iterdir())
        except FileNotFoundError:
            return []  # a folder that was deleted holds nobody
        except OSError as error:
            raise DataError(f"cannot open {self.path}: {error.strerror}; nobody can say who is in it") from error
        visible = [one for one in entries if one.suffix in _SUFFIXES and one.is_file() and one.name[0] != "."]
        return [one for one in visible if set(self._columns).intersection(_header(one))]

    def _erase_from(self, file: Path, person: str) -> int:
        for _ in range(_TRIES):
            before = _state(file)
            rows = _rows_of(file, self._columns, person)
            if not rows:
                return 0
            try:
                atomic_write(file, functools.partial(_rewrite, file, before, rows))
            except _Changed:
                continue
            return len(rows)
        raise DataError(f"{file} changes while it is rewritten; stop whatever writes to it and run the erasure again")

    def _remove_leftovers(self) -> None:
        """Delete half-written copies that a killed writer left behind: they may hold rows of anybody."""
        for file in self._files():
            for leftover in self.path.glob(f".{glob.escape(file.name)}.*{file.suffix}"):
                leftover.unlink(missing_ok=True)


class _Changed(Exception):  # noqa: N818 - never leaves this module
    """The file was replaced while its new content was written."""


def _rewrite(file: Path, before: tuple[int, ...], rows: set[int], temporary: Path) -> None:
    (_rewrite_csv if file.suffix == ".csv" else _rewrite_parquet)(file, temporary, rows)
    if _state(file) != before:
        raise _Changed


def _state(file: Path) -> tuple[int, ...]:
    stat = os.stat(file)
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


def _header(file: Path) -> list[str]:
    try:
        if file.suffix == ".parquet":
            return list(pq.read_schema(file).names)
        with file.open(encoding="utf-8-sig", newline="") as text:
            return next(csv.reader(text), [])
    except (OSError, ValueError, csv.Error, pa.ArrowException) as error:
        raise DataError(f"{file} cannot be read ({type(error).__name__}); nobody can say who is in it") from error


def _ids(file: Path, column: str) -> Iterator[object]:
    if file.suffix == ".parquet":
        yield from _column(file, column).to_pylist()
        return
    place = _header(file).index(column)
    for number, (cells, _) in enumerate(_records(file)):
        if number:
            yield cells[place] if place < len(cells) else None


def _rows_of(file: Path, columns: Sequence[str], person: str) -> set[int]:
    """Return the numbers of the person's rows, from 0; header and empty lines of a CSV count as none."""
    rows: set[int] = set()
    for column in columns:
        if column not in _header(file):
            continue
        if file.suffix == ".parquet":
            rows.update(pc.indices_nonzero(_is_person(_column(file, column), person)).to_pylist())
        else:
            rows.update(number for number, cell in enumerate(_ids(file, column)) if _text(cell) == person)
    return rows


def _column(file: Path, column: str) -> Any:
    """Read one column of ids; floats that are whole (a column with gaps) as whole numbers, all else as text."""
    try:
        with pq.ParquetFile(file) as source:
            cells = source.read(columns=[column]).column(column)
        if pa.types.is_dictionary(cells.type):
            cells = cells.cast(cells.type.value_type)
        if pa.types.is_floating(cells.type):
            whole = pc.equal(cells, pc.floor(cells))
            cells = pc.if_else(whole, cells, None).cast(pa.int64())
        return cells.cast(pa.string())
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{file} cannot be read ({type(error).__name__}); nobody can say who is in it") from error


def _is_person(cells: Any, person: str) -> Any:
    return pc.fill_null(pc.equal(pc.utf8_trim_whitespace(cells), person), False)


def _text(cell: object) -> str:
    return cell.strip() if isinstance(cell, str) else ""


def _records(file: Path) -> Iterator[tuple[list[str], str]]:
    """Yield each record of a CSV, cells and the text as it stands in the file, header first, without empty lines."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            taken: list[str] = []

            def lines() -> Iterator[str]:
                for line in text:
                    taken.append(line)
                    yield line

            for cells in csv.reader(lines()):
                record = "".join(taken)
                taken.clear()
                if cells:
                    yield cells, record
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{file} cannot be read ({type(error).__name__}); nobody can say who is in it") from error


def _rewrite_csv(file: Path, temporary: Path, rows: set[int]) -> None:
    with file.open("rb") as original:
        mark = "\ufeff" if original.read(3) == b"\xef\xbb\xbf" else ""
    with temporary.open("w", encoding="utf-8", newline="") as out:
        out.write(mark)
        out.writelines(record for number, (_, record) in enumerate(_records(file), start=-1) if number not in rows)


def _rewrite_parquet(file: Path, temporary: Path, rows: set[int]) -> None:
    with pq.ParquetFile(file) as source:
        codec = source.metadata.row_group(0).column(0).compression if source.metadata.num_row_groups else "SNAPPY"
        with pq.ParquetWriter(temporary, source.schema_arrow, compression=codec.lower()) as out:
            start = 0
            for group in range(source.num_row_groups):
                table = source.read_row_group(group)
                kept = [row not in rows for row in range(start, start + table.num_rows)]
                out.write_table(table.filter(pa.array(kept, pa.bool_())))
                start += table.num_rows

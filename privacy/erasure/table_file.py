"""One table file, CSV or Parquet: which rows are of a person, and the file without them."""

from __future__ import annotations

import csv
import functools
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from privacy.consent.identifiers import spellings
from retail.errors import DataError
from retail.files import atomic_write

SUFFIXES: Final = (".csv", ".parquet")
_TRIES: Final = 3


class _Changed(Exception):  # noqa: N818 - never leaves this module
    """The file was replaced while its new content was written."""


def erase_rows(file: Path, columns: Sequence[str], person: str) -> int:
    """Take a person's rows out of one file, which is replaced whole; a link stays one.

    Returns: how many rows went.

    Raises: DataError: the file cannot be read or written, or changes faster than it can be rewritten.
    """
    for _ in range(_TRIES):
        before = _state(file)
        rows = rows_of(file, columns, person)
        if not rows:
            return 0
        try:
            atomic_write(file.resolve(), functools.partial(_rewrite, file, before, rows))
        except _Changed:
            continue
        return len(rows)
    raise DataError(f"{file} changes while it is rewritten; stop whatever writes to it and run the erasure again")


def _rewrite(file: Path, before: tuple[int, ...], rows: set[int], temporary: Path) -> None:
    (_rewrite_parquet if is_parquet(file) else _rewrite_csv)(file, temporary, rows)
    if _state(file) != before:
        raise _Changed


def _state(file: Path) -> tuple[int, ...]:
    stat = os.stat(file)
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


def is_parquet(file: Path) -> bool:
    """Tell by the name whether a table is Parquet; else it is CSV."""
    return file.suffix.lower() == ".parquet"


def header(file: Path) -> list[str]:
    """Return the names of a table's columns. A CSV may have empty lines before them.

    Raises: DataError: the file cannot be read.
    """
    try:
        if is_parquet(file):
            return list(pq.read_schema(file).names)
        with file.open(encoding="utf-8-sig", newline="") as text:
            return next((cells for cells in csv.reader(text) if _is_record(cells)), [])
    except (OSError, ValueError, csv.Error, pa.ArrowException) as error:
        raise DataError(f"{file} cannot be read ({type(error).__name__}); nobody can say who is in it") from error


def ids(file: Path, column: str) -> Iterator[object]:
    """Yield a column of ids, row by row, None where empty. Raises: DataError: the file cannot be read."""
    if is_parquet(file):
        yield from _column(file, column).to_pylist()
        return
    place = header(file).index(column)
    for number, (cells, _) in enumerate(_records(file)):
        if number:
            yield cells[place] if place < len(cells) else None


def rows_of(file: Path, columns: Sequence[str], person: str) -> set[int]:
    """Return the numbers of the person's rows, from 0; header and empty lines of a CSV count as none."""
    rows: set[int] = set()
    for column in columns:
        if column not in header(file):
            continue
        if is_parquet(file):
            rows.update(pc.indices_nonzero(_is_person(_column(file, column), person)).to_pylist())
        else:
            rows.update(number for number, cell in enumerate(ids(file, column)) if person in spellings(cell))
    return rows


def _column(file: Path, column: str) -> Any:
    """Read one column of ids; floats that are whole (a column with gaps) as whole numbers, all else as text."""
    try:
        with pq.ParquetFile(file) as source:
            cells = source.read(columns=[column]).column(column)
        if pa.types.is_dictionary(cells.type):
            cells = cells.cast(cells.type.value_type)
        if pa.types.is_floating(cells.type):
            whole = pc.and_(pc.is_finite(cells), pc.equal(cells, pc.floor(cells)))
            cells = pc.if_else(whole, cells, None).cast(pa.int64())
        return cells.cast(pa.string())
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{file} cannot be read ({type(error).__name__}); nobody can say who is in it") from error


def _is_person(cells: Any, person: str) -> Any:
    texts = pc.utf8_trim_whitespace(cells)
    whole = pc.replace_substring_regex(texts, r"^(-?[0-9]+)\.0*$", r"\1")  # as `spellings` does
    return pc.fill_null(pc.or_(pc.equal(texts, person), pc.equal(whole, person)), False)


def _is_record(cells: list[str]) -> bool:
    """Tell a record from an empty line, which readers of CSV skip."""
    return len(cells) > 1 or any(cell.strip() for cell in cells)


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
                if _is_record(cells):
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

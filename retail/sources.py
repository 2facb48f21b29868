"""An open table file: its header judged, its rows in batches, and every way in which it cannot be read at all."""

from __future__ import annotations

import codecs
import csv
import difflib
import io
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from retail.cells import NOT_UTF8
from retail.problems import Findings, Problem, shown
from retail.schema import Column, Table

LARGEST_CSV: Final = 2 * 1024**3
MOST_ROWS: Final = 60_000_000
_BATCH: Final = 200_000
_BLOCK: Final = 16 * 1024**2
_HEADER: Final = 1024**2
_ATTRIBUTE_NAME: Final = re.compile(r"[^\W\d_][\w .()%/-]{0,99}")


class Refused(Exception):  # noqa: N818 - carries problems to `read_table` and never further
    """The file cannot be read row by row."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__()
        self.problems = problems


@dataclass(eq=False)
class Source:
    """An open file: its header and its batches; `uneven` collects the rows of a CSV that the header does not fit."""

    names: list[str]
    batches: Iterator[pa.RecordBatch]
    uneven: list[int] = field(default_factory=list)


def open_table(path: Path, table: Table) -> Source:
    """Open a CSV or Parquet file for reading batch by batch.

    Cells of a CSV come as text, not yet read as any kind; of both, only the columns that the table takes.

    Raises:
        Refused: too large, empty, another encoding or separator, or a header that does not fit.
    """
    return _open_csv(path, table) if path.suffix == ".csv" else _open_parquet(path, table)


def _open_csv(path: Path, table: Table) -> Source:
    size = path.stat().st_size
    if size > LARGEST_CSV:
        limit = f"{size / 1e9:.1f} GB, and a CSV may have {LARGEST_CSV / 1e9:.1f} GB"
        raise Refused(
            Problem(path.name, "", 0, f"{limit}; save it as Parquet, or split the period over several folders")
        )
    if size == 0:
        raise Refused(Problem(path.name, "", 0, "empty file (0 bytes); export the table again, or remove the file"))
    with path.open("rb") as file:
        start = file.read(_HEADER)
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Refused(Problem(path.name, "", 0, "text in UTF-16; save as CSV UTF-8"))
    header = next(csv.reader(io.StringIO(start.decode("utf-8-sig", errors="replace"))), [])
    if any("\ufffd" in name for name in header):
        raise Refused(Problem(path.name, "", 0, f"header: {NOT_UTF8}"))
    if len(header) == 1 and (found := re.search(r"[;\t|]", header[0])):
        why = f"cells are separated by {found[0]!r}; save with commas (and decimal points)"
        raise Refused(Problem(path.name, "", 0, why))
    _refuse_header(path, header, table)
    _refuse_other_encodings(path, header)
    source = Source(header, iter(()))

    def skip(row: pacsv.InvalidRow) -> str:
        source.uneven.append((row.number or 1) - 1)
        return "skip"

    wanted = [column.name for column in columns_in(header, table)]
    source.batches = iter(
        pacsv.open_csv(
            path,
            read_options=pacsv.ReadOptions(use_threads=False, block_size=_BLOCK),
            parse_options=pacsv.ParseOptions(newlines_in_values=True, invalid_row_handler=skip),
            convert_options=pacsv.ConvertOptions(
                column_types={name: pa.binary() for name in wanted},
                include_columns=wanted,
                null_values=[""],
                strings_can_be_null=True,
            ),
        )
    )
    return source


def _refuse_other_encodings(path: Path, header: list[str]) -> None:
    """Name the columns and rows that are not UTF-8; after this, every cell of the file is."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                decoder.decode(block)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        findings = Findings(path.name, show_values=False)
        with path.open(encoding="utf-8", errors="surrogateescape", newline="") as text:
            filled = (row for row in csv.reader(text) if row)
            next(filled)
            for number, row in enumerate(filled, start=1):
                for name, cell in itertools.zip_longest(header, row, fillvalue=""):
                    if not cell.isascii() and any("\udc80" <= letter <= "\udcff" for letter in cell):
                        findings.add(name, NOT_UTF8, [number])
        raise Refused(*findings.problems()) from None


def _open_parquet(path: Path, table: Table) -> Source:
    if path.stat().st_size == 0:
        raise Refused(Problem(path.name, "", 0, "empty file (0 bytes); export the table again, or remove the file"))
    file = pq.ParquetFile(path)
    rows = file.metadata.num_rows
    if rows > MOST_ROWS and not table.lazy:
        why = f"{rows:,} rows, and a table may have {MOST_ROWS:,}; split the period over several folders"
        raise Refused(Problem(path.name, "", 0, why))
    names = list(file.schema_arrow.names)
    _refuse_header(path, names, table)
    wanted = [column.name for column in columns_in(names, table)]
    return Source(names, file.iter_batches(batch_size=_BATCH, columns=wanted))


def columns_in(names: list[str], table: Table) -> tuple[Column, ...]:
    """Return the schema's columns that the file has, and its attributes where the table takes them."""
    present = tuple(column for column in table.columns if column.name in names)
    others = [name for name in names if name not in table.names] if table.attributes else []
    return present + tuple(Column(name, "attribute", required=False, filled=False) for name in others)


def _refuse_header(path: Path, names: list[str], table: Table) -> None:
    problems = []
    for column in table.columns:
        if column.required and column.name not in names:
            close = difflib.get_close_matches(column.name, [name.lower().strip() for name in names], n=1)
            hint = f"rename {close[0]!a} or add it" if close else "add it"
            there = shown(", ".join(names))
            problems.append(Problem(path.name, column.name, 0, f"missing column; {hint} (the file has: {there})"))
    for name in sorted({name for name in names if names.count(name) > 1}):
        problems.append(Problem(path.name, shown(name), 0, "column name used twice; rename or remove one"))
    for column in columns_in(names, table):
        if column.kind == "attribute" and not _ATTRIBUTE_NAME.fullmatch(column.name):
            why = (
                "column name that does not start with a letter or holds other than letters, digits and _ .()%/-; rename"
            )
            problems.append(Problem(path.name, shown(column.name, most=40), 0, why))
    if problems:
        raise Refused(*problems)

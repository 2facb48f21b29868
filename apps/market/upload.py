"""Tables of a marketplace's log that somebody uploads: unpacked within limits, checked, and left on no disk."""

from __future__ import annotations

import io
import tempfile
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from retail.errors import DataError
from retail.market_log import TABLES, MarketLog, read_log, write_log
from retail.problems import shown

MOST_BYTES: Final = 25 * 1024**2
"""Bytes of one file; also the server's limit."""
MOST_UNPACKED: Final = 200 * 1024**2
"""Bytes of all tables together, unpacked."""
MOST_ROWS: Final = 3_000_000
MOST_CELLS: Final = 40_000_000
MOST_COLUMNS: Final = 200
MOST_FILES: Final = 100
_NAMES: Final = frozenset(f"{table.name}.{ending}" for table in TABLES for ending in ("csv", "parquet"))
_DAMAGED: Final = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, OSError, ValueError)


def read_upload(files: Sequence[tuple[str, bytes]]) -> MarketLog:
    """Read and check the tables of uploaded files.

    Names only choose the table; none of them becomes a path. The tables lie in a folder of their own for as long as
    they are read, and it is removed whatever happens.

    Args:
        files: name and content of each: tables as `NAME.csv` or `NAME.parquet`, or ZIP files of such tables.

    Raises: DataError: too large, damaged, encrypted, a table twice, no table, or a rule of the schema is broken.
    """
    tables, others = unpacked(files)
    for name, content in tables.items():
        _check_size(name, content)
    with tempfile.TemporaryDirectory(prefix="tradefair-log-") as folder:
        place = Path(folder)
        for name, content in tables.items():
            (place / name).write_bytes(content)
        try:
            log = read_log(place)
        except DataError as error:
            raise DataError(str(error).replace(folder, "the upload")) from None
    notes = tuple(f"{shown(name)} is not one of the tables and is not read" for name in others)
    return replace(log, notes=(*notes, *log.notes))


def unpacked(files: Sequence[tuple[str, bytes]]) -> tuple[dict[str, bytes], list[str]]:
    """Return the content of each table by its file name, and the names of what is none.

    Raises: DataError: see `read_upload`.
    """
    if len(files) > MOST_FILES:
        raise DataError(f"{len(files)} files; a log has {len(TABLES)} tables: leave the others out")
    tables: dict[str, bytes] = {}
    others: list[str] = []
    for name, content in files:
        if len(content) > MOST_BYTES:
            raise DataError(
                f"{shown(name)} has {len(content):,} bytes, more than {MOST_BYTES:,}; split the log by period, or use "
                "`tradefair audit`"
            )
        room = MOST_UNPACKED - sum(len(one) for one in tables.values())
        parts = _members(name, content, room, others) if zipfile.is_zipfile(io.BytesIO(content)) else {name: content}
        for inner, data in parts.items():
            known = _base(inner)
            if known not in _NAMES:
                others.append(inner)
            elif known in tables:
                raise DataError(f"{known} was uploaded twice; keep the one that counts")
            else:
                tables[known] = data
        if sum(len(one) for one in tables.values()) > MOST_UNPACKED:
            raise _too_large(name)
    if not tables:
        known = ", ".join(table.name for table in TABLES)
        there = shown(", ".join(others) or "nothing")
        raise DataError(f"no table of a market's log ({known}, as .csv or .parquet) in what was uploaded: {there}")
    return tables, others


def zipped(log: MarketLog) -> bytes:
    """Return a log as a ZIP file of CSV tables, to look at or to upload again."""
    file = io.BytesIO()
    with tempfile.TemporaryDirectory(prefix="tradefair-log-") as folder, zipfile.ZipFile(file, "w") as packed:
        write_log(log, Path(folder) / "log", format="csv")
        for path in sorted((Path(folder) / "log").iterdir()):
            # A fixed date, so that the same log gives the same bytes.
            packed.writestr(zipfile.ZipInfo(path.name), path.read_bytes(), zipfile.ZIP_DEFLATED)
    return file.getvalue()


def _members(name: str, content: bytes, room: int, others: list[str]) -> dict[str, bytes]:
    """Unpack the tables of a ZIP file, never more than `room` bytes, whatever its directory claims."""
    found: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            inside = [one for one in packed.infolist() if not one.is_dir()]
            if len(inside) > MOST_FILES:
                raise DataError(f"{shown(name)} holds {len(inside):,} files; pack the {len(TABLES)} tables alone")
            for one in inside:
                base = _base(one.filename)
                hidden = base.startswith(".") or "__MACOSX" in one.filename
                if base not in _NAMES or hidden:
                    others += [] if hidden else [one.filename]
                    continue
                if one.flag_bits & 1:
                    raise DataError(f"{shown(name)}: {base} is encrypted; pack it without a password")
                if base in found:
                    raise DataError(f"{shown(name)} holds {base} twice; keep the one that counts")
                with packed.open(one) as file:
                    data = file.read(room + 1)
                room -= len(data)
                if room < 0:
                    raise _too_large(name)
                found[base] = data
    except _DAMAGED as error:
        why = shown(" ".join(str(error).split()) or type(error).__name__, most=120)
        raise DataError(
            f"{shown(name)}: damaged, or packed in a way that is not read ({why}); pack it again"
        ) from error
    return found


def _check_size(name: str, content: bytes) -> None:
    """Refuse a table that would grow beyond measure when it is read."""
    if name.endswith(".csv"):
        rows, columns = content.count(b"\n"), content[: 1024**2].split(b"\n", 1)[0].count(b",") + 1
        _check_cells(name, rows, columns)
        return
    try:
        file = pq.ParquetFile(io.BytesIO(content))
        groups = range(file.metadata.num_row_groups)
        size = sum(file.metadata.row_group(at).total_byte_size for at in groups)
        _check_cells(name, file.metadata.num_rows, file.metadata.num_columns)
        fields = [file.schema.column(at) for at in range(file.metadata.num_columns)]
        if any(one.max_repetition_level > 0 or one.max_definition_level > 1 for one in fields):
            raise DataError(f"{name}: cells that hold lists or records; write plain fields")
        texts = [one.name for one in fields if one.physical_type == "BYTE_ARRAY"]
        if size > MOST_UNPACKED or _text_bytes(content, texts) > MOST_UNPACKED:
            raise _too_large(name)
    except pa.ArrowException:
        return  # `read_log` says what is wrong with it


def _text_bytes(content: bytes, names: Sequence[str]) -> int:
    """Return an upper bound of what text columns take; a file may repeat a long value at no cost."""
    if not names:
        return 0
    table = pq.read_table(io.BytesIO(content), columns=list(names), read_dictionary=list(names), use_threads=False)
    total = 0
    for column in table.columns:
        for chunk in column.chunks:
            values = chunk.dictionary if isinstance(chunk, pa.DictionaryArray) else chunk
            total += int(pc.max(pc.binary_length(values)).as_py() or 0) * len(chunk)
    return total


def _check_cells(name: str, rows: int, columns: int) -> None:
    if columns > MOST_COLUMNS:  # few cells, and yet minutes of reading
        raise DataError(f"{name}: {columns:,} columns, more than {MOST_COLUMNS}; leave the others out")
    if rows > MOST_ROWS or rows * columns > MOST_CELLS:
        raise DataError(
            f"{name}: {rows:,} rows of {columns:,} columns; this page reads {MOST_ROWS:,} rows and {MOST_CELLS:,} "
            "cells: split the log by period, or use `tradefair audit`"
        )


def _too_large(name: str) -> DataError:
    return DataError(
        f"{shown(name)}: more than {MOST_UNPACKED // 1024**2} MB unpacked; split the log by period, or use "
        "`tradefair audit`"
    )


def _base(name: str) -> str:
    return PurePosixPath(name.replace("\\", "/")).name

"""A log as a folder of CSV or Parquet tables: read as a whole, written as a whole or not at all."""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Final, Literal

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from retail.cells import NOT_UTF8
from retail.errors import DataError
from retail.market_log.log import MarketLog, check, check_tables
from retail.market_log.schema import TABLES
from retail.problems import shown
from retail.sources import LARGEST_CSV, MOST_ROWS

Format = Literal["parquet", "csv"]

_HEADER: Final = 1024**2
_CELLS: Final = re.compile(r"Row #(\d+): Expected (\d+) columns, got (\d+)")


def read_log(folder: Path) -> MarketLog:
    """Read and check every table of a folder.

    Args:
        folder: holds `NAME.csv` or `NAME.parquet` for at least one table of the schema.

    Raises: DataError: no folder, no table, a table twice, an unreadable file, or a rule of the schema is broken.
    """
    folder = Path(folder)
    try:
        names = sorted(entry.name for entry in folder.iterdir())
    except OSError as error:
        hints = {FileNotFoundError: "give an existing folder", NotADirectoryError: "give the folder with the tables"}
        hint = hints.get(type(error), "change its permissions (chmod u+rx)")
        raise DataError(f"{folder} cannot be opened as a folder ({error.strerror}); {hint}") from error
    files: dict[str, str] = {}
    _lower_case(folder, names)
    for table in TABLES:
        found = [name for name in (f"{table.name}.csv", f"{table.name}.parquet") if name in names]
        if len(found) == 2:
            raise DataError(f"{folder}: {found[0]} and {found[1]} are both there; keep the one that counts")
        if found:
            files[table.name] = found[0]
    if not files:
        there = shown(", ".join(names) or "nothing")
        known = ", ".join(table.name for table in TABLES)
        raise DataError(f"{folder} holds no table of a market's log ({known}, as .csv or .parquet); it holds: {there}")
    others = [name for name in names if name not in files.values() and not name.startswith(".")]
    notes = tuple(f"{shown(name)} is not one of the tables and is not read" for name in others)
    tables = {name: _read(folder / file) for name, file in files.items()}
    return check_tables(tables, files, notes=notes)


def write_log(log: MarketLog, folder: Path, *, format: Format = "parquet") -> None:
    """Check a log and write it as a folder that is there whole or not at all.

    Args:
        log: what to write.
        folder: a new folder, or an empty one; missing parents are made.
        format: "parquet" or "csv" for every table.

    Raises: DataError: a rule of the schema is broken, the folder holds something, or the file system refused.
    """
    folder = Path(folder)
    checked = check(log)
    temporary: Path | None = None
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise DataError(f"{folder} is there already and is not an empty folder; name a new one")
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
        temporary.chmod(0o755)
        for name, frame in checked.tables.items():
            table = pa.Table.from_pandas(frame, preserve_index=False)
            if format == "csv":
                pacsv.write_csv(table, temporary / f"{name}.csv")
            else:
                pq.write_table(table, temporary / f"{name}.parquet", compression="zstd")
        os.replace(temporary, folder)
        temporary = None
    except OSError as error:
        raise DataError(f"cannot write {folder}: {error.strerror or error}; name another folder") from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


def _read(path: Path) -> pa.Table:
    if not path.is_file():
        raise DataError(f"{path.name}: not a file (a folder, a device or a broken link); replace it by one file")
    try:
        if path.stat().st_size == 0:
            raise DataError(f"{path.name}: empty file (0 bytes); write it again or remove it")
        return _read_csv(path) if path.suffix == ".csv" else _read_parquet(path)
    except PermissionError as error:
        raise DataError(f"{path.name}: no permission to read it; change its permissions (chmod u+r)") from error
    except (pa.ArrowException, csv.Error, OSError) as error:
        if (known := _known_fault(str(error))) is not None:
            raise DataError(f"{path.name}: {known}") from error
        why = shown(" ".join(str(error).split()), most=160)
        raise DataError(f"{path.name}: damaged, or not a {path.suffix[1:]} file ({why}); write it again") from error


def _lower_case(folder: Path, names: list[str]) -> None:
    """Refuse a table whose name has capitals: it would be passed over, and its rules not audited."""
    known = {f"{table.name}.{ending}" for table in TABLES for ending in ("csv", "parquet")}
    for name in names:
        if name.lower() in known and name not in known:
            raise DataError(f"{folder}: {name}: names of tables are in lower case; rename it to {name.lower()}")


def _known_fault(error: str) -> str | None:
    """Say in words of the user what the reader of CSV found; None where it is something else."""
    if "invalid UTF8" in error:
        return f"{NOT_UTF8.partition(';')[0]}; save it as CSV UTF-8"
    found = _CELLS.search(error)
    if found is None:
        return None
    line, wanted, there = (int(one) for one in found.groups())
    do = (
        "write numbers with decimal points, and put a text that holds a comma in double quotes"
        if there > wanted
        else "fill in what is missing; an empty cell keeps its comma"
    )
    return f"row {line - 1} has {there} cells, and the header names {wanted} columns; {do}"


def _read_csv(path: Path) -> pa.Table:
    if path.stat().st_size > LARGEST_CSV:
        raise DataError(f"{path.name}: larger than {LARGEST_CSV / 1e9:.1f} GB; save it as Parquet")
    with path.open("rb") as file:
        start = file.read(_HEADER)
    if b"\0" in start:
        raise DataError(f"{path.name}: bytes that are no text (a binary file, or UTF-16); save as CSV UTF-8")
    header = next(csv.reader(io.StringIO(start.decode("utf-8-sig", errors="replace"))), [])
    if any("\ufffd" in name for name in header):
        raise DataError(f"{path.name}: a header that is not UTF-8; save as CSV UTF-8")
    if len(header) == 1 and (found := re.search(r"[;\t|]", header[0])):
        raise DataError(f"{path.name}: cells are separated by {found[0]!r}; save with commas and decimal points")
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise DataError(f"{path.name}: column {shown(twice[0])} stands twice; rename or remove one")
    return pacsv.read_csv(
        path,
        read_options=pacsv.ReadOptions(use_threads=False),
        parse_options=pacsv.ParseOptions(newlines_in_values=True),
        convert_options=pacsv.ConvertOptions(
            column_types={name: pa.string() for name in header}, null_values=[""], strings_can_be_null=True
        ),
    )


def _read_parquet(path: Path) -> pa.Table:
    file = pq.ParquetFile(path)
    if file.metadata.num_rows > MOST_ROWS:
        raise DataError(f"{path.name}: more than {MOST_ROWS:,} rows; split the log by period")
    return file.read()

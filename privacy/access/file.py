"""Files of access events: our own log, a run's folder, or a user's CSV or Parquet in the documented schema."""

from __future__ import annotations

import csv
import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from privacy.access import schema as a
from privacy.access.cells import BadCell, CellReader
from privacy.access.declared import Declared
from privacy.access.log import is_log, read_log
from retail.errors import DataError
from retail.problems import shown

MOST_EVENTS: Final = 2_000_000
RUN_LOG: Final = Path("artifacts") / "ledger.sqlite"
_SHOWN: Final = 50
_WITHOUT: Final[Mapping[str, str]] = {
    a.REGIME: "lines name no regime",
    a.RULE: "rules are not compared, and an allowed line without one is not noticed",
    a.ARTICLE: "articles are not compared",
}


@dataclass(frozen=True, eq=False)
class AccessFile:
    """What a file of access events holds.

    Attributes:
        path: the file that was read.
        source: "log", "csv" or "parquet".
        events: LINE and the columns of `privacy.access.schema`, one row for each decision; not to be used with `bad`.
        bad: every cell that cannot be used.
        log_problems: what is wrong with the log as a whole (an entry changed, a head that does not fit); only for
            source "log". The events are then no evidence.
        notes: columns that are not read, optional ones that are missing.
        policies: the rules that a log says were in force; none for other files.
    """

    path: Path
    source: str
    events: pd.DataFrame
    bad: tuple[BadCell, ...] = ()
    log_problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    policies: tuple[Declared, ...] = ()

    @property
    def message(self) -> str:
        """One line for each bad cell, at most 50 and then how many more there are; "" when there is none."""
        lines = [str(cell) for cell in self.bad[:_SHOWN]]
        if len(self.bad) > _SHOWN:
            lines.append(f"... and {len(self.bad) - _SHOWN:,} more cells; --json lists every one")
        return "\n".join(lines)


def read_events(path: Path) -> pd.DataFrame:
    """Read access events, all of them or none.

    Args:
        path: a log, the folder of a run, a .csv or a .parquet file.

    Returns: LINE and the columns of the schema, times in UTC.

    Raises:
        DataError: a cell cannot be used (file, line, column and value of each), or the log was tampered with.
    """
    file = check_events(path)
    if file.bad:
        raise DataError(file.message)
    if file.log_problems:
        raise DataError(
            f"{file.path}: the log is not intact: {'; '.join(file.log_problems)}; nothing in it is evidence"
        )
    return file.events


def check_events(path: Path) -> AccessFile:
    """Read access events and report every cell that cannot be used.

    Raises:
        DataError: there is no such file, or it is none of the formats.
    """
    path = Path(path)
    if path.is_dir():
        if not (path / RUN_LOG).is_file():
            raise DataError(f"{path} holds no {RUN_LOG}, so it is no run with a log; name a run's folder or a file")
        path = path / RUN_LOG
    try:
        with path.open("rb") as file:
            start = file.read(16)
    except OSError as error:
        raise DataError(
            f"cannot read {path}: {error.strerror}; name a log, a run's folder, a CSV or Parquet"
        ) from error
    if is_log(start):
        return _from_log(path)
    match path.suffix.lower():
        case ".csv":
            return _read_csv(path)
        case ".parquet":
            return _read_parquet(path)
    raise DataError(
        f"{path} is no log of ours, and its name ends in neither .csv nor .parquet; see docs/access-audit.md"
    )


def read_cells(path: Path) -> tuple[list[int], dict[str, list[object]], tuple[BadCell, ...]]:
    """Read a CSV as it stands: numbers of lines, cells by column, and what kept lines from being read."""
    bad: list[BadCell] = []
    lines: list[int] = []
    rows: list[list[str]] = []
    header: list[str] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = next(reader, [])
            if not any(header):
                return [], {}, (_whole(path, "no header; write the names of the columns in the first line"),)
            before = reader.line_num
            for row in reader:
                number, before = before + 1, reader.line_num
                if not row:
                    continue
                if len(row) != len(header):
                    why = f"{len(row)} cells, but the header has {len(header)}; quote cells that hold a comma"
                    bad.append(BadCell(str(path), "line", number, "", "", why))
                    continue
                lines.append(number)
                rows.append(row)
                if len(rows) > MOST_EVENTS:
                    return [], {}, (_whole(path, f"more than {MOST_EVENTS:,} events; split the file by time"),)
    except UnicodeDecodeError as error:
        return [], {}, (_whole(path, f"text that is not UTF-8 ({error.reason}); save as CSV UTF-8"),)
    except csv.Error as error:
        return (
            [],
            {},
            (BadCell(str(path), "line", before + 1, "", "", f"cannot be read ({error}); correct its quotes"),),
        )
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}; check that you may read it") from error
    twice = sorted({name for name in header if header.count(name) > 1})
    bad += [_whole(path, f"column {shown(name)} stands twice; rename or remove one") for name in twice]
    return lines, {name: [row[at] for row in rows] for at, name in enumerate(header)}, tuple(bad)


def missing_columns(path: Path, names: Sequence[str], wanted: Sequence[str]) -> tuple[BadCell, ...]:
    """Name the columns that a file must have and has not."""
    if len(names) == 1 and any(mark in names[0] for mark in (";", "\t", "|")):
        return (_whole(path, "cells are not separated by commas; save as CSV with commas"),)
    bad = []
    for name in wanted:
        if name not in names:
            close = difflib.get_close_matches(name, [other.lower().strip() for other in names], n=1)
            hint = f"rename {close[0]!a} or add it" if close else "add it"
            bad.append(_whole(path, f"column {name} is missing; {hint} (there are: {shown(', '.join(names))})"))
    return tuple(bad)


def _from_log(path: Path) -> AccessFile:
    log = read_log(path)
    missing = tuple(
        BadCell(str(path), "entry", index, name, "", "missing from the entry")
        for index, body in zip(log.indices, log.bodies, strict=True)
        for name in a.EVENT_COLUMNS
        if name not in body
    )
    cells: dict[str, list[object]] = {name: [body.get(name, "") for body in log.bodies] for name in a.EVENT_COLUMNS}
    file = _typed(path, "log", "entry", log.indices, cells, missing)
    unseen = "the log fits its own signed heads; whether it was rewritten as a whole shows only against a head or key"
    notes = (*file.notes, *([f"{unseen} that somebody else kept: `tradefair log verify`"] if log.notes else []))
    notes = notes if not log.problems else file.notes
    return replace(file, log_problems=log.problems, notes=notes, policies=log.policies)


def _read_csv(path: Path) -> AccessFile:
    lines, cells, bad = read_cells(path)
    if not cells and bad:
        return AccessFile(path, "csv", pd.DataFrame(), bad)
    return _typed(path, "csv", "line", lines, cells, bad)


def _read_parquet(path: Path) -> AccessFile:
    try:
        table = pq.read_table(path, partitioning=None)
        if table.num_rows > MOST_EVENTS:
            why = f"{table.num_rows:,} events, more than {MOST_EVENTS:,}; split the file by time"
            return AccessFile(path, "parquet", pd.DataFrame(), (_whole(path, why),))
        names = table.column_names
        cells = {name: _cells(table.column(at)) for at, name in enumerate(names) if name in a.EVENT_COLUMNS}
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        why = f"damaged, or not a Parquet file ({shown(' '.join(str(error).split()), most=160)}); write it again"
        return AccessFile(path, "parquet", pd.DataFrame(), (_whole(path, why),))
    twice = sorted({name for name in names if names.count(name) > 1})
    bad = tuple(_whole(path, f"column {shown(name)} stands twice; rename or remove one") for name in twice)
    every: dict[str, list[object]] = {**{name: [] for name in names}, **cells}
    return _typed(path, "parquet", "row", range(1, table.num_rows + 1), every, bad)


def _cells(column: pa.ChunkedArray) -> list[object]:
    """Cells as Python values; moments with a time zone as text with an offset, those without as text without."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_timestamp(column.type):
        moments = column.to_pandas()
        return [None if pd.isna(moment) else moment.isoformat() for moment in moments]
    cells: list[object] = column.to_pylist()
    return cells


def _typed(
    path: Path,
    source: str,
    place: str,
    lines: Sequence[int],
    cells: Mapping[str, Sequence[object]],
    bad: tuple[BadCell, ...],
) -> AccessFile:
    names = list(cells)
    bad += missing_columns(path, names, [name for name in a.EVENT_COLUMNS if name not in a.OPTIONAL])
    if any(not cell.place for cell in bad):
        return AccessFile(path, source, pd.DataFrame(), bad)
    reader = CellReader(str(path), place, lines)
    events = reader.events(cells)
    known = {(cell.line, cell.column) for cell in bad}
    bad += tuple(cell for cell in reader.bad if (cell.line, cell.column) not in known)
    bad = tuple(sorted(bad, key=lambda cell: cell.line))
    notes = [f"column {shown(name)} is not read" for name in names if name not in a.EVENT_COLUMNS]
    notes += [f"column {name} is missing: {why}" for name, why in _WITHOUT.items() if name not in names]
    return AccessFile(path, source, events, bad, notes=tuple(notes))


def _whole(path: Path, message: str) -> BadCell:
    return BadCell(str(path), "", 0, "", "", message)

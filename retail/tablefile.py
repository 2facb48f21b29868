"""One table of a user's folder, read in batches: every cell read and judged, every broken rule counted."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pandera.pandas as pandera
import pyarrow as pa
import pyarrow.compute as pc

from retail import columns as c
from retail.cells import NUMBER, Cells, TimeForm, read_cells, written_as
from retail.problems import FIRST_ROWS, Findings, Problem, shown
from retail.schema import Column, Table, cell_rules
from retail.sources import Refused, columns_in, open_table

_EMPTY_CELL: Final = "empty cell; fill it or leave the row out"


@dataclass(frozen=True, eq=False)
class TableFile:
    """A file that was read.

    Attributes:
        frame: typed columns; of a lazy table the key columns only.
        rows: data rows in the file, None when it was not read to its end.
        problems: what is wrong with it; `frame` is not to be used unless this is empty.
        not_read: columns in the file that the schema does not know.
        has_offsets: the times carry offsets, so they are UTC in `frame`; else they are local.
    """

    frame: pd.DataFrame
    rows: int | None
    problems: tuple[Problem, ...]
    not_read: tuple[str, ...] = ()
    has_offsets: bool = False


def read_table(path: Path, table: Table) -> TableFile:
    """Read and judge one file; whatever is wrong with it comes back as `problems`.

    Memory: a batch at a time is parsed; the typed columns of the whole file stay (the key columns for a lazy table).
    A CSV above `LARGEST_CSV` bytes or a Parquet file above `MOST_ROWS` rows (see `retail.sources`) is refused unread.
    """
    try:
        return _read(path, table)
    except Refused as refused:
        problems = refused.problems
    except PermissionError:
        problems = (Problem(path.name, "", 0, "no permission to read it; change its permissions (chmod u+r)"),)
    except (pa.ArrowException, csv.Error, OSError) as error:
        text = shown(" ".join(str(error).split()), most=160)
        why = f"damaged, or not a {path.suffix[1:]} file ({text}); write or copy it again"
        problems = (Problem(path.name, "", 0, why),)
    return TableFile(pd.DataFrame(), None, problems)


def _read(path: Path, table: Table) -> TableFile:
    source = open_table(path, table)
    columns = columns_in(source.names, table)
    findings = Findings(path.name, show_values=table.name != "customers")
    kept: dict[str, list[pa.Array]] = {
        column.name: [] for column in columns if not table.lazy or column.name in table.key
    }
    forms: list[npt.NDArray[np.uint8]] = []
    rows = 0
    for batch in source.batches:
        cells = {column.name: read_cells(batch.column(column.name), column.kind) for column in columns}
        _judge(cells, columns, batch, rows, findings)
        for name, parts in kept.items():
            parts.append(cells[name].values)
        if c.TIME in cells:
            forms.append(cells[c.TIME].written())
        rows += batch.num_rows
    if source.uneven:
        why = f"not as many cells as the header has ({len(source.names)}); quote cells that hold a comma or line break"
        raise Refused(Problem(path.name, "", len(source.uneven), why, tuple(source.uneven[:FIRST_ROWS])))
    if rows == 0:
        raise Refused(Problem(path.name, "", 0, "no data rows; export the table again, or remove the file"))

    written = np.concatenate(forms) if forms else np.zeros(0, dtype=np.uint8)
    _compare_forms(written, findings)
    kinds = {column.name: column.kind for column in columns}
    parsed = path.suffix == ".csv"
    frame = pd.DataFrame({name: _series(kept.pop(name), kinds[name], parsed=parsed) for name in list(kept)}, copy=False)
    _judge_rows(frame, table, findings)
    known = {column.name for column in columns}
    return TableFile(
        frame,
        rows,
        findings.problems(),
        not_read=tuple(name for name in source.names if name not in known),
        has_offsets=bool((written == TimeForm.OFFSET).any()),
    )


def _judge(
    cells: dict[str, Cells], columns: tuple[Column, ...], batch: pa.RecordBatch, before: int, findings: Findings
) -> None:
    """Count the cells of one batch that cannot be read or break a rule; `before` rows came earlier."""
    for name, read in cells.items():
        for message, wrong in read.wrong.items():
            _count(findings, name, message, np.flatnonzero(wrong), batch, before)
    frame = pd.DataFrame({name: read.values.to_pandas() for name, read in cells.items()}, copy=False)
    try:
        cell_rules(columns).validate(frame, lazy=True)
    except pandera.errors.SchemaErrors as errors:
        failures = errors.failure_cases.drop_duplicates(["column", "index"])
        for (name, rule), group in failures.groupby(["column", "check"], sort=False):
            at = np.sort(group["index"].to_numpy(dtype=np.int64))
            at = at[~cells[name].unread[at]]
            _count(findings, name, _EMPTY_CELL if rule == "not_nullable" else rule, at, batch, before)


def _count(
    findings: Findings, name: str, message: str, at: npt.NDArray[Any], batch: pa.RecordBatch, before: int
) -> None:
    if len(at):
        findings.add(name, message, at + before + 1, batch.column(name)[int(at[0])].as_py())


def _compare_forms(forms: npt.NDArray[np.uint8], findings: Findings) -> None:
    """Report the rows whose time is not written as in most rows."""
    counts = np.bincount(forms, minlength=4)
    counts[TimeForm.UNREAD] = 0
    if np.count_nonzero(counts) < 2:
        return
    usual = int(counts.argmax())
    for form in np.flatnonzero(counts):
        if form == usual:
            continue
        mixed_zones = {int(form), usual} == {TimeForm.LOCAL, TimeForm.OFFSET}
        what = "mixed time zones" if mixed_zones else "dates in two formats"
        message = f"{what}: these rows hold {written_as(int(form))}, most hold {written_as(usual)}; write all alike"
        findings.add(c.TIME, message, np.flatnonzero(forms == form) + 1)


def _series(parts: list[pa.Array], kind: str, *, parsed: bool) -> pd.Series[Any]:
    """Put the batches of a column together; ids and attributes of a CSV become numbers where every cell is one."""
    column = pa.chunked_array(parts)
    if parsed and pa.types.is_string(column.type):
        if kind in ("id", "attribute") and _all_match(column, r"^(0|[1-9]\d{0,17})$") and not column.null_count:
            column = column.cast(pa.int64())
        elif kind == "attribute" and _all_match(column, NUMBER):
            column = column.cast(pa.float64())
    series: pd.Series[Any] = column.to_pandas()
    return series


def _all_match(column: pa.ChunkedArray, pattern: str) -> bool:
    if column.null_count == len(column):
        return False
    return bool(pc.all(pc.match_substring_regex(column, pattern)).as_py())


def _judge_rows(frame: pd.DataFrame, table: Table, findings: Findings) -> None:
    """Count the rows that contradict other rows or themselves."""
    key = list(table.key)
    again = frame.duplicated(key) & frame[key].notna().all(axis=1)
    message = f"repeats the key of an earlier row; keep one row for each {' + '.join(key)} (add quantities up)"
    findings.add(" + ".join(key), message, np.flatnonzero(again) + 1)
    if table.name == "transactions":
        first = frame.groupby(c.BASKET, sort=False)[c.PERSON].transform("first")
        other = (first != frame[c.PERSON]) & frame[c.PERSON].notna() & frame[c.BASKET].notna()
        message = "another person than in the basket's first row; give each person's baskets their own ids"
        findings.add(c.PERSON, message, np.flatnonzero(other) + 1)
    if table.name == "campaigns":
        backwards = frame[c.CAMPAIGN_END] < frame[c.CAMPAIGN_START]
        findings.add(c.CAMPAIGN_END, "ends before it starts; correct one of the dates", np.flatnonzero(backwards) + 1)

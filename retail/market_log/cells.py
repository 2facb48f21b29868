"""Cells of one column -> typed values; the first cell that breaks a rule is named with its row and value."""

from __future__ import annotations

import re
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from retail.cells import NUMBER_WANTED, read_cells
from retail.errors import DataError
from retail.market_log import columns as m
from retail.market_log.schema import Column
from retail.problems import shown

_WHOLE: Final = r"^(0|[1-9]\d{0,17})$"
_FLAGS: Final = {"true": True, "false": False, "1": True, "0": False}
_DECIMAL_COMMA: Final = r"^[+-]?\d[\d.' ]*,\d+$"
_LARGEST: Final = 2.0**53
_MOST: Final = 1e100  # squares of larger numbers overflow in an audit
_WHOLE_WANTED: Final = "not a whole number below 2^53; write one without point or separator, such as 12"


def typed_cells(array: pa.ChunkedArray, column: Column, file: str) -> pd.Series[Any]:
    """Read one column.

    Args:
        array: cells as text (of a CSV) or as a file or frame has them.
        column: of the schema.
        file: where the cells come from, for messages.

    Returns: int64 or text for an id, text, float64 for a number (and for a count that may be empty, NaN where it is),
        int64 for a count, bool for a flag.

    Raises: DataError: an empty, unreadable or too small cell; the message has file, row, column and value.
    """
    flat = _flat(array)
    if column.kind == "flag":
        return _flags(flat, column, file)
    numeric = column.kind in ("number", "count")
    if column.kind == "id" and pa.types.is_floating(flat.type):
        flat = _whole_ids(flat)
    cells = read_cells(flat, "number" if numeric else "id" if column.kind == "id" else "text")
    for why, wrong in cells.wrong.items():
        if wrong.any():
            why = why.replace(NUMBER_WANTED, _WHOLE_WANTED) if column.kind == "count" else why
            raise refusal(file, column.name, int(np.flatnonzero(wrong)[0]), flat, why)
    values = cells.values
    if pa.types.is_string(values.type):
        values = pc.if_else(pc.equal(pc.utf8_trim_whitespace(values), ""), None, values)
    if column.filled and values.null_count:
        row = int(np.flatnonzero(values.is_null().to_numpy(zero_copy_only=False))[0])
        # Never "leave the row out": a row of a list, a read or a request that is missing changes the verdict.
        do = "fill it" if column.required else "fill it, or leave the column out"
        raise refusal(file, column.name, row, flat, f"empty cell; {do}")
    return _numbers(values, flat, column, file) if numeric else _texts(values, column)


def quality_cells(array: pa.ChunkedArray, name: str, file: str, *, least: float | None) -> pd.Series[Any] | None:
    """Read a further column as logged quality, or return None where it holds no number at all.

    Raises: DataError: see `typed_cells`; or most cells are numbers with a decimal comma, which would drop the column.
    """
    flat = _flat(array)
    if pa.types.is_boolean(flat.type):
        flat = flat.cast(pa.int8())
    cells = read_cells(flat, "number")
    if cells.values.null_count == len(flat):
        _no_decimal_commas(flat, name, file)
        return None
    return typed_cells(pa.chunked_array([flat]), Column(name, "number", least, required=False), file)


def _no_decimal_commas(flat: pa.Array, name: str, file: str) -> None:
    if not pa.types.is_string(flat.type):
        return
    trimmed = pc.utf8_trim_whitespace(flat)
    comma = pc.fill_null(pc.match_substring_regex(trimmed, _DECIMAL_COMMA), False).to_numpy(zero_copy_only=False)
    filled = pc.fill_null(pc.not_equal(trimmed, ""), False).to_numpy(zero_copy_only=False)
    if 2 * comma.sum() > filled.sum():
        why = "a number with a decimal comma; write the column with decimal points, such as 2.50"
        raise refusal(file, name, int(np.flatnonzero(comma)[0]), flat, why)


def refusal(file: str, column: str, row: int, array: pa.Array | None, why: str) -> DataError:
    """Return the error about one cell; `row` counts from 0 and is shown from 1, the first below the header."""
    cell = None if array is None else array[row].as_py()
    value = "" if cell is None else f" holds '{shown(_written(cell), most=40)}'"
    return DataError(f"{file}, row {row + 1}, column {column}{value}: {why}")


def _written(cell: object) -> object:
    """Return a typed cell as a file would have it: 2 for 2.0, true for True."""
    if isinstance(cell, bool):
        return str(cell).lower()
    return int(cell) if isinstance(cell, float) and cell.is_integer() else cell


def _flat(array: pa.ChunkedArray) -> pa.Array:
    flat = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    if isinstance(flat, pa.ChunkedArray):  # what pyarrow returns for some types
        flat = pa.concat_arrays(flat.chunks) if flat.num_chunks else pa.array([], flat.type)
    if pa.types.is_dictionary(flat.type):
        flat = flat.cast(flat.type.value_type)
    if pa.types.is_large_string(flat.type) or pa.types.is_string_view(flat.type):
        flat = flat.cast(pa.string())
    return flat


def _whole_ids(flat: pa.Array) -> pa.Array:
    """Return numbers with a point as whole numbers where they are that: what pandas makes of ids beside empty cells."""
    values = flat.to_numpy(zero_copy_only=False).astype(np.float64)
    filled = ~np.isnan(values)
    if not ((values[filled] % 1 == 0) & (np.abs(values[filled]) < _LARGEST)).all():
        return flat
    return pa.array(np.where(filled, values, 0).astype(np.int64), mask=~filled)


def _flags(flat: pa.Array, column: Column, file: str) -> pd.Series[Any]:
    if pa.types.is_boolean(flat.type) and not flat.null_count:
        return pd.Series(flat.to_numpy(zero_copy_only=False).astype(bool))
    distinct = {cell: _flag(cell) for cell in flat.unique().to_pylist()}
    bad = [cell for cell, value in distinct.items() if value is None]
    cells = flat.to_pylist()
    if bad:
        row = next(at for at, cell in enumerate(cells) if distinct[cell] is None)
        why = "empty cell" if cells[row] in (None, "") else "not a flag"
        raise refusal(file, column.name, row, flat, f"{why}; write true or false")
    return pd.Series(np.array([distinct[cell] for cell in cells], dtype=bool))


def _flag(cell: object) -> bool | None:
    if isinstance(cell, bytes):
        cell = cell.decode("utf-8", "replace")
    if isinstance(cell, str):
        return _FLAGS.get(cell.strip().lower())
    return bool(cell) if isinstance(cell, int | float) and cell in (0, 1) else None


def _numbers(values: pa.Array, flat: pa.Array, column: Column, file: str) -> pd.Series[Any]:
    numbers = values.to_numpy(zero_copy_only=False).astype(np.float64)
    if column.least is not None and (low := np.flatnonzero(numbers < column.least)).size:
        why = f"below {column.least:g}; correct it"
        if column.name == m.POSITION and numbers[low[0]] == 0:
            why = "position counts from 1; if yours start at 0, add 1 to every one"
        raise refusal(file, column.name, int(low[0]), flat, why)
    if (huge := np.flatnonzero(np.abs(numbers) > _MOST)).size:
        raise refusal(file, column.name, int(huge[0]), flat, f"beyond {_MOST:g}, which no unit needs; correct it")
    if column.kind == "number":
        return pd.Series(numbers)
    known = numbers[~np.isnan(numbers)]
    if ((known % 1 != 0) | (np.abs(known) >= _LARGEST)).any():
        broken = np.flatnonzero((numbers % 1 != 0) & ~np.isnan(numbers) | (np.abs(numbers) >= _LARGEST))
        raise refusal(file, column.name, int(broken[0]), flat, _WHOLE_WANTED)
    return pd.Series(numbers.astype(np.int64) if column.filled else numbers)


def _texts(values: pa.Array, column: Column) -> pd.Series[Any]:
    if column.kind == "id" and pa.types.is_string(values.type):
        distinct = pc.drop_null(values.unique()).to_pylist()
        if distinct and all(re.fullmatch(_WHOLE, cell) for cell in distinct):
            values = values.cast(pa.int64())
    if pa.types.is_integer(values.type):
        return pd.Series(values.to_pandas()) if not values.null_count else values.to_pandas(integer_object_nulls=True)
    series: pd.Series[Any] = values.to_pandas()
    return series

"""Rows cut out of a table so that nothing of the rest comes along, and nothing done to them reaches the table."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

_FIXED: Final = frozenset({"string", "bytes", "integer", "boolean", "decimal", "date", "time", "empty"})
"""What the cells of an object column may be without being copied: nobody can change them."""


def detached(frame: pd.DataFrame, columns: Sequence[str], rows: npt.NDArray[np.intp] | None = None) -> pd.DataFrame:
    """Copy some columns and rows, each value once.

    The index, `attrs`, other columns and unused categories stay behind: each of them can name persons whose rows do.

    Args:
        frame: the table.
        columns: names, each there once.
        rows: positions; all rows when None.

    Returns: a frame with these columns in this order and rows numbered from 0. It shares no memory that can be written
        with `frame`; lists and other objects inside cells are copied too.
    """
    cut = {name: _column(frame[name], rows) for name in columns}
    return pd.DataFrame(cut, copy=False)


def _column(column: pd.Series[Any], rows: npt.NDArray[np.intp] | None) -> Any:
    values: Any = column.array
    if isinstance(values, pd.Categorical):
        return (values if rows is None else values.take(rows)).remove_unused_categories()
    if isinstance(column.dtype, pd.ArrowDtype) and pa.types.is_dictionary(column.dtype.pyarrow_dtype):
        plain = pd.ArrowDtype(column.dtype.pyarrow_dtype.value_type)
        return (values if rows is None else values.take(rows)).astype(plain)
    cut = values.copy() if rows is None else values.take(rows)
    if column.dtype == object and pd.api.types.infer_dtype(cut, skipna=True) not in _FIXED:
        return pd.Series([copy.deepcopy(cell) for cell in cut], dtype=object).array
    return cut

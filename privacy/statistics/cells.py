"""Reading the cells of a column one by one, so that no cell changes how another is read.

A column that one person's row turns from whole numbers into mixed values keeps the spelling of everybody else's.
pandas alone does not: it orders numbers and texts differently, and takes True, 1 and 1.0 for one value.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from privacy.statistics.labels import spelt

Ints = NDArray[np.int64]
T = TypeVar("T")

_OF_ONE_TYPE: Final = ("string", "integer", "floating")
"""Object columns whose equal cells are also spelt equally."""


def spellings(column: pd.Series[Any]) -> tuple[Ints, list[str]]:
    """Spell every cell.

    Returns: (rows,) position of each row's spelling, -1 where the cell is missing; the spellings, which may repeat.
    """
    return _read(column, spelling)


def spelling(value: object) -> str:
    """Spell a value of the rows as `labels.label` does, and never fail on it; "" for what cannot be spelt."""
    try:
        if isinstance(value, np.generic):
            value = value.item()
        if isinstance(value, float) and value.is_integer():
            return str(int(value))
        return spelt(value) if isinstance(value, str) else str(value)
    except Exception:  # a number of 5,000 digits, or an object of somebody's own making
        return ""


def ranks(column: pd.Series[Any]) -> Ints:
    """Number the cells so that equal spellings have equal numbers, in the order of spellings; missing ones come last.

    Returns: (rows,) whole numbers. Which of two values is the smaller does not depend on the other rows.
    """
    codes, spelled = spellings(column)
    names, rank = np.unique(np.asarray([*spelled, ""], dtype=object), return_inverse=True)
    return np.asarray(np.append(rank[:-1], len(names))[codes], dtype=np.int64)


def groups(column: pd.Series[Any]) -> Ints:
    """Number the cells so that equal spellings have equal numbers, in no particular order; missing ones are equal."""
    if column.dtype.kind in "iu":  # whole numbers are equal exactly where their spellings are
        codes, found = pd.factorize(column)
        return np.where(codes < 0, len(found), codes).astype(np.int64)
    codes, spelled = spellings(column)
    group, names = pd.factorize(np.asarray(spelled, dtype=object))
    return np.asarray(np.append(group, len(names))[codes], dtype=np.int64)


def numbers(column: pd.Series[Any]) -> NDArray[np.float64]:
    """Read every cell as a number; whatever is none becomes NaN, so that no row can stop a release."""
    if column.dtype.kind in "biuf":
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    codes, found = _read(column, _number)
    return np.append(np.asarray(found, dtype=np.float64), np.nan)[codes]


def _read(column: pd.Series[Any], read: Callable[[object], T]) -> tuple[Ints, list[T]]:
    """Apply `read` to each different cell: (rows,) positions in the list of results, -1 where the cell is missing."""
    if column.dtype != object or pd.api.types.infer_dtype(column, skipna=True) in _OF_ONE_TYPE:
        codes, found = pd.factorize(column)
        return np.asarray(codes, dtype=np.int64), [read(one) for one in found]
    places: dict[tuple[type, object], int] = {}
    results: list[T] = []
    codes = np.full(len(column), -1, dtype=np.int64)
    cells = column.to_numpy(dtype=object)
    for row in np.flatnonzero(column.notna().to_numpy()):
        value = cells[row]
        try:
            place = places.setdefault((type(value), value), len(results))
        except Exception:  # a list, or another cell that cannot be looked up
            place = len(results)
        if place == len(results):
            results.append(read(value))
        codes[row] = place
    return codes, results


def _number(value: object) -> float:
    if isinstance(value, str) and "_" in value:
        return math.nan
    try:
        return float(value)  # type: ignore[arg-type]  # whatever refuses is no number
    except OverflowError:
        return math.copysign(math.inf, 1 if value > 0 else -1)  # type: ignore[operator]  # a whole number
    except Exception:
        return math.nan

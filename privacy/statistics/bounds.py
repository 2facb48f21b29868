"""Bounding what one person adds to a statistic, before anything is counted.

Each function keeps of a person what depends on that person's rows and public constants only. So adding or removing
a person changes nobody else's part, and the declared bounds hold for any data. Cells are read one by one
(`privacy.statistics.cells`), so one person's odd value does not change how others' values are spelt or ordered. One
thing cells cannot mend: the types of columns must be declared by whoever reads the rows, not inferred from the rows. A
reader that turns a column into floats because one person's cell is missing has rounded everybody's long ids already.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from privacy.statistics.cells import groups, numbers, ranks, spellings
from privacy.statistics.queries import Counting, Key, Query
from privacy.units import cap_merchants
from retail import columns as c
from retail.errors import PrivacyError

Ints = NDArray[np.int64]

_ROW: Final = "row"
_UNITS: Final[dict[Counting, str | None]] = {"persons": None, "days": c.DAY, "baskets": c.BASKET, "rows": None}


@dataclass(frozen=True, slots=True)
class Bounds:
    """Most that one person, over all merchants, adds to one release. Public constants, best chosen on generated data.

    Attributes:
        max_merchants: merchants whose rows count; see `cap_merchants` for which.
        max_cells: cells of a count that the person is in.
        max_rows: days, baskets or rows counted per cell; for a quantile, rows altogether.

    Raises: PrivacyError: a bound is no whole number from 1 to 1,000,000.
    """

    max_merchants: int = 1
    max_cells: int = 10
    max_rows: int = 10

    def __post_init__(self) -> None:
        """Refuse bounds that bound nothing."""
        for name, value in asdict(self).items():
            if type(value) is not int or not 1 <= value <= 1_000_000:
                raise PrivacyError(f"{name} must be a whole number from 1 to 1,000,000, got {value!r}")

    def per_key(self, counting: Counting) -> int:
        """Most that one person adds to one cell."""
        return 1 if counting == "persons" else self.max_rows


def needed_columns(query: Query) -> tuple[str, ...]:
    """Name the columns that a query's rows must have: its own, and those that the bounds need."""
    unit = _UNITS[query.counting] if query.kind != "quantile" else None
    always = (c.PERSON, c.MERCHANT, c.BASKET)
    return tuple(dict.fromkeys((*always, *([unit] if unit else []), *query.columns)))


def bounded_rows(rows: pd.DataFrame, query: Query, bounds: Bounds) -> pd.DataFrame:
    """Keep the rows that may count: of a known person and merchant, within the cap of merchants, matching the filters.

    Args:
        rows: columns `needed_columns(query)`; any order.
        query: its filters.
        bounds: `max_merchants`. Of merchants with equally many baskets and lines the first in order of spelling stays.

    Raises: PrivacyError: a column is missing.
    """
    missing = [name for name in needed_columns(query) if name not in rows.columns]
    if missing:
        raise PrivacyError(f"the rows lack {', '.join(missing)}; a release needs them to bound what a person adds")
    known = rows[rows[[c.PERSON, c.MERCHANT]].notna().all(axis=1).to_numpy()]
    ids = {c.PERSON: groups(known[c.PERSON]), c.MERCHANT: ranks(known[c.MERCHANT]), c.BASKET: groups(known[c.BASKET])}
    capped = cap_merchants(pd.DataFrame({**ids, _ROW: np.arange(len(known))}), k_max=bounds.max_merchants)
    kept = known.iloc[capped[_ROW].to_numpy()]
    for name, values in query.where:
        kept = kept[_positions(kept[name], values) >= 0]
    return kept


def bounded_counts(rows: pd.DataFrame, query: Query, bounds: Bounds) -> Ints:
    """Count, with each person in at most `max_cells` cells and at most `per_key` times in each.

    The cells kept of a person are those with most of that person's units, then rows; ties go to the earlier cell.

    Args:
        rows: from `bounded_rows`.
        query: resolved, of kind "counts" or "top_k".
        bounds: the bounds.

    Returns: (cells,) counts, the last key varying fastest; one number without keys.

    Guarantee: adding or removing one person changes at most `max_cells` entries, each by at most `per_key`, all in one
        direction. Assumes that one person is one id at all merchants, in one spelling (7 and "7" are one person, as are
        texts that differ in blanks at the ends only), and that the types of columns are declared and not inferred from
        the rows.
    """
    cell = np.zeros(len(rows), dtype=np.int64)
    inside = np.ones(len(rows), dtype=bool)
    for key in query.keys:
        position = _cells_of(rows[key.column], key)
        inside &= position >= 0
        cell = cell * key.cells + position
    rows, cell = rows[inside], cell[inside]
    pair, pairs = pd.factorize(groups(rows[c.PERSON]) * query.cells + cell)
    unit_column = _UNITS[query.counting]
    lines = np.bincount(pair, minlength=len(pairs))
    if query.counting == "persons":
        units = np.ones(len(pairs), dtype=np.int64)
    elif unit_column is None:
        units = lines
    else:
        unit = groups(rows[unit_column])
        different = pd.unique(pair.astype(np.int64) * (int(unit.max(initial=0)) + 1) + unit)
        units = np.bincount(different // (int(unit.max(initial=0)) + 1), minlength=len(pairs))
    person, cell = np.divmod(np.asarray(pairs, dtype=np.int64), query.cells)
    if bounds.max_cells < query.cells:
        kept = _most_visited(person, cell, units, lines, most=bounds.max_cells)
        cell, units = cell[kept], units[kept]
    counts = np.zeros(query.cells, dtype=np.int64)
    np.add.at(counts, cell, np.minimum(units, bounds.per_key(query.counting)))
    return counts


def bounded_values(rows: pd.DataFrame, query: Query, bounds: Bounds) -> NDArray[np.float64]:
    """Return the numbers of a column, at most `max_rows` of a person: equally spaced ones of that person's in order.

    Args:
        rows: from `bounded_rows`.
        query: of kind "quantile".
        bounds: `max_rows`.

    Returns: (values,) floats without NaN, in no particular order.
    """
    values = numbers(rows[query.column or ""])
    real = ~np.isnan(values)
    person, values = groups(rows[c.PERSON])[real], values[real]
    order = np.lexsort((values, person))
    person, values = person[order], values[order]
    if not len(values):
        return values
    size = np.bincount(person)[person]
    rank = np.arange(len(person)) - np.searchsorted(person, person)
    # Of n values, keep those at floor((j + 1/2) n / most) for j = 0 ... most - 1: equally spaced, at most `most`.
    most = bounds.max_rows
    middles_before = np.maximum(0, -((size - 2 * most * rank) // (2 * size)))
    middles_upto = np.maximum(0, -((size - 2 * most * (rank + 1)) // (2 * size)))
    return np.asarray(values[(size <= most) | (middles_upto > middles_before)])


def _most_visited(person: Ints, cell: Ints, units: Ints, lines: Ints, *, most: int) -> Ints:
    """Positions of each person's cells with most units; of equal ones most lines, of equal ones the earlier cell."""
    order = np.lexsort((cell, -lines, -units, person))
    person = person[order]
    return np.asarray(order[np.arange(len(person)) - np.searchsorted(person, person) < most])


def _cells_of(column: pd.Series[Any], key: Key) -> Ints:
    """Position of each row's value among those of a key, -1 for none of them."""
    if key.grid is None:
        return _positions(column, key.values or ())
    values = numbers(column)
    position = np.searchsorted(np.asarray(key.grid.edges), values, side="right") - 1
    return np.where((position >= 0) & (position < key.cells) & ~np.isnan(values), position, -1)


def _positions(column: pd.Series[Any], values: Sequence[str]) -> Ints:
    """Position of each row's label among sorted labels, -1 for none of them."""
    codes, spelled = spellings(column)
    place = {value: position for position, value in enumerate(values)}
    positions = [place.get(one, -1) for one in spelled]
    return np.asarray([*positions, -1], dtype=np.int64)[codes]  # code -1, a missing value, takes the last

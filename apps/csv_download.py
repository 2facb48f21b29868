"""Tables as CSV files for somebody's spreadsheet, in which no cell is run as a formula."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd

from retail.schema import no_formula

_AS_TEXT: Final = "'"
"""What spreadsheets take as: the rest of this cell is text."""


def csv_bytes(table: pd.DataFrame) -> bytes:
    """Write a table as CSV in UTF-8, without its index.

    Scenarios, logs and rules that others sent bring words of their own. A cell or heading that a spreadsheet would run
    gets an apostrophe in front; numbers stay as they are, also negative ones in text.
    """
    cells = {str(name): _harmless(table[name]) for name in table}
    safe = pd.DataFrame(cells, index=table.index)
    safe.columns = pd.Index(_harmless(pd.Series(list(cells), dtype=object)))
    return safe.to_csv(index=False).encode()


def formulas(table: pd.DataFrame) -> list[tuple[int, str, str]]:
    """Return row (from 1), column and text of each cell that a spreadsheet would run."""
    found = []
    for name in table:
        cells = table[name].astype(str)
        found += [(int(row) + 1, str(name), cells.iloc[row]) for row in (~no_formula(cells)).to_numpy().nonzero()[0]]
    return sorted(found)


def _harmless(cells: pd.Series[Any]) -> pd.Series[Any]:
    if pd.api.types.is_numeric_dtype(cells) or pd.api.types.is_datetime64_any_dtype(cells):
        return cells
    cells = cells.astype(object)  # categories would take no other words
    words = cells.map(lambda one: isinstance(one, str))
    run = words & ~no_formula(cells.where(words, "").astype(str))
    return cells.where(~run, _AS_TEXT + cells.where(run, "").astype(str))

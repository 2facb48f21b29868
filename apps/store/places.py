"""Where on a plan most happens, in words and as a table: what a painted plan says to those who cannot see it."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

Places = list[dict[str, Any]]
"""Squares with the middle in metres (x_m, y_m), value and unit, the largest first."""
MOST: Final = 10
"""Squares in a table."""


def largest(values: NDArray[np.float64], side_m: float, unit: str, most: int | None = MOST) -> Places:
    """Return the squares with the largest values, largest first; none that are 0 or not known.

    Args:
        values: (rows, columns), row 0 the upper edge.
        side_m: edge of a square.
        unit: of the values.
        most: how many; None for all.
    """
    order = np.argsort(-np.nan_to_num(values), axis=None, kind="stable")
    rows: Places = []
    for place in order[:most]:
        row, column = np.unravel_index(place, values.shape)
        value = float(values[row, column])
        if value > 0:
            x, y = ((float(one) + 0.5) * side_m for one in (column, row))
            rows.append({"x_m": x, "y_m": y, "value": value, "unit": unit})
    return rows


def changed_most(change: NDArray[np.float64], marked: NDArray[np.bool_], side_m: float, unit: str) -> Places:
    """Return the marked squares that change most, whichever way, with the change as their value."""
    rows = largest(np.where(marked, np.abs(np.nan_to_num(change)), 0.0), side_m, unit)
    for row in rows:
        row["value"] = float(change[int(row["y_m"] / side_m), int(row["x_m"] / side_m)])
    return rows


def said(places: Places, *, signed: bool = False) -> str:
    """Say where most happens: `most around 4.2, 3.8 m, 210.5 visits a day`; empty where nothing does."""
    if not places:
        return ""
    first = places[0]
    value = f"{first['value']:{'+' if signed else ''},.1f}"
    return f"most around {first['x_m']:g}, {first['y_m']:g} m, {value} {first['unit']}"


def twin(places: Places, *, what: str) -> None:
    """Show the squares as a table, in a part that opens; nothing without any.

    Args:
        places: to show.
        what: they are, such as "busiest squares".
    """
    if not places:
        return
    unit = places[0]["unit"]
    cells = pd.DataFrame(
        [
            {"x, m": one["x_m"], "y, m": one["y_m"], unit[:1].upper() + unit[1:]: round(one["value"], 2)}
            for one in places
        ]
    )
    with st.expander(f"The {what} as a table"):
        st.dataframe(cells, hide_index=True, height="content", alt=f"The {what}, with their middle in metres")

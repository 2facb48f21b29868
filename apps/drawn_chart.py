"""Show a chart: what a chart builder makes of some figures is worked out once and kept for everybody.

Altair checks every part of a chart against its schema, which takes longer than all else that most pages do. The same
figures give the same chart, so its Vega-Lite document is kept under the builder's name and everything it was given.
"""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable
from typing import Any, Final

import altair
import pandas
import streamlit as st
from altair.utils import schemapi

MOST_CHARTS: Final = 500
"""How many documents are kept, of all users together."""

Draw = Callable[..., Any]
_DRAWING: Final = threading.Lock()


def show_chart(
    draw: Draw, *given: Any, alt: str, key: str | None = None, on_select: Any = "ignore", **named: Any
) -> None:
    """Show what a builder draws of its arguments.

    Args:
        draw: a function of a module that returns an Altair chart and depends on its arguments alone.
        given: its arguments by place: tables, text, numbers, and collections of them.
        alt: what the chart says, for those who cannot see it.
        key: under which Streamlit keeps a selection in the chart.
        on_select: called when the reader selects something in the chart.
        named: its arguments by name.
    """
    document = _document(f"{draw.__module__}.{draw.__qualname__}", draw, given, named)
    st.vega_lite_chart(document, alt=alt, key=key, on_select=on_select)


def _bytes_of(table: pandas.DataFrame) -> bytes:
    """Return what only an equal table has; Streamlit's own hash of a table takes many times as long."""
    return pickle.dumps(table, protocol=5)


@st.cache_data(max_entries=MOST_CHARTS, show_spinner=False, hash_funcs={pandas.DataFrame: _bytes_of})
def _document(name: str, _draw: Draw, given: tuple[Any, ...], named: dict[str, Any]) -> dict[str, Any]:
    """Draw; return the Vega-Lite document with its data. The name stands for the builder in the key."""
    # Tests check what builders make against the schema. Sizes and colours are the page's: no theme of Altair's own.
    # These switches are of the whole process: who leaves first would turn them back under whoever draws beside.
    with (
        _DRAWING,
        schemapi.debug_mode(False),
        altair.theme.enable("none"),
        altair.data_transformers.enable(max_rows=None),
    ):
        document: dict[str, Any] = _draw(*given, **named).to_dict()
    return document

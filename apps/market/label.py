"""The results of a scenario about a real own label: what its absence or a better place would do at real prices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from apps.market import label_table as market_label_table
from apps.market import table as market_table
from apps.plain_text import plain

Row = Mapping[str, Any]


def show_label(document: Mapping[str, Any], rows: Sequence[Row], where: str) -> None:
    """Show the arms of one point of the sweep."""
    unit = market_label_table.unit(rows)
    references = market_table.references(document)
    st.title(plain(document["title"] or document["scenario"]))
    for said in market_label_table.intervals(rows):
        st.caption(plain(said))
    for reference in references:
        lines: dict[str, dict[str, str]] = {}
        for one in market_table.gains(document, tuple(market_label_table.MONEY), reference, where):
            name = market_label_table.MONEY[one.metric]
            lines.setdefault(one.label, {})[name] = market_label_table.drawn(one.metric, one.values, signed=True)
        if lines:
            st.header(f"Less {reference}, {unit}")
            st.table(pd.DataFrame(lines).T, alt=f"Each market less {reference}, {unit}")
    for heading, names in ((f"Each market, {unit}", market_label_table.MONEY), ("Shares", market_label_table.MARKET)):
        st.header(heading)
        cells = {
            str(row["label"]): {name: market_label_table.figure(row, metric) for metric, name in names.items()}
            for row in rows
        }
        st.table(pd.DataFrame(cells).T, alt=heading)
    for line in market_label_table.left_out(rows):
        st.caption(plain(line))

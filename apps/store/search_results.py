"""What the page Results shows of searches: all of them side by side, arms against each other, and the chosen winner."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from apps.plain_text import plain_cells
from apps.store import search_table
from apps.store import table as store_table
from apps.store.table import Line


def searches(document: Mapping[str, Any], shown: Line) -> None:
    """Show what the searches promised and what was kept, where the scenario has any.

    Args:
        document: `summary.json`.
        shown: any line of the chosen point of the sweep.
    """
    found = [one for one in search_table.searched(document) if dict(one.sweep) == dict(shown.sweep)]
    if not found:
        return
    figure = f": {found[0].kept.label}" if found[0].kept is not None else ""
    st.header(f"Promised and kept{figure}")
    rows = [{"Search": one.label, **search_table.cells(one)} for one in found]
    st.table(plain_cells(pd.DataFrame(rows)), hide_index=True, alt="What each search promised and what was kept of it")
    st.caption(
        "Promised: on the days that chose the layout. Kept: on days that no search saw, as above. Not kept: how much"
        " better it looked on the former; its interval counts the latter alone. No interval holds the luck of a search:"
        " see other seeds."
    )
    labels = {row["arm"]: row["label"] for row in document["rows"]}
    pairs = [
        one
        for one in store_table.lines(document)
        if dict(one.sweep) == dict(shown.sweep) and one.reference != shown.reference
    ]
    if pairs:
        st.header("One against the other")
        st.table(plain_cells(_against(pairs, labels)), hide_index=True, alt="Arms compared with each other")


def winner(run: Path, edits: Sequence[Mapping[str, Any]]) -> None:
    """Show the layout that a run found.

    Args:
        run: its folder.
        edits: that lead to the layout.
    """
    from apps.store.search_view import changed_layout, edits_for_the_command, what_stands_where
    from simulation.store.plan import load_plan

    artifacts = run / "artifacts"
    base, other = (load_plan(artifacts / f"{name}.toml") for name in ("base", "other"))
    st.header("The layout that was found")
    if not edits:
        st.markdown("No layout was better on the training days; the winner is the plan as it is.")
        return
    changed_layout(base, other)
    what_stands_where(base, other)
    edits_for_the_command(edits, name=str(tomllib.loads((run / "config.toml").read_text())["plan"]))
    st.download_button(
        "Download the layout", (artifacts / "other.toml").read_bytes(), file_name="found.toml",
        mime="application/toml", icon=":material/download:",
    )  # fmt: skip


def _against(pairs: Sequence[Line], labels: Mapping[str, str]) -> pd.DataFrame:
    rows = []
    for one in pairs:
        text = store_table.cells(one)
        rows.append(
            {
                "Arms": f"{labels.get(one.arm, one.arm)} less {labels.get(one.reference, one.reference)}",
                "Difference": f"{one.label} {text['Difference']} {one.unit}".strip(),
                "With parameters": text["With parameters"],
                "Verdict": text["Verdict"],
            }
        )
    return pd.DataFrame(rows)

"""A run as a parcel for somebody else: a button that downloads it, and the command that does the same."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from apps.opened_store import command
from apps.plain_text import plain
from experiments.export import export_runs
from experiments.runs import RunStore
from experiments.scenario_file import load_scenario
from retail.errors import TradefairError


def show_parcel(store: RunStore, record: Mapping[str, Any]) -> None:
    """Offer a run as a parcel that repeats it, or say why there is none."""
    key = f"{record['scenario']}/{record['run_id']}"
    st.subheader("Repeat it elsewhere")
    st.caption(
        f"The parcel holds the scenario with {what_it_repeats(store, record)}, this run's figures, versions and "
        "provenance, and a README with the command. Rows about shoppers stay behind, since a parcel leaves the house."
    )
    try:
        content = parcel(store, key)
    except TradefairError as error:
        st.warning(plain(error), icon=":material/inventory_2:")
        return
    st.download_button(
        "Download the parcel", content, file_name=f"{record['run_id']}.zip", mime="application/zip",
        icon=":material/inventory_2:", on_click="ignore",
    )  # fmt: skip
    st.caption("The same on the command line, and what the receiver types after unpacking:")
    st.code(command("runs", "export", key, "--to", "parcel.zip"), language=None, wrap_lines=True)
    st.code("tradefair run scenario.toml --store runs", language=None, wrap_lines=True)


def what_it_repeats(store: RunStore, record: Mapping[str, Any]) -> str:
    """Say which runs the scenario of a parcel has: a run's arm, seed and sweep point, in all test windows or folds."""
    try:
        scenario = load_scenario(store.root / str(record["scenario"]) / "scenario.toml")
    except TradefairError:
        return "this run's arm"
    what = "this run's arm" + (" with its seed" if hasattr(scenario, "seeds") else "")
    what += ", at its sweep point" if record.get("sweep") else ""
    split, folds = getattr(scenario, "split", None), getattr(scenario, "folds_tested", ())
    number, parts = (split.origins, "test windows") if split is not None else (len(folds), "folds")
    if number < 2:
        return f"{what} alone"
    return f"{what}, in all {number} {parts} (the figures of this run are those under its id)"


def parcel(store: RunStore, key: str) -> bytes:
    """Return the ZIP file that `tradefair runs export KEY` writes.

    Raises:
        ConfigError: nothing is known by that key, or the run belongs to no arm of its scenario any more.
        DataError: the parcel cannot be written.
    """
    with tempfile.TemporaryDirectory() as folder:
        return export_runs(store, key, Path(folder) / "parcel.zip").read_bytes()

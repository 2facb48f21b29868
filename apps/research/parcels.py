"""A run as a parcel for somebody else: a button that downloads it, and the command that does the same."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from apps.opened_store import command
from apps.plain_text import plain
from experiments.export import export_runs, repeated
from experiments.runs import RunStore
from experiments.scenario_file import load_scenario
from retail.errors import TradefairError


def show_parcel(store: RunStore, record: Mapping[str, Any]) -> None:
    """Offer a run as a parcel that repeats it, or say why there is none."""
    key = f"{record['scenario']}/{record['run_id']}"
    st.subheader("Repeat it elsewhere")
    st.caption(
        f"The parcel holds the scenario with {_repeated(store, record)}, this run's figures, versions and "
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
    with st.popover("On the command line", icon=":material/terminal:"):
        st.markdown("To write the same parcel:")
        st.code(command("runs", "export", key, "--to", "parcel.zip"), language=None, wrap_lines=True)
        st.markdown("What its receiver types after unpacking:")
        st.code("tradefair run scenario.toml --store runs", language=None, wrap_lines=True)


def _repeated(store: RunStore, record: Mapping[str, Any]) -> str:
    try:
        scenario = load_scenario(store.root / str(record["scenario"]) / "scenario.toml")
    except TradefairError:
        return "this run's arm"
    return repeated(scenario, record)


def parcel(store: RunStore, key: str) -> bytes:
    """Return the ZIP file that `tradefair runs export KEY` writes.

    Raises:
        ConfigError: nothing is known by that key, or the run belongs to no arm of its scenario any more.
        DataError: the parcel cannot be written.
    """
    with tempfile.TemporaryDirectory() as folder:
        return export_runs(store, key, Path(folder) / "parcel.zip").read_bytes()

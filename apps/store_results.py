"""The results of a store scenario: differences arm by arm, single figures, targets, and where shoppers walk."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from apps import store_table
from apps.figure_text import unit_text
from apps.plain_text import plain
from apps.result_tables import problems
from experiments.runs import RunStore


def show_store_results(store: RunStore, scenario: str, document: Mapping[str, Any]) -> None:
    """Show what `summary.json` of a store scenario holds."""
    lines = store_table.lines(document)
    labels = {row["arm"]: row["label"] for row in document["rows"]}
    title = document["title"] or scenario
    notes = problems(tuple(document["failures"]), tuple(document["unfinished"]))
    if lines:
        chosen = _one_comparison(lines, labels)
        from apps.store_view import differences, headline

        st.title(headline(chosen, plain(labels.get(chosen[0].arm, chosen[0].arm))))
        st.caption(f"{plain(title)}. {chosen[0].days} paired days: both stores meet the same shoppers.")
    else:
        chosen = []
        st.title(plain(title))
    if notes:
        st.warning("\n".join(["Some runs gave nothing; the page Runs says why.", *(f"- {line}" for line in notes)]))
    if chosen:
        differences(chosen)
        _where(store, scenario, document, chosen[0])
    singles = store_table.singles(document)
    if singles:
        st.header("Figures")
        st.dataframe(_singles(singles), hide_index=True, height="content", alt="Single figures of the scenario")
    if document["targets"]:
        _targets(document["targets"])


def _one_comparison(lines: Sequence[store_table.Line], labels: Mapping[str, str]) -> list[store_table.Line]:
    """Let the user choose an arm, and a point of the sweep where there are several."""
    with st.container(horizontal=True):
        points = {_at(line.sweep): dict(line.sweep) for line in lines}
        point = next(iter(points))
        if len(points) > 1:
            point = st.selectbox("Sweep point", list(points), key="store_point", bind="query-params", width=320)
        arms = {labels.get(line.arm, line.arm): line.arm for line in lines}
        arm = st.selectbox("Change", list(arms), key="store_arm", bind="query-params", width=420)
    return [line for line in lines if line.arm == arms[arm] and dict(line.sweep) == points[point]]


def _where(store: RunStore, scenario: str, document: Mapping[str, Any], line: store_table.Line) -> None:
    """Show where shoppers walk, if the run kept its heat maps."""
    row = next(one for one in document["rows"] if one["arm"] == line.arm and one.get("sweep", {}) == dict(line.sweep))
    folders = [store.root / scenario / run_id / "artifacts" for run_id in row.get("run_ids", ())]
    if not folders or not (folders[0] / "heat.npz").is_file():
        return
    _pictures(folders[0])


def _pictures(folder: Path) -> None:
    import numpy as np

    from apps.store_view import change_picture, picture
    from simulation.store.plan import load_plan

    st.header("Where shoppers walk")
    with np.load(folder / "heat.npz") as kept:
        base, change, marked = kept["base"], kept["change"], kept["marked"]
        side_m, days = float(kept["side_m"]), int(kept["days"])
    before, after = st.tabs(["What changes", "As it is"])
    with before:
        change_picture(load_plan(folder / "other.toml"), change, marked, side_m=side_m, days=days)
    with after:
        picture(load_plan(folder / "base.toml"), base, side_m=side_m)


def _singles(records: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    rows = []
    for record in records:
        value, lo, hi = (math.nan if record[key] is None else float(record[key]) for key in ("value", "lo", "hi"))
        about = record["provenance"]
        decimals = store_table.digits(value, (lo, hi))
        rows.append(
            {
                "Figure": about.get("label") or record["name"],
                "Arm": about.get("arm", ""),
                **{key: str(one) for key, one in about.get("sweep", {}).items()},
                "Value": store_table.number(value, decimals),
                "95% interval": store_table.interval((lo, hi), decimals),
                "Unit": unit_text(record["unit"]),
                "Note": about.get("note", ""),
            }
        )
    return pd.DataFrame(rows)


def _targets(targets: Sequence[Mapping[str, Any]]) -> None:
    badges = {True: ":green-badge[:material/check: met]", False: ":orange-badge[:material/close: missed]",
              None: ":gray-badge[not measured]"}  # fmt: skip
    rows = []
    for one in targets:
        value = math.nan if one["value"] is None else float(one["value"])
        sweep = _at(one["provenance"].get("sweep", {}))
        shown = store_table.number(value, store_table.digits(value))
        rows.append({"Result": badges[one["met"]], "Target": plain(one["name"]), "Bound": plain(one["target"]),
                     "Measured": shown, "Where": plain(sweep)})  # fmt: skip
    st.header("Targets")
    table = pd.DataFrame(rows)
    if not table["Where"].any():
        table = table.drop(columns="Where")
    st.table(table, hide_index=True, alt="Targets of the scenario, with what was measured")
    st.caption("A missed target is information, not an error. The interval is not part of the test.")


def _at(sweep: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} = {value}" for key, value in sweep.items())

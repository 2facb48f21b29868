"""The results of a store scenario: differences arm by arm, single figures, targets, and where shoppers walk."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from apps.figure_text import unit_text
from apps.plain_text import plain, plain_cells
from apps.runs.result_tables import GAVE_NOTHING, problems
from apps.store import search_table
from apps.store import table as store_table
from apps.store.search_results import searches, winner
from experiments.runs import RunStore
from experiments.targets import holds_bound


def show_store_results(store: RunStore, scenario: str, document: Mapping[str, Any]) -> None:
    """Show what `summary.json` of a store scenario holds."""
    lines = store_table.lines(document)
    labels = {row["arm"]: row["label"] for row in document["rows"]}
    title = document["title"] or scenario
    notes = problems(tuple(document["failures"]), tuple(document["unfinished"]))
    if lines:
        chosen = _one_comparison(lines, labels)
        from apps.store.view import differences, headline

        leading = next((str(row["leading"]) for row in document["rows"] if row.get("leading")), "")
        st.title(headline(chosen, plain(labels.get(chosen[0].arm, chosen[0].arm)), leading=leading))
        stop = "" if title[-1] in ".?!" else "."
        st.caption(f"{plain(title)}{stop} {chosen[0].days} paired days: both stores meet the same shoppers.")
    else:
        chosen = []
        st.title(plain(title))
        if document["targets"]:
            st.markdown(f"**{plain(_met(document['targets']))}**")
    if notes:
        st.warning("\n".join([GAVE_NOTHING, *(f"- {line}" for line in notes)]))
    if chosen:
        differences(chosen)
        searches(document, chosen[0])
        _walked(store, scenario, document, chosen[0])
    singles = search_table.others(store_table.singles(document))
    if singles:
        st.header("Figures")
        st.table(plain_cells(_singles(singles)), hide_index=True, alt="Single figures of the scenario")
    if document["targets"]:
        show_targets(document["targets"])


def _one_comparison(lines: Sequence[store_table.Line], labels: Mapping[str, str]) -> list[store_table.Line]:
    """Let the user choose an arm, and a point of the sweep where there are several."""
    with st.container(horizontal=True):
        points = {_at(line.sweep): dict(line.sweep) for line in lines}
        point = next(iter(points))
        if len(points) > 1:
            point = st.selectbox("Sweep point", list(points), key="store_point", bind="query-params", width=320)
        here = [line for line in lines if dict(line.sweep) == points[point]]
        arms = {labels.get(line.arm, line.arm): line.arm for line in here}
        arm = st.selectbox("Change", list(arms), key="store_arm", bind="query-params", width=420)
    mine = [line for line in here if line.arm == arms[arm]]
    return [line for line in mine if line.reference == mine[0].reference]  # not those with another arm


def _walked(store: RunStore, scenario: str, document: Mapping[str, Any], line: store_table.Line) -> None:
    """Show where shoppers walk, if the run kept its heat maps."""
    row = next(one for one in document["rows"] if one["arm"] == line.arm and one.get("sweep", {}) == dict(line.sweep))
    folders = [store.root / scenario / run_id / "artifacts" for run_id in row.get("run_ids", ())]
    if not folders or not (folders[0] / "heat.npz").is_file():
        return
    if "edits" in row:
        winner(folders[0].parent, row["edits"])
    _pictures(folders[0])


def _pictures(folder: Path) -> None:
    import numpy as np

    from apps.store.view import change_picture, picture
    from simulation.store.plan import load_plan

    st.header("Where shoppers walk")
    with np.load(folder / "heat.npz") as kept:
        base, change, marked = kept["base"], kept["change"], kept["marked"]
        side_m, days = float(kept["side_m"]), int(kept["days"])
    before, after = st.tabs(["What changes", "As it is"])
    with before:
        change_picture(load_plan(folder / "other.toml"), change, marked, side_m=side_m, days=days)
    with after:
        picture(load_plan(folder / "base.toml"), base, made=f"The reference plan, {days} simulated days", side_m=side_m)


def _met(targets: Sequence[Mapping[str, Any]]) -> str:
    """Say in one sentence which targets were met."""
    others = [
        f"{one['name']} {'missed' if one['met'] is False else 'not measured'}" for one in targets if not one["met"]
    ]
    if not others:
        return f"All {len(targets)} targets are met" if len(targets) > 1 else "The target is met"
    return f"{len(targets) - len(others)} of {len(targets)} targets are met: {'; '.join(others)}"


def _singles(records: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Figure with its place in the sweep, Arm where it tells figures apart, Value with unit and interval, Note."""
    labels = [_where(one, one["provenance"].get("label") or one["name"]) for one in records]
    arms = {} if len(set(labels)) == len(labels) else {"Arm": [one["provenance"].get("arm", "") for one in records]}
    notes = [one["provenance"].get("note", "") for one in records]
    values = [_value(one) for one in records]
    return pd.DataFrame({"Figure": labels, **arms, "Value": values, **({"Note": notes} if any(notes) else {})})


def _value(record: Mapping[str, Any]) -> str:
    """Write a figure with its unit and, where it has one, its 95% interval; that something is a ratio its name says."""
    value, lo, hi = (math.nan if record[key] is None else float(record[key]) for key in ("value", "lo", "hi"))
    decimals = store_table.digits(value, (lo, hi))
    unit = "" if record["unit"] == "ratio" else unit_text(record["unit"])
    ends = store_table.interval((lo, hi), decimals)
    return " ".join(one for one in (store_table.number(value, decimals), unit, "" if ends == "-" else ends) if one)


def show_targets(targets: Sequence[Mapping[str, Any]]) -> None:
    """Show which targets were met, with what was measured."""
    badges = {True: ":green-badge[:material/check: met]", False: ":orange-badge[:material/close: missed]",
              None: ":gray-badge[not measured]"}  # fmt: skip
    rows = [
        {
            "Result": badges[one["met"]]
            + (" by the point value only" if holds_bound(one["target"], one["lo"], one["hi"]) else ""),
            "Target": plain(_where(one, f"{one['name']} {one['target']}")),
            "Measured": plain(_value(one)),
        }
        for one in targets
    ]
    st.header("Targets")
    st.table(pd.DataFrame(rows), hide_index=True, alt="Targets of the scenario, with what was measured")
    st.caption(
        "A missed target is information, not an error. By the point value only: the interval holds the bound, so on "
        "other draws it might come out the other way."
    )


def _where(record: Mapping[str, Any], what: str) -> str:
    """Say at which point of the sweep something is; a phone has no room for a column of it."""
    point = _at(record["provenance"].get("sweep", {}))
    return f"{what} at {point}" if point else what


def _at(sweep: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} = {value}" for key, value in sweep.items())

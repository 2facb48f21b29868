"""What attacks on the runs of a scenario found, beside what was claimed and the most that each could have found."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import altair as alt
import pandas as pd
import streamlit as st

from apps.compliance.report_view import ATTACK_NAMES, attacks
from apps.drawn_chart import show_chart
from apps.figure_text import count
from apps.opened_store import command
from apps.runs import run_record
from apps.runs.charts import PALETTE
from experiments.attacking import stored_attacks
from experiments.runs import RunStore
from privacy.attacks import AttackResult

_EPSILON: Final = "epsilon"
_MARKS: Final = ("found at least", "claimed at most", "could have found at most")
_ROWS: Final[dict[str, Any]] = {
    "title": None, "ticks": False, "domain": False, "grid": False, "labelAlign": "left", "labelPadding": -4,
    "labelLimit": 330, "zindex": 1, "labelOverlap": False, "labelOffset": -9,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Attacked:
    """One attack on one run."""

    run: str
    arm: str
    result: AttackResult


def attacked(store: RunStore, scenario: str, rows: Iterable[Mapping[str, Any]]) -> list[Attacked]:
    """Return what attacks found on the runs behind some arms.

    Args:
        store: where the runs are.
        scenario: whose.
        rows: of the scenario's table.

    Raises:
        DataError: a file of results is damaged.
    """
    found = []
    for row in rows:
        for run in row["run_ids"]:
            results = stored_attacks(store.root / scenario / run) or ()
            found += [Attacked(run, str(row["label"]), result) for result in results]
    return found


def finding(found: Iterable[Attacked]) -> str:
    """Say in one sentence whether an attack contradicts a claim, and how many could not have."""
    outcomes = [one.result.outcome for one in found]
    breaches, passed = outcomes.count("breach"), outcomes.count("passed")
    if breaches:
        return f"{count(breaches, 'attack')} of {len(outcomes)} found more than was claimed"
    rest = len(outcomes) - passed
    more = f"; {rest} more could not have, or only estimate" if rest else ""
    return f"{count(passed, 'attack')} could have found more than was claimed, and did not{more}"


def show_attacks(store: RunStore, scenario: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Show attacks on the arms of a table, or how to attack one of its private runs."""
    rows = list(rows)
    private = [row for row in rows if row["epsilon"] is not None and row["run_ids"]]
    if not private:
        return
    st.header("Attacks")
    found = attacked(store, scenario, rows)
    if not found:
        st.info("No run was attacked. An epsilon is a proof on paper; attacks look for mistakes in the code behind it.")
        key = f"{scenario}/{private[0]['run_ids'][0]}"
        with st.popover("How to attack a run", icon=":material/terminal:"):
            st.code(command("audit", key, "--attacks"), language=None, wrap_lines=True)
        return
    st.markdown(f"**{finding(found)}.** None of them proves that there is no other leak.")
    table = epsilon_table(found)
    if not table.empty:
        show_chart(
            chart,
            table,
            alt="Epsilon that attacks found, that was claimed, and that each could have found at most: "
            + "; ".join(f"{row.Attack}, {row.Mark} {row.value:.3g}" for row in table.itertuples()),
        )
        st.caption(
            "In epsilon. Circle: lower end of a 95% interval; the truth may be higher. Where the triangle stands left "
            "of the diamond, this attack could not have contradicted the claim."
        )
    runs = [record for record in store.records(scenario) if record["run_id"] in {one.run for one in found}]
    with st.expander("Every attack as a table"):
        st.dataframe(
            attacks(run_record.read_run(record) for record in runs), hide_index=True,
            alt="Every attack with what it found, the claim, its ceiling and its planted leak",
        )  # fmt: skip


def epsilon_table(found: Iterable[Attacked]) -> pd.DataFrame:
    """Return the attacks that speak of epsilon: Attack, Mark (one of `_MARKS`), value; one row for each known mark."""
    rows = []
    found = list(found)
    runs = {arm: {one.run for one in found if one.arm == arm} for arm in {one.arm for one in found}}
    for one in found:
        result = one.result
        if result.unit != _EPSILON or not math.isfinite(result.lo):
            continue
        which = f", run {one.run[:8]}" if len(runs[one.arm]) > 1 else ""
        name = f"{ATTACK_NAMES.get(result.name, result.name)}: {one.arm}{which}"
        known = zip(_MARKS, (result.lo, result.claim, result.ceiling), strict=True)
        rows += [(name, mark, float(value)) for mark, value in known if value is not None and math.isfinite(value)]
    return pd.DataFrame(rows, columns=["Attack", "Mark", "value"])


def chart(table: pd.DataFrame) -> alt.LayerChart:
    """Draw one row for each attack with its three marks, told apart by shape and colour."""
    scale = {"domain": list(_MARKS)}
    legend = alt.Legend(title=None, orient="bottom", columns=1, symbolLimit=0, labelLimit=330)
    base = alt.Chart(table).encode(y=alt.Y("Attack:N", sort=None, axis=alt.Axis(**_ROWS)))
    line = base.mark_rule(yOffset=8, color=PALETTE[4], strokeWidth=1).encode(x="min(value):Q", x2="max(value):Q")
    marks = base.mark_point(filled=True, size=90, opacity=1, yOffset=8).encode(
        x=alt.X("value:Q", title="Epsilon", scale=alt.Scale(zero=True, nice=True), axis=alt.Axis(tickCount=6)),
        color=alt.Color("Mark:N", scale=alt.Scale(**scale, range=[PALETTE[0], PALETTE[1], PALETTE[4]]), legend=legend),
        shape=alt.Shape("Mark:N", scale=alt.Scale(**scale, range=["circle", "diamond", "triangle-up"]), legend=legend),
        tooltip=["Attack:N", "Mark:N", alt.Tooltip("value:Q", title="Epsilon", format=".3g")],
    )
    return alt.layer(line, marks).properties(height=alt.Step(44))

"""The budgets of each data set on the page Compliance, and those that are about one person on the page People."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import altair as alt
import pandas as pd
import streamlit as st

from apps.compliance import data_set_tables as tables
from apps.compliance.data_set_ledger import (
    ADDED,
    EXACT,
    MADE_UP,
    SIMULATED,
    DataSetLedger,
    Exact,
    Unread,
    by_data_set,
    without_budget,
)
from apps.compliance.found_ledgers import find_budgets
from apps.drawn_chart import show_chart
from apps.figure_text import count
from apps.plain_text import plain, plain_cells
from apps.runs.charts import PALETTE
from experiments.runs import RunStore

_MOST_NAMED: Final = 10


def data_sets(store: RunStore, books: Path) -> None:
    """Draw what was spent on the people of each data set, over all scenarios and the books."""
    st.header("By data set")
    with st.spinner("Adding up all ledgers"):
        found = find_budgets(store, books)
        ledgers = by_data_set(found.parts, found.unread, found.exact)
    tell_unread(found.unread)
    tell_bare(ledgers, found.exact)
    if not ledgers:
        st.info(f"No budget can be read in any scenario of this store{_and_books(books)}.")
    else:
        _all(ledgers, books)
    if ledgers:
        _one(ledgers)


def _and_books(books: Path) -> str:
    """Name the books where there are any."""
    return f" and the books at `{books}`" if books.is_dir() else ""


def tell_unread(unread: Sequence[Unread]) -> None:
    """Say which ledgers could not be read, so that nobody takes a sum for all."""
    if not unread:
        return
    lines = [f"- {plain(one.where)}: {plain(one.why)}" for one in unread[:_MOST_NAMED]]
    if len(unread) > _MOST_NAMED:
        lines.append(f"- and {len(unread) - _MOST_NAMED} more")
    st.error(
        "\n".join(
            [f"**{count(len(unread), 'ledger')} could not be counted, so more was spent than is shown:**", *lines]
        ),
        icon=":material/error:",
    )


def tell_bare(ledgers: Sequence[DataSetLedger], exact: Sequence[Exact]) -> None:
    """Name the data sets that runs without an epsilon alone were about."""
    bare = without_budget(ledgers, exact)
    if bare:
        named = ", ".join(f"{plain(name)} ({count(number, 'run')})" for name, number in sorted(bare.items()))
        st.info(f"Only runs without an epsilon: {named}. Nothing bounds what these tell about somebody in there.")


def assumptions(ledgers: Sequence[DataSetLedger]) -> str:
    """List what the sums rest on, as far as it concerns these data sets."""
    words = [ADDED]
    if any(not part.adds_up for one in ledgers if not one.made_up for part in one.parts):
        words.append(SIMULATED)
    if any(one.exact for one in ledgers):
        words.append(EXACT)
    if any(one.made_up for one in ledgers):
        words.append(MADE_UP)
    return "\n".join(f"- {each}" for each in words)


def _all(ledgers: Sequence[DataSetLedger], books: Path) -> None:
    budgets = sum(len(one.parts) for one in ledgers)
    st.markdown(
        f"**{count(budgets, 'budget')} on {count(len(ledgers), 'data set')}**, over all scenarios of this "
        f"store{_and_books(books)}; the title above counts the chosen runs alone. "
        "Somebody who is in a data set is in all that was released about it, so the "
        "costs add up."
    )
    shown = tables.summary_table(ledgers)
    st.table(
        plain_cells(shown), hide_index=True, border="horizontal", alt="Budgets, spending and rest of each data set"
    )
    st.caption(
        "- Left: in budgets that add up over runs; releases are as costly as the latest one of each budget.\n"
        f"{assumptions(ledgers)}"
    )
    shares = tables.shares_table(ledgers)
    said = "; ".join(f"{one.name} {one.spent / one.cap:.1%}" for one in ledgers)
    show_chart(_shares, shares, alt=f"Share of all its budgets that each data set has spent: {said}")
    with st.expander("The same shares as a table"):
        percent = st.column_config.NumberColumn(format="percent")
        st.dataframe(
            shares, hide_index=True, alt="Share of its budgets that each data set has spent and has left",
            column_config={tables.SHARE: percent},
        )  # fmt: skip


def _one(ledgers: Sequence[DataSetLedger]) -> None:
    by_name = {one.name: one for one in ledgers}
    chosen = by_name[st.selectbox("Data set", list(by_name), key="data_set", bind="query-params", width=520)]
    table = tables.budget_table(chosen)
    if chosen.other_names:
        st.caption(
            f"Ledgers and settings also call these people {plain(', '.join(chosen.other_names))}: the same ledger, the "
            "same settings or the same files say that they are the same."
        )
    if lost := int(table["Lost"].sum()):
        st.warning(f"{count(lost, 'release')} reserved budget and never came out. What was reserved stays spent.")
    with st.expander(f"Its {count(len(table), 'budget')} as a table"):
        percent = st.column_config.NumberColumn(format="percent")
        st.dataframe(
            table, hide_index=True, alt=f"Budgets on {chosen.name}", column_config={"Spent (share)": percent},
        )  # fmt: skip
        st.caption(
            "Spent as epsilon is at the budget's own delta. Costs do add up, epsilons do not. The usual cost is that "
            "of the middle release by cost."
        )
    with st.expander("Whom these budgets protect, and whom they trust"):
        for (who, neighbours, left_out), trusts in _by_unit(chosen).items():
            lines = [f"- **{plain(who)}** {plain(neighbours)}", *(f"  - Trusted: {plain(trust)}" for trust in trusts)]
            st.markdown("\n".join([*lines, f"  - Not covered: {plain(left_out)}"]))
        if len({unit.unit for unit in chosen.units}) > 1:
            st.caption(
                "The units differ: the sum is for somebody who is one unit in each. Two units in one cost four times."
            )


def _by_unit(chosen: DataSetLedger) -> dict[tuple[str, str, str], list[str]]:
    """Return who is trusted, by unit, neighbours and what is not covered."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for unit in chosen.units:
        found.setdefault((unit.unit, unit.neighbours, unit.not_covered), []).append(unit.trust)
    return found


def _shares(table: pd.DataFrame) -> alt.Chart:
    order = list(dict.fromkeys(table[tables.DATA_SET]))
    top = max(1.0, float(table.groupby(tables.DATA_SET)[tables.SHARE].sum().max()))
    scale = alt.Scale(domain=[tables.SPENT, tables.LEFT], range=[PALETTE[1], PALETTE[2]])
    return (
        alt.Chart(table)
        .mark_bar()
        .encode(
            x=alt.X(
                f"{tables.SHARE}:Q", title="share of all its budgets, in rho", axis=alt.Axis(format=".0%"),
                scale=alt.Scale(domain=[0, top]), stack="zero",
            ),
            y=alt.Y(f"{tables.DATA_SET}:N", sort=order, title=None, axis=alt.Axis(labelLimit=260)),
            color=alt.Color(f"{tables.STATE}:N", scale=scale, legend=alt.Legend(orient="bottom", title=None)),
            order=alt.Order(f"{tables.STATE}:N", sort="descending"),
            tooltip=[tables.DATA_SET, tables.STATE, alt.Tooltip(f"{tables.SHARE}:Q", format=".1%")],
        )
        .properties(height=alt.Step(34))
    )  # fmt: skip

"""The results of a scenario with markets: who gains and loses under each regime, or which expected signs show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd
import streamlit as st

from apps.chart_words import runs_behind
from apps.csv_download import csv_bytes
from apps.drawn_chart import show_chart
from apps.market import charts as market_charts
from apps.market import table as market_table
from apps.market import words as market_words
from apps.market.label import show_label
from apps.market.regimes import show_prominence, show_reads
from apps.market.signs import show_signs
from apps.market.sizes import show_sizes
from apps.market.table import arm_label
from apps.plain_text import plain
from apps.runs.result_tables import GAVE_NOTHING, problems
from apps.store.results import show_targets
from experiments.runs import RunStore

Row = Mapping[str, Any]
_USUAL: Final = "firewall"


def show_market_results(store: RunStore, scenario: str, document: Mapping[str, Any]) -> None:
    """Show what `summary.json` of a scenario with markets holds."""
    points: dict[str, list[Row]] = {}
    for row in document["rows"]:
        points.setdefault(market_table.point(row["sweep"]), []).append(row)
    if document["rows"] and document["rows"][0]["method"] == "label":
        for where, rows in points.items():
            show_label(document, rows, where)
        _notes(document)
        if document["targets"]:
            show_targets(document["targets"])
        return
    title = st.container()
    where = list(points)[-1] if points else ""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if len(points) > 1:
            where = st.selectbox(
                "Sweep point", list(points), index=len(points) - 1, key="market_point", bind="query-params", width=320
            )
        rows = points.get(where, [])
        if rows and rows[0]["method"] == "signs":
            chosen = None
        else:
            chosen = _choose(document, rows)
    named = plain(document["title"] or scenario)
    with title:
        if rows and rows[0]["method"] == "signs":
            st.title(plain(market_words.signs_finding(rows)))
        elif chosen is None:
            st.title(named)
        else:
            row, reference, label = chosen
            sides = tuple(one for one in market_table.SIDES if one != "welfare")
            mine = [one for one in market_table.gains(document, sides, reference, where) if one.arm == row["arm"]]
            st.title(market_words.plain_sentences(market_words.finding(row["label"], mine)))
        compared = f"Against {plain(chosen[2])}, in {market_words.MONEY}. " if chosen is not None else ""
        seeds = max((len(row["seeds"]) for row in rows), default=0)
        stop = "" if named[-1:] in (".", "?", "!") else "."
        behind = f"{runs_behind(document['runs'])}. " if document.get("runs") else ""
        st.caption(
            f"{compared}{named}{stop} {behind}Means over {seeds} simulated markets, 95% intervals over markets, which "
            "are the same for every arm. They say how sure the model is of its mean, not how well it fits a real "
            "market."
        )
    _notes(document)
    for line in market_table.silent(rows):
        st.warning(market_words.plain_sentences(line), icon=":material/production_quantity_limits:")
    if rows and rows[0]["method"] == "signs":
        show_signs(rows, scenario)
    elif chosen is not None:
        row, reference, label = chosen
        _sides(document, reference, label, where)
        show_sizes(store, scenario, document, rows, row=row, reference=reference, where=where)
        show_prominence(rows)
        show_reads(store, scenario, rows, row)
        _everything(rows, scenario)
    elif rows:
        st.info("No arm was compared with another: add one with regime pure or isolated, or name a reference.")
        _everything(rows, scenario)
    if document["targets"]:
        show_targets(document["targets"])


def _notes(document: Mapping[str, Any]) -> None:
    """Say which runs gave nothing."""
    notes = problems(tuple(document["failures"]), tuple(document["unfinished"]))
    if notes:
        st.warning("\n".join([GAVE_NOTHING, *(f"- {line}" for line in notes)]))


def _choose(document: Mapping[str, Any], rows: Sequence[Row]) -> tuple[Row, str, str] | None:
    """Let the user choose a reference and a regime; None where nothing was compared."""
    labels = {row["arm"]: str(row["label"]) for row in rows}
    found = {labels[one]: one for one in market_table.references(document) if one in labels}
    if not found:
        return None
    against = st.segmented_control(
        "Against", list(found), default=next(iter(found)), required=True, key="market_against", bind="query-params",
        wrap=True,
    )  # fmt: skip
    reference = found.get(str(against), next(iter(found.values())))
    others = {str(row["label"]): row for row in rows if row["arm"] != reference}
    if not others:
        return None
    usual = next((place for place, row in enumerate(others.values()) if row["regime"] == _USUAL), 0)
    name = st.selectbox(
        "Regime in the title", list(others), index=usual, key="market_arm", bind="query-params", width=380
    )
    return others.get(str(name), next(iter(others.values()))), reference, labels[reference]


def _sides(document: Mapping[str, Any], reference: str, label: str, where: str) -> None:
    found = market_table.gains(document, tuple(market_table.SIDES), reference, where)
    st.header("Who gains and who loses")
    said = [market_words.counted(found, metric) for metric in market_table.SIDES]
    st.markdown("  \n".join(market_words.plain_sentences(one) for one in said))
    table = market_charts.gains_table(found)
    drawn = table[table["value"].notna()]
    if len(drawn):
        show_chart(
            market_charts.sides_of_regimes,
            drawn,
            title=f"Difference, {market_words.MONEY}",
            alt=f"Differences from {label}, with 95% intervals: {'; '.join(said)}",
        )
    st.caption(
        f"Less {plain(label)}, seed by seed; right of the dashed line is a gain. {market_words.UNIT_NOTE} "
        "The three sides add up to all together. Each interval stands for itself: where nothing differs, one of "
        "20 would say that something does."
    )
    wide = table.pivot(index="Regime", columns="Side", values="Text")
    order = list(dict.fromkeys(table["Regime"]))
    with st.expander("The same figures as a table"):
        st.dataframe(
            wide.loc[order, list(dict.fromkeys(table["Side"]))].reset_index(),
            hide_index=True, height="content", alt=f"Differences from {label}, {market_words.MONEY}, 95% intervals",
            column_config={"Regime": st.column_config.TextColumn(pinned=True, width="medium")},
        )  # fmt: skip


def _everything(rows: Sequence[Row], scenario: str) -> None:
    shown = [one for one in (*market_table.SIDES, *market_table.MARKET) if any(one in row for row in rows)]
    if not shown:
        return
    st.header("Every regime")
    cells = [
        {"Regime": arm_label(row)} | {market_table.heading(one): market_table.figure(row, one) for one in shown}
        for row in rows
    ]
    st.dataframe(
        pd.DataFrame(cells), hide_index=True, height="content", alt="Figures of every regime with 95% intervals",
        column_config={"Regime": st.column_config.TextColumn(pinned=True, width="medium")},
    )  # fmt: skip
    for line in market_table.affiliates(rows):
        st.caption(market_words.plain_sentences(line))
    from experiments.market.figures import FIGURES

    with st.expander("What the figures mean"):
        known = [(market_table.heading(one), FIGURES[one]) for one in shown if one in FIGURES]
        st.markdown("\n".join(f"- **{name}**: {figure.meaning} ({figure.unit})." for name, figure in known))
    st.download_button(
        "Download as CSV", csv_bytes(frame(rows)), file_name=f"{scenario}.csv", mime="text/csv",
        icon=":material/download:",
    )  # fmt: skip


def frame(rows: Sequence[Row]) -> pd.DataFrame:
    """Every arm with all its numbers in columns, for download; swept keys as `sweep.KEY`."""
    left = ("sweep", "run_ids", "seeds", "origins", "epsilon_pld", "delta", "noise")
    plain_rows = [
        {key: value for key, value in row.items() if key not in left}
        | {"seeds": len(row["seeds"])}
        | {f"sweep.{key}": value for key, value in row["sweep"].items()}
        for row in rows
    ]
    return pd.DataFrame(plain_rows)

"""What merchants of each size get under a regime: against a reference, over time, and as a table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd
import streamlit as st

from apps.drawn_chart import show_chart
from apps.market import charts as market_charts
from apps.market import table as market_table
from apps.market import words as market_words
from apps.plain_text import plain
from experiments.documents import read_frame
from experiments.market.periods import MARKETS_FILE, PERIODS_FILE, differences
from experiments.runs import RunStore

Row = Mapping[str, Any]
_SIZE_NAMES: Final = {
    "merchant_surplus_small": "small",
    "merchant_surplus_medium": "medium",
    "merchant_surplus_large": "large",
}


def show_sizes(
    store: RunStore,
    scenario: str,
    document: Mapping[str, Any],
    rows: Sequence[Row],
    *,
    row: Row,
    reference: str,
    where: str,
) -> None:
    """Show what merchants of each size get, for all regimes as a table and for the chosen one over time."""
    st.header("Merchants by size")
    found = market_table.gains(document, tuple(market_table.SIZES), reference, where)
    mine = [one for one in found if one.arm == row["arm"]]
    base = next(one for one in rows if one["arm"] == reference)
    label = base["label"]
    said = []
    for one in mine:
        share = market_words.percent_of(one, market_table.number(base.get(one.metric)))
        said.append(market_words.clause(one) + (f", {share}" if share else ""))
    sentence = "; ".join(said)
    st.markdown(f"**{plain(row['label'])}**: {market_words.plain_sentences(sentence)}, against {plain(label)}.")
    table = market_charts.gains_table(mine)
    table["Side"] = [f"{_SIZE_NAMES[one.metric].capitalize()} merchants" for one in mine]
    if len(table[table["value"].notna()]):
        show_chart(
            market_charts.gains,
            table[table["value"].notna()],
            title="Difference in profit, money a merchant and period",
            heading="Size",
            alt=f"A merchant's profit by size under {row['label']} against {label}, with 95% intervals: {sentence}",
        )
    over = _over_time(store, scenario, row, base)
    if over is not None:
        over = over[over["value"].notna()]  # a market may have no merchant of a size
        end = _at_the_end(over)
        st.markdown(f"**Over time: {plain(end)}**")
        show_chart(
            market_charts.over_time,
            over,
            title="Money a merchant and period",
            alt=f"Difference in profit from {label} by period, one line for each size of merchants: {end}",
        )
        st.caption(
            "Means over the markets, with the 95% interval of each period by itself as a band; figures elsewhere on "
            "this page are of the last half of the periods."
            if over["lo"].notna().any()
            else "Means over the markets; figures elsewhere on this page are of the last half of the periods."
        )
        with st.expander("The same figures as a table, every tenth period"):
            texts = over.assign(Text=[_ends(*one) for one in over[["value", "lo", "hi"]].itertuples(index=False)])
            wide = texts.pivot(index="period", columns="Size", values="Text").fillna("-")
            shown = wide[wide.index % 10 == 0][list(dict.fromkeys(over["Size"]))].reset_index()
            st.dataframe(
                shown.rename(columns={"period": "Period"}), hide_index=True, height="content",
                alt="Difference in profit by period and size, with 95% intervals",
            )  # fmt: skip
    less = {(one.arm, one.metric): market_table.written(one.metric, one.values, signed=True) for one in found}
    cells = pd.DataFrame(
        [
            {"Regime": market_table.arm_label(one)}
            | {market_table.heading(metric): market_table.figure(one, metric) for metric in market_table.SIZES}
            | {
                f"{_SIZE_NAMES[metric].capitalize()}, less {label}": less.get((one["arm"], metric), "-")
                for metric in market_table.SIZES
            }
            for one in rows
        ]
    )
    st.dataframe(
        cells, hide_index=True, height="content", alt="A merchant's profit in a period by size, 95% intervals",
        column_config={"Regime": st.column_config.TextColumn(pinned=True, width="medium")},
    )  # fmt: skip
    st.caption(
        "Profit in money a merchant and period. Small: the lower half of merchants by scale at the start; large: the "
        "top tenth."
    )


def _at_the_end(over: pd.DataFrame) -> str:
    """Say what merchants of each size get at the last period that is known."""
    last = over[over["period"] == over["period"].max()]
    texts = [f"{one.Size} {_ends(one.value, one.lo, one.hi)}" for one in last.itertuples()]
    return f"at period {over['period'].max():.0f} {', '.join(texts)} money a merchant"


def _ends(value: float, lo: float, hi: float) -> str:
    return f"{value:+z.3f}" if math.isnan(lo) else f"{value:+z.3f} [{lo:+z.3f}, {hi:+z.3f}]"


def _over_time(store: RunStore, scenario: str, row: Row, base: Row) -> pd.DataFrame | None:
    """Return Size, period, value, lo, hi: what merchants of a size get more than under the reference.

    The ends are NaN for runs of before each market's figures were kept.
    """
    found = {name: _tables(store, scenario, (row, base), name) for name in (MARKETS_FILE, PERIODS_FILE)}
    if found[MARKETS_FILE]:
        mine, theirs = found[MARKETS_FILE]
        each = [differences(mine, theirs, metric).assign(Size=name) for metric, name in _SIZE_NAMES.items()]
        return pd.concat(each, ignore_index=True)
    if not found[PERIODS_FILE]:
        return None
    mine, theirs = (one.set_index("period") for one in found[PERIODS_FILE])
    parts = [
        (mine[metric] - theirs[metric]).rename("value").reset_index().assign(Size=name, lo=math.nan, hi=math.nan)
        for metric, name in _SIZE_NAMES.items()
        if metric in mine and metric in theirs
    ]
    return pd.concat(parts, ignore_index=True) if parts else None


def _tables(store: RunStore, scenario: str, rows: Sequence[Row], name: str) -> list[pd.DataFrame]:
    """Read an artifact of some runs; empty unless all of them have it."""
    folders = [store.root / scenario / one["run_ids"][0] / "artifacts" for one in rows if one["run_ids"]]
    files = [folder / name for folder in folders if (folder / name).is_file()]
    return [read_frame(file) for file in files] if len(files) == len(rows) else []

"""What else a regime does: how prominent the own label is, beside published figures, and which reads it refuses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd
import streamlit as st

from apps.chart_words import span
from apps.drawn_chart import show_chart
from apps.market import charts as market_charts
from apps.market import table as market_table
from apps.plain_text import plain, plain_cells
from experiments.documents import read_frame
from experiments.market.run import LOG_FOLDER
from experiments.runs import RunStore

Row = Mapping[str, Any]
PUBLISHED: Final = {"own_listings": 0.058, "own_first": 0.195}
"""Own label's part of listings and of first places: The Markup 2021 (Amazon, 3,492 queries)."""
_SHARES: Final = {"own_listings": "listings", "own_sales": "sales", "own_first": "first places"}


def show_prominence(rows: Sequence[Row]) -> None:
    """Show own label's part of listings, sales and first places beside published figures."""
    table = pd.DataFrame(
        [
            {
                "Regime": market_table.arm_label(row),
                "Share": name,
                **{
                    key: market_table.number(row.get(f"{metric}{end}"))
                    for key, end in (("value", ""), ("lo", "_lo"), ("hi", "_hi"))
                },
                "Text": market_table.figure(row, metric),
            }
            for row in rows
            for metric, name in _SHARES.items()
        ]
    )
    table = table[table["value"] > 0] if len(table) else table
    if table.empty:
        return
    st.header("How prominent the own label is")
    first = table[table["Share"] == _SHARES["own_first"]]
    drawn = first if len(first) else table
    said = f"Own label's part of {drawn['Share'].iloc[0]}, in %: {span(drawn, name='Regime')}"
    st.markdown(f"**{plain(said)}.**")
    published = pd.DataFrame([{"Share": _SHARES[metric], "value": value} for metric, value in PUBLISHED.items()])
    show_chart(
        market_charts.prominence,
        table,
        published,
        alt=f"{said}; also of listings and sales under each regime, beside the published shares",
    )
    st.caption(
        "95% intervals over markets. "
        "Dashed: The Markup 2021 on Amazon, own label 5.8% of listings and 19.5% of first places; the model was set to "
        "come near them with the own label ranked up. Regimes without an own label are left out; where the platform "
        "holds a stake, first places of its affiliates count."
    )
    with st.expander("The same figures as a table"):
        wide = table.pivot(index="Regime", columns="Share", values="Text").fillna("-")
        order = list(dict.fromkeys(table["Regime"]))
        shown = wide.loc[order, [one for one in _SHARES.values() if one in wide]].rename(
            columns=lambda one: f"of {one}, %"
        )
        last = {"of listings, %": "5.8", "of sales, %": "-", "of first places, %": "19.5"}
        shown.loc["Published (Amazon)"] = [last[one] for one in shown.columns]
        st.dataframe(
            shown.reset_index(), hide_index=True, height="content", alt="Own label's shares in percent, 95% intervals",
            column_config={"Regime": st.column_config.TextColumn(pinned=True, width="medium")},
        )  # fmt: skip


def show_reads(store: RunStore, scenario: str, rows: Sequence[Row], row: Row) -> None:
    """Show how many uses of data each regime allowed and refused, and which under the chosen one."""
    counts = []
    for one in rows:
        record = store.document(store.root / scenario / one["run_ids"][0] / "run.json") if one["run_ids"] else None
        if record and "reads" in record:
            counts.append(
                {
                    "Regime": market_table.arm_label(one),
                    "Allowed": record["reads"] - record["reads_refused"],
                    "Refused": record["reads_refused"],
                }
            )
    if not counts:
        return
    st.header("What the rules refused")
    st.dataframe(
        pd.DataFrame(counts), hide_index=True, height="content", alt="Uses of data allowed and refused by regime",
        column_config={"Regime": st.column_config.TextColumn(pinned=True, width="medium")},
    )  # fmt: skip
    st.caption(
        "Uses of merchants' non-public data and of models made from them, in one market: lines of its access log."
    )
    file = store.root / scenario / (row["run_ids"] or [""])[0] / "artifacts" / LOG_FOLDER / "reads.parquet"
    if row["run_ids"] and file.is_file():
        table = uses(read_frame(file))
        st.markdown(f"**Under {plain(row['label'])}, in the first market**")
        st.table(plain_cells(table), hide_index=True, alt=f"Uses of data under {row['label']}, allowed and refused")


def uses(reads: pd.DataFrame) -> pd.DataFrame:
    """Sum up an access log: Use (who, what data, what for), Allowed, Refused."""
    grouped = reads.groupby(["actor", "data", "purpose"], sort=False)["allowed"]
    allowed, every = grouped.sum().astype(int), grouped.size()
    rows = [
        {
            "Use": f"{_words(who)}: {_words(data)}, for {_words(purpose)}",
            "Allowed": int(allowed[who, data, purpose]),
            "Refused": int(every[who, data, purpose] - allowed[who, data, purpose]),
        }
        for who, data, purpose in every.index
    ]
    return pd.DataFrame(rows).sort_values("Refused", ascending=False, kind="stable", ignore_index=True)


def _words(name: object) -> str:
    return str(name).replace("_", " ").replace("/", "' ", 1).replace("r' ", "r's ").replace("e' ", "e's ")

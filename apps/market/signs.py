"""The experiments about signs: what was expected, what came out, and what becomes of it without its assumption."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd
import streamlit as st

from apps.csv_download import csv_bytes
from apps.market import table as market_table
from apps.market.words import plain_sentences
from apps.plain_text import plain

Row = Mapping[str, Any]
EXPECTED: Final = {"+": "more", "-": "less", "range": "in the range", "?": "open"}
_MEANINGS: Final = (
    "- **shown**: the 95% interval over markets lies on the expected side, and the sign does not stay as it is without "
    "the assumption that is said to produce it.\n"
    "- **not shown**: the interval holds 0, or the assumption is not what makes the sign.\n"
    "- **opposite**: the interval lies on the other side.\n"
    "- **reported**: no sign was expected."
)


def show_signs(rows: Sequence[Row], scenario: str) -> None:
    """Show one row for each experiment, and for one of them what makes the sign and who found it."""
    wrong = [f"{plain(row['label'])} ({_number(row)})" for row in rows if row.get("verdict") == "opposite"]
    if wrong:
        st.markdown(f"**The opposite shows:** {'; '.join(wrong)}.")
    st.header("The experiments")
    table = sign_table(rows)
    st.dataframe(
        table, hide_index=True, height="content", row_height=74,
        alt="Experiments with expected sign, effect with 95% interval, effect without the assumption, and verdict",
        column_config={
            "No.": st.column_config.TextColumn(pinned=True, width=44, help="Of the question among the fourteen."),
            "Question": st.column_config.TextColumn(width=190),
            "Verdict": st.column_config.TextColumn(width=90),
            "Source": st.column_config.TextColumn(width=260),
        },
    )  # fmt: skip
    with st.expander("What the verdicts mean"):
        st.markdown(_MEANINGS)
    st.download_button(
        "Download as CSV", csv_bytes(frame(rows)), file_name=f"{scenario}.csv", mime="text/csv",
        icon=":material/download:",
    )  # fmt: skip
    told = {f"{_number(row)} {row['label']}": row for row in rows if row.get("assumption")}
    if told:
        st.header("What makes a sign, and who found it")
        name = st.selectbox("Experiment", list(told), key="market_sign", bind="query-params")
        _one(told.get(str(name), next(iter(told.values()))))


def _one(row: Row) -> None:
    """Tell one experiment in full."""
    facts = {
        "Question": row.get("question"),
        "Expected": EXPECTED.get(str(row.get("expected")), "-"),
        "Effect": f"{_figure(row, 'effect')} {row.get('unit') or ''}".strip(),
        "What produces the sign here": row.get("assumption"),
        "Without it": _figure(row, "without_assumption"),
        "Verdict": row.get("verdict") or "not measured",
        "Source": row.get("source"),
    }
    cells = pd.DataFrame({"": list(facts), "Experiment": [plain_sentences(one or "-") for one in facts.values()]})
    st.table(cells, hide_index=True, alt="One experiment: question, effect, assumption, verdict and source")


def sign_table(rows: Sequence[Row]) -> pd.DataFrame:
    """One row for each experiment: No., Question, Verdict, Expected, Effect, Unit, Without its assumption, Source."""
    return pd.DataFrame(
        [
            {
                "No.": _number(row),
                "Question": row.get("question") or row["label"],
                "Verdict": row.get("verdict") or "not measured",
                "Expected": EXPECTED.get(str(row.get("expected")), "-"),
                "Effect": _figure(row, "effect"),
                "Unit": row.get("unit") or "-",
                "Without its assumption": _figure(row, "without_assumption"),
                "Source": row.get("source") or "-",
            }
            for row in rows
        ]
    )


def frame(rows: Sequence[Row]) -> pd.DataFrame:
    """The table of experiments with its figures as numbers and the ends of their intervals, for download."""
    table = sign_table(rows).drop(columns=["Effect", "Without its assumption"])
    for metric in ("effect", "without_assumption"):
        for end in ("", "_lo", "_hi"):
            table[f"{metric}{end}"] = [market_table.number(row.get(f"{metric}{end}")) for row in rows]
    return table


def _number(row: Row) -> str:
    number = row.get("number")
    return "-" if number is None else str(number)


def _figure(row: Row, metric: str) -> str:
    return market_table.written("", [market_table.number(row.get(f"{metric}{end}")) for end in ("", "_lo", "_hi")])

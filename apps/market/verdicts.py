"""An auditor's verdicts on a page: breach, no evidence or inconclusive, with what would overturn it, and a report."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

import pandas as pd
import streamlit as st

from apps.chart_words import apart
from apps.drawn_chart import show_chart
from apps.market import charts as market_charts
from apps.market.report import (
    CURVE_HEADS,
    HEADS,
    MEANING,
    RULES,
    cells,
    declared_lines,
    document,
    html,
    number,
    power_words,
)
from apps.market.words import plain_sentences
from apps.plain_text import plain, plain_cells
from privacy.rules import Design, Power, Tipping, Verdict
from privacy.rules.design import DATA, RANKING, TARGETING
from privacy.rules.verdict import counted
from retail.market_log import MarketLog

_BADGES: Final = {
    "breach": ":red-badge[:material/error: breach]",
    "no_evidence": ":gray-badge[:material/search_off: no evidence]",
    "inconclusive": ":gray-badge[:material/question_mark: inconclusive]",
}
_NO_POWER: Final = {
    TARGETING: "one log does not tell how much periods and advertisers differ",
    RANKING: "with quality that is not logged nothing is ever called a breach",
}
_MOST_ROWS: Final = 100


def show_verdicts(
    verdicts: Sequence[Verdict], powers: Sequence[Power], design: Design, log: MarketLog, *, name: str
) -> None:
    """Show all verdicts, each with its reason, its power and what would overturn it, and offer the report.

    Args:
        verdicts: to show.
        powers: what such an audit would find, of some of the rules.
        design: what was declared.
        log: that was audited.
        name: what the report calls the log.
    """
    st.header("Verdicts")
    declared = declared_lines(design, log, verdicts, every=False)
    st.dataframe(
        pd.DataFrame([cells(one) for one in verdicts], columns=list(HEADS)).rename(columns=str.capitalize),
        hide_index=True, height="content", alt="Verdicts with effect, interval, margin and p value",
        column_config={"Rule": st.column_config.TextColumn(pinned=True, width="small")},
    )  # fmt: skip
    st.caption(f"{MEANING} " + plain_sentences(" ".join(declared)))
    content = document(name, declared, verdicts, powers)
    record = {"rows": [one.to_json() for one in verdicts], "folder": name, "declared": declared,
              "power": [asdict(one) for one in powers]}  # fmt: skip
    with st.container(horizontal=True):
        st.download_button(
            "Download the report", html(content), file_name="market-audit.html", mime="text/html",
            icon=":material/download:", on_click="ignore",
        )  # fmt: skip
        st.download_button(
            "Download as JSON", json.dumps(_finite(record), indent=1, default=str).encode(),
            file_name="market-audit.json", mime="application/json", icon=":material/data_object:", on_click="ignore",
        )  # fmt: skip
    for one in verdicts:
        _verdict(one, next((power for power in powers if power.rule == one.rule), None))


def _verdict(one: Verdict, power: Power | None) -> None:
    beside = f" :small[{plain_sentences(power_beside(one, power))}]" if one.outcome == "no_evidence" else ""
    st.subheader(f"{RULES[one.rule]} {_BADGES[one.outcome]}{beside}", anchor=False)
    st.markdown(plain_sentences(one.reason))
    if math.isfinite(one.effect) and math.isfinite(one.lo):
        _, _, effect, interval, margin, unit, _, adjusted, n = cells(one)
        words = f"Effect {effect} {unit}, 95% interval {interval}; margin {margin}; adjusted p {adjusted}; {n}."
        st.markdown(plain_sentences(words))
    for name, inner in (("From rows of the log", one.exact), ("From outside", one.statistical)):
        if inner is not None and inner.reason not in one.reason:
            st.markdown(f"{name}: {_BADGES[inner.outcome]} {plain_sentences(inner.reason)}")
    if power is not None:
        st.markdown(f"**Power of {power.power:.2f}.** {plain_sentences(power_words(power))}")
    if one.tipping is not None:
        _tipping(one.tipping)
    asked = one if one.curve or one.statistical is None else one.statistical
    if asked.curve:
        _curve(asked)
    if one.rows:
        with st.expander(f"{counted(len(one.rows), 'rows')} of the log: the proof"):
            table = pd.DataFrame([dict(row) for row in one.rows[:_MOST_ROWS]]).astype(str)
            st.dataframe(table, hide_index=True, alt="Rows of the log that prove a breach")
            if len(one.rows) > _MOST_ROWS:
                st.caption(f"The first {_MOST_ROWS}; the report has all.")


def power_beside(one: Verdict, power: Power | None) -> str:
    """Say what stands beside "no evidence": with how much power this log looked, or why nobody knows."""
    if power is not None:
        return f"power {power.power:.2f} for a true effect of {power.effect:g}"
    why = _NO_POWER.get(one.rule, "no effect to find was named")
    if one.rule == DATA and one.statistical is None:
        why = "only rows were read, and these prove a breach or say nothing"
    return f"power not known, because {why}"


def _curve(asked: Verdict) -> None:
    """Draw the specification curve of a verdict, in its own unit and beside its own margin."""
    table = curve_table(asked)
    drawn = table[table["effect"].map(math.isfinite)]
    if not len(drawn):
        st.markdown("**The same question, asked in other ways: none gives a figure**")
    else:
        said = apart(drawn, "the margin", line=asked.margin)
        st.markdown(f"**The same question, asked in other ways: {said}**")
        show_chart(
            market_charts.curve,
            drawn,
            margin=asked.margin,
            unit=asked.unit,
            alt=f"Specification curve of {RULES[asked.rule].lower()}, {said}: "
            + "; ".join(f"{row['Specification']} {row['Text']}" for _, row in drawn.iterrows()),
        )
    st.caption(
        f"Right of the dashed line is more than the margin of {asked.margin:g} {plain(asked.unit)}; 95% intervals."
    )
    with st.expander("The same figures as a table"):
        shown = table[["Specification", "Text", "p"]].rename(columns={"Text": f"Effect, {asked.unit}"})
        st.table(plain_cells(shown), hide_index=True, alt=f"{', '.join(CURVE_HEADS)} of each way to ask")


def _tipping(tipping: Tipping) -> None:
    """Show how strong an unseen quality would have to be to explain the estimate, and the verdict."""
    if not (math.isfinite(tipping.estimate) and tipping.estimate > 0):
        return
    shown = {
        "Would explain the estimate": tipping.estimate,
        "Would explain the verdict": tipping.verdict,
        "Strongest logged quality": tipping.strongest,
    }
    with st.container(horizontal=True):
        for name, value in shown.items():
            if value is not None and math.isfinite(value) and value > 0:
                st.metric(name, f"{value:.2g}", "log-odds for each SD", delta_color="off", delta_arrow="off", width=240,
                          border=True)  # fmt: skip
    st.caption(
        "Tipping point: how strongly a quality that is not logged, on which own products are 1 SD better, would have "
        "to move places."
    )


def curve_table(verdict: Verdict) -> pd.DataFrame:
    """One row for each way to ask: Specification, effect, lo, hi, Text, p, Declared; the declared one first."""
    return pd.DataFrame(
        [
            {
                "Specification": one.name,
                "effect": one.effect,
                "lo": one.lo,
                "hi": one.hi,
                "Text": f"{number(one.effect)} [{number(one.lo)}, {number(one.hi)}]",
                "p": number(one.p),
                "Declared": "another way" if place else "declared",
            }
            for place, one in enumerate(verdict.curve)
        ]
    )


def _finite(value: Any) -> Any:
    """Write what is no finite number as null, which JSON has in its place."""
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value

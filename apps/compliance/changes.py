"""The comparison of two policies on the page Compliance: which cells open and close, and which requests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import pandas as pd
import streamlit as st

from apps.compliance.access_view import ANSWER, Question, changes
from apps.compliance.policy_choices import NO_REGIME, REGIME_IDS, no_law_of, pack_ids, pack_options, stamp, table_of
from apps.figure_text import count
from apps.plain_text import plain_cells
from privacy.policy import diff
from privacy.policy.diff import Difference, diff_policies

_ORDER: Final = {"no": 0, "if": 1, "yes": 2}


def what_changes(question: Question, table: pd.DataFrame, *, packs: Sequence[str]) -> None:
    """Draw the comparison.

    Args:
        question: the policy to compare with another.
        table: its `access_table`.
        packs: rules of the scenario's runs; the other policy has them at first.
    """
    st.header("What changes under another policy")
    options = pack_options(packs)
    with st.container(horizontal=True):
        regime = st.selectbox(
            "Compare with regime", REGIME_IDS, index=None, placeholder="Choose one", key="against", bind="query-params",
            width=230,
        )  # fmt: skip
        chosen = st.multiselect(
            "and rules", list(options.values()), default=[options[pack] for pack in packs], key="against_rules",
            bind="query-params", width=560,
        )  # fmt: skip
    if regime is None or not chosen:
        st.caption("Choose a regime, or other rules with the same one, to see which answers change and why.")
        return
    second = replace(question, packs=pack_ids(chosen, packs), regime="" if regime == NO_REGIME else regime)
    after = table_of(second)
    found = changes(table, after)
    if lawless := no_law_of(second.place, second.packs):
        st.warning(f"The second policy: {lawless}", icon=":material/gavel:")
    if found.empty:
        same = "Every cell of the table above is answered the same."
        st.markdown(same) if lawless else st.success(same, icon=":material/equal:")
    else:
        moves = after[ANSWER].map(_ORDER).to_numpy() - table[ANSWER].map(_ORDER).to_numpy()
        st.markdown(
            f"Of {count(len(table), 'cell')}, **{(moves > 0).sum()} open** and **{(moves < 0).sum()} close** under "
            f"{regime}."
        )
        alt = "Cells that the two policies answer differently"
        st.table(plain_cells(found), hide_index=True, border="horizontal", alt=alt)
    if st.button("Compare every request, in all places and with all kinds of consent", icon=":material/difference:"):
        _every_request(question, second)


def _every_request(question: Question, second: Question) -> None:
    """Ask the whole domain of both policies, also about deeds, places and consent that are not chosen above."""
    changed = stamp((*question.packs, *second.packs))
    found = _diff(question.packs, question.regime, second.packs, second.regime, changed)
    table = found.table
    counts = table.groupby(diff.CHANGE)[diff.REQUESTS].sum()
    st.markdown(
        f"Of {count(found.asked, 'request')}, **{counts.get(diff.NOW_ALLOWED, 0):,} are newly allowed** and "
        f"**{counts.get(diff.NOW_DENIED, 0):,} newly denied** by the second policy."
    )
    if len(table):
        alt = "Groups of requests that the two policies answer differently, with the rule and an example"
        st.dataframe(table, hide_index=True, alt=alt)
    if found.silent:
        st.caption(f"These rules differ, but change none of these answers: {', '.join(found.silent)}.")


@st.cache_data(show_spinner="Asking both policies about every request; this takes some seconds", max_entries=16)
def _diff(
    before: tuple[str, ...], regime_before: str, after: tuple[str, ...], regime_after: str, changed: tuple[Any, ...]
) -> Difference:
    del changed
    return diff_policies(before, after, regime_before=regime_before or None, regime_after=regime_after or None)

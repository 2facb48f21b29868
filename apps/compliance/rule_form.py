"""The form beside the table of rules: change, add or remove one rule without the grid, by keyboard or on a phone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pandas as pd
import streamlit as st

from apps.compliance import rule_table
from privacy.policy.rule import (
    ANY,
    COLUMNS,
    CONDITIONS,
    EFFECT,
    ID,
    KIND,
    MAY,
    MAY_NOT,
    RELATIONS,
    UNLESS,
    WHEN,
    WHO,
    WHOSE,
    WORDS,
)

OFFERED: Final[Mapping[str, tuple[str, ...]]] = {
    EFFECT: (MAY, MAY_NOT),
    WHOSE: (ANY, *RELATIONS, *(f"{role}'s" for role in WORDS[WHO])),
    WHEN: ("", *CONDITIONS),
    UNLESS: ("", *CONDITIONS),
    **{column: (ANY, *words) for column, words in WORDS.items()},
}
"""Words that a cell may hold alone; several, parted by `;`, can be typed. Other columns are free text."""


def rule_form(table: pd.DataFrame) -> pd.DataFrame | None:
    """Let the user change, add or remove one rule.

    Args:
        table: all rules as they are edited so far.

    Returns: the table as it is to be, None where nothing was asked.
    """
    with st.expander("Change one rule in a form", icon=":material/edit_note:"):
        names = {f"{at + 1}: {row[ID] or 'without an id'}": at for at, row in enumerate(table.to_dict("records"))}
        asked = None
        if names:
            rule = st.selectbox("Rule", list(names), key="rule_form_rule", width=420)
            at = names[str(rule)]
            asked = _change(table, at)
        with st.container(horizontal=True):
            if st.button("Add a rule", icon=":material/add:", disabled=len(table) >= rule_table.MOST_RULES):
                return with_rule(table)
            if names and st.button("Remove this rule", icon=":material/delete:"):
                left: pd.DataFrame = table.drop(index=table.index[at]).reset_index(drop=True)
                return left
    return asked


def changed_cell(table: pd.DataFrame, at: int, column: str, text: str) -> pd.DataFrame:
    """Return the table with another text in one cell; it is checked later, where the user sees what is wrong."""
    changed = table.reset_index(drop=True)
    changed.loc[at, column] = text.strip()
    return changed


def with_rule(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with one more harmless rule at its end, under an id that no other has."""
    number = len(table) + 1
    while f"{rule_table.MINE}rule-{number}" in set(table[ID]):
        number += 1
    more = rule_table.blank().assign(**{ID: f"{rule_table.MINE}rule-{number}"})
    return pd.concat([table, more], ignore_index=True)


def _change(table: pd.DataFrame, at: int) -> pd.DataFrame | None:
    column = str(st.selectbox("What to change", COLUMNS, index=COLUMNS.index(KIND), key="rule_form_column", width=420))
    now = table.iloc[at][column]
    now = "" if now is None or now != now else str(now)
    key = f"rule form {at} {column} {now}"
    if column in OFFERED:
        words = dict.fromkeys((now, *OFFERED[column]))
        text = st.selectbox(
            "New text", list(words), key=key, width=420, accept_new_options=column != EFFECT,
            format_func=lambda word: word or "nothing",
            help=None if column == EFFECT else "Several words are typed with ; between them, such as mood; payments.",
        )  # fmt: skip
    else:
        text = st.text_input("New text", now, key=key, width=420, max_chars=400)
    if st.button("Change it", type="primary", icon=":material/check:"):
        return changed_cell(table, at, column, str(text or ""))
    return None

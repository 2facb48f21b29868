"""The part "Who may read what" of the page Compliance: the access matrix, and why a cell is answered as it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import pandas as pd
import streamlit as st

from apps.compliance.access_charts import CELL, access_map
from apps.compliance.access_view import (
    ANSWER,
    ANSWER_MEANING,
    DATA,
    FORM,
    FORM_NAMES,
    KIND_NAMES,
    ROWS,
    WHO,
    Question,
    has_cell,
)
from apps.compliance.changes import what_changes
from apps.compliance.policy_choices import (
    NO_REGIME,
    PLACE_NAMES,
    REGIME_IDS,
    explained,
    no_law_of,
    pack_ids,
    pack_options,
    shown_and_csv,
    table_of,
)
from apps.drawn_chart import show_chart
from apps.plain_text import plain
from privacy.policy import ACTIONS, JURISDICTIONS, PURPOSES
from privacy.policy.words import PURPOSES as PURPOSE_WORDS
from privacy.regimes import REGIMES

ANY_PURPOSE: Final = "any purpose"
_VERBS: Final = {"read": "Read", "release": "Publish statistics of", "train": "Learn from", "recognise": "Recognise by",
                 "target": "Advertise by", "sell": "Sell"}  # fmt: skip
_FORM_MEANING: Final = dict(
    zip(FORM_NAMES.values(), ("what was recorded", "counts and sums, no noise", "with noise for privacy"), strict=True)
)
_FIRST: Final = {"who": "Own label, merchants'", "what": "Till sales", "form": "Noisy sums"}
"""The cell that is explained at first: noise is no excuse there."""
_BADGES: Final = {"Denied": ":red-badge[:material/block: denied]", "Allowed": ":green-badge[:material/check: allowed]"}


def who_may(*, packs: Sequence[str], regimes: Sequence[str], place: str) -> None:
    """Draw the part.

    Args:
        packs: those of the scenario's runs; chosen at first.
        regimes: those of its runs.
        place: whose law its runs were under.

    Raises:
        PolicyError: a pack is wrong, or a folder of rules is gone.
    """
    question = _question(packs, regimes, place)
    regime = REGIMES.get(question.regime)
    verb = _VERBS[question.action].lower()
    st.title(f"Who may {verb} what " + (f"under {question.regime}" if regime else "without a regime"))
    if not question.packs:
        st.info("Choose at least one set of rules. Without rules nobody may do anything.")
        return
    used = "This scenario's runs use it." if question.regime in regimes else "No run of this scenario uses it."
    st.markdown(f"**{regime.title[:1].upper()}{regime.title[1:]}.** {used}" if regime else used)
    if lawless := no_law_of(question.place, question.packs):
        st.warning(lawless, icon=":material/gavel:")
    st.caption(
        "Asked of the policy engine, cell by cell, for data that are not public and for grown-ups. "
        + "; ".join(f"**{word}**: {meaning}" for word, meaning in ANSWER_MEANING.items())
        + "; empty: not asked. Click a cell to see why. The own label is the platform's retail arm: it competes with "
        "the merchants."
    )
    table = table_of(question)
    _maps(table)
    file_name = f"access-{question.regime or NO_REGIME}.csv"
    shown, file = shown_and_csv(question)
    with st.expander("The same answers as a table"):
        alt = "Who may read what: yes, if or no in each cell"
        st.dataframe(shown, hide_index=True, height="content", alt=alt)
        st.download_button(
            "Download as CSV", file, file_name=file_name, mime="text/csv",
            icon=":material/download:", on_click="ignore",
        )  # fmt: skip
    _why(question)
    what_changes(question, table, packs=packs)
    st.caption("The rules are modelled on laws. They certify nothing, and no lawyer has signed them.")


def _question(packs: Sequence[str], regimes: Sequence[str], place: str) -> Question:
    options = pack_options(packs)
    first = "federated_dp" if "federated_dp" in regimes else next(iter(regimes), "federated_dp")
    verbs, purposes, places = list(_VERBS.values()), [ANY_PURPOSE, *PURPOSE_WORDS.values()], list(PLACE_NAMES.values())
    with st.container(horizontal=True):
        at = REGIME_IDS.index(first)
        regime = st.selectbox("Regime", REGIME_IDS, index=at, key="regime", bind="query-params", width=230)
        verb = st.selectbox("To do what", verbs, key="action", bind="query-params", width=210)
        purpose = st.selectbox("For", purposes, key="purpose", bind="query-params", width=220)
        law = st.selectbox(
            "Law of", places, index=places.index(PLACE_NAMES[place]), key="place", bind="query-params", width=180,
            help="Laws on personal data bind where the people are, if they are among the rules below (GDPR for the "
            "EU). With no place, only rules that bind everywhere do.",
        )  # fmt: skip
    chosen = st.multiselect(
        "Rules", list(options.values()), default=[options[pack] for pack in packs], key="rules", bind="query-params"
    )
    return Question(
        packs=pack_ids(chosen, packs),
        regime="" if regime == NO_REGIME else regime,
        action=ACTIONS[verbs.index(verb)],
        purpose="" if purpose == ANY_PURPOSE else PURPOSES[purposes.index(purpose) - 1],
        place=JURISDICTIONS[places.index(law)],
    )


def _maps(table: pd.DataFrame) -> None:
    """Draw a heat map for each form, side by side where there is room."""
    who, data, framed = (st.session_state.get(key, first) for key, first in _FIRST.items())
    for (form, meaning), column in zip(_FORM_MEANING.items(), st.columns(3), strict=True):
        part = table[table[FORM] == form]
        counts = part[ANSWER].value_counts()
        summary = ", ".join(f"{counts.get(word, 0)} {word}" for word in ANSWER_MEANING)
        dark = st.context.theme.type == "dark"
        with column:
            st.markdown(f"**{form}** ({meaning}): {summary}")
            show_chart(
                access_map,
                part,
                chosen=(who, data) if form == framed else None,
                dark=dark,
                key=f"map-{form}",
                on_select=_remember,
                alt=f"Who may read {form.lower()}: {summary}. The same answers stand in the table below.",
            )


def _remember() -> None:
    """Take the cell that was clicked last to the choices below."""
    for form in _FORM_MEANING:
        state: Any = st.session_state.get(f"map-{form}")
        picked = state["selection"].get(CELL) if state else None
        if picked and picked != st.session_state.get(f"seen-{form}"):
            st.session_state["who"], st.session_state["what"] = picked[0][WHO], picked[0][DATA]
            st.session_state["form"] = form
        st.session_state[f"seen-{form}"] = picked


def _why(question: Question) -> None:
    st.header("Why")
    labels = {"who": "Who, and whose data", "what": "What", "form": "In which form"}
    options = {"who": list(ROWS), "what": list(KIND_NAMES.values()), "form": list(FORM_NAMES.values())}
    with st.container(horizontal=True):
        who, data, form = (
            st.selectbox(labels[key], names, index=names.index(_FIRST[key]), key=key, bind="query-params", width=240)
            for key, names in options.items()
        )
    if not has_cell(who, data):
        st.info("Others are asked about the models and metrics of an aggregator and the marketplace, and nothing else.")
        return
    answers: dict[tuple[str, str], list[str]] = {}
    for row in explained(question, who, data, form).to_dict("records"):
        law = f" *{plain(row['Article'])}, rule {plain(row['Rule'])}*" if row["Rule"] else ""
        answers.setdefault((row["Answer"], row["Purposes"]), []).append(f"- {plain(row['In words'])}{law}")
    for (answer, purposes), lines in answers.items():
        badge = _BADGES.get(answer, f":orange-badge[:material/how_to_reg: {answer.lower()}]")
        st.markdown(f"{badge} for {purposes}\n\n" + "\n".join(lines))

"""The part "What happened" of the page Compliance: reads and denials from the runs' logs, and a replay of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd
import streamlit as st

from apps.compliance import log_view
from apps.compliance.log_check import file_stamp
from apps.compliance.policy_choices import PLACE_NAMES, no_law_of, pack_ids, pack_options, stamp
from apps.figure_text import count
from apps.plain_text import plain
from apps.runs.run_record import title
from experiments.report.text import moment
from privacy.policy import JURISDICTIONS
from privacy.regimes import REGIMES
from retail.errors import DataError, PrivacyError

AS_LOGGED: Final = "as logged"
MOST_SHOWN: Final = 40
"""Denials that are listed in words."""


def what_happened(records: Sequence[Mapping[str, Any]], *, packs: Sequence[str]) -> None:
    """Draw the part.

    Args:
        records: of the runs.
        packs: rules under which they were made.

    Raises:
        PolicyError: a pack is wrong, or a folder of rules is gone.
    """
    logs, silent = _logs(records)
    events = log_view.together(logs)
    if events.empty:
        st.title("No request was logged")
    else:
        denied = int(events.loc[events["decision"] == "deny", log_view.TIMES].sum())
        st.title(f"{count(int(events[log_view.TIMES].sum()), 'request')} logged, {denied:,} denied")
        st.markdown(
            f"From {count(len(logs), 'log')}. A request is one question to the data port: may this party do this with "
            "these data? It is answered by the rules, and written down, before any row is read."
        )
    if silent:
        named = ", ".join(silent[:5]) + (f" and {len(silent) - 5} more" if len(silent) > 5 else "")
        st.info(f"Without a log: {plain(named)}. Who read what in them is not known.")
    for name, log in logs.items():
        for problem in log.problems:
            st.warning(f"{plain(name)}: {plain(problem)}. Its entries are no evidence.", icon=":material/warning:")
    if events.empty:
        st.info(
            "The logs hold no access events. Runs of older versions, and tasks that do not read through the data port, "
            "leave none. Run the scenario again to get them; nothing else can tell who read what."
        )
        return
    rules = log_view.rule_texts(packs)
    st.header("Denied")
    _denied(log_view.denials(events, rules))
    st.header("Who read what")
    st.dataframe(
        log_view.reads(events),
        hide_index=True,
        height="content",
        alt="Requests by who asked for what, how often, and the rule that decided",
        column_config={
            "Who": st.column_config.TextColumn(pinned=True),
            "Article": st.column_config.TextColumn(width="medium"),
            "Rows of": st.column_config.TextColumn(help="Of whom rows were returned."),
            "Parties": st.column_config.NumberColumn(help="How many different parties of that role asked."),
            "Data sets": st.column_config.NumberColumn(help="How many different data sets were asked for."),
        },
    )
    with st.expander("What these rules say"):
        for row in log_view.cited(events, rules).to_dict("records"):
            law = f"*{plain(row['Article'])}, rule {plain(row['Rule'])}*"
            st.markdown(f"- {plain(row['In words'])} {law}: {count(row['Decisions'], 'decision')}.")
    _replay(events, packs)


def _denied(table: pd.DataFrame) -> None:
    if table.empty:
        st.markdown("Nothing was denied.")
        return
    for row in table.head(MOST_SHOWN).to_dict("records"):
        law = f" *{plain(row['Article'])}, rule {plain(row['Rule'])}*" if row["Rule"] else ""
        when = f"{'last ' if row['Times'] > 1 else ''}{moment(row['Last'].isoformat())}"
        regime = f", regime {plain(row['Regime'])}" if row["Regime"] else ""
        st.markdown(
            f":red-badge[:material/block: denied] **{plain(row['Who'])}** asked to {plain(row['Asked to'])}. "
            f"{plain(row['Why'])}{law}  \n:small[{count(row['Times'], 'time')}, {plain(when)}, in "
            f"{plain(row['Run'])}{regime}]"
        )
    if len(table) > MOST_SHOWN:
        st.caption(f"The newest {MOST_SHOWN} of {len(table):,} different ones; the report lists all.")
    st.caption("A denial is the policy at work. It tells that somebody asked for what the rules keep from them.")


def _replay(events: pd.DataFrame, packs: Sequence[str]) -> None:
    st.header("What if other rules had been in force?")
    options, places = pack_options(packs), [AS_LOGGED, *PLACE_NAMES.values()]
    with st.container(horizontal=True):
        regime = st.selectbox("Regime", [AS_LOGGED, *REGIMES], key="if_regime", bind="query-params", width=230)
        place = st.selectbox("Law of", places, key="if_place", bind="query-params", width=230)
        chosen = st.multiselect(
            "Rules", list(options.values()), default=[options[pack] for pack in packs], key="if_rules",
            bind="query-params", width=560,
        )  # fmt: skip
    if not chosen:
        st.info("Choose at least one set of rules.")
        return
    asked = pack_ids(chosen, packs)
    where = None if place == AS_LOGGED else JURISDICTIONS[places.index(place) - 1]
    found = _what_if(events, asked, None if regime == AS_LOGGED else regime, where, stamp(asked))
    refused, opened = int(found.refused["Times"].sum()), int(found.opened["Times"].sum())
    if lawless := no_law_of(where or "none", asked):
        st.warning(lawless, icon=":material/gavel:")
    if not refused and not opened:
        same = f"These rules answer all {found.judged:,} requests as they were answered."
        st.markdown(same) if lawless else st.success(same, icon=":material/equal:")
    else:
        st.markdown(
            f"Of {count(found.judged, 'request')}, **{refused:,} that were allowed would be denied**, and "
            f"**{opened:,} that were denied would be allowed**."
        )
    for words, badge, table in (
        ("Would be denied", ":red-badge[:material/block: denied]", found.refused),
        ("Would be allowed", ":green-badge[:material/check: allowed]", found.opened),
    ):
        if len(table):
            st.subheader(words)
        for row in table.to_dict("records"):
            st.markdown(
                f"{badge} {plain(row['Who'])} asked to {plain(row['Asked to'])}: **{count(row['Times'], 'request')}** "
                f"in {count(row['Runs'], 'run')}. {plain(row['Why'])}"
            )
    if found.unexplained:
        st.warning(f"{found.unexplained:,} requests were allowed without naming the rule that permits them.")
    assumed = [f"{plain(note)}." for note in found.notes if "taken for" in note]
    st.caption(" ".join(["Judged by what each log entry itself says about parties, data and consent.", *assumed]))


def _logs(records: Sequence[Mapping[str, Any]]) -> tuple[dict[str, log_view.ReadLog], list[str]]:
    """Read the logs of runs; returns them by the run's name, and the runs that have none."""
    logs: dict[str, log_view.ReadLog] = {}
    silent = []
    for record in records:
        path = log_view.log_path(record)
        try:
            if log_view.keeps_log(path):
                logs[title(record)] = _read(str(path), *file_stamp(path))
            else:
                silent.append(title(record))
        except (DataError, PrivacyError) as error:
            logs[title(record)] = log_view.ReadLog(pd.DataFrame(), (str(error),))
    return logs, silent


@st.cache_data(show_spinner="Reading the logs", max_entries=2_000)
def _read(path: str, size: int, changed: int) -> log_view.ReadLog:
    del size, changed
    return log_view.read_log(Path(path))


@st.cache_data(show_spinner="Asking the rules about every request again", max_entries=64)
def _what_if(
    events: pd.DataFrame, packs: tuple[str, ...], regime: str | None, place: str | None, changed: tuple[Any, ...]
) -> log_view.WhatIf:
    del changed
    return log_view.what_if(events, packs, regime=regime, place=place)

"""The page Rules: edit a table of rules, read it in English, see which requests change, keep it."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd
import streamlit as st

from apps.compliance import rule_table
from apps.compliance.policy_choices import NO_REGIME, PACK_NAMES, REGIME_IDS
from apps.compliance.rule_form import rule_form
from apps.compliance.saved_rules import delete_rules, read_saved, save_rules, saved_rules
from apps.csv_download import csv_bytes
from apps.figure_text import count
from apps.plain_text import plain, plain_cells
from privacy.policy.check import Enumeration
from privacy.policy.diff import CHANGE, NOW_ALLOWED, NOW_DENIED, REQUESTS, Difference, describe
from retail.errors import TradefairError

BLANK: Final = "An empty table"
UPLOAD: Final = "Your own rules.csv"
HOUSE: Final = "The house rules alone"
_STARTS: Final = {BLANK: "", **{name: pack for pack, name in PACK_NAMES.items() if pack != rule_table.BASE}}
_SHOWN: Final = 20
_KEPT: Final = "rules_found"
_FORMED: Final = "rules_formed"
"""In the session: the table that the form made, with the one that it was made from; the grid then starts from it."""
_HELP: Final = {
    "id": "A short name that no other rule has.",
    "who": "A role or a group of roles.",
    "whose": "own, another's, or the owner's role with 's.",
    "when": "Conditions that must all hold, such as consent; parted by ;",
    "unless": "The rule does not count where these hold.",
    "article": "The law, contract or house rule behind it; every denial cites it.",
    "sentence": "What you mean, for colleagues; never evaluated.",
}


def rules_page() -> None:
    """Draw the page."""
    title = st.container()
    start = _start()
    if start is None:
        title.title("Rules of your own: choose a table to start from")
        return
    name, table = start
    began = rule_table.as_csv(table)
    before = "" if name == BLANK else began
    kept = st.session_state.get(_FORMED)
    table = kept[1] if kept is not None and kept[0] == (name, began) else table
    edited = st.data_editor(
        table, key=f"rules of {name} {hash(rule_table.as_csv(table))}", num_rows="dynamic", hide_index=True,
        alt="Rules, one row each, which can be edited",
        column_config={
            "effect": st.column_config.SelectboxColumn(options=["may", "may not"], required=True),
            **{
                column: st.column_config.TextColumn(help=_HELP.get(column), pinned=column == "id")
                for column in table.columns if column != "effect"
            },
        },
    )  # fmt: skip
    st.caption("Add a row at the end, or select a row and delete it. Words and groups: docs/policy.md, *Write a rule*.")
    if (formed := rule_form(edited)) is not None:
        st.session_state[_FORMED] = ((name, began), formed)
        st.rerun()
    text = rule_table.as_csv(edited)
    checked = _checked(text)
    if len(checked.problems):
        title.title(f"{count(len(checked.problems), 'problem')} in the table")
        st.error("Nothing can be asked before the table is right.", icon=":material/error:")
        st.dataframe(checked.problems, hide_index=True, alt="What is wrong, with row, column, value and what to do")
        return
    many = len(checked.english)
    title.title(f"{count(many, 'rule')}, and what {'it says' if many == 1 else 'they say'}")
    st.table(
        plain_cells(checked.english), hide_index=True, border="horizontal",
        alt="Each rule in English, as it will be enforced, with its article",
    )  # fmt: skip
    st.caption(f"Read back from what was compiled, so this is what will be enforced. Fingerprint {checked.mark[:16]}.")
    _keep(text)
    _ask(before, text, name)


def _start() -> tuple[str, pd.DataFrame] | None:
    saved = _saved()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox("Start from", [*_STARTS, *saved, UPLOAD], key="rules_start", bind="query-params", width=320)
        if name == UPLOAD:
            sent = st.file_uploader("rules.csv", type="csv", max_upload_size=1, key="rules_file")
        if name in saved:
            delete_rules(saved[name])
    if name != UPLOAD:
        if name in saved:
            return name, read_saved(saved[name])
        return name, rule_table.blank() if name == BLANK else rule_table.of_pack(_STARTS[name])
    if sent is None:
        st.info("Choose a file. `tradefair policy check` takes the same; docs/policy.md describes the columns.")
        return None
    try:
        return f"The file {sent.name[:40]}", rule_table.of_upload(sent.name, sent.getvalue())
    except TradefairError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return None


def _saved() -> dict[str, str]:
    """Return the names of saved tables, as the page calls them, and their folders."""
    return {f"Saved: {one}": one for one in saved_rules()}


@st.cache_data(show_spinner=False, max_entries=64)
def _checked(text: str) -> rule_table.Checked:
    return rule_table.check(text)


def _keep(text: str) -> None:
    st.download_button(
        "Download rules.csv", text.encode(), file_name="rules.csv", mime="text/csv", icon=":material/download:"
    )
    save_rules(text)


def _ask(before: str, after: str, name: str) -> None:
    st.header("What it changes")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        regime = st.selectbox("Regime", REGIME_IDS, index=REGIME_IDS.index("federated_dp"), key="rules_regime",
                              bind="query-params", width=240)  # fmt: skip
        sides = {HOUSE: "", **({f"{name} as it was": before} if before else {})}
        against = str(
            st.selectbox("Compared with", list(sides), index=len(sides) - 1, key=f"rules_against {name}", width=260)
        )
        change = st.button("Which requests change?", type="primary", icon=":material/difference:",
                           help="Under these rules, compared with the others.")  # fmt: skip
        wrong = st.button("Look for counterexamples", icon=":material/search:",
                          help="Requests whose answer breaks what must hold for any policy.")  # fmt: skip
    chosen = None if regime == NO_REGIME else regime
    key = (sides[against], after, chosen)
    kept = st.session_state.get(_KEPT)
    if change or wrong:
        bar = st.progress(0.0, "Asking")

        def tell(what: str, done: int, total: int) -> None:
            bar.progress(min(1.0, done / max(1, total)), f"{what}: {done:,} of {total:,}")

        if change:
            found: Any = rule_table.changed_requests(sides[against], after, regime=chosen, progress=tell)
        else:
            bar.progress(0.5, "Asking every request of the sample world")
            found = rule_table.counterexamples(after, regime=chosen)
        bar.empty()
        kept = (key, found)
        st.session_state[_KEPT] = kept
    if kept is None or kept[0] != key:
        st.caption("Every request of a small world is put to both policies, which takes some seconds.")
        return
    if isinstance(kept[1], Difference):
        _changes(kept[1], against)
    else:
        _counterexamples(kept[1])


def _changes(found: Difference, against: str) -> None:
    if not found.asked:
        st.success(f"The same rules as {plain(against)}: no answer changes.", icon=":material/equal:")
        return
    counts = found.table.groupby(CHANGE)[REQUESTS].sum()
    opened, closed = (int(counts.get(one, 0)) for one in (NOW_ALLOWED, NOW_DENIED))
    st.subheader(f"{opened:,} requests open and {closed:,} close, of {found.asked:,} asked")
    if len(found.table):
        st.dataframe(
            found.table, hide_index=True,
            alt="Groups of requests whose answer changes, with the rule that decides, its article and an example",
        )  # fmt: skip
        st.download_button(
            "Download as CSV", csv_bytes(found.table), file_name="changed-requests.csv",
            mime="text/csv", icon=":material/download:",
        )  # fmt: skip
    if found.silent:
        st.caption(f"These rules differ, but change none of these answers: {plain(', '.join(found.silent))}.")


def _counterexamples(found: Enumeration) -> None:
    if not found.wrong:
        st.subheader(f"No counterexample among {found.requests:,} requests")
    else:
        st.subheader(f"{len(found.wrong):,} of {found.requests:,} requests get an answer that no policy should give")
        rows = [
            {"Request": describe(one.request), "Why": one.why, "Rule": one.rule} for one in found.wrong[:_SHOWN]
        ]  # fmt: skip
        st.dataframe(pd.DataFrame(rows), hide_index=True, alt="Requests with a wrong answer, why, and the rule")
        if len(found.wrong) > _SHOWN:
            st.caption(f"The first {_SHOWN}.")
    if found.idle:
        st.caption(f"These rules decided nothing that was asked: {plain(', '.join(found.idle))}.")

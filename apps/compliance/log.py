"""The part "Log" of the page Compliance: whether the logs of a scenario and of its runs were tampered with."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pandas as pd
import streamlit as st

from apps.compliance import log_check
from apps.compliance.log_check import CheckedLog, file_stamp
from apps.compliance.log_view import keeps_log
from apps.figure_text import count
from apps.plain_text import plain
from apps.runs.run_record import title
from experiments.logbook import RUN_BOOKS, SCENARIO_LOG
from experiments.report.text import moment
from privacy.log import SignedHead
from retail.errors import PrivacyError

STATES: Final = {
    "intact": ":green-badge[:material/check: intact]",
    "partly signed": ":orange-badge[:material/signature: partly signed]",
    "unsigned": ":orange-badge[:material/signature: unsigned]",
    "signed by another key": ":red-badge[:material/key_off: signed by another key]",
    "broken": ":red-badge[:material/error: broken]",
}


def log_checks(root: Path, scenario: str, records: Sequence[Mapping[str, Any]]) -> None:
    """Draw the part.

    Args:
        root: of the run store.
        scenario: its name.
        records: of the runs whose logs to check beside the scenario's.
    """
    folder = root / scenario
    runs = {title(record): Path(record["path"]) for record in records if _keeps_log(Path(record["path"]) / RUN_BOOKS)}
    if not runs and not (folder / SCENARIO_LOG).is_file():
        st.title("There is no log to check")
        st.info("Neither the scenario nor its runs keep a log: they were made by an older version. Run them again.")
        return
    heading = st.container()
    with st.expander("Check against what you know", icon=":material/verified_user:"):
        st.markdown(
            "A log's owner can rewrite it and sign it anew. Two things from your own keeping stop that: the owner's "
            "public key, and a *witness*: a signed head that `tradefair log witness` wrote for you earlier."
        )
        known = st.text_input("Owner's public key", placeholder="64 hexadecimal digits", key="owner_key", max_chars=64)
        uploaded = st.file_uploader("Witness file", type="json", max_upload_size=1, key="witness")
    try:
        stored = log_check.owner_key(root)
        key = log_check.named_key(known) or stored
        head = log_check.read_uploaded(uploaded.getvalue()) if uploaded else None
    except PrivacyError as error:
        heading.title("The logs were not checked")
        st.error(plain(error), icon=":material/error:")
        return
    files = (folder / SCENARIO_LOG, *sorted(folder.glob(f"*/{RUN_BOOKS}")))  # the scenario's check reads all of them
    checked, other = _checked(folder, runs, key, head, tuple(file_stamp(path) for path in files))
    states = [one.state for one in checked]
    words = ", ".join(f"{states.count(state)} {state}" for state in STATES if state in states)
    heading.title(f"{count(len(checked), 'log')} checked: {words}")
    if other:
        st.warning(f"Your witness is of the log {plain(other)}, which is none of these; it was not used.")
    elif head is not None:
        st.success(f"Compared with your witness, a head over the first {head.size:,} entries.", icon=":material/done:")
    if key is None:
        st.warning("The store holds no public key, and you named none: each log was checked against its own.")
    else:
        if known.strip() and stored is not None and key != stored:
            st.warning("The key that you named is not the key in the store.", icon=":material/warning:")
        whose = "that you named" if known.strip() else "that lies in the store; compare it with the owner's"
        st.markdown(f"Checked with the key {whose}:")
        st.code(key, language=None, wrap_lines=True)
    _say_logs(checked)
    st.header("What this check cannot show")
    st.markdown("\n".join(f"- {line}" for line in log_check.NOT_SHOWN))
    st.markdown("The same check without this app, on any machine that has a copy of the folder:")
    words = shlex.join(["tradefair", "log", "verify", str(folder), *(["--key", key] if key else [])])
    st.code(words + (" --witness FILE" if head else ""), language=None, wrap_lines=True)


def _say_logs(checked: Sequence[CheckedLog]) -> None:
    rows = []
    for one in checked:
        size, head = one.verdict.size, one.head
        covered = "none signed" if head is None else "all signed" if head.size == size else f"{head.size:,} signed"
        when = "" if head is None else moment(head.time).removesuffix(" UTC")
        rows.append((STATES[one.state], plain(one.name), f"{size:,}, {covered}", when))
    table = pd.DataFrame(rows, columns=["State", "Log", "Entries", "Signed at (UTC)"])
    alt = "Each log, whether it is intact, and its newest signed head"
    st.table(table, hide_index=True, border="horizontal", alt=alt)
    others: dict[str, list[str]] = {}
    for one in checked:
        if one.signer:
            others.setdefault(one.signer, []).append(one.name)
    for signer, names in others.items():
        named = plain(names[0]) if len(names) == 1 else count(len(names), "log")
        st.error(
            f"**Signed by another key**: {named}, by `{signer}`. That is not the key of this check, so it did not "
            "pass. Entries and heads fit each other: either the key of this check is not the owner's, or somebody "
            "rewrote the log and signed it anew with a key of their own. Compare both with the owner's key.",
            icon=":material/key_off:",
        )
    for one in checked:
        for problem in () if one.signer else one.verdict.problems:
            text = f"**{plain(one.name)}**: {plain(problem)}."
            (st.error if one.state == "broken" else st.warning)(text, icon=":material/warning:")
    for note in dict.fromkeys(note for one in checked for note in one.verdict.notes if "--" not in note):
        st.caption(f"{plain(note)}.")
    with st.expander("Signed heads"):
        st.markdown("A head states how long a log is and what it holds. Keep one where the log's owner cannot write.")
        st.json([one.head.to_json() for one in checked if one.head is not None], expanded=2)


@st.cache_data(show_spinner="Checking the logs", max_entries=64)
def _checked(
    folder: Path, runs: Mapping[str, Path], key: str | None, head: SignedHead | None, changed: tuple[Any, ...]
) -> tuple[list[CheckedLog], str]:
    """Check every log, each against the witness if it is its own; returns also the name of a witness that fits none."""
    del changed
    names = log_check.origins({"": folder / SCENARIO_LOG, **{name: path / RUN_BOOKS for name, path in runs.items()}})
    of = None if head is None else names.get(head.origin)
    whole = log_check.check_scenario(folder, head=head if of == "" else None, key_hex=key)
    checked = [] if whole is None else [replace(whole, name=f"{whole.name} (the scenario)")]
    for name, path in runs.items():
        checked.append(log_check.check_run(path, name, head=head if of == name else None, key_hex=key))
    return checked, "" if head is None or of is not None else head.origin


def _keeps_log(path: Path) -> bool:
    """Tell whether a run has a log; a damaged file counts as one, so that the check names it."""
    try:
        return keeps_log(path)
    except PrivacyError:
        return True

"""The part "Check a ranking log" of the page Market: a log, what is declared beforehand, and the auditor's verdicts."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Final

import pandas as pd
import streamlit as st

from apps.market.live import MARKET, PERIODS
from apps.market.power import EFFECTS, powers
from apps.market.report import RULES, verdict_title
from apps.market.upload import read_upload, zipped
from apps.market.verdicts import show_verdicts
from apps.market.words import plain_sentences
from apps.plain_text import plain
from privacy.rules import MARGINS, NAMES, Design, all_rules, audit_market
from privacy.rules.design import DATA, RANKING
from privacy.rules.rule import can_audit
from retail.errors import DataError, TradefairError
from retail.market_log import TABLES, MarketLog
from retail.problems import shown
from simulation.market import MarketSettings, simulate

OWN: Final = "Your own log"
EXAMPLES: Final[Mapping[str, str]] = {
    "Example: firewall": "firewall",
    "Example: own label ranked up": "self_preferencing",
}
OWN_ARM: Final = "platform_retail"
"""The actor in reads that is the own-label arm in every log."""
_ANSWER: Final = "market_audit"
_LOG: Final = "market_log"
_UNITS: Final = {
    "ranking": "log-odds",
    "data": "percentile over .5",
    "access": "share of requests",
    "targeting": "share of others' mean score",
}


def check_log(title: st.delta_generator.DeltaGenerator) -> None:
    """Show where a log comes from, what to declare, and the verdicts.

    Args:
        title: a container above, which gets the finding.
    """
    with title:
        heading = st.empty()
    heading.title("Does a ranking favour the platform's own goods?")
    source = st.segmented_control(
        "Log", [OWN, *EXAMPLES], default=OWN, required=True, key="market_log_from", bind="query-params", wrap=True
    )
    name = str(source)
    if source in EXAMPLES:
        key, log = _example(EXAMPLES[name])
    else:
        found = _uploaded()
        if found is None:
            return
        key, log, files = found
        name += f": {files}"
    _contents(log, key)
    declared = _declare(log)
    if declared is None:
        return
    design, names, effects = declared
    wanted = (key, repr(design), names, effects)
    if st.button("Audit", type="primary", icon=":material/gavel:"):
        st.session_state.pop(_ANSWER, None)
        try:
            with st.spinner("Auditing"):
                verdicts = audit_market(log, design, names)
                found_by = powers(dict(effects), design, log, verdicts)
        except TradefairError as error:
            st.error(plain(str(error)), icon=":material/error:")
            return
        st.session_state[_ANSWER] = (wanted, verdicts, found_by)
    kept = st.session_state.get(_ANSWER)
    if kept is None or kept[0] != wanted:
        st.caption("Decide first, then look: choices that are changed after a verdict make its p values mean nothing.")
        return
    heading.title(plain(verdict_title(kept[1])))
    show_verdicts(kept[1], kept[2], design, log, name=name)


def _example(regime: str) -> tuple[str, MarketLog]:
    return f"example {regime}", _simulated(regime, tuple(MARKET.items()))


@st.cache_resource(show_spinner="Simulating a market and its log", max_entries=4)
def _simulated(regime: str, size: tuple[tuple[str, int], ...]) -> MarketLog:
    return simulate(MarketSettings().with_values(**dict(size)), regime, seed=1, periods=PERIODS, record="list").log()


def _uploaded() -> tuple[str, MarketLog, str] | None:
    """Return what somebody uploaded, checked, and its files in words, by which whoever gets the report can tell them.

    It stays in the memory of this session until another log is chosen.
    """
    files = st.file_uploader(
        "Tables as CSV or Parquet, or a ZIP file of them", type=["csv", "parquet", "zip"], accept_multiple_files=True,
        key="market_files", max_upload_size=25,
    )  # fmt: skip
    st.caption(
        "Nothing of it is kept on a disk: the tables lie in a folder that is removed when they are read. The server is "
        "this machine."
    )
    with st.expander("What the tables hold"):
        _schema()
    if not files:
        st.session_state.pop(_LOG, None)
        st.session_state.pop(_ANSWER, None)
        st.info(
            "Choose the table `impressions` at least, with one row for each place of each shown list; or an example."
        )
        return None
    contents = [(one.name, one.getvalue()) for one in files]
    sign = hashlib.sha256()
    for name, content in contents:
        sign.update(f"{name}\0{len(content)}\0".encode() + content)
    key = sign.hexdigest()
    kept = st.session_state.get(_LOG)
    if kept is None or kept[0] != key:
        try:
            with st.spinner("Reading the tables"):
                kept = (key, read_upload(contents))
        except DataError as error:
            st.session_state.pop(_LOG, None)
            st.session_state.pop(_ANSWER, None)
            st.error(plain(str(error)), icon=":material/error:")
            return None
        st.session_state[_LOG] = kept
    named = "; ".join(f"{shown(name)}, SHA-256 {hashlib.sha256(content).hexdigest()}" for name, content in contents)
    return key, kept[1], named


def _schema() -> None:
    st.markdown(
        "File names are those of the tables. Further columns of numbers in `impressions` (price, rating, popularity) "
        "are logged quality: what a ranking may fairly use. One table is enough; each rule says which it needs. "
        "`tradefair audit` reads the same tables; docs/market-audit.md."
    )
    rows = [
        {
            "Table": table.name,
            "Columns": ", ".join(f"{one.name}{'' if one.required else ' (optional)'}" for one in table.columns),
        }
        for table in TABLES
    ]
    st.table(pd.DataFrame(rows), hide_index=True, alt="Tables of a log and their columns")


def _contents(log: MarketLog, key: str) -> None:
    """Say what was read."""
    parts = [f"{name} {len(frame):,}" for name, frame in log.tables.items()]
    st.markdown(f"**Rows read:** {plain(', '.join(parts))}.")
    for note in log.notes:
        st.caption(plain(note))
    if key.startswith("example"):
        st.caption("A simulated market of this project's model; no real platform.")
        if st.button(
            "Pack it for download", icon=":material/folder_zip:", help="A ZIP file of CSV tables, as a pattern."
        ):
            with st.spinner("Packing"):
                st.session_state["market_zip"] = (key, zipped(log))
        packed = st.session_state.get("market_zip")
        if packed is not None and packed[0] == key:
            st.download_button(
                "Download the log (ZIP of CSV)", packed[1], file_name="market-log.zip", mime="application/zip",
                icon=":material/download:", on_click="ignore",
            )  # fmt: skip


def _declare(log: MarketLog) -> tuple[Design, tuple[str, ...], tuple[tuple[str, float], ...]] | None:
    """Let the user declare rules, qualities, margins and effects to find; None where nothing can be audited."""
    able = [rule.name for rule in all_rules() if can_audit(rule, log)]
    if not able:
        needs = "; ".join(
            f"{RULES[rule.name]}: {' or '.join(' and '.join(group) for group in rule.needs)}" for rule in all_rules()
        )
        st.info(plain_sentences(f"These tables are not enough for any rule. {needs}."))
        return None
    st.header("Declare before you look")
    names = st.pills(
        "Rules",
        able,
        selection_mode="multi",
        default=able,
        key="market_rules",
        bind="query-params",
        wrap=True,
        format_func=RULES.__getitem__,
    )
    missing = [RULES[name] for name in NAMES if name not in able]
    if missing:
        st.caption(f"Not asked, as their tables are missing: {', '.join(missing)}.")
    qualities: tuple[str, ...] | None = None
    unlogged = False
    if RANKING in names:
        if log.qualities:
            chosen = st.pills(
                "Logged quality that a ranking may use", list(log.qualities), selection_mode="multi",
                default=list(log.qualities), key="market_qualities", bind="query-params", wrap=True, format_func=plain,
            )  # fmt: skip
            qualities = tuple(name for name in log.qualities if name in chosen)
        else:
            st.caption(
                "`impressions` has no column of logged quality, so a breach cannot be told from better products."
            )
        unlogged = st.toggle(
            "The ranking also uses quality that is not in the log", key="market_unlogged", bind="query-params",
            help="Then higher places of own products may be earned: the verdict is never a breach, and the tipping "
            "point says how strong such a quality would have to be.",
        )  # fmt: skip
    if not names:
        st.info("Choose at least one rule.")
        return None
    own_arm = _own_arm(log) if DATA in names and log.reads is not None else ()
    margins, effects = _margins(names)
    design = Design(qualities=qualities, unlogged=bool(unlogged), margins=margins, own_arm=(OWN_ARM, *own_arm))
    return design, tuple(name for name in NAMES if name in names), tuple(effects.items())


def _margins(names: Sequence[str]) -> tuple[dict[str, float], dict[str, float]]:
    """Let the user declare for each rule which effect is no breach yet, and for which one the power is told."""
    margins: dict[str, float] = {}
    effects: dict[str, float] = {}
    with st.expander("Margins: effects that are no breach yet; and effects to find"):
        for name in names:
            with st.container(horizontal=True):
                label = f"{RULES[name]}, {_UNITS[name]}"
                margins[name] = float(
                    st.number_input(
                        label, 0.0, 0.49, MARGINS[name], 0.01, key=f"margin_{name}", bind="query-params", width=300
                    )
                )
                if name in EFFECTS:
                    effects[name] = float(
                        st.number_input(
                            f"{label}: to find",
                            0.0,
                            0.49,
                            EFFECTS[name],
                            0.01,
                            key=f"effect_{name}",
                            bind="query-params",
                            width=300,
                        )
                    )
        st.caption(
            "An effect to find is a true one that you would not want to miss; its power stands beside the verdict."
        )
    return margins, effects


def _own_arm(log: MarketLog) -> tuple[str, ...]:
    """Let the user name actors in `reads` that are the own-label arm, and say which of them read nothing."""
    given = st.text_input(
        "Other ids of the own-label arm in `reads`, with commas between them", key="market_own_arm", width=520,
        placeholder="retail-arm, private-brands",
        help=f"The arm that sells the platform's own goods. Rows whose actor is {OWN_ARM}, or whose role says so, "
        "count without being named. Capitals matter.",
    )  # fmt: skip
    named = tuple(dict.fromkeys(one.strip() for one in str(given).split(",") if one.strip()))
    assert log.reads is not None
    actors = set(log.reads["actor"].astype(str))
    unknown = [one for one in named if one not in actors]
    if unknown:
        st.warning(
            f"No row of `reads` has the actor {plain(', '.join(unknown))}; the ids there are such as "
            f"{plain(', '.join(sorted(actors)[:5]))}.",
            icon=":material/person_search:",
        )
    return named

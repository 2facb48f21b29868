"""How far the process of a scenario is, with buttons that start, cancel and resume it; redrawn while it runs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import pandas as pd
import streamlit as st

from apps.login import has_role, require
from apps.opened_store import command
from apps.plain_text import plain
from apps.research import processes
from apps.research.processes import Process
from apps.research.run_lines import Said, read_lines
from apps.runs.scenario_progress import progress
from experiments.runs import RunStore
from retail.errors import TradefairError

_TROUBLE: Final = "start_trouble"
_ENDED: Final = 1  # exit code of a command that ran, with runs that gave nothing
_REFUSED: Final = 2


def show_process(store: RunStore, scenario: str, *, source: str | Path | None = None, buttons: bool = True) -> None:
    """Show the newest process of a scenario and what can be done with it; the page starts over when it ends.

    Args:
        store: where the runs are.
        scenario: its name.
        source: what `tradefair run` is given; the scenario's file in the store when None.
        buttons: whether to offer to start it.
    """
    source = store.root / scenario / "scenario.toml" if source is None else source
    found = processes.newest(store, scenario)
    if found is not None and found.alive:
        _watch(store, scenario)
        return
    if found is not None:
        _say_how_it_ended(store, found)
    if buttons:
        _buttons(store, scenario, source, found)


def show_stopped(store: RunStore, scenario: str) -> None:
    """Show that a scenario was stopped before its end, with a button to resume it and links to what it has."""
    with st.container(border=True):
        show_process(store, scenario)
        query = {"scenario": scenario}
        with st.container(horizontal=True):
            st.page_link("app_pages/results.py", label="Results", icon=":material/query_stats:", query_params=query)
            st.page_link("app_pages/runs.py", label="Runs", icon=":material/receipt_long:", query_params=query)


def tried(do: Callable[[], object]) -> None:
    """Do what a button is for; what speaks against it is kept for `trouble`."""
    try:
        do()
    except TradefairError as error:
        st.session_state[_TROUBLE] = str(error)


def start_again(store: RunStore, scenario: str, source: str | Path, *, retry_failed: bool = False) -> None:
    """Start a scenario from its file, where the user may; one that comes with Tradefair is for every role.

    Raises: ConfigError, DataError: as `processes.start`; or it is not the user's to start.
    """
    require("Researchers" if isinstance(source, Path) else None)
    processes.start(store, scenario, source, retry_failed=retry_failed)


def end(store: RunStore, scenario: str) -> None:
    """Cancel a scenario, where the user might have started it.

    Raises: ConfigError, DataError: as `processes.cancel`; or it is not the user's to cancel.
    """
    found = processes.newest(store, scenario)
    bundled = found is not None and found.words[1:2] == (scenario,)
    require(None if bundled else "Researchers")
    processes.cancel(store, scenario)


def trouble() -> None:
    """Say once why something that was clicked could not be done."""
    if message := st.session_state.pop(_TROUBLE, ""):
        st.error(plain(message), icon=":material/error:")


def stopped_names(store: RunStore) -> list[str]:
    """Return the scenarios that were cancelled or died in the app, were not resumed, and have runs left."""
    return [one.scenario for one in processes.stopped(store) if has_runs_left(store, one.scenario)]


def has_runs_left(store: RunStore, scenario: str) -> bool:
    """Whether a scenario of the store wants more runs than have ended; so where its file cannot be read."""
    how_far = progress(store, scenario)
    return how_far.wanted is None or how_far.finished + how_far.failed < how_far.wanted


def running_names(store: RunStore) -> list[str]:
    """Return the scenarios that the app runs now."""
    return [one.scenario for one in processes.alive(store)]


@st.fragment(run_every="2s")
def _watch(store: RunStore, scenario: str) -> None:
    found = processes.newest(store, scenario)
    if found is None or not found.alive or not has_role():
        st.rerun()
    said = read_lines(processes.log_text(found))
    with st.container(border=True):
        st.markdown(f"**{_doing(found)}**")
        st.progress(min(1.0, said.done / said.total) if said.total else 0.0, _how_far(store, found, said))
        ending = found.state == "ending"
        st.button(
            "Cancel", key=f"cancel-{scenario}", icon=":material/stop:", disabled=ending,
            on_click=tried, args=(partial(end, store, scenario),),
            help="As Ctrl-C: runs that are finished stay, and Resume goes on from there.",
        )  # fmt: skip
        trouble()
        _runs(said)


def _doing(found: Process) -> str:
    name = plain(found.scenario)
    if found.state == "ending":
        return f"{name} is being cancelled"
    verb = "is being checked" if found.checks_only else "is running"
    return f"{name} {verb}{_since(found)}"


def _since(found: Process) -> str:
    if found.begun is None:
        return ""
    seconds = int((dt.datetime.now(dt.UTC) - found.begun).total_seconds())
    return f", for {seconds} s" if seconds < 120 else f", for {seconds // 60} minutes"


def _how_far(store: RunStore, found: Process, said: Said) -> str:
    if found.checks_only:
        return "Settings, data and rules are checked; nothing runs"
    if not said.total:
        wanted = progress(store, found.scenario).wanted
        return f"Reading data and checking settings{f' of {wanted} runs' if wanted else ''}"
    nothing = len(said.reasons)
    return f"{said.done} of {said.total} runs have ended" + (f", {nothing} of these gave nothing" if nothing else "")


def _runs(said: Said) -> None:
    running = said.running()
    if running:
        st.caption("Running now: " + plain("; ".join(running)))
    if said.states:
        with st.expander("Every run of this start"):
            rows = [(name, state, said.reasons.get(name, "")) for name, state in said.states.items()]
            st.dataframe(
                pd.DataFrame(rows, columns=["Run", "State", "Reason"]), hide_index=True,
                alt="Runs that began, and how far each is",
            )  # fmt: skip
    if said.other:
        with st.expander("What else it said"):
            st.code("\n".join(said.other[-12:]), language=None, wrap_lines=True)


def _say_how_it_ended(store: RunStore, found: Process) -> None:
    said = read_lines(processes.log_text(found))
    name, last = plain(found.scenario), plain(" ".join(said.other[-1:]))
    if found.state == "cancelled":
        kept = "" if found.checks_only else ", and are kept"
        st.info(f"{name} was cancelled{_how_many(store, found)}{kept}.", icon=":material/stop_circle:")
    elif found.state == "died":
        st.error(
            f"The process of {name} died without a word. It last said: {last or 'nothing'}", icon=":material/error:"
        )
    elif found.code == _REFUSED and said.error:
        st.error(f"{name} was refused: {plain(said.error)}", icon=":material/block:")
    elif found.code:
        st.warning(f"{name} has ended, and {_gave_nothing(said)}", icon=":material/warning:")
    elif found.checks_only:
        st.success(f"Checked: {last}.", icon=":material/check:")
    if (found.state == "died" or (found.code and not said.error)) and said.other:
        with st.expander("What it said"):
            st.code("\n".join(said.other[-40:]), language=None, wrap_lines=True)


def _how_many(store: RunStore, found: Process) -> str:
    if found.checks_only:
        return ""
    how_far = progress(store, found.scenario)
    of = f" of {how_far.wanted}" if how_far.wanted is not None else ""
    return f": {how_far.finished}{of} runs are done"


def _gave_nothing(said: Said) -> str:
    reasons = list(dict.fromkeys(reason for reason in said.reasons.values() if not reason.startswith("gave nothing")))
    first = f": {plain(reasons[0])}" if reasons else ""
    more = f" (and {len(reasons) - 1} more reasons)" if len(reasons) > 1 else ""
    return f"some runs gave nothing{first}{more}"


def _buttons(store: RunStore, scenario: str, source: str | Path, found: Process | None) -> None:
    how_far = progress(store, scenario)
    ended = how_far.finished + how_far.failed
    left = has_runs_left(store, scenario)
    again = partial(start_again, store, scenario, source)
    with st.container(horizontal=True):
        resumes = ended > 0 or (found is not None and found.state in ("cancelled", "died"))
        st.button(
            "Run again" if not left else "Resume" if resumes else "Start", key=f"start-{scenario}",
            icon=":material/play_arrow:", type="primary" if left else "secondary", on_click=tried, args=(again,),
            help="The same command again: finished runs are kept, and only what is missing is executed.",
        )  # fmt: skip
        if how_far.failed:
            st.button(
                "Run failed runs again", key=f"retry-{scenario}", icon=":material/replay:",
                on_click=tried, args=(partial(again, retry_failed=True),),
                help="Once the reason is gone. Refused runs are tried again, too.",
            )  # fmt: skip
    trouble()
    with st.expander("The same on the command line"):
        options = ["--retry-failed"] if how_far.failed and not left else []
        st.code(command("run", str(source), *options), language=None, wrap_lines=True)

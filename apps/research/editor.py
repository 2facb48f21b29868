"""The editor of scenarios: choose one, change it in a form or as TOML, see what changed, save it and start it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import pandas as pd
import streamlit as st
import tomli_w

from apps.figure_text import count
from apps.login import require
from apps.plain_text import plain, plain_with_code
from apps.research import drafts, processes
from apps.research.form import edited
from apps.research.headlines import KINDS
from apps.research.run_panel import has_runs_left, show_process, tried, trouble
from apps.runs.scenario_progress import progress
from apps.saved_files import delete_form
from experiments.base_scenario import BaseScenario
from experiments.runs import RunStore
from experiments.scenario_file import toml_table
from experiments.sweep import editable
from retail.errors import ConfigError, TradefairError

BUNDLED, STORED, UPLOAD = "Bundled", "In this store", "Upload"
FORM, TEXT = "Form", "TOML"
_DRAFT: Final = "draft"  # key of the session: opened, original, table, revision, now
_USUAL: Final = "demo"


def show_editor(store: RunStore) -> str | None:
    """Show the editor, and below it the process of what was saved. Returns: whose process is shown; None if none."""
    found = _choose(store)
    if found is None:
        return None
    opened, scenario = found
    draft = _draft(store, opened, scenario)
    about = scenario.title or scenario.name
    st.markdown(f"**{plain(about)}**")
    if scenario.description:
        st.caption(plain_with_code(" ".join(scenario.description.split())))
    how = st.segmented_control(
        "Edit as", [FORM, TEXT], default=FORM, required=True, key="edit_as", on_change=_keep, bind="query-params"
    )
    table = None
    try:
        table = edited(type(scenario), draft) if how == FORM else _as_text(draft)
        draft["now"] = table
        if not str(table.get("name", "")).strip():
            raise ConfigError("Name: give it one, of lower-case letters, digits, dots and dashes")
        checked = drafts.checked(editable(table), source=str(table.get("name", "the form")))
        number, words = drafts.runs_of(checked)
    except TradefairError as error:
        st.error(plain(error), icon=":material/error:")
        _say_changes(store, draft, table)
        return None
    same = _is_stored(store, checked)
    if not same and _is_started(store, checked.name) and checked.name == draft["table"]["name"]:
        _rename(draft, table, drafts.free_name(store, checked.name))
    _say_changes(store, draft, table)
    st.subheader(f"{checked.name}: {count(number, 'run')}")
    st.caption(f"{words}. {KINDS.get(checked.kind, checked.kind)}. Data: {plain(checked.data_place)}.")
    return _save(store, checked, same=same)


def _choose(store: RunStore) -> tuple[str, BaseScenario] | None:
    """Let the user choose what to open; return what it is called and what is in it."""
    bundled, stored = drafts.known(store)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        source = st.segmented_control(
            "Begin with", [BUNDLED, *([STORED] if stored else []), UPLOAD], default=BUNDLED, required=True,
            key="begin_with", bind="query-params", wrap=True,
        )  # fmt: skip
        if source == BUNDLED:
            name = st.selectbox(
                "Bundled scenario", bundled, index=bundled.index(_USUAL), key="bundled", bind="query-params", width=320
            )
            return f"bundled {name}", drafts.opened(store, name, bundled=True)
        if source == STORED:
            name = st.selectbox("Scenario of the store", stored, key="stored", bind="query-params", width=320)
            if drafts.may_be_deleted(store, name):
                delete_form(f"the scenario {name}", partial(_delete, store, name), key=f"draft_delete {name}")
            return f"stored {name}", drafts.opened(store, name, bundled=False)
    sent = st.file_uploader("A scenario as TOML", type=["toml"], key="sent")
    if sent is None:
        st.info("Choose a file. `tradefair runs export` writes one, and so does *Download* below an opened scenario.")
        return None
    return f"sent {sent.file_id}", drafts.uploaded(sent.getvalue(), sent.name)


def _draft(store: RunStore, opened: str, scenario: BaseScenario) -> dict[str, Any]:
    """Return what is being edited; another choice begins anew."""
    draft = st.session_state.get(_DRAFT)
    if draft is None or draft["opened"] != opened:
        original = drafts.table_of(scenario)
        stored = opened.startswith("stored ")
        own = stored and (not drafts.has_runs(store, scenario.name) or has_runs_left(store, scenario.name))
        name = scenario.name if own else drafts.free_name(store, scenario.name)
        revision = 0 if draft is None else draft["revision"] + 1
        table = {**original, "name": name}
        draft = {"opened": opened, "original": original, "table": table, "revision": revision, "now": table}
        st.session_state[_DRAFT] = draft
    elif not draft.pop("renamed", False) and not {f"form-{draft['revision']}-name", f"text-{draft['revision']}"} & {
        *st.session_state
    }:
        _keep()  # the page was left meanwhile, and its widgets with it
    return draft


def _is_stored(store: RunStore, scenario: BaseScenario) -> bool:
    """Whether the scenario of this name in the store is this very one."""
    try:
        return scenario.name in store.scenarios() and drafts.opened(store, scenario.name, bundled=False) == scenario
    except TradefairError:
        return False


def _is_started(store: RunStore, name: str) -> bool:
    """Whether a scenario of this name has runs, or is about to."""
    process = processes.newest(store, name)
    return drafts.has_runs(store, name) or (process is not None and process.alive)


def _rename(draft: dict[str, Any], table: dict[str, Any], name: str) -> None:
    """Give what was changed a name of its own, and draw the page anew; the same arm stays open."""
    same_arms = draft.get("arms_of") == draft["revision"]
    draft |= {"was": table["name"], "renamed": True, "revision": draft["revision"] + 1}
    draft["table"] = draft["now"] = {**table, "name": name}
    if same_arms:
        draft["arms_of"] = draft["revision"]
    st.rerun()


def _keep() -> None:
    """Carry what was edited over to the other way of editing."""
    draft = st.session_state[_DRAFT]
    draft |= {"table": draft["now"], "revision": draft["revision"] + 1}


def _as_text(draft: Mapping[str, Any]) -> dict[str, Any]:
    text = st.text_area(
        "Scenario", value=tomli_w.dumps(draft["table"]), height=520, key=f"text-{draft['revision']}",
        help="As in a file for `tradefair run`. Keys that are left out have their default.",
    )  # fmt: skip
    table = toml_table(text, "the text")
    if table.get("kind") != draft["original"].get("kind"):
        raise ConfigError("the text changes `kind`, which makes it another scenario; upload it as a file instead")
    return table


def _say_changes(store: RunStore, draft: Mapping[str, Any], table: Mapping[str, Any] | None) -> None:
    changes = [] if table is None else drafts.differences(draft["original"], table)
    changes = [one for one in changes if one[0] != "name"]
    if not changes:
        if table is not None and table.get("name") != draft["original"].get("name"):
            st.caption("Nothing is changed but the name.")
        elif table is not None:
            name = str(table["name"])
            later = f" A change makes it {plain(drafts.free_name(store, name))}, to keep its runs apart."
            st.caption(f"Nothing is changed.{later if _is_started(store, name) else ''}")
        return
    st.markdown(f"**{count(len(changes), 'change')} to the original**")
    if draft.get("was") and table is not None and table.get("name") == draft["table"]["name"]:
        st.caption(f"{plain(draft['was'])} has runs already, so what was changed is called {plain(table['name'])}.")
    columns = ["Key", "Before", "Now"]
    st.dataframe(
        pd.DataFrame(changes, columns=columns), hide_index=True, alt="What was changed against the original scenario"
    )


def _save(store: RunStore, scenario: BaseScenario, *, same: bool) -> str | None:
    """Offer to save and start it; `same` says whether it stands in the store as it is. Returns: as `show_editor`."""
    name = scenario.name
    process = processes.newest(store, name)
    with st.container(horizontal=True):
        if not drafts.has_runs(store, name) and not (process and process.alive):
            st.button(
                "Save and start", type="primary", icon=":material/play_arrow:", key="save_start",
                on_click=_launch, args=(store, scenario), kwargs={"check": False},
            )  # fmt: skip
            st.button(
                "Save and check", icon=":material/fact_check:", key="save_check", on_click=_launch,
                args=(store, scenario), kwargs={"check": True},
                help="Everything that `tradefair run` looks at before the first run: data, rules, budgets.",
            )  # fmt: skip
        st.download_button(
            "Download", tomli_w.dumps(drafts.table_of(scenario)).encode(), file_name=f"{name}.toml",
            mime="application/toml", icon=":material/download:", on_click="ignore",
        )  # fmt: skip
    trouble()
    if name not in store.scenarios():
        st.caption("Saving makes a scenario of this name in the store; the original stays as it is.")
        return None
    if not same and _is_started(store, name):
        finished = progress(store, name).finished
        st.warning(
            f"Another scenario called {plain(name)} exists, with {count(finished, 'finished run')}. Nothing is started "
            "under its name from here: give what stands above another name.",
            icon=":material/content_copy:",
        )
        st.page_link("app_pages/results.py", label=f"Results of that {name}", query_params={"scenario": name})
        return None
    show_process(store, name, buttons=drafts.has_runs(store, name))
    with st.container(horizontal=True):
        for page, label in (("results", "Results"), ("runs", "Runs")):
            st.page_link(f"app_pages/{page}.py", label=f"{label} of {name}", query_params={"scenario": name})
    return name


def _launch(store: RunStore, scenario: BaseScenario, *, check: bool) -> None:
    def launch() -> None:
        require("Researchers")
        processes.start(store, scenario.name, drafts.save(store, scenario), check=check)

    tried(launch)


def _delete(store: RunStore, name: str) -> None:
    require("Researchers")
    drafts.delete(store, name)

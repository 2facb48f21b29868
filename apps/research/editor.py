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
from apps.plain_text import plain
from apps.research import drafts, processes
from apps.research.form import edited
from apps.research.headlines import KINDS
from apps.research.run_panel import show_process, tried, trouble
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


def show_editor(store: RunStore) -> None:
    """Show the editor, and below it the process of what was saved."""
    found = _choose(store)
    if found is None:
        return
    opened, scenario = found
    draft = _draft(store, opened, scenario)
    about = scenario.title or scenario.name
    st.markdown(f"**{plain(about)}**")
    if scenario.description:
        st.caption(plain(" ".join(scenario.description.split())))
    how = st.segmented_control(
        "Edit as", [FORM, TEXT], default=FORM, required=True, key="edit_as", on_change=_keep, bind="query-params"
    )
    table = None
    try:
        table = edited(type(scenario), draft) if how == FORM else _as_text(draft)
        draft["now"] = table
        checked = drafts.checked(editable(table), source=str(table.get("name", "the form")))
        number, words = drafts.runs_of(checked)
    except TradefairError as error:
        st.error(plain(error), icon=":material/error:")
        _say_changes(draft, table)
        return
    _say_changes(draft, table)
    st.subheader(f"{checked.name}: {count(number, 'run')}")
    st.caption(f"{words}. {KINDS.get(checked.kind, checked.kind)}. Data: {plain(checked.data_place)}.")
    _save(store, checked)


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
        unused = scenario.name in store.scenarios() and not drafts.has_runs(store, scenario.name)
        name = scenario.name if unused else drafts.free_name(store, scenario.name)
        revision = 0 if draft is None else draft["revision"] + 1
        table = {**original, "name": name}
        draft = {"opened": opened, "original": original, "table": table, "revision": revision, "now": table}
        st.session_state[_DRAFT] = draft
    elif not {f"form-{draft['revision']}-name", f"text-{draft['revision']}"} & {*st.session_state}:
        _keep()  # the page was left meanwhile, and its widgets with it
    return draft


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


def _say_changes(draft: Mapping[str, Any], table: Mapping[str, Any] | None) -> None:
    changes = [] if table is None else drafts.differences(draft["original"], table)
    changes = [one for one in changes if one[0] != "name"]
    if not changes:
        if table is not None:
            st.caption("Nothing is changed but the name.")
        return
    st.markdown(f"**{count(len(changes), 'change')} to the original**")
    columns = ["Key", "Before", "Now"]
    st.dataframe(
        pd.DataFrame(changes, columns=columns), hide_index=True, alt="What was changed against the original scenario"
    )


def _save(store: RunStore, scenario: BaseScenario) -> None:
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
        return
    if drafts.has_runs(store, name):
        st.caption(f"{plain(name)} has runs already. To start what stands above, give it another name.")
    show_process(store, name, buttons=drafts.has_runs(store, name))
    with st.container(horizontal=True):
        for page, label in (("results", "Results"), ("runs", "Runs")):
            st.page_link(f"app_pages/{page}.py", label=f"{label} of {name}", query_params={"scenario": name})


def _launch(store: RunStore, scenario: BaseScenario, *, check: bool) -> None:
    def launch() -> None:
        require("Researchers")
        processes.start(store, scenario.name, drafts.save(store, scenario), check=check)

    tried(launch)


def _delete(store: RunStore, name: str) -> None:
    require("Researchers")
    drafts.delete(store, name)

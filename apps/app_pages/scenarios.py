"""Edit a scenario, start it, and see what runs now."""

import streamlit as st

from apps.opened_store import opened_store
from apps.research.editor import show_editor
from apps.research.run_panel import running_names, show_process

store = opened_store()
st.title("Edit and start a scenario")
edited_now = st.session_state.get("draft", {}).get("now", {}).get("name")
for name in running_names(store):
    if name != edited_now:
        show_process(store, name)
show_editor(store)

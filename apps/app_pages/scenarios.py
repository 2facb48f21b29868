"""Edit a scenario, start it, and see what runs now."""

import streamlit as st

from apps.opened_store import opened_store
from apps.research.editor import show_editor
from apps.research.run_panel import running_names, show_process

store = opened_store()
st.title("Edit and start a scenario")
others = st.container()
shown = show_editor(store)
with others:
    for name in running_names(store):
        if name != shown:
            show_process(store, name)

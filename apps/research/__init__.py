"""The researchers' half of the app: start runs, edit scenarios, compare arms.

Enters: a run store, and scenarios that somebody edits. Leaves: new scenarios in the store, processes that run them, and
views of what they found. Modules that draw are named for what they show; the others need no Streamlit.

    started = processes.start(store, "demo")
    processes.cancel(store, "demo")
"""

__all__: list[str] = []

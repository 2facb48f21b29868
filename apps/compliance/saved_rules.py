"""Rules that were saved: a folder each in `.policies` of the run store, saved and deleted on the page Rules."""

from __future__ import annotations

import re
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

import pandas as pd
import streamlit as st

from apps.compliance import rule_table
from apps.login import require
from apps.opened_store import opened_store
from apps.plain_text import plain
from apps.saved_files import RULES, delete_form, name_form
from privacy.policy.sources import RULES_FILE
from retail.errors import DataError, TradefairError

FOLDER: Final = ".policies"
"""In the run store."""


def saved_rules() -> list[str]:
    """Return the names of the saved rules."""
    return sorted(path.parent.name for path in _root().glob(f"*/{RULES_FILE}"))


def read_saved(name: str) -> pd.DataFrame:
    """Return saved rules as a table to edit.

    Raises:
        ConfigError: somebody changed the file into no table of rules.
        DataError: it cannot be read.
    """
    path = _root() / name / RULES_FILE
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}; choose other rules") from error
    return rule_table.of_upload(path.name, content)


def save_rules(text: str) -> None:
    """Ask for a name and save a table under it."""
    # Not in a popover: the keyboard reaches what stands there only after all of the page.
    with st.expander("Save it", icon=":material/save:"):
        name, replace = name_form(RULES, label="Name of the rules", key="rules", taken=saved_rules())
        if not name:
            return
        try:
            require("Compliance")
            folder = rule_table.save(_root(), name, text, replace=replace)
        except TradefairError as error:
            st.error(plain(str(error)), icon=":material/error:")
        else:
            st.success("Saved. In a scenario, and for `tradefair policy`:")
            st.code(f'[policy]\npacks = ["base", "{folder}"]', language="toml", wrap_lines=True)


def delete_rules(name: str) -> None:
    """Offer to delete saved rules, and say which scenarios name them."""
    users = _used_by(name)
    note = f"Scenarios that name them cannot run any more: {plain(', '.join(users))}." if users else ""
    delete_form(f"the rules {name}", partial(delete, name), key=f"rules_delete {name}", note=note)


def delete(name: str) -> None:
    """Delete saved rules.

    Raises:
        ConfigError: whoever asks does not see the pages of compliance.
        DataError: they cannot be deleted.
    """
    require("Compliance")
    folder = _root() / name
    try:
        (folder / RULES_FILE).unlink(missing_ok=True)
    except OSError as error:
        raise DataError(f"cannot delete {folder}: {error.strerror}; check its permissions") from error
    with suppress(OSError):
        folder.rmdir()  # what somebody else put into it stays


def _used_by(name: str) -> list[str]:
    """Return the scenarios of the store whose file names the folder of some rules."""
    store = opened_store()
    files = {one: store.root / one / "scenario.toml" for one in store.scenarios()}
    named = re.compile(rf"{re.escape(f'{FOLDER}/{name}')}/?[\"']")
    return [one for one, path in files.items() if path.is_file() and named.search(path.read_text(errors="replace"))]


def _root() -> Path:
    return opened_store().root / FOLDER

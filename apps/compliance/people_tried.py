"""A session's own example on the page People: made-up people to withdraw and erase, gone with the session."""

from __future__ import annotations

import shutil
import tempfile
import threading
from pathlib import Path
from typing import Final

import streamlit as st

from apps.compliance.people_books import PeopleBooks
from apps.compliance.people_example import PEOPLE, make_example

MOST_EXAMPLES: Final = 40
"""How many a server keeps at once, half a megabyte each; a new one takes the oldest away."""
_KEPT: Final = "people_example"


class Examples:
    """The example folders of all sessions, in a folder that ends with the server."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="tradefair-people-")
        self._made: list[Path] = []
        self._turn, self._number = threading.Lock(), 0

    def make(self) -> Path:
        """Make one more; return its folder."""
        with self._turn:
            self._number += 1
            folder = Path(self._folder.name) / str(self._number)
            while len(self._made) >= MOST_EXAMPLES:
                shutil.rmtree(self._made.pop(0), ignore_errors=True)
            self._made.append(folder)
        make_example(folder)
        return folder


@st.cache_resource(show_spinner=False)
def _examples() -> Examples:
    return Examples()


def tried_books() -> PeopleBooks | None:
    """Return this session's example, with a line that says what it is; None where it tries none."""
    folder = st.session_state.get(_KEPT)
    if folder is None:
        return None
    books = PeopleBooks(Path(folder) / "books", made_up=True)
    if not books.register_file.is_file():
        del st.session_state[_KEPT]
        return None
    with st.container(horizontal=True, vertical_alignment="center"):
        st.info(
            f"**Made-up people**, whose ids are 1 to {PEOPLE}. What you do to them is kept in this tab alone.",
            icon=":material/science:",
            width=560,
        )
        st.button("Leave the example", icon=":material/close:", on_click=st.session_state.pop, args=(_KEPT, None))
    return books


def offer_example() -> None:
    """Let the reader try the page with made-up people."""
    if st.button("Try it with made-up people", icon=":material/science:", type="primary"):
        with st.spinner("Making a small shop, its people and what they agreed to"):
            st.session_state[_KEPT] = str(_examples().make())
        st.rerun()
    st.caption(
        "They are this tab's alone, and gone when you close or reload it. `tradefair consent example FOLDER` keeps "
        "such people."
    )

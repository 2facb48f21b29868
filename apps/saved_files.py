"""What people save through the app: small files of three kinds, never replaced unasked, and bounded in number and size.

The bounds are of one run store, so of one user where people log in.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import streamlit as st

from apps.plain_text import plain
from experiments.documents import write_bytes
from retail.errors import ConfigError, TradefairError

MOST_BYTES: Final = 2_000_000
"""Of one file."""
MOST_TOGETHER: Final = 20_000_000
"""Bytes of all files of one kind."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of saved files.

    Attributes:
        one: what one is called.
        many: what several are called.
        most: so many may there be.
        where: on which page one is deleted.
    """

    one: str
    many: str
    most: int
    where: str


VARIANTS: Final = Kind("variant", "variants", 200, "under Saved variants on the page Store")
RULES: Final = Kind("table of rules", "tables of rules", 50, "on the page Rules")
DRAFTS: Final = Kind(
    "scenario without runs", "scenarios without runs", 100, "on the page Scenarios, which lists it under In this store"
)


def save_file(
    kind: Kind, path: Path, content: bytes, others: Iterable[Path], *, name: str, replace: bool = False
) -> None:
    """Write a file that somebody saves, whole or not at all.

    Args:
        kind: of file.
        path: where it goes.
        content: what it holds.
        others: all files of this kind in the store; `path` may be among them.
        name: as people call it.
        replace: whether it may take the place of what is there.

    Raises:
        ConfigError: the name is taken, the file is too large, or there are too many, or too many bytes, of its kind.
        DataError: the folder cannot be written to.
    """
    if path.exists() and not replace:
        raise ConfigError(f"there is a {kind.one} {name!r} already; take another name, or tick 'Replace it'")
    if len(content) > MOST_BYTES:
        raise ConfigError(
            f"{name!r} has {len(content):,} bytes, and a saved {kind.one} at most {MOST_BYTES:,}; download it instead"
        )
    sizes = {one: one.stat() for one in others if one != path and one.is_file()}
    if len(sizes) >= kind.most:
        oldest = min(sizes, key=lambda one: sizes[one].st_mtime)
        raise ConfigError(
            f"{len(sizes)} {kind.many} are saved, the most there may be; delete one first, such as the oldest,"
            f" {_called(oldest)!r}, {kind.where}"
        )
    together = len(content) + sum(one.st_size for one in sizes.values())
    if together > MOST_TOGETHER:
        largest = max(sizes, key=lambda one: sizes[one].st_size)
        raise ConfigError(
            f"with {name!r} the saved {kind.many} would have {together:,} bytes, and may have {MOST_TOGETHER:,};"
            f" delete one first, such as the largest, {_called(largest)!r}, {kind.where}"
        )
    write_bytes(path, content)


def name_form(kind: Kind, *, label: str, key: str, taken: Collection[str], note: str = "") -> tuple[str, bool]:
    """Ask for a name, and whether what has it may be replaced.

    Args:
        kind: of file.
        label: of the field for the name.
        key: of the widgets, with `_name`, `_replace` and `_save` behind it.
        taken: names that are there.
        note: a line above the button.

    Returns: the name, empty unless the button was pressed just now; and whether it may replace what has it.
    """
    name = st.text_input(label, key=f"{key}_name", max_chars=40).strip()
    replace = name in taken and st.checkbox(
        "Replace it", key=f"{key}_replace", help=f"There is a {kind.one} of this name; what it holds will be gone."
    )  # fmt: skip
    if note:
        st.caption(note)
    return (name if st.button("Save", key=f"{key}_save", disabled=not name) else ""), replace


def delete_form(what: str, do: Callable[[], object], *, key: str, note: str = "") -> None:
    """Offer to delete something, and ask once whether that is meant; why it could not be done is said here.

    For a horizontal container.

    Args:
        what: is deleted, in words.
        do: deletes it.
        key: of the button, which is another one for another thing.
        note: what else to know before.
    """
    asked, trouble = f"{key}-asked", f"{key}-trouble"

    def ask() -> None:
        st.session_state[asked] = True

    def tried() -> None:
        st.session_state.pop(asked, None)
        try:
            do()
        except TradefairError as error:
            st.session_state[trouble] = str(error)

    # Not in a popover: the keyboard reaches what stands there only after all of the page.
    st.button("Delete", key=f"{key}-ask", icon=":material/delete:", on_click=ask)
    if st.session_state.get(asked):
        note = f" {note}" if note else ""
        st.markdown(f"Delete {plain(what)}? This cannot be undone.{note}", width="content")
        st.button("Delete it", key=key, icon=":material/delete_forever:", on_click=tried)
        st.button("Keep it", key=f"{key}-keep", on_click=st.session_state.pop, args=(asked, None))
    if message := st.session_state.pop(trouble, ""):
        st.error(plain(message), icon=":material/error:")


def _called(path: Path) -> str:
    """Return what people call a file: a variant by its own name, rules and scenarios by that of their folder."""
    return path.stem if path.suffix == ".json" else path.parent.name

"""A variant of a plan: changes one after another, kept in the session and in the page's address."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import streamlit as st

from apps.store.edit_words import read_words, short, words
from retail.errors import ConfigError
from simulation.store.plan import StorePlan, apply_edits

Edit = Mapping[str, Any]
MOST_EDITS: Final = 40
"""In an address; a longer one is refused."""
_KEY: Final = "variant"
_OPTION: Final = "--edit "
_BEFORE: Final = re.compile(r"^edit \{.*?\}: ")
"""What a message about an edit begins with; whoever has just made it knows."""


@dataclass(frozen=True)
class Variant:
    """Changes of one plan.

    Attributes:
        of: what the page calls the plan.
        edits: as `simulation.store.plan.apply_edits` takes them.
        revision: grows with every answer to the user, also with a refusal.
        refused: why the last change was not made; "" if it was.
    """

    of: str
    edits: tuple[Edit, ...] = ()
    revision: int = 0
    refused: str = ""

    def with_edit(self, plan: StorePlan, edit: Edit) -> Variant:
        """Return the variant with one more change, or as it is and with the reason.

        A fixture that is moved twice in a row is moved once, to the last place; to where it stood, not at all.
        """
        edits = [*self.edits, edit]
        if "move" in edit and self.edits and self.edits[-1].get("move") == edit["move"]:
            edits = [*self.edits[:-1], edit]
        try:
            before = apply_edits(plan, edits[:-1])
            after = apply_edits(before, edits[-1:])
        except ConfigError as error:
            return replace(self, revision=self.revision + 1, refused=_BEFORE.sub("", str(error)))
        kept = edits[:-1] if after == before else edits
        return replace(self, edits=tuple(kept), revision=self.revision + 1, refused="")

    def without(self, place: int) -> Variant:
        """Return the variant without one of its changes."""
        kept = (*self.edits[:place], *self.edits[place + 1 :])
        return replace(self, edits=kept, revision=self.revision + 1, refused="")

    def words(self) -> str:
        """Say the changes, the first letter large."""
        text = ", then ".join(words(edit) for edit in self.edits)
        return text[:1].upper() + text[1:]


def kept_variant(of: str) -> Variant:
    """Return the session's variant of a plan; when the page opens, that of the address.

    Raises:
        ConfigError: the address holds what is no change; it is taken out of the address.
    """
    kept = st.session_state.get(_KEY)
    if isinstance(kept, Variant) and kept.of == of:
        keep(kept)  # into the address, which another page has emptied
        return kept
    told = st.query_params.get_all("edit") if kept is None else []
    keep(Variant(of))
    keep(Variant(of, read_address(told)))
    return kept_variant(of)


def keep(variant: Variant) -> None:
    """Make a variant that of the session, and of the address."""
    st.session_state[_KEY] = variant
    if address_of(variant.edits) != st.query_params.get_all("edit"):
        st.query_params["edit"] = address_of(variant.edits)


def address_of(edits: Sequence[Edit]) -> list[str]:
    """Write changes as the values of `edit` in an address."""
    return [shlex.split(short(edit).removeprefix(_OPTION))[0] for edit in edits]


def read_address(values: Sequence[str]) -> tuple[Edit, ...]:
    """Read changes from an address.

    Raises:
        ConfigError: too many, or one is no change.
    """
    if len(values) > MOST_EDITS:
        raise ConfigError(f"the address holds {len(values)} changes; at most {MOST_EDITS} are read from one")
    return tuple(read_words(value) for value in values)

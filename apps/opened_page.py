"""A page from its first line to its end: above it stands which choices of its address are gone, never in silence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, NoReturn

import streamlit as st

from apps.plain_text import plain
from retail.problems import shown

_KEPT: Final = "stale_link"  # of the session: the page, and by key what the address asked for and what is shown
_NAMES: Final = {
    "of_run": "run",
    "first": "first scenario",
    "second": "second scenario",
    "against": "reference",
    "launch": "launched product",
    "stored": "scenario of the store",
    "bundled": "bundled scenario",
    "rules_start": "rules",
    "market_regime": "rules of the market",
    "market_log_from": "log",
    "market_rules": "rules to check",
    "market_qualities": "logged quality",
    "search_fixed": "categories that stay",
    "search_movable": "fixtures that may move",
    "market_part": "part",
    "audience_part": "part",
    "people_part": "part",
    "store_arm": "arm",
    "market_arm": "arm",
}
_LONGEST: Final = 80
_MOST: Final = 8


class _PageEnd(Exception):  # noqa: N818 - nothing is wrong
    """The page has nothing more to show."""


def end_page() -> NoReturn:
    """End a page early. After `st.stop` nothing could be said above the page any more."""
    raise _PageEnd


@contextmanager
def opened_page(page: str) -> Iterator[None]:
    """Run a page, and say above it what its address asked for and did not get.

    Streamlit drops a value that is none of a widget's options from the address and takes the default. So an address is
    held against the page when this is opened; what is said then stays until the user leaves it or makes any choice.

    Args:
        page: name of the page in the address.
    """
    place = st.container()
    kept_page, kept, before = st.session_state.get(_KEPT, (None, {}, {}))
    opened = kept_page != page
    if not opened and _chose(before):
        kept = {}
    asked = {key: st.query_params.get_all(key) for key in st.query_params} if opened else {}
    try:
        yield
    except _PageEnd:
        pass
    _tell(place, page, _missed(asked) if opened else kept)


def _missed(asked: dict[str, list[str]]) -> dict[str, tuple[str, Any]]:
    """Return what the widgets of this run did not take, with what they show instead."""
    missed = {}
    for key, values in asked.items():
        if key not in st.session_state or st.query_params.get_all(key) == values:
            continue
        now = st.session_state[key]
        said = [str(one).casefold() for one in (now if isinstance(now, list | tuple) else [now])]
        if said != [one.casefold() for one in values]:  # a default is left out of addresses, and is no loss
            missed[key] = (", ".join(values), now)
    return missed


def _choices() -> dict[str, Any]:
    """Return the values of this session that a user chooses: words, numbers and switches, alone or several."""
    return {
        str(key): value
        for key, value in st.session_state.items()
        if all(isinstance(one, str | int | float) for one in (value if isinstance(value, list) else [value]))
    }


def _chose(before: dict[str, Any]) -> bool:
    """Return whether a choice differs from before; a button that is pressed is one too."""
    return any(key in before and value != before[key] for key, value in _choices().items())


def _tell(place: Any, page: str, missed: dict[str, tuple[str, Any]]) -> None:
    missed = {key: (asked, now) for key, (asked, now) in missed.items() if st.session_state.get(key) == now}
    st.session_state[_KEPT] = (page, missed, _choices() if missed else {})
    if not missed:
        return
    lines = [
        f"- {_NAMES.get(key, key.replace('_', ' '))}: {plain(shown(asked, most=_LONGEST))}"
        for key, (asked, _) in list(missed.items())[:_MOST]
    ]
    place.warning(
        "\n".join(
            ["**The address asks for what is not here, or no longer:**", *lines, "",
             "What stands below is the usual choice instead. Choose another below, or go back to the Overview."]
        ),
        icon=":material/link_off:",
    )  # fmt: skip
    place.page_link("app_pages/overview.py", label="Overview", icon=":material/home:")

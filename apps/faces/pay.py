"""The key of a purchase on the page: one for each purchase, and a new one when something was charged and is changed."""

from __future__ import annotations

import secrets
from typing import Final

import streamlit as st

from experiments.assistant.till import minor_units
from retail.errors import TradefairError

KEY: Final = "assistant_key"
PERSON: Final = "pay_person"
_CHARGED: Final = "assistant_charged"


def renew_key(person: str, amount: str, currency: str) -> None:
    """Take a new key where there is none, or where the one there has paid for something else than what is asked now.

    Call it before the field of the key is drawn.
    """
    charged, key = st.session_state.get(_CHARGED), st.session_state.get(KEY)
    if key is None or (charged is not None and charged[0] == key and charged[1:] != _asked(person, amount, currency)):
        st.session_state[KEY] = secrets.token_hex(8)


def was_charged(key: str, person: str, amount: str, currency: str) -> None:
    """Remember what was charged under a key, until the session ends."""
    st.session_state[_CHARGED] = (key, *_asked(person, amount, currency))


def is_charged(key: str) -> bool:
    """Whether the last charge was under this key."""
    return (st.session_state.get(_CHARGED) or ("",))[0] == key


def next_purchase() -> None:
    """Begin the purchase of the next customer; for a button's `on_click`."""
    st.session_state[KEY] = secrets.token_hex(8)
    st.session_state[PERSON] = ""


def _asked(person: str, amount: str, currency: str) -> tuple[str, str | int, str]:
    """Return what makes a purchase another one: 12.5 and 12.50 are one amount."""
    try:
        return person, minor_units(amount.strip(), currency), currency
    except TradefairError:
        return person, amount, currency

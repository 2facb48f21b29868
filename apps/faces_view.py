"""What the page Assistant shows of a shop: its state, a customer's card, answers in words."""

from __future__ import annotations

from typing import Final

import pandas as pd
import streamlit as st

from apps.command.face_card import because
from apps.faces_shop import faces_command
from apps.figure_text import count
from apps.plain_text import plain
from experiments.assistant import Card, Shop
from experiments.assistant.card import day
from experiments.assistant.shop import USES
from matching.face.decision import NoMatch, Refused

AGREED_WORDS: Final = {
    "in_store_recognition": "to be greeted when they come in",
    "payment": "to pay by face",
    "recommendation": "that an assistant sees what they buy and what might be suggested",
}
"""Purposes as people are asked about them."""
_REFUSED: Final = ":material/block:"


def shop_line(shop: Shop) -> None:
    """Say in one line whether recognition is on, and how many people are enrolled."""
    s = shop.settings
    enrolled = ", ".join(f"{count(shop.enrolled(use), 'template')} for {use.replace('_', ' ')}" for use in USES)
    state = ":green-badge[on]" if shop.is_on else ":red-badge[off]"
    st.markdown(f"Recognition is {state} at **{plain(s.merchant)}** under the law of {s.jurisdiction}: {enrolled}.")


def no_shop() -> None:
    """Say how a shop is set up."""
    st.title("No shop for faces yet")
    st.markdown("This page recognises customers who agreed to it. A merchant's folder is set up with:")
    st.code(faces_command("open", "--run", "demo"), language="bash", wrap_lines=True)
    st.caption(
        "`--run demo` takes the recommender of `tradefair demo`, for the suggestions on the card; without it, there are"
        " none. It trains an encoder on drawings, and takes a minute or less."
    )


def answer(found: Card | NoMatch | Refused) -> None:
    """Show who was recognised, or that nobody was."""
    if isinstance(found, Card):
        show_card(found)
    elif isinstance(found, NoMatch):
        st.info(
            "**Nobody was recognised.** No file was changed; a count of visits went up by one, in memory.",
            icon=":material/person_off:",
        )
    else:
        refused(found)


def refused(found: Refused) -> None:
    """Say why nothing was compared or stored."""
    st.warning(f"**Refused ({found.reason}).** {plain(found.message)}", icon=_REFUSED)


def show_card(card: Card) -> None:
    """Show a customer's card."""
    with st.container(border=True):
        st.subheader(f"Customer {plain(card.person)}")
        if card.shown:
            st.markdown(f"{plain(card.shown[:1].upper() + card.shown[1:])}.")
        else:
            _baskets(card)
        st.markdown("**What this customer agreed to**")
        columns = {
            "Purpose": [one.purpose.replace("_", " ") for one in card.agreements],
            "Covers": [", ".join(one.data).replace("_", " ") for one in card.agreements],
            "Until": [day(one.until) for one in card.agreements],
        }
        st.table(columns)  # wraps on a telephone, where a data frame would cut the dates off
        st.caption(f"Withdraw: {plain(card.withdrawal)}.")


def _baskets(card: Card) -> None:
    assert card.pairing is not None
    how = "drawn by the shop's seed" if card.pairing.drawn else "chosen at enrolment"
    st.caption(
        f":material/info: Baskets are those of shopper {plain(card.pairing.shopper)} of merchant"
        f" {plain(card.pairing.store)}, {how}: **{plain(card.made_up)}**."
    )
    liked, shown = st.columns(2)
    with liked:
        st.markdown("**Favourites**")
        rows = [
            {"Product": one.product.label.title(), "Baskets": one.trips, "Days ago": one.days_ago}
            for one in card.favourites
        ]
        if rows:
            st.dataframe(pd.DataFrame(rows), hide_index=True, alt="What this shopper bought in the most baskets")
        else:
            st.markdown("Nothing was bought twice.")
    with shown:
        st.markdown("**Suggestions**")
        for one in card.suggestions:
            kind = "buys again" if one.bought_before else "new"
            st.markdown(
                f"{plain(one.product.label.title())} :gray-badge[{kind}]  \n:small[{plain(because(one.because))}]"
            )
        st.caption(f"By {plain(card.source)}. In brackets: log-odds over a usual product of the same list.")

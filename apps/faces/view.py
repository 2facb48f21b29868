"""What the page Assistant shows of a shop: its state, a customer's card, answers in words."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

import pandas as pd
import streamlit as st

from apps.command.face_card import because
from apps.faces.shop import faces_command
from apps.figure_text import count
from apps.plain_text import plain
from experiments.assistant import Card, Shop
from experiments.assistant.card import day
from experiments.assistant.customers import Welcome
from experiments.assistant.shop import OFF, USES
from experiments.report.text import visible
from matching.face.decision import NoMatch, Refused
from matching.face.money import money_text
from matching.face.pay import Limits
from retail.errors import TradefairError

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

AGREED_WORDS: Final = {
    "in_store_recognition": "to be greeted when they come in",
    "payment": "to pay by face",
    "recommendation": "that an assistant sees what they buy and what might be suggested",
}
"""Purposes as people are asked about them."""
_REFUSED: Final = ":material/block:"
_OFF: Final = "recognition was switched off meanwhile; it is switched on under Shop"


def shop_line(shop: Shop, place: DeltaGenerator) -> None:
    """Say in one line whether recognition is on, and how many people are enrolled; again after something changed."""
    s = shop.settings
    enrolled = ", ".join(f"{count(shop.enrolled(use), 'template')} for {use.replace('_', ' ')}" for use in USES)
    state = ":green-badge[on]" if shop.is_on else ":red-badge[off]"
    place.markdown(f"Recognition is {state} at **{plain(s.merchant)}** under the law of {s.jurisdiction}: {enrolled}.")


def no_shop() -> None:
    """Say how a shop is set up."""
    st.title("No shop for faces yet")
    st.markdown("This page recognises customers who agreed to it. A merchant's folder is set up with:")
    st.code(faces_command("open"), language=None, wrap_lines=True)
    st.caption("It trains an encoder on drawings, and takes a minute or less. Then reload this page.")
    st.markdown("With favourites and suggestions on the card, after `tradefair demo`, whose recommender it takes:")
    st.code(faces_command("open", "--run", "demo"), language=None, wrap_lines=True)


def damaged_shop(error: TradefairError) -> None:
    """Say why the shop cannot be opened."""
    st.title("This shop cannot be opened")
    st.error(_sentence(str(error)), icon=":material/error:")
    st.caption("Until then nobody is compared, enrolled or charged here. Customers can leave all the same:")
    st.code(faces_command("revoke", "PERSON", "--withdraw"), language=None, wrap_lines=True)


def off_line(part: str) -> None:
    """Say that recognition is off, and where it is switched on."""
    st.info(
        f"**Recognition is off**: nobody is compared, enrolled or charged. It is switched on under *{part}*; customers"
        " can leave all the same.",
        icon=":material/power_settings_new:",
    )


def shop_facts(shop: Shop) -> None:
    """Tabulate what a shop was made on, and its limits."""
    s, honest = shop.settings, shop.liveness.figures
    recommender = shop.recommender
    most = Limits()
    limits = (
        f"{money_text(most.most_minor, 'EUR')} at once and {money_text(most.most_day_minor, 'EUR')} a day, or as many"
        f" of another currency's smallest unit; {most.attempts} comparisons with one customer in"
        f" {most.attempts_per // dt.timedelta(minutes=1)} minutes"
    )
    facts = {
        "Encoder": s.model,
        "Trained on": s.trained,
        "Calibrated on": s.calibrated,
        "Enrolled at most": f"{s.gallery} people",
        "Liveness check": f"refuses {honest.bpcer.value:.0%} of honest pictures [{honest.bpcer.lo:.0%},"
        f" {honest.bpcer.hi:.0%}], of {honest.people} people whom it was not made on",
        "Payment": s.payment or "on",
        "Paid by face at most": "-" if s.payment else limits,
        "Recommender": "none" if recommender is None else recommender.source,
        "Without a face": s.alternative,
    }
    st.table({"Setting": list(facts), "Value": [plain(one) for one in facts.values()]})


def enrolled(welcome: Welcome) -> None:
    """Say for what somebody was enrolled."""
    uses = " and ".join(one.replace("_", " ") for one in welcome.uses)
    said = f"Enrolled from {count(welcome.photos, 'picture')} for {uses}. No picture was kept."
    others = [one for one in welcome.agreed if one not in welcome.uses]
    if welcome.pairing is not None:
        said += f" Paired with shopper {plain(welcome.pairing.shopper)}: a made-up pairing."
    elif others:
        said += f" On record, too: {' and '.join(others)}; this shop has no recommender, so nothing comes of it yet."
    st.success(said, icon=":material/check:")


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
    message = _OFF if found.message == OFF else found.message
    st.warning(f"**Refused ({found.reason}).** {_sentence(message)}", icon=_REFUSED)


def _sentence(message: str) -> str:
    """Write a message as a sentence: a capital and a full stop, and what stands between backticks as code."""
    pieces = message.split("`")
    if len(pieces) % 2 == 0:  # no pairs
        pieces = [message]
    text = "".join(f"`{visible(one)}`" if number % 2 else plain(one) for number, one in enumerate(pieces))
    return f"{text[:1].upper()}{text[1:]}" + ("" if text.endswith((".", "`")) else ".")


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

"""The assistant's card: who has come in, what they like, what might be suggested and why, and what they agreed to."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from experiments.assistant.agreement import WITHDRAWAL
from experiments.assistant.pairings import MADE_UP, Pairing
from experiments.assistant.pictures import Picture
from experiments.assistant.shop import OFF, Shop
from experiments.assistant.suggestions import Favourite, Suggestion
from matching.face.decision import Match, NoMatch, Refused

_NO_CONSENT = "no consent to recommendation is in force, so no baskets were looked at"
_NO_RECOMMENDER = "this shop has no recommender"
_NO_PAIRING = "no shopper of the panel is paired with this person"


@dataclass(frozen=True, slots=True)
class Agreement:
    """One agreement in force.

    Attributes:
        purpose: what for.
        data: kinds of data that it covers.
        until: first moment at which it no longer holds, UTC text.
    """

    purpose: str
    data: tuple[str, ...]
    until: str


@dataclass(frozen=True, slots=True)
class Card:
    """What an assistant sees of a customer who was recognised.

    Attributes:
        person: id.
        agreements: what is in force with this merchant.
        withdrawal: how the customer can withdraw.
        favourites: what the paired shopper bought most.
        suggestions: of the recommender, with reasons.
        shown: whether baskets were looked at; else why not.
        pairing: whose baskets they are; None where none are shown.
        made_up: the sentence that has to be shown with them; empty where none are shown.
        source: which model made the suggestions.
    """

    person: str
    agreements: tuple[Agreement, ...]
    withdrawal: str = WITHDRAWAL
    favourites: tuple[Favourite, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()
    shown: str = ""
    pairing: Pairing | None = None
    made_up: str = ""
    source: str = ""


def greet(shop: Shop, picture: Picture, *, device: str = "door") -> Card | NoMatch | Refused:
    """Recognise whoever has come in, and make the card of a customer who agreed to it.

    Guarantee: of everybody else (a stranger, somebody who never agreed or agreed to something else, somebody whose
        consent has ended) no file changes by a byte; the one trace is a count of visits in memory. Of a match the log
        gets one entry, by commitment. Baskets are read only with consent to recommendation, by the panel's merchant
        through the data port, which logs it.

    Raises:
        PrivacyError, DataError, ConfigError: a file of the shop, or the recommender's run, cannot be used.
        PolicyError: the rules of that run forbid the merchant to use its rows for this.
    """
    if not shop.is_on:
        return Refused("policy", OFF)
    decision = shop.greeter.greet(picture.photo, device=device)
    return card_of(shop, decision.person) if isinstance(decision, Match) else decision


def card_of(shop: Shop, person: str) -> Card:
    """Make the card of a customer who was recognised."""
    merchant, agreements = shop.settings.merchant, agreements_of(shop, person)
    agreed = shop.register.mask(
        [person], controller=merchant, purpose="recommendation", level="general", data="transactions"
    )
    if not agreed[0]:
        return Card(person, agreements, shown=_NO_CONSENT)
    pairing, recommender = shop.pairings.of(shop.register.token(person)), shop.recommender
    if recommender is None or pairing is None:
        return Card(person, agreements, shown=_NO_RECOMMENDER if recommender is None else _NO_PAIRING)
    panel = shop.panel(pairing.store)
    return Card(
        person,
        agreements,
        favourites=panel.favourites(pairing.shopper),
        suggestions=panel.suggestions(pairing.shopper),
        pairing=pairing,
        made_up=MADE_UP,
        source=recommender.source,
    )


def agreements_of(shop: Shop, person: str) -> tuple[Agreement, ...]:
    """List what a person agreed to with the shop's merchant and is in force. Raises: ConsentError: no usable id."""
    merchant = shop.settings.merchant
    valid = [one for one in shop.register.status(person) if one.state == "valid" and one.controller == merchant]
    newest = {(one.purpose, one.data): one for one in valid}  # of what was agreed to twice, the later
    return tuple(Agreement(one.purpose, one.data, one.expires_at) for one in newest.values())


def day(text: str) -> str:
    """Return the day of a moment for people, such as 29 November 2027."""
    moment = dt.datetime.fromisoformat(text)
    return f"{moment.day} {moment:%B %Y}"

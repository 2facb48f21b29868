"""The question behind every mask: whose receipts allow one use at one moment."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt

from privacy.consent.identifiers import checked_text, checked_time, spellings, time_text
from privacy.consent.vocabulary import KINDS, LAWS, LEVELS, PURPOSES
from retail.errors import ConsentError

Mask = npt.NDArray[np.bool_]

_TOKENS = """SELECT DISTINCT g.token FROM grants AS g
    WHERE g.controller = :controller AND g.purpose = :purpose
    AND (:level = 'general' OR g.level = 'separate')
    AND g.valid_from <= :at AND g.expires_at > :at AND g.recorded_at <= :at
    AND (:data IS NULL OR instr(g.data, ' ' || :data || ' '))
    AND (:law IS NULL OR g.jurisdiction = :law)
    AND NOT EXISTS (SELECT 1 FROM withdrawals AS w WHERE w.token = g.token AND w.controller = g.controller
        AND w.purpose = g.purpose AND w.recorded_at >= g.issued_at)"""


def tokens_of_use(
    connection: sqlite3.Connection,
    *,
    controller: str,
    purpose: str,
    level: str,
    at: dt.datetime,
    data: str | None,
    jurisdiction: str | None,
) -> set[str]:
    """Return the tokens of everybody who allows a use; arguments as of `ConsentRegister.mask`.

    Raises: ConsentError: a word that is not in the vocabulary, or a time without a zone.
    """
    check_use(controller, purpose)
    if level not in LEVELS:
        raise ConsentError(f"the level {level!r:.60} is unknown; use one of {', '.join(LEVELS)}")
    for name, value, allowed in (("kind of data", data, KINDS), ("jurisdiction", jurisdiction, LAWS)):
        if value is not None and value not in allowed:
            raise ConsentError(f"the {name} {value!r:.60} is unknown; use one of {', '.join(allowed)}")
    moment = time_text(checked_time("at", at))
    asked = {"controller": controller, "purpose": purpose, "level": level, "at": moment}
    rows = connection.execute(_TOKENS, {**asked, "data": data, "law": jurisdiction})
    return {row[0] for row in rows.fetchall()}


def among(persons: Iterable[object], tokens: set[str], token_of: Callable[[object], str]) -> Mask:
    """Return (persons,) bool: whose token is in a set. What can be no id is not."""
    values = persons.tolist() if hasattr(persons, "tolist") else list(persons)
    known: dict[object, bool] = {}
    found = np.zeros(len(values), dtype=bool)
    if not tokens:
        return found
    for position, person in enumerate(values):
        key = (type(person), person)  # True and 1.0 equal 1, and are no ids
        if key not in known:
            try:
                known[key] = token_of(person) in tokens
            except ConsentError:
                known[key] = False
        found[position] = known[key]
    return found


def spelt_among(persons: Iterable[object], tokens: set[str], token_of: Callable[[object], str]) -> Mask:
    """Return (persons,) bool: whose token is in a set under any id that the value may mean, see `spellings`."""
    values = list(persons)
    spelt = [(position, one) for position, person in enumerate(values) for one in spellings(person)]
    found = np.zeros(len(values), dtype=bool)
    hit = among([one for _, one in spelt], tokens, token_of)
    found[[position for (position, _), is_hit in zip(spelt, hit, strict=True) if is_hit]] = True
    return found


def check_use(controller: object, purpose: object) -> None:
    """Refuse a use that nobody can have agreed to.

    Raises: ConsentError: the controller is no usable text, or the purpose is not in the vocabulary.
    """
    checked_text("the controller", controller, most=200)
    if purpose not in PURPOSES:
        raise ConsentError(f"the purpose {purpose!r:.60} is unknown; use one of {', '.join(PURPOSES)}")

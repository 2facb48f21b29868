"""One row of a rule table, and the words its cells may hold."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from privacy.policy.vocabulary import (
    ACTIONS,
    FORMS,
    JURISDICTIONS,
    KIND_GROUPS,
    KINDS,
    PURPOSE_GROUPS,
    PURPOSES,
    ROLE_GROUPS,
    ROLES,
)

ID: Final = "id"
EFFECT: Final = "effect"
WHO: Final = "who"
ACTION: Final = "action"
WHOSE: Final = "whose"
KIND: Final = "kind"
FORM: Final = "form"
PURPOSE: Final = "purpose"
WHEN: Final = "when"
UNLESS: Final = "unless"
JURISDICTION: Final = "jurisdiction"
ARTICLE: Final = "article"
SENTENCE: Final = "sentence"
FLAG: Final = "flag"
COLUMNS: Final = (
    ID,
    WHO,
    EFFECT,
    ACTION,
    WHOSE,
    KIND,
    FORM,
    PURPOSE,
    WHEN,
    UNLESS,
    JURISDICTION,
    ARTICLE,
    SENTENCE,
)

MAY: Final = "may"
MAY_NOT: Final = "may not"
ANY: Final = "any"
BUT: Final = "any but "
ANOTHER: Final = "another "

WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    WHO: (*ROLES, *ROLE_GROUPS),
    ACTION: ACTIONS,
    KIND: (*KINDS, *KIND_GROUPS),
    FORM: FORMS,
    PURPOSE: (*PURPOSES, *PURPOSE_GROUPS),
    JURISDICTION: tuple(one for one in JURISDICTIONS if one != "none"),
}

CONDITIONS: Final[Mapping[str, str]] = {
    "consent": "context.agreed",
    "no consent": "!context.agreed",
    "separate consent": "context.agreed_separately",
    "no separate consent": "!context.agreed_separately",
    "minor": "context.minor",
    "no minor": "!context.minor",
    "guardian": "context.guardian",
    "no guardian": "!context.guardian",
    "alternative": "context.alternative",
    "no alternative": "!context.alternative",
    "about persons": "resource.about_persons",
    "not about persons": "!resource.about_persons",
    "public": "resource.public",
    "not public": "!resource.public",
    "independent": "principal.independent",
    "not independent": "!principal.independent",
    "of the platform": "principal.of_platform",
    "not of the platform": "!principal.of_platform",
}

RELATIONS: Final[Mapping[str, str]] = {
    "own": "resource.owner == principal",
    "another's": "resource.owner != principal",
    "own unit's": "resource.owner.unit == principal.unit",
    "another unit's": "resource.owner.unit != principal.unit",
}

_ID: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*\Z")


@dataclass(frozen=True, slots=True)
class Choice:
    """A cell that names words: these, or all but these. Empty and not excluded: any.

    Attributes:
        words: from the vocabulary, in the order of the cell.
        excluded: the cell says "any but".
    """

    words: tuple[str, ...] = ()
    excluded: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """One row: who may (or may not) do what with whose data, for what, when, unless, under which law.

    Attributes:
        id: short name; unique over all loaded packs.
        permits: "may" or "may not".
        who: roles or groups of roles.
        action: actions.
        whose: "" for any, one of `RELATIONS`, or the owner's role or group.
        another: with an owner's role: the owner must not be the actor.
        kind: kinds or groups of kinds.
        form: forms.
        purpose: purposes or groups of purposes.
        when: conditions that must all hold.
        unless: conditions; the rule does not count where all of them hold.
        jurisdiction: where the rule counts.
        article: the law or agreement it is modelled on.
        sentence: what its author meant; never evaluated.
        flag: of a regime's rules: which flag brings it in (see `regime_rules`).
    """

    id: str
    permits: bool
    who: Choice
    action: Choice
    whose: str
    another: bool
    kind: Choice
    form: Choice
    purpose: Choice
    when: tuple[str, ...]
    unless: tuple[str, ...]
    jurisdiction: Choice
    article: str
    sentence: str
    flag: str = ""


def parse(cells: Mapping[str, str]) -> tuple[Rule | None, list[tuple[str, str]]]:
    """Read one row.

    Args:
        cells: text by column, stripped; the keys are `COLUMNS` and maybe `FLAG`.

    Returns: the rule (nothing if a cell is wrong) and what is wrong: pairs of column and advice.
    """
    wrong: list[tuple[str, str]] = []
    choices = {}
    for column in (WHO, ACTION, KIND, FORM, PURPOSE, JURISDICTION):
        choices[column], advice = _choice(cells[column], WORDS[column])
        if advice:
            wrong.append((column, advice))
    if not _ID.match(cells[ID]):
        wrong.append((ID, "write small letters and digits joined by single hyphens, such as 'my-rule-1'"))
    if cells[EFFECT] not in (MAY, MAY_NOT):
        wrong.append((EFFECT, f"write '{MAY}' or '{MAY_NOT}'"))
    whose, another, advice = _whose(cells[WHOSE])
    if advice:
        wrong.append((WHOSE, advice))
    conditions = {}
    for column in (WHEN, UNLESS):
        conditions[column] = _split(cells[column])
        for word in conditions[column]:
            if word not in CONDITIONS:
                wrong.append((column, f"{word!r} is not a condition; leave the cell empty or use {_list(CONDITIONS)}"))
    wrong += _contradictions(conditions)
    for column in (ARTICLE, SENTENCE):
        if not cells[column].isprintable():
            wrong.append((column, "remove control characters and line breaks"))
    if not cells[ARTICLE]:
        wrong.append((ARTICLE, "name the law or agreement behind the rule, or write 'house rule'"))
    if wrong:
        return None, sorted(wrong, key=lambda one: COLUMNS.index(one[0]))
    rule = Rule(
        id=cells[ID],
        permits=cells[EFFECT] == MAY,
        who=choices[WHO],
        action=choices[ACTION],
        whose=whose,
        another=another,
        kind=choices[KIND],
        form=choices[FORM],
        purpose=choices[PURPOSE],
        when=conditions[WHEN],
        unless=conditions[UNLESS],
        jurisdiction=choices[JURISDICTION],
        article=cells[ARTICLE],
        sentence=cells[SENTENCE],
        flag=cells.get(FLAG, ""),
    )
    return rule, []


def _contradictions(conditions: Mapping[str, tuple[str, ...]]) -> list[tuple[str, str]]:
    """Find conditions under which a rule could never apply."""
    wrong = []
    for column, words in conditions.items():
        wrong += [(column, f"{word!r} and {_negated(word)!r} never hold together; remove one")
                  for word in words if _negated(word) in words and word < _negated(word)]  # fmt: skip
        wrong += [(column, f"{word!r} stands here twice; remove one") for word in set(words) if words.count(word) > 1]
    both = [word for word in conditions[WHEN] if conditions[UNLESS] == (word,)]
    wrong += [(UNLESS, f"{word!r} is asked for under when, so the rule would never count; remove one") for word in both]
    return wrong


def _negated(word: str) -> str:
    for no in ("no ", "not "):
        if word.startswith(no):
            return word.removeprefix(no)
    return f"no {word}" if f"no {word}" in CONDITIONS else f"not {word}"


def _choice(cell: str, words: tuple[str, ...]) -> tuple[Choice, str]:
    if cell == ANY:
        return Choice(), ""
    excluded = cell.startswith(BUT)
    chosen = _split(cell.removeprefix(BUT) if excluded else cell)
    if not chosen:
        return Choice(), f"the cell is empty; write '{ANY}' or some of {_list(words)}"
    for word in chosen:
        if word not in words:
            return Choice(), f"{word!r} is unknown here; write '{ANY}' or some of {_list(words)}, parted by ';'"
    if len(set(chosen)) != len(chosen):
        return Choice(), "a word stands here twice; remove one"
    return Choice(chosen, excluded), ""


def _whose(cell: str) -> tuple[str, bool, str]:
    if cell == ANY or cell in RELATIONS:
        return ("" if cell == ANY else cell), False, ""
    another = cell.startswith(ANOTHER)
    owner = cell.removeprefix(ANOTHER).removesuffix("'s")
    if cell.endswith("'s") and owner in WORDS[WHO]:
        return owner, another, ""
    return (
        "",
        False,
        (
            f"write '{ANY}', {_list(RELATIONS)}, or an owner's role such as 'merchant's', 'platform's' or "
            "'another merchant's'"
        ),
    )


def _split(cell: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in cell.split(";")) if cell else ()


def _list(words: Mapping[str, object] | tuple[str, ...]) -> str:
    return ", ".join(f"'{word}'" for word in words)

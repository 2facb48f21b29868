"""Who may read what, as a table: every role against every kind and form of data, each cell answered by the policy.

The answers are those of `privacy.policy.matrix`: the engine is asked about a small market with one party of each role,
whose data are not public. Goods alone stand in its catalogue and metrics; everything else is about grown-up people.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from privacy.policy import ACTIONS, CONSENTS, JURISDICTIONS, PURPOSES, Context, PolicyEngine, Request
from privacy.policy import matrix as m
from privacy.policy.compiled import PolicyInfo
from privacy.policy.domain import sample_register
from privacy.policy.engine import Verdict
from privacy.policy.words import PURPOSES as PURPOSE_WORDS

WHO: Final = "Who, whose data"
DATA: Final = "Data"
FORM: Final = "Form"
ANSWER: Final = "Answer"
WHY: Final = "Why"
NO_RULE: Final = "No rule permits it, and what no rule permits is denied."

ROWS: Final[Mapping[str, tuple[str, str]]] = {
    "Merchant, its own": ("merchant", m.OWN),
    "Merchant, a rival's": ("merchant", m.OTHER),
    "Merchant, aggregator's": ("merchant", m.LEARNT),
    "Merchant, marketplace's": ("merchant", m.PLATFORM),
    "Marketplace, its own": ("marketplace", m.OWN),
    "Marketplace, merchants'": ("marketplace", m.OTHER),
    "Marketplace, aggregator's": ("marketplace", m.LEARNT),
    "Own label, its own": ("platform_retail", m.OWN),
    "Own label, merchants'": ("platform_retail", m.OTHER),
    "Own label, marketplace's": ("platform_retail", m.PLATFORM),
    "Own label, aggregator's": ("platform_retail", m.LEARNT),
    "Aggregator, its own": ("aggregator", m.OWN),
    "Aggregator, merchants'": ("aggregator", m.OTHER),
    "Auditor, merchants'": ("auditor", m.OTHER),
    "Auditor, aggregator's": ("auditor", m.LEARNT),
    "Regulator, merchants'": ("regulator", m.OTHER),
    "Researcher, merchants'": ("researcher", m.OTHER),
    "Shopper, their own": ("shopper", m.OWN),
    "Public, merchants'": ("public", m.OTHER),
}
"""Rows of the table: a role, and whose data. The own label is the platform's retail arm, which competes."""

KIND_NAMES: Final[Mapping[str, str]] = {
    "catalogue": "Catalogue",
    "transactions": "Till sales",
    "orders": "Orders",
    "movement": "Movement",
    "face_images": "Face images",
    "face_templates": "Face templates",
    "payments": "Payments",
    "mood": "Mood",
    "special_category": "Special categories",
    "model": "Models",
    "metrics": "Metrics",
}
FORM_NAMES: Final[Mapping[str, str]] = {"raw": "Raw rows", "aggregate": "Exact sums", "dp": "Noisy sums"}
ANSWER_MEANING: Final[Mapping[str, str]] = {
    "yes": "always, without asking people",
    "if": "for some purposes only, or only with consent",
    "no": "never",
}
_LEVELS: Final = ("Allowed", "Allowed with consent", "Allowed with separate consent")
_ACTORS: Final = {"merchant": "m2", "platform_retail": "retail"}
_OWNERS: Final = {m.OTHER: "m1", m.LEARNT: "aggregator", m.PLATFORM: "marketplace"}


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of every cell.

    Attributes:
        packs: packs or folders of rules.
        regime: id of a regime; empty for the packs alone.
        action: what is to be done with the data.
        purpose: what for; empty for every purpose.
        place: whose law applies.
    """

    packs: tuple[str, ...]
    regime: str = ""
    action: str = ACTIONS[0]
    purpose: str = ""
    place: str = JURISDICTIONS[0]

    @property
    def purposes(self) -> tuple[str, ...]:
        """The purposes that are asked about."""
        return (self.purpose,) if self.purpose else PURPOSES

    def context(self, consent: str) -> Context:
        """Say where people are and whether they agreed."""
        return Context(consent, self.place)  # type: ignore[arg-type]


def answers(question: Question) -> pd.DataFrame:
    """Ask about every cell and every purpose, without consent and with it; the slow part of `access_table`.

    Args:
        question: its purpose is not looked at.

    Returns: the columns of `privacy.policy.matrix`, one row for each cell of `ROWS`, without consent; and the purposes
        and rules with separate consent as `purposes_consent` and `rule_consent`.

    Raises:
        PolicyError: a pack or the regime is unknown or wrong.
    """
    plain, agreed = (
        m.access_matrix([question.regime], question.packs, actions=[question.action],  # type: ignore[list-item]
                        context=question.context(consent), denied=True)
        for consent in ("none", "separate")
    )  # fmt: skip
    cell = [m.ROLE, m.RELATION, m.KIND, m.FORM]
    return plain.merge(agreed[[*cell, m.PURPOSES_ALLOWED, m.RULE]], on=cell, suffixes=("", "_consent"))


def access_table(asked: pd.DataFrame, purpose: str = "") -> pd.DataFrame:
    """Answer each cell in a word.

    Args:
        asked: from `answers`.
        purpose: one purpose; empty for all of them together.

    Returns: one row per cell: `WHO`, `DATA` and `FORM` in words, `ANSWER` (yes, if, no) and `WHY` (the rules that
        decide, with their articles; or that there is none).
    """
    names = {pair: name for name, pair in ROWS.items()}
    rows = []
    for row in asked.to_dict("records"):
        if (who := names.get((row[m.ROLE], row[m.RELATION]))) is not None:
            rows.append((who, KIND_NAMES[row[m.KIND]], FORM_NAMES[row[m.FORM]], *_answer(row, purpose)))
    rows.sort(key=lambda row: list(ROWS).index(row[0]))
    return pd.DataFrame(rows, columns=[WHO, DATA, FORM, ANSWER, WHY])


def has_cell(who: str, data: str) -> bool:
    """Tell whether a row has a cell for a kind: of aggregator and marketplace, others get models and metrics only."""
    return ROWS[who][1] not in (m.LEARNT, m.PLATFORM) or data in (KIND_NAMES["model"], KIND_NAMES["metrics"])


def explain(question: Question, who: str, data: str, form: str) -> pd.DataFrame:
    """Say in full why one cell is answered as it is.

    Args:
        question: what was asked.
        who: a row of the table.
        data: a kind, in words.
        form: a form, in words.

    Returns: one row for each different answer and rule behind it: Answer, Purposes, Rule, Article, In words.

    Raises:
        PolicyError: a pack or the regime is unknown or wrong.
    """
    engine = PolicyEngine.load(question.packs, register=sample_register(), regime=question.regime or None)
    role, relation = ROWS[who]
    actor = _ACTORS.get(role, role)
    ids = {name: key for key, name in (*KIND_NAMES.items(), *FORM_NAMES.items())}
    dataset = f"{_OWNERS.get(relation, actor)}/{ids[data]}/{ids[form]}"
    asked = [(purpose, level) for purpose in question.purposes for level in CONSENTS]
    requests = [
        Request(actor, question.action, dataset, purpose, (), question.context(level))  # type: ignore[arg-type]
        for purpose, level in asked
    ]
    verdicts = dict(zip(asked, engine.verdicts(requests), strict=True))
    groups: dict[tuple[str, Verdict], list[str]] = {}
    for purpose in question.purposes:
        level = next((one for one in CONSENTS if verdicts[purpose, one].allowed), "")
        words = _LEVELS[CONSENTS.index(level)] if level else "Denied"
        groups.setdefault((words, verdicts[purpose, level or "none"]), []).append(PURPOSE_WORDS[purpose])
    rows = []
    for (words, verdict), purposes in groups.items():
        named = "every purpose" if len(purposes) == len(PURPOSES) else ", ".join(purposes)
        for info in verdict.reasons or (None,):
            rows.append((words, named, *_in_words(info, verdict.doubt)))
    return pd.DataFrame(rows, columns=["Answer", "Purposes", "Rule", "Article", "In words"])


def changes(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """List the cells that two tables answer differently.

    Args:
        before: from `access_table`.
        after: the same of another policy.

    Returns: Who, Data, Form, Before, After, Why (of the second table); kinds and forms that changed alike share a
        line, and what opens stands before what closes.
    """
    both = before.merge(after, on=[WHO, DATA, FORM], suffixes=("_before", "_after"))
    changed = both[both[f"{ANSWER}_before"] != both[f"{ANSWER}_after"]]
    lines: dict[tuple[str, ...], dict[str, set[str]]] = {}
    for who, data, form, was, _, now, why in changed.itertuples(index=False, name=None):
        lines.setdefault((who, was, now, why), {}).setdefault(form, set()).add(data)
    rows = []
    for (who, was, now, why), of_form in lines.items():
        alike: dict[tuple[str, ...], list[str]] = {}
        for form, kinds in of_form.items():
            alike.setdefault(tuple(kind for kind in KIND_NAMES.values() if kind in kinds), []).append(form)
        for shown, forms in alike.items():
            data = "All" if len(shown) == len(KIND_NAMES) else ", ".join(shown)
            rows.append((who, data, "All" if len(forms) == len(FORM_NAMES) else ", ".join(forms), was, now, why))
    order = {"no": 0, "if": 1, "yes": 2}
    rows.sort(key=lambda row: order[row[3]] - order[row[4]])
    return pd.DataFrame(rows, columns=[WHO, DATA, FORM, "Before", "After", "Why"])


def twin(table: pd.DataFrame) -> pd.DataFrame:
    """Return the cells of `access_table` as a plain table: a line for each row and form, a column for each kind."""
    wide = table.pivot(index=[WHO, FORM], columns=DATA, values=ANSWER)
    order = pd.MultiIndex.from_product([ROWS, FORM_NAMES.values()], names=[WHO, FORM])
    return wide.reindex(order)[list(KIND_NAMES.values())].fillna("").reset_index()


def _answer(row: Mapping[Any, Any], purpose: str) -> tuple[str, str]:
    """Return the word of a cell and the rules behind it."""
    plain, agreed = _purposes(row[m.PURPOSES_ALLOWED]), _purposes(row[f"{m.PURPOSES_ALLOWED}_consent"])
    wanted = {purpose} if purpose else set(PURPOSES)
    if wanted <= plain:
        return "yes", _cited(row)
    if wanted & plain:
        more = "; more with consent" if wanted & agreed - plain else ""
        return "if", _cited(row) + more
    if wanted & agreed:
        return "if", f"With consent only: {row[f'{m.RULE}_consent']}"
    if plain:  # the rules in hand are those that permit other purposes
        return "no", "Denied for this purpose; choose the cell to see why."
    return "no", _cited(row) or NO_RULE


def _cited(row: Mapping[Any, Any]) -> str:
    return f"{row[m.RULE]} ({row[m.ARTICLE]})" if row[m.ARTICLE] else str(row[m.RULE])


def _purposes(text: str) -> set[str]:
    return set(PURPOSES) if text == m.ANY_PURPOSE else set(text.split("; ")) - {""}


def _in_words(info: PolicyInfo | None, doubt: str) -> tuple[str, str, str]:
    if info is None:
        return "", "", f"Refused, since {doubt}." if doubt else NO_RULE
    return info.id, info.article, info.english

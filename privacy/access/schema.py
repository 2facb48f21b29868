"""The documented table of access events: who asked for what, and what was decided. One line for each decision.

Our own log (kind "access"), a user's CSV and a user's Parquet file all have these columns; docs/access-audit.md
explains them. An event says what was claimed when it was decided: role, owner and kind are copies, not proof.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Final

from privacy.policy import (
    ACTIONS,
    CONSENTS,
    FORMS,
    JURISDICTIONS,
    KINDS,
    PURPOSES,
    ROLES,
    Dataset,
    Decision,
    Party,
    Request,
)
from privacy.regimes import REGIMES
from retail.problems import shown

KIND_OF_ENTRY: Final = "access"

TIME: Final = "time"
ACTOR: Final = "actor"
ROLE: Final = "role"
UNIT: Final = "unit"
ACTION: Final = "action"
DATASET: Final = "dataset"
OWNER: Final = "owner"
KIND: Final = "kind"
FORM: Final = "form"
PUBLIC: Final = "public"
ABOUT_PERSONS: Final = "about_persons"
PURPOSE: Final = "purpose"
COLUMNS: Final = "columns"
CONSENT: Final = "consent"
JURISDICTION: Final = "jurisdiction"
MINOR: Final = "minor"
GUARDIAN: Final = "guardian"
ALTERNATIVE: Final = "alternative"
REGIME: Final = "regime"
DECISION: Final = "decision"
RULE: Final = "rule"
ARTICLE: Final = "article"

EVENT_COLUMNS: Final = (
    TIME, ACTOR, ROLE, UNIT, ACTION, DATASET, OWNER, KIND, FORM, PUBLIC, ABOUT_PERSONS, PURPOSE, COLUMNS, CONSENT,
    JURISDICTION, MINOR, GUARDIAN, ALTERNATIVE, REGIME, DECISION, RULE, ARTICLE,
)  # fmt: skip

OPTIONAL: Final = (REGIME, RULE, ARTICLE)
"""Columns that a user's file may lack: not every system records them."""

FLAGS: Final = (PUBLIC, ABOUT_PERSONS, MINOR, GUARDIAN, ALTERNATIVE)
"""true or false."""

NAMES: Final = (ACTOR, DATASET)
"""Free text that may not be empty."""

ALLOW: Final = "allow"
DENY: Final = "deny"

CODES: Final[Mapping[str, tuple[str, ...]]] = {
    ROLE: ("", *ROLES),
    ACTION: ("", *ACTIONS),
    KIND: ("", *KINDS),
    FORM: ("", *FORMS),
    PURPOSE: ("", *PURPOSES),
    CONSENT: CONSENTS,
    JURISDICTION: ("", *JURISDICTIONS),
    REGIME: ("", *REGIMES),
    DECISION: (ALLOW, DENY),
}
"""Closed sets. Role, kind and form are empty where nobody knew the actor or the data set; regime where none was set;
action, purpose and jurisdiction where the word asked with was none of these (a policy denies that)."""

LONGEST_NAME: Final = 500


def event_body(
    request: Request, decision: Decision, *, party: Party | None, dataset: Dataset | None, regime: str | None
) -> dict[str, Any]:
    """Say what was asked and decided, as one log entry of kind "access".

    Args:
        request: what was asked for.
        decision: the answer.
        party: the actor as registered at the decision; None when nobody knows it.
        dataset: the data set as registered at the decision; None when nobody knows it. It is then written down as
            non-public and about persons.
        regime: id of the regime in force, None for none.

    Returns: the columns of the schema. A name that is too long, or holds characters that cannot be seen or stored, is
        written escaped and cut, so that a strange name cannot keep a denial out of the log.
    """
    context = request.context
    return {
        TIME: dt.datetime.now(dt.UTC).isoformat(),
        ACTOR: _name(request.actor),
        ROLE: "" if party is None else party.role,
        UNIT: "" if party is None else party.unit,
        ACTION: _word(request.action, ACTIONS),
        DATASET: _name(request.dataset),
        OWNER: "" if dataset is None else dataset.owner,
        KIND: "" if dataset is None else dataset.kind,
        FORM: "" if dataset is None else dataset.form,
        PUBLIC: dataset is not None and dataset.public,
        ABOUT_PERSONS: dataset is None or dataset.about_persons,
        PURPOSE: _word(request.purpose, PURPOSES),
        COLUMNS: [_name(name) for name in request.columns],
        CONSENT: context.consent,
        JURISDICTION: _word(context.jurisdiction, JURISDICTIONS),
        MINOR: context.minor,
        GUARDIAN: context.guardian,
        ALTERNATIVE: context.alternative,
        REGIME: regime or "",
        DECISION: ALLOW if decision.allowed else DENY,
        RULE: decision.rule,
        ARTICLE: decision.article,
    }


def _word(text: str, known: Sequence[str]) -> str:
    return text if text in known else ""


def _name(text: str) -> str:
    plain = len(text) <= LONGEST_NAME and text.isprintable()
    return text if plain else shown(text)

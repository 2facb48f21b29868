"""What changes between two policies: the requests that get another answer, and the rule behind it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pandas as pd

from privacy.policy.check import answers
from privacy.policy.domain import enumerate_requests, sample_register
from privacy.policy.engine import PolicyEngine, Verdict
from privacy.policy.request import Request
from privacy.policy.words import joined_kinds

CHANGE: Final = "change"
ROLE: Final = "role"
ACTION: Final = "action"
WHOSE: Final = "whose"
KIND: Final = "kind"
FORM: Final = "form"
RULE: Final = "rule"
ARTICLE: Final = "article"
REQUESTS: Final = "requests"
EXAMPLE: Final = "example"
DATA: Final = "data"
COLUMNS: Final = (CHANGE, ROLE, ACTION, WHOSE, KIND, FORM, RULE, ARTICLE, REQUESTS, EXAMPLE)
NOW_ALLOWED: Final = "now allowed"
NOW_DENIED: Final = "now denied"
_GROUP: Final = [CHANGE, ROLE, ACTION, WHOSE, KIND, FORM, RULE, ARTICLE]


def diff_policies(
    before: Sequence[str | Path],
    after: Sequence[str | Path],
    *,
    regime_before: str | None = None,
    regime_after: str | None = None,
    requests: Sequence[Request] | None = None,
) -> pd.DataFrame:
    """Ask the whole domain of two policies and list the answers that differ.

    Args:
        before: sources of the older policy (see `PolicyEngine.load`).
        after: sources of the newer one.
        regime_before: its regime, if any.
        regime_after: its regime, if any.
        requests: what to ask instead of the whole domain; about parties and data sets of the sample world.

    Returns: columns `COLUMNS`, one row for each group of requests alike, largest first within "now allowed" and "now
        denied". `rule` is what the newer policy decides by; where it only stopped permitting, the rule that used to
        permit, marked "(gone)". `requests` counts; `example` is one request.

    Raises: PolicyError: a source or regime cannot be used.
    """
    register = sample_register()
    old = PolicyEngine.load(before, register=register, regime=regime_before)
    new = PolicyEngine.load(after, register=register, regime=regime_after)
    rows = []
    asked = [] if old.fingerprint == new.fingerprint else enumerate_requests() if requests is None else requests
    for (request, was), (_, now) in zip(answers(old, asked), answers(new, asked), strict=True):
        if was.allowed != now.allowed:
            rows.append(_row(new, request, was, now))
    table = pd.DataFrame(rows, columns=[*_GROUP, EXAMPLE])
    grouped = table.groupby(_GROUP, sort=False)[EXAMPLE].agg(["size", "first"]).reset_index()
    grouped = grouped.rename(columns={"size": REQUESTS, "first": EXAMPLE})
    return grouped.sort_values([CHANGE, REQUESTS], ascending=[True, False], kind="stable")[list(COLUMNS)].reset_index(
        drop=True
    )


def by_rule(changes: pd.DataFrame) -> pd.DataFrame:
    """Join the actions, kinds and forms that one rule changes for one role, for reading.

    Args:
        changes: what `diff_policies` returned.

    Returns: columns change, role, whose, action, data (kinds), rule, requests, example.
    """
    keys = [CHANGE, ROLE, WHOSE, RULE]
    rows = []
    for values, group in changes.groupby(keys, sort=False):
        rows.append(
            {
                **dict(zip(keys, map(str, values), strict=True)),
                ACTION: ", ".join(dict.fromkeys(group[ACTION])),
                DATA: joined_kinds(set(group[KIND])),
                REQUESTS: int(group[REQUESTS].sum()),
                EXAMPLE: group[EXAMPLE].iloc[0],
            }
        )
    table = pd.DataFrame(rows, columns=[CHANGE, ROLE, WHOSE, ACTION, DATA, RULE, REQUESTS, EXAMPLE])
    return table.sort_values([CHANGE, REQUESTS], ascending=[True, False], kind="stable").reset_index(drop=True)


def describe(request: Request) -> str:
    """Write a request in one line, leaving out what is at its default."""
    context = request.context
    facts = [f"{context.consent} consent"] if context.consent != "none" else []
    facts += [context.jurisdiction] if context.jurisdiction != "none" else []
    facts += [name for name in ("minor", "guardian", "alternative") if getattr(context, name)]
    where = f" ({', '.join(facts)})" if facts else ""
    return f"{request.actor} {request.action} {request.dataset} for {request.purpose}{where}"


def _row(engine: PolicyEngine, request: Request, was: Verdict, now: Verdict) -> tuple[str, ...]:
    actor = engine.register.party(request.actor)
    dataset = engine.register.dataset(request.dataset)
    owner = engine.register.party(dataset.owner)
    whose = "own" if owner.id == actor.id else f"{owner.role}'s"
    decided = now.reasons or was.reasons
    mark = "" if now.reasons else " (gone)"
    rule = "; ".join(info.id + mark for info in decided)
    article = "; ".join(dict.fromkeys(info.article for info in decided))
    change = NOW_ALLOWED if now.allowed else NOW_DENIED
    return change, actor.role, request.action, whose, dataset.kind, dataset.form, rule, article, describe(request)

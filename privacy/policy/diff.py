"""What changes between two policies: the requests that get another answer, and the rule behind it.

Asked are the chosen domain and, since it holds few requests about some rules, more about each rule that only one of the
two policies has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from privacy.policy.check import answers
from privacy.policy.domain import enumerate_requests, sample_register
from privacy.policy.engine import PolicyEngine, Verdict
from privacy.policy.reach import changed_rules, requests_about
from privacy.policy.register import Register
from privacy.policy.request import Request
from privacy.policy.vocabulary import ACTIONS, ROLES
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
_TOLD: Final = 1_000
_OWN: Final = "own"
_WORDS: Final = {ROLE: ROLES, WHOSE: (_OWN, *(f"{role}'s" for role in ROLES)), ACTION: ACTIONS}
_GROUP: Final = [CHANGE, ROLE, ACTION, WHOSE, KIND, FORM, RULE, ARTICLE]


@dataclass(frozen=True, eq=False)
class Difference:
    """What differs between two policies.

    Attributes:
        table: columns `COLUMNS`, one row for each group of requests alike, largest first within "now allowed" and "now
            denied". `rule` is what the newer policy decides by; where it only stopped permitting, the rule that used
            to permit, marked "(gone)". `requests` counts; `example` is one request.
        asked: how many requests were put to both.
        silent: ids of rules that only one policy has and that no changed answer names: they decide nothing that was
            asked, or other rules decide the same.
    """

    table: pd.DataFrame
    asked: int
    silent: tuple[str, ...]


def diff_policies(
    before: Sequence[str | Path],
    after: Sequence[str | Path],
    *,
    regime_before: str | None = None,
    regime_after: str | None = None,
    requests: Sequence[Request] | None = None,
    progress: Callable[[str, int, int], object] | None = None,
) -> Difference:
    """Ask two policies the same and list the answers that differ.

    Args:
        before: sources of the older policy (see `PolicyEngine.load`).
        after: sources of the newer one.
        regime_before: its regime, if any.
        regime_after: its regime, if any.
        requests: what to ask instead; about parties and data sets of the sample world.
        progress: told what is being done, how many requests were asked, and how many there are.

    Raises: PolicyError: a source or regime cannot be used.
    """
    register = sample_register()
    old = PolicyEngine.load(before, register=register, regime=regime_before)
    new = PolicyEngine.load(after, register=register, regime=regime_after)
    rules = changed_rules(old.policies, new.policies)
    asked = [] if not rules else _asked(rules, register) if requests is None else requests
    rows, named = [], set()
    for request, was, now in _both(old, new, asked, progress or (lambda what, done, total: None)):
        if was.allowed != now.allowed:
            rows.append(_row(new, request, was, now))
            named |= {info.id for info in (*was.reasons, *now.reasons)}
    table = pd.DataFrame(rows, columns=[*_GROUP, EXAMPLE])
    grouped = table.groupby(_GROUP, sort=False)[EXAMPLE].agg(["size", "first"]).reset_index()
    grouped = grouped.rename(columns={"size": REQUESTS, "first": EXAMPLE})
    grouped = grouped.sort_values([CHANGE, REQUESTS], ascending=[True, False], kind="stable")
    silent = dict.fromkeys(str(rule["annotations"]["id"]) for rule in rules)
    return Difference(
        grouped[list(COLUMNS)].reset_index(drop=True), len(asked), tuple(one for one in silent if one not in named)
    )


def _asked(rules: Sequence[Mapping[str, Any]], register: Register) -> list[Request]:
    """Return the chosen domain and what the changed rules are about, each request once."""
    more = [request for about in requests_about(rules, register).values() for request in about]
    return list(dict.fromkeys([*enumerate_requests(), *more]))


def _both(
    old: PolicyEngine, new: PolicyEngine, asked: Sequence[Request], tell: Callable[[str, int, int], object]
) -> Iterator[tuple[Request, Verdict, Verdict]]:
    pairs = zip(answers(old, asked), answers(new, asked), strict=True)
    for done, ((request, was), (_, now)) in enumerate(pairs):
        if done % _TOLD == 0:
            tell("asking both policies", done, len(asked))
        yield request, was, now


def by_rule(changes: pd.DataFrame) -> pd.DataFrame:
    """Join the roles, owners, actions and kinds that one rule changes, for reading.

    Args:
        changes: the table of a `Difference`.

    Returns: columns change, role, whose, action, data (kinds), rule, requests, example.
    """
    rows = []
    for (change, rule), group in changes.groupby([CHANGE, RULE], sort=False):
        joined = {name: ", ".join(_in_order(group[name], words)) for name, words in _WORDS.items()}
        rows.append(
            {
                CHANGE: str(change),
                RULE: str(rule),
                **joined,
                DATA: joined_kinds(set(group[KIND])),
                REQUESTS: int(group[REQUESTS].sum()),
                EXAMPLE: group[EXAMPLE].iloc[0],
            }
        )
    table = pd.DataFrame(rows, columns=[CHANGE, ROLE, WHOSE, ACTION, DATA, RULE, REQUESTS, EXAMPLE])
    return table.sort_values([CHANGE, REQUESTS], ascending=[True, False], kind="stable").reset_index(drop=True)


def _in_order(found: Iterable[str], words: Sequence[str]) -> list[str]:
    """Return each word once, in the order of the vocabulary; "any" for all of them."""
    present = set(found)
    return ["any"] if present >= set(words) else [word for word in words if word in present]


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
    whose = _OWN if owner.id == actor.id else f"{owner.role}'s"
    decided = now.reasons or was.reasons
    mark = "" if now.reasons else " (gone)"
    rule = "; ".join(info.id + mark for info in decided)
    article = "; ".join(dict.fromkeys(info.article for info in decided))
    change = NOW_ALLOWED if now.allowed else NOW_DENIED
    return change, actor.role, request.action, whose, dataset.kind, dataset.form, rule, article, describe(request)

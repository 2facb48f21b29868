"""Replaying a log of decisions against a policy: what was done that should not have been.

    file = check_events(Path("access.csv"))
    audit = replay(file.events, lambda regime: PolicyEngine.load(["base", "gdpr"], register=Register(), regime=regime))
    print(audit.breaches)

Guarantee: every event that the log allowed and the policy denies is listed, and "forbidden" lists no other. What is
    judged is the line: with a register, its ids are looked up there; without one, role, unit, owner and kind are
    taken from the line itself, and a writer who lies about them is not found. Consent, place, age, purpose and
    alternative are always the line's own words.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from privacy.access import schema as a
from privacy.access.cells import LINE
from privacy.access.claims import worlds
from privacy.policy import Context, Decision, PolicyEngine, Register, Request

FORBIDDEN: Final = "forbidden"
NO_RULE: Final = "no_rule"
CLAIM: Final = "claim_differs"
OVER_DENIED: Final = "over_denied"
OTHER_RULE: Final = "other_rule"

FINDING: Final = "finding"
BREACH: Final = "breach"
POLICY_RULE: Final = "policy_rule"
POLICY_ARTICLE: Final = "policy_article"
WHY: Final = "why"

FINDING_COLUMNS: Final = (
    LINE, a.TIME, FINDING, BREACH, a.ACTOR, a.ROLE, a.ACTION, a.DATASET, a.OWNER, a.KIND, a.FORM, a.PURPOSE, a.CONSENT,
    a.JURISDICTION, a.REGIME, a.DECISION, a.RULE, POLICY_RULE, POLICY_ARTICLE, WHY,
)  # fmt: skip

MEANINGS: Final = {
    FORBIDDEN: "allowed in the log, denied by the policy",
    NO_RULE: "allowed in the log without a rule that permits it",
    CLAIM: "the line describes the actor or the data other than the register does",
    OVER_DENIED: "denied in the log, though the policy allows it",
    OTHER_RULE: "same decision, but the log names another rule or article",
}

_PARTY_CLAIMS: Final = (a.ROLE, a.UNIT)
_DATASET_CLAIMS: Final = (a.OWNER, a.KIND, a.FORM, a.PUBLIC, a.ABOUT_PERSONS)
_FACTS: Final = (a.CONSENT, a.JURISDICTION, a.MINOR, a.GUARDIAN, a.ALTERNATIVE)
_ASKED: Final = (a.ACTOR, a.ACTION, a.DATASET, a.PURPOSE, *_FACTS)

Engines = Callable[[str | None], PolicyEngine]
"""Id of a regime (None for none) -> an engine with the policy under audit; its register is replaced."""


@dataclass(frozen=True, eq=False)
class Replay:
    """What a replay found.

    Attributes:
        findings: one row for each finding, columns `FINDING_COLUMNS`, in the order of the lines; BREACH tells what
            should not have happened from what is only worth knowing.
        events: how many decisions were judged.
        distinct: how many different requests they made.
        registered: whether a register was used; else the lines' own claims were.
        regimes: the regimes under which lines were judged ("" for none), sorted.
        notes: what had to be assumed, and contradictions between lines.
    """

    findings: pd.DataFrame
    events: int
    distinct: int
    registered: bool
    regimes: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def breaches(self) -> pd.DataFrame:
        """The findings that should not have happened."""
        return self.findings[self.findings[BREACH]].reset_index(drop=True)


def replay(
    events: pd.DataFrame, engines: Engines, *, register: Register | None = None, regime: str | None = None
) -> Replay:
    """Judge every event by a policy.

    Args:
        events: from `privacy.access.file`.
        engines: makes the engine of a regime; called once for each.
        register: who is who; None to believe the lines.
        regime: judges all lines under this one; None judges each under the regime that it names.

    Raises:
        PolicyError: a regime is unknown, or the policy cannot be loaded.
    """
    events = events.reset_index(drop=True)
    for name in a.OPTIONAL:
        if name not in events:
            events = events.assign(**{name: None if name != a.REGIME else ""})
    if regime is not None:
        events = events.assign(**{a.REGIME: regime})
    key = [*_ASKED, a.REGIME, *(() if register is not None else (*_PARTY_CLAIMS, *_DATASET_CLAIMS))]
    number = events.groupby(key, sort=False, dropna=False).ngroup().to_numpy()
    first = events.assign(_number=number).drop_duplicates("_number")
    decisions, notes = _decide(first, engines, register)
    found = [row for row in events.to_dict("records")]
    rows = [
        finding
        for at, event in zip(number, found, strict=True)
        for finding in _judge(event, decisions[int(at)], register)
    ]
    return Replay(
        findings=pd.DataFrame(rows, columns=list(FINDING_COLUMNS)).astype({BREACH: bool}),
        events=len(events),
        distinct=len(first),
        registered=register is not None,
        regimes=tuple(sorted(events[a.REGIME].unique())),
        notes=notes,
    )


def _decide(
    first: pd.DataFrame, engines: Engines, register: Register | None
) -> tuple[dict[int, Decision], tuple[str, ...]]:
    """Ask the policy about each different request; returns the answers by number."""
    decisions: dict[int, Decision] = {}
    loaded: dict[str, PolicyEngine] = {}
    notes: tuple[str, ...] = ()
    if register is not None:
        parts: list[tuple[Register, pd.DataFrame]] = [(register, first)]
    else:
        parts, notes = worlds(first)
    for known, part in parts:
        for name, asked in part.groupby(a.REGIME, sort=False):
            id_ = str(name)
            if id_ not in loaded:
                loaded[id_] = engines(id_ or None)
            requests = [_request(row) for row in asked.to_dict("records")]
            answers = loaded[id_].with_register(known).decide_many(requests)
            decisions.update(zip(asked["_number"].astype(int), answers, strict=True))
    return decisions, notes


def _request(row: dict[Any, Any]) -> Request:
    context = Context(**{name: row[name] for name in _FACTS})
    return Request(row[a.ACTOR], row[a.ACTION], row[a.DATASET], row[a.PURPOSE], tuple(row[a.COLUMNS]), context)


def _judge(event: dict[Any, Any], policy: Decision, register: Register | None) -> list[dict[str, Any]]:
    """Return what is wrong with one event."""
    allowed = event[a.DECISION] == a.ALLOW
    found: list[tuple[str, bool, str]] = []
    if register is not None:
        differing = _differences(event, register)
        if differing:
            found.append((CLAIM, allowed, differing))
    if allowed and not policy.allowed:
        found.append((FORBIDDEN, True, policy.text))
    elif allowed and event[a.RULE] == "":
        found.append((NO_RULE, True, f"the log names no rule; the policy allows it by {policy.rule}"))
    elif policy.allowed and not allowed:
        found.append((OVER_DENIED, False, policy.text))
    elif _named(event[a.RULE], policy.rule) or _named(event[a.ARTICLE], policy.article):
        named = f"{event[a.RULE] or 'no rule'} ({event[a.ARTICLE] or 'no article'})"
        found.append((OTHER_RULE, False, f"the log names {named}, the policy {policy.rule or 'no rule'}"))
    return [
        {
            **{name: event[name] for name in FINDING_COLUMNS if name in event},
            FINDING: kind,
            BREACH: breach,
            POLICY_RULE: policy.rule,
            POLICY_ARTICLE: policy.article,
            WHY: why,
        }
        for kind, breach, why in found
    ]


def _named(logged: str | None, expected: str) -> bool:
    """Tell whether the log names something else; a file without that column names nothing."""
    return logged is not None and logged != expected


def _differences(event: dict[Any, Any], register: Register) -> str:
    """Say where an event's description is not the register's; "" where it is, or where neither knows the id."""
    said = []
    party, dataset = register.find_party(event[a.ACTOR]), register.find_dataset(event[a.DATASET])
    for known, claims, what in ((party, _PARTY_CLAIMS, "actor"), (dataset, _DATASET_CLAIMS, "data set")):
        if known is None:
            if event[claims[0]]:
                said.append(f"the register has no such {what}")
            continue
        for name in claims:
            if event[name] != getattr(known, name):
                said.append(f"{name} is {event[name]!r}, the register says {getattr(known, name)!r}")
    return "; ".join(said)

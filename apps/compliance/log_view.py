"""What runs read, from their logs: who read what, how often, under which rule, what was denied, and what if."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from apps.compliance.access_view import NO_RULE as NO_RULE_PERMITS
from experiments.logbook import RUN_BOOKS
from privacy.access import schema as a
from privacy.access.audit import FORBIDDEN, NO_RULE, OVER_DENIED, WHY, replay
from privacy.access.cells import LINE
from privacy.access.file import check_events
from privacy.books import BOOKS
from privacy.log.schema import has_log
from privacy.policy import PolicyEngine, Register
from privacy.policy.compiled import PolicyInfo, compile_texts
from privacy.policy.sources import PACKS, SIMULATION_PACK, load_texts
from privacy.policy.words import ACTIONS, FORMS, KINDS, PURPOSES, ROLES
from privacy.regimes import REGIMES
from privacy.sqlite_file import reading_safely
from retail.errors import PolicyError

RUN: Final = "run"
TIMES: Final = "times"
FIRST: Final = "first"
LAST: Final = "last"
_EVENT: Final = tuple(name for name in a.EVENT_COLUMNS if name != a.TIME)
_ALIKE: Final = (a.ROLE, "whose", a.ACTION, a.KIND, a.FORM, a.PURPOSE, a.CONSENT, a.JURISDICTION, a.REGIME,
                 a.DECISION, a.RULE, a.ARTICLE)  # fmt: skip
_CONSENTS: Final = {"none": "everybody", "general": "those who agreed", "separate": "those who agreed to this"}


@dataclass(frozen=True, eq=False)
class ReadLog:
    """The access events of one run's log.

    Attributes:
        events: one row for each different event: the columns of `privacy.access.schema` but `time`, and how often
            it happened, first and last (UTC).
        problems: what is wrong with the log as a whole; its events are then no evidence.
    """

    events: pd.DataFrame
    problems: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class WhatIf:
    """A replay of logged decisions under another policy.

    Attributes:
        judged: how many decisions were put to it.
        refused: one row for each kind of request that was allowed and would be denied, most frequent first.
        opened: the same for what was denied and would be allowed.
        unexplained: decisions that the log allowed without naming a rule.
        notes: what had to be assumed.
    """

    judged: int
    refused: pd.DataFrame
    opened: pd.DataFrame
    unexplained: int
    notes: tuple[str, ...]


def log_path(record: Mapping[str, Any]) -> Path:
    """Return where a run's log is, if it has one."""
    return Path(record["path"]) / RUN_BOOKS


def keeps_log(path: Path) -> bool:
    """Tell whether a run wrote a log; those of older versions did not.

    Raises:
        PrivacyError: the file is damaged, or of another kind.
    """
    if not path.is_file():
        return False
    with reading_safely(path, BOOKS) as connection:
        return has_log(connection)


def read_log(path: Path) -> ReadLog:
    """Verify a log and read its access events; equal ones become one row.

    Raises:
        DataError: the log cannot be read, or a cell of an event is of no use.
    """
    file = check_events(path)
    problems = (*file.log_problems, *(str(cell) for cell in file.bad[:5]))
    if file.bad or file.events.empty:
        return ReadLog(pd.DataFrame(columns=[*_EVENT, TIMES, FIRST, LAST]), problems)
    groups = file.events.groupby(list(_EVENT), sort=False, dropna=False)
    events = groups.agg(**{TIMES: (LINE, "size"), FIRST: (a.TIME, "min"), LAST: (a.TIME, "max")}).reset_index()
    return ReadLog(events, problems)


def together(logs: Mapping[str, ReadLog]) -> pd.DataFrame:
    """Put the events of several runs under one another.

    Args:
        logs: by what the run is called, which becomes the column `RUN`.
    """
    frames = [log.events.assign(**{RUN: name}) for name, log in logs.items() if len(log.events)]
    if not frames:
        return pd.DataFrame(columns=[*_EVENT, TIMES, FIRST, LAST, RUN])
    return pd.concat(frames, ignore_index=True)


def reads(events: pd.DataFrame) -> pd.DataFrame:
    """Say who did what with whose data, how often, and by which rule.

    Args:
        events: from `together`.

    Returns: one row for each kind of request, denied ones first, then the most frequent: Answer, Who, Did, Whose, What,
        For, Times, Regime, Rule, Article, Rows of (whom), Parties (how many of that role), Data sets, Runs.
    """
    roles = dict(zip(events[a.ACTOR], events[a.ROLE], strict=True))
    whose = [_whose(actor, owner, roles) for actor, owner in zip(events[a.ACTOR], events[a.OWNER], strict=True)]
    groups = events.assign(whose=whose).groupby(list(_ALIKE), sort=False, dropna=False)
    counted = groups.agg(
        times=(TIMES, "sum"), parties=(a.ACTOR, "nunique"), datasets=(a.DATASET, "nunique"), runs=(RUN, "nunique")
    ).reset_index()
    counted = counted.sort_values([a.DECISION, TIMES], ascending=[False, False], ignore_index=True)
    return pd.DataFrame(
        {
            "Answer": counted[a.DECISION].map({a.ALLOW: "allowed", a.DENY: "denied"}),
            "Who": counted[a.ROLE].map(ROLES).fillna("an unknown party").map(_capital),
            "Did": counted[a.ACTION].map(ACTIONS).fillna("an unknown action"),
            "Whose": counted["whose"],
            "What": [_what(form, kind) for form, kind in zip(counted[a.FORM], counted[a.KIND], strict=True)],
            "For": counted[a.PURPOSE].map(PURPOSES).fillna("an unknown purpose"),
            "Times": counted[TIMES],
            "Regime": counted[a.REGIME],
            "Rule": counted[a.RULE],
            "Article": counted[a.ARTICLE],
            "Rows of": counted[a.CONSENT].map(_CONSENTS),
            "Parties": counted["parties"],
            "Data sets": counted["datasets"],
            "Runs": counted["runs"],
        }
    )


def denials(events: pd.DataFrame, rules: Mapping[str, PolicyInfo]) -> pd.DataFrame:
    """List the denied requests, the newest first.

    Returns: Who, Asked to, Why (the rule in plain English), Rule, Article, Regime, Run, Times, Last (UTC).
    """
    denied = events[events[a.DECISION] == a.DENY].sort_values(LAST, ascending=False)
    rows = []
    for event in denied.to_dict("records"):
        asked = f"{ACTIONS.get(event[a.ACTION], '?')} {event[a.DATASET]} for {PURPOSES.get(event[a.PURPOSE], '?')}"
        why = rules[event[a.RULE]].english if event[a.RULE] in rules else event[a.RULE] or NO_RULE_PERMITS
        who = f"{event[a.ACTOR]} ({ROLES.get(event[a.ROLE], 'unknown role')})"
        named = (event[a.RULE], event[a.ARTICLE], event[a.REGIME], event[RUN], event[TIMES], event[LAST])
        rows.append((who, asked, why, *named))
    columns = ["Who", "Asked to", "Why", "Rule", "Article", "Regime", "Run", "Times", "Last"]
    return pd.DataFrame(rows, columns=columns)


def cited(events: pd.DataFrame, rules: Mapping[str, PolicyInfo]) -> pd.DataFrame:
    """Say in plain English what the rules say that decided: Rule, Article, In words, Decisions; most used first."""
    counts = events[events[a.RULE] != ""].groupby(a.RULE)[TIMES].sum().sort_values(ascending=False)
    articles = dict(zip(events[a.RULE], events[a.ARTICLE], strict=True))
    words = [rules[rule].english if rule in rules else "Not in the packs at hand." for rule in counts.index]
    return pd.DataFrame(
        {"Rule": counts.index, "Article": [articles[rule] for rule in counts.index], "In words": words,
         "Decisions": counts.to_numpy()}
    )  # fmt: skip


def rule_texts(packs: Sequence[str]) -> dict[str, PolicyInfo]:
    """Return every rule of the packs, the bundled ones and the regimes, by id; a folder that is gone is left out."""
    found: dict[str, PolicyInfo] = {}
    sources = [([pack], None) for pack in dict.fromkeys((*packs, *PACKS, SIMULATION_PACK))]
    for pack, regime in [*sources, *(([], name) for name in REGIMES)]:
        try:
            texts = load_texts(pack, regime=regime)
            found |= {info.id: info for info in compile_texts(texts).infos.values() if info.id not in found}
        except PolicyError:
            continue
    return found


def what_if(events: pd.DataFrame, packs: Sequence[str], *, regime: str | None, place: str | None) -> WhatIf:
    """Ask another policy about every logged decision.

    Args:
        events: from `together`.
        packs: packs or folders of rules.
        regime: one for all events; None leaves each under the regime that it names.
        place: whose law applies to all people; None leaves what each event says.

    Raises:
        PolicyError: the policy cannot be loaded.
    """
    asked = events if place is None else events.assign(**{a.JURISDICTION: place})
    asked = asked.assign(**{LINE: np.arange(len(asked))}).assign(**{a.TIME: asked[FIRST]})
    found = replay(asked, lambda name: PolicyEngine.load(packs, register=Register(), regime=name), regime=regime)
    findings = found.findings.merge(asked[[LINE, TIMES, RUN]], on=LINE, how="left")
    return WhatIf(
        judged=int(events[TIMES].sum()),
        refused=_changed(findings, FORBIDDEN),
        opened=_changed(findings, OVER_DENIED),
        unexplained=int(findings.loc[findings["finding"] == NO_RULE, TIMES].sum()),
        notes=found.notes,
    )


def _changed(findings: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Group findings of one kind: Who, Asked to, Times, Runs, Rule, Article, Why; most frequent first."""
    chosen = findings[findings["finding"] == kind]
    alike = [a.ROLE, a.ACTION, a.FORM, a.KIND, a.PURPOSE, "policy_rule", "policy_article"]
    groups = chosen.groupby(alike, sort=False, dropna=False)
    counted = groups.agg(times=(TIMES, "sum"), runs=(RUN, "nunique"), why=(WHY, "first")).reset_index()
    rows = []
    for one in counted.sort_values(TIMES, ascending=False).to_dict("records"):
        asked = f"{ACTIONS.get(one[a.ACTION], '?')} {_what(one[a.FORM], one[a.KIND])}"
        asked += f" for {PURPOSES.get(one[a.PURPOSE], '?')}"
        who = _capital(ROLES.get(one[a.ROLE], "an unknown party"))
        why = one["why"] if one["policy_rule"] else NO_RULE_PERMITS
        rows.append((who, asked, one[TIMES], one["runs"], one["policy_rule"], one["policy_article"], why))
    return pd.DataFrame(rows, columns=["Who", "Asked to", "Times", "Runs", "Rule", "Article", "Why"])


def _whose(actor: str, owner: str, roles: Mapping[str, str]) -> str:
    if actor == owner:
        return "its own"
    return f"{ROLES[roles[owner]]}'s" if roles.get(owner) in ROLES else "another party's"


def _what(form: str, kind: str) -> str:
    return f"{FORMS[form]} {KINDS[kind]}" if form in FORMS and kind in KINDS else "unknown data"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]

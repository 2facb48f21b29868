"""The verdict for each rule: every logged decision is put to the policy again, and nothing is taken on trust."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd

from experiments.report.evidence import Evidence, Located
from experiments.report.model import Denial, Outcome, Verdict
from experiments.report.replaying import DEFAULT_DENY, Engines, Judged, engines_of, judge
from privacy.access import schema as a
from privacy.access.audit import FORBIDDEN, NO_RULE, replay
from privacy.access.cells import LINE
from privacy.policy.compiled import PolicyInfo
from privacy.policy.rule import Choice, Rule
from privacy.policy.sources import PACKS_FOLDER, REGIME_PACK, RULES_FILE, source_folder
from privacy.policy.table import read_rules
from privacy.policy.vocabulary import ACTIONS, JURISDICTIONS, KIND_GROUPS, KINDS, ROLE_GROUPS, ROLES
from retail.errors import PolicyError

_MOST_PROOFS: Final = 5


def verdicts_of(
    evidence: Evidence, origins: Sequence[str], *, packs: Sequence[str | Path], texts: Mapping[str, str]
) -> tuple[Verdict, ...]:
    """Return the verdict for each rule of the packs and of the regimes in the logs.

    pass: decisions in the rule's reach are logged and none breaks it. fail: one does. not applicable: no logged
    decision is in its reach. not tested: there is no access log, or the rule's reach cannot be told and it decided
    nothing.
    """
    located = access_entries(evidence, origins)
    engines = engines_of(texts)
    bodies = [entry.body for _, entry in located]
    try:
        judged = judge(bodies, engines)
        _cross_check(evidence, bodies, judged, engines)
    except PolicyError as error:
        evidence.problems.append(f"the access log cannot be replayed: {error}")
        located, judged = [], []
    infos: dict[str, PolicyInfo] = {}
    for regime in texts:
        infos |= {info.id: info for info in engines(regime).policies.infos.values()}
    rules = _tables(packs)
    decided: dict[str, list[Located]] = {}
    broken: dict[str, list[Located]] = {}
    for found, one in zip(located, judged, strict=True):
        for rule in one.reasons:
            decided.setdefault(rule, []).append(found)
        for rule in one.broken(found[1].body.get(a.DECISION)):
            broken.setdefault(rule, []).append(found)
    default = PolicyInfo(DEFAULT_DENY, False, "house rule", "", "What no rule permits is denied.")
    return tuple(
        _verdict(
            evidence, origins if located else (), info, rules.get(info.id), decided.get(info.id, ()),
            broken.get(info.id, ()),
        )
        for info in (default, *infos.values())
    )  # fmt: skip


def denials_of(evidence: Evidence, origins: Sequence[str]) -> tuple[Denial, ...]:
    """Return the denied requests of the logs; identical ones are counted, and the first of them is proven."""
    fields = (a.ACTOR, a.ROLE, a.ACTION, a.DATASET, a.KIND, a.PURPOSE, a.RULE, a.ARTICLE)
    groups: dict[tuple[Any, ...], Located] = {}
    for origin, entry in access_entries(evidence, origins):
        if entry.body.get(a.DECISION) == a.DENY:
            groups.setdefault(tuple(str(entry.body.get(name, "")) for name in fields), (origin, entry))
    denials = []
    for values, found in groups.items():
        where = {**{name: found[1].body.get(name, "") for name in fields}, a.DECISION: a.DENY}
        times = evidence.work_out(
            "count", origins, a.KIND_OF_ENTRY, where=where, words="number of denied requests alike in all fields shown"
        )
        words = dict(zip(fields, values, strict=True))
        denials.append(Denial(time=found[1].time, times=times, proof=evidence.proof(found), **words))
    return tuple(denials)


def access_entries(evidence: Evidence, origins: Iterable[str]) -> list[Located]:
    """Return the access events of logs that verify."""
    views = [evidence.logs.view(origin) for origin in origins]
    return [(view.origin, entry) for view in views if view is not None for entry in view.of(a.KIND_OF_ENTRY)]


def _verdict(
    evidence: Evidence,
    origins: Sequence[str],
    info: PolicyInfo,
    rule: Rule | None,
    decided: Sequence[Located],
    broken: Sequence[Located],
) -> Verdict:
    """Return one verdict; without origins there was nothing to judge."""
    reach = {} if info.id == DEFAULT_DENY else _reach(info, rule)
    checked = breaches = evidence.plain(None, "count")
    if origins:
        where = reach if reach is not None else {a.RULE: info.id}
        checked = evidence.work_out(
            "count", origins, a.KIND_OF_ENTRY, where=where, words=f"logged decisions in the reach of {info.id}"
        )
        breaches = evidence.replayed(
            len(broken), origins, a.KIND_OF_ENTRY, rule=info.id,
            words=f"logged decisions that break {info.id}, by replaying the logs against the policy in this report",
        )  # fmt: skip
    outcome, why = _outcome(
        info, tested=bool(origins), known=reach is not None, inside=bool(checked.value), decided=bool(decided),
        broken=bool(broken),
    )  # fmt: skip
    shown = broken or decided[:1]
    return Verdict(
        rule=info.id,
        article=info.article,
        sentence=info.english,
        outcome=outcome,
        why=(why,),
        checked=checked,
        breaches=breaches,
        proofs=tuple(evidence.proof(found) for found in shown[:_MOST_PROOFS]),
    )


def _outcome(
    info: PolicyInfo, *, tested: bool, known: bool, inside: bool, decided: bool, broken: bool
) -> tuple[Outcome, str]:
    if not tested:
        return "not tested", "There is no access log to replay."
    if broken:
        return "fail", "The log allowed what this rule forbids; the first cases:"
    if info.id == DEFAULT_DENY:
        return "pass", "Every allowed decision rests on a rule that permits it."
    if decided:
        word = "permitted" if info.permits else "denied"
        return "pass", f"Requests were {word} by this rule, as the log says; for example:"
    if not known:
        return "not tested", "No logged decision was made by it, and its reach cannot be told from a table."
    if not inside:
        return "not applicable", "No logged decision has this actor, action, kind of data and place."
    if info.permits:
        return "not applicable", "Nothing that was asked is permitted by this rule."
    return "pass", "No logged decision in its reach does what it forbids."


def _cross_check(
    evidence: Evidence, bodies: Sequence[Mapping[str, Any]], judged: Sequence[Judged], engines: Engines
) -> None:
    """Hold the verdicts against the access audit, which reads the same lines by another path."""
    if not bodies:
        return
    frame = pd.DataFrame([{name: body.get(name, "") for name in a.EVENT_COLUMNS} for body in bodies])
    findings = replay(frame.assign(**{LINE: range(len(bodies))}), engines).findings
    kinds = findings["finding"].value_counts()
    ours = sum(bool(one.broken(body.get(a.DECISION))) for one, body in zip(judged, bodies, strict=True))
    if int(kinds.get(FORBIDDEN, 0)) != ours:
        evidence.problems.append(
            f"the access audit finds {int(kinds.get(FORBIDDEN, 0))} forbidden decisions and this report {ours}; "
            "trust neither, and report this as a bug"
        )
    if unnamed := int(kinds.get(NO_RULE, 0)):
        evidence.problems.append(f"{unnamed} logged decisions were allowed without naming the rule that permits them")


def _reach(info: PolicyInfo, rule: Rule | None) -> dict[str, list[str]] | None:
    """Return the roles, actions, kinds and places that a rule speaks of; None for one that no table holds."""
    if rule is None or rule.permits != info.permits:
        return None
    reach = {
        a.ROLE: _words(rule.who, ROLES, ROLE_GROUPS),
        a.ACTION: _words(rule.action, ACTIONS, {}),
        a.KIND: _words(rule.kind, KINDS, KIND_GROUPS),
        a.JURISDICTION: _words(rule.jurisdiction, JURISDICTIONS, {}),
    }
    return {name: words for name, words in reach.items() if words}


def _words(choice: Choice, all_words: Sequence[str], groups: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Return the words that a cell stands for, groups spelt out; empty for any."""
    if not choice.words:
        return []
    named = {member for word in choice.words for member in groups.get(word, (word,))}
    return [word for word in all_words if (word in named) != choice.excluded]


def _tables(packs: Sequence[str | Path]) -> dict[str, Rule]:
    """Return the rules of the packs' tables and of the regimes by id."""
    paths = [(source_folder(pack) / RULES_FILE, False) for pack in packs]
    paths.append((PACKS_FOLDER / REGIME_PACK / RULES_FILE, True))
    return {rule.id: rule for path, flagged in paths if path.is_file() for rule in read_rules(path, flagged=flagged)}

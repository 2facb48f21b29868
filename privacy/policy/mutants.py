"""Planting mistakes in policies on purpose, to see that the cases and the enumeration notice each of them.

A mutant is one small change to the parsed policies: a rule dropped or turned round, a condition removed or negated, a
word removed from a list, `==` where a group needs `in`, the wrong level of consent, another place, or a rule that
permits everything. In bundled packs also: one role, action or purpose spared by a rule about any. (In a folder of a
user nothing but cases could notice that, and each rule would need dozens.) A mutant is killed when the schema refuses
it, a case fails, or a request of the domain or next to a case gets an answer that breaks an expectation. One that lives
shows what nobody would notice.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cedarpy

from privacy.policy.cases import Case, cases_of, failed, sources_for
from privacy.policy.check import OPEN_WORLD, Expectations, first_wrong
from privacy.policy.compiled import compile_texts, parsed
from privacy.policy.domain import enumerate_requests, neighbours, sample_register
from privacy.policy.edits import edits, narrowings
from privacy.policy.engine import PolicyEngine
from privacy.policy.request import Request
from privacy.policy.sources import PACKS, REGIME_PACK, PolicyText, load_texts
from retail.errors import PolicyError

_CATCH_ALL: Final = '@id("planted-catch-all")\n@law("none")\npermit (principal, action, resource);\n'
# Regimes whose rules differ from each other and from nothing.
REGIMES_WITH_RULES: Final = ("firewall", "federated", "federated_dp", "pooled")
# Where most is permitted, most of what a law forbids is seen.
_WIDEST: Final = "pooled"
_OPEN: Final = "open world"


@dataclass(frozen=True, slots=True)
class Mutant:
    """A set of policies with one mistake.

    Attributes:
        source: pack, folder or regime whose policies were changed.
        rule: id of the changed rule.
        change: what was done to it.
        cedar: the changed text of the source.
        spares: the one role, action or purpose that the mistake is about, if it is about one.
    """

    source: str
    rule: str
    change: str
    cedar: str
    spares: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of a mutant.

    Attributes:
        mutant: what was planted.
        killed_by: "schema", "case FILE:LINE" or "request ..."; empty when it lives.
    """

    mutant: Mutant
    killed_by: str


def plant(text: PolicyText, *, narrowed: bool = False) -> Iterator[Mutant]:
    """Make every mutant of one source, one mistake each; those that spare one word of an "any" only if asked for."""
    policies = parsed(text.cedar, text.name)
    for name in sorted(policies, key=lambda one: int(one.removeprefix("policy"))):
        rule = policies[name]["annotations"]["id"]
        for change, changed in edits(policies[name]):
            rest = {**copy.deepcopy(policies), name: changed}
            if changed is None:
                del rest[name]
            yield Mutant(text.name, rule, change, _as_text(rest))
        for change, word, changed in narrowings(policies[name], beside=policies.values()) if narrowed else ():
            yield Mutant(text.name, rule, change, _as_text({**policies, name: changed}), word)
    yield Mutant(text.name, "", "a rule that permits everything", f"{text.cedar}\n{_CATCH_ALL}")


class Range:
    """Where the mutants of one source are hunted: its cases in each regime, then the whole domain in one.

    Args:
        source: a pack or folder; "regime" goes with `regime`.
        regime: of the "regime" source: which regime's rules are changed.
        alone: leave out "base".

    Raises: PolicyError: the source, its cases or the regime cannot be used.
    """

    def __init__(self, source: str | Path, *, regime: str | None = None, alone: bool = False) -> None:
        of_regime = source == REGIME_PACK
        if of_regime and regime is None:
            raise PolicyError("the rules of a regime need its id; name one")
        self.text = (load_texts([], regime=regime) if of_regime else load_texts([source]))[0]
        self._of_regime = of_regime
        self._with_base = source != "base" and not alone
        self._all_cases = cases_of(source)
        self._cases: dict[str, list[Case]] = {}
        for case in self._all_cases:
            if not of_regime or case.regime == regime:
                self._cases.setdefault(case.regime, []).append(case)
        self._home = regime or ("" if source == "base" else _WIDEST)
        places = dict.fromkeys([*self._cases, self._home])
        sources = sources_for(source, alone=alone)
        self._expected = {place: Expectations(sources, place or None) for place in places}
        self.restated = self._expected[self._home].restated
        by_itself = [] if of_regime else [source]
        self._expected_alone = {place: Expectations(by_itself, place or None) for place in places}
        open_to_all = self.restated and not of_regime
        self._expected_open = Expectations(by_itself, None, open_world=True) if open_to_all else None
        # Where only invariants are known, nothing but a wrong Allow can be seen, and only where one is possible.
        everywhere = self._expected[self._home]
        asked = enumerate_requests()
        self._requests = asked if everywhere.restated else [one for one in asked if everywhere.broken(one, True)]
        self._world = sample_register()
        self._roles = {party.id: party.role for party in self._world.parties}
        self._data = {one.id: (one.kind, one.form) for one in self._world.datasets}
        self._neighbours: dict[str, list[Request]] = {}
        self._around: dict[tuple[str, bool], tuple[PolicyText, ...]] = {}

    def hunt(self, mutant: Mutant) -> Trial:
        """Try to kill one mutant, the cheapest way first.

        A case or request counts only if the unchanged policies get it right: what is wrong anyway kills nothing.
        """
        changed = PolicyText(mutant.source, mutant.cedar)
        try:
            compile_texts([changed])
        except PolicyError:
            return Trial(mutant, "schema")
        for regime in self._expected:
            cases = self._cases.get(regime, [])
            for failure in failed(self._engine(changed, regime), cases):
                if not failed(self._engine(self.text, regime), [failure.case]):
                    file = Path(failure.case.file)
                    return Trial(mutant, f"case {file.parent.name}/{file.name}:{failure.case.line}")
        near = self._concerned(mutant, self._near(mutant.rule))
        for regime, expected in self._expected.items():
            found = self._wrong(changed, regime, expected, near)
            if found:
                return Trial(mutant, found)
        for regime, expected in self._expected_alone.items() if self._with_base else ():
            # By itself, so that what "base" permits anyway does not cover a mistake up.
            found = self._wrong(changed, regime, expected, near, alone=True)
            if found:
                return Trial(mutant, found)
        if self._expected_open is not None:
            found = self._wrong(changed, _OPEN, self._expected_open, near, alone=True)
            if found:
                return Trial(mutant, found)
        requests = self._concerned(mutant, self._requests)
        return Trial(mutant, self._wrong(changed, self._home, self._expected[self._home], requests))

    def _concerned(self, mutant: Mutant, requests: list[Request]) -> list[Request]:
        """Leave out requests whose answer the mistake cannot change."""
        if not mutant.spares:
            return requests
        word, roles, data = mutant.spares, self._roles, self._data
        return [one for one in requests if word in (one.action, one.purpose, roles[one.actor], *data[one.dataset])]

    def _wrong(
        self,
        changed: PolicyText,
        regime: str,
        expected: Expectations,
        requests: Sequence[Request],
        *,
        alone: bool = False,
    ) -> str:
        found = first_wrong(self._engine(changed, regime, alone=alone), expected, requests)
        if found is None or first_wrong(self._engine(self.text, regime, alone=alone), expected, [found.request]):
            return ""
        asked = found.request
        return f"request {asked.actor} {asked.action} {asked.dataset} for {asked.purpose}"

    def _near(self, rule: str) -> list[Request]:
        """Return what lies one step from the cases of a rule: most mistakes show there, and soon."""
        if rule not in self._neighbours:
            cases = [case for case in self._all_cases if case.rule == rule]
            found = [near for case in cases for near in neighbours(case.request, self._world)]
            self._neighbours[rule] = list(dict.fromkeys(found))
        return self._neighbours[rule]

    def _engine(self, changed: PolicyText, regime: str, *, alone: bool = False) -> PolicyEngine:
        key = (regime, alone)
        if key not in self._around:
            base = ("base",) if self._with_base and not alone else ()
            regime_or_none = None if self._of_regime or not regime else regime
            around = (OPEN_WORLD,) if regime == _OPEN else load_texts(base, regime=regime_or_none)
            self._around[key] = around
        return PolicyEngine(compile_texts([*self._around[key], changed]), self._world)


def ranges(
    sources: Sequence[str | Path] = PACKS, *, regimes: Sequence[str] = REGIMES_WITH_RULES, alone: bool = False
) -> list[Range]:
    """Return where to hunt: packs or folders, then the rules of regimes (see `Range`)."""
    found = [Range(source, alone=alone) for source in sources]
    return found + [Range(REGIME_PACK, regime=regime) for regime in regimes]


def _as_text(policies: dict[str, Any]) -> str:
    """Write parsed policies as text again, in their order."""
    document: dict[str, Any] = {"templates": {}, "staticPolicies": {}, "templateLinks": []}
    parts = []
    for policy in policies.values():
        parts.append(cedarpy.policies_from_json_str(json.dumps({**document, "staticPolicies": {"policy0": policy}})))
    return "\n".join(parts)

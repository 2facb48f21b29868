"""The requests that one rule is about, out of all in the sample world: the chosen domain holds few of some."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from math import gcd, prod
from typing import Any, Final

from privacy.policy.compiled import CompiledPolicies
from privacy.policy.covering import parts_of, words_met
from privacy.policy.domain import CONTEXTS
from privacy.policy.register import Register
from privacy.policy.request import Context, Request
from privacy.policy.vocabulary import ACTIONS, JURISDICTIONS, PURPOSES

MOST_REQUESTS: Final = 30_000
"""Over all changed rules together; a rule that is about more requests is asked about evenly spread ones."""
_STRIDE: Final = 7_919
_FACTS: Final = ("agreed", "agreed_separately", "minor", "guardian", "alternative")
_NO_REMARKS: Final = ("pack", "sentence")


def changed_rules(before: CompiledPolicies, after: CompiledPolicies) -> list[Mapping[str, Any]]:
    """Return the parsed policies that only one of two sets has; where it came from and remarks do not count."""
    sides = [{_text(one): one for one in side.policies} for side in (before, after)]
    return [one for text, one in (sides[0] | sides[1]).items() if (text in sides[0]) != (text in sides[1])]


def requests_about(
    rules: Sequence[Mapping[str, Any]], world: Register, *, most: int = MOST_REQUESTS
) -> dict[str, list[Request]]:
    """Return, by id, requests that meet every test of words of a rule (roles, action, kind, form, purpose, place).

    Args:
        rules: parsed policies.
        world: parties and data sets to ask about.
        most: how many to return over all rules; each gets the same share.

    Returns: for each rule requests, spread over all that it is about, with no consent and with full consent;
        with every state of consent, age and guardian where the rule speaks of one.
    """
    share = max(1, most // max(1, len(rules)))
    found: dict[str, list[Request]] = {}
    for rule in rules:  # an edited rule is here twice, as it was and as it is
        found.setdefault(rule["annotations"]["id"], []).extend(_spread(_axes(rule, world), share))
    return found


def _axes(rule: Mapping[str, Any], world: Register) -> tuple[Sequence[Any], ...]:
    met: dict[str, set[str]] = {}
    tests, _ = parts_of(rule)
    for node in tests:
        found = words_met(node)
        if found is not None:
            path, words = found
            met[path] = met.get(path, words) & words

    def kept(path: str, words: Iterable[str]) -> list[str]:
        return [word for word in words if word in met.get(path, {word})]

    parties = [one for one in world.parties if one.role in met.get("principal.role", {one.role})]
    datasets = [
        one
        for one in world.datasets
        if one.kind in met.get("resource.kind", {one.kind})
        and one.form in met.get("resource.form", {one.form})
        and world.party(one.owner).role in met.get("resource.owner.role", {world.party(one.owner).role})
    ]
    places = kept("context.jurisdiction", JURISDICTIONS)
    speaks = any(f'"{fact}"' in json.dumps(rule["conditions"]) for fact in _FACTS)
    plain = [facts(place) for place in places for facts in (_nothing, _everything)]
    contexts = [one for one in CONTEXTS if one.jurisdiction in places] if speaks else plain
    return parties, kept("action", ACTIONS), datasets, kept("context.purpose", PURPOSES), contexts


def _nothing(place: str) -> Context:
    return Context(jurisdiction=place)  # type: ignore[arg-type]


def _everything(place: str) -> Context:
    return Context("separate", place, alternative=True)  # type: ignore[arg-type]


def _spread(axes: Sequence[Sequence[Any]], most: int) -> list[Request]:
    """Return at most `most` combinations, all different, far apart from each other in their order."""
    total = prod(len(axis) for axis in axes)
    step = _STRIDE
    while total and gcd(step, total) != 1:
        step += 1
    found = []
    for number in range(min(most, total)):
        place, picked = number * step % total, []
        for axis in axes:
            place, at = divmod(place, len(axis))
            picked.append(axis[at])
        party, action, dataset, purpose, context = picked
        found.append(Request(party.id, action, dataset.id, purpose, (), context))
    return found


def _text(policy: Mapping[str, Any]) -> str:
    named = {name: text for name, text in policy["annotations"].items() if name not in _NO_REMARKS}
    return json.dumps({**policy, "annotations": named}, sort_keys=True)

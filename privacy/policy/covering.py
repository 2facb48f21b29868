"""Telling which rule covers another: the part of a rule that stands inside another one can be dropped unnoticed.

A mistake there changes no answer of the pack, so nothing could notice it and it is not planted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from privacy.policy.expression import Test, conjuncts, read_test
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

_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "principal.role": ROLES,
    "resource.owner.role": ROLES,
    "action": ACTIONS,
    "resource.kind": KINDS,
    "resource.form": FORMS,
    "context.purpose": PURPOSES,
    "context.jurisdiction": JURISDICTIONS,
}
_GROUPS: Final = {**ROLE_GROUPS, **KIND_GROUPS, **PURPOSE_GROUPS}


def covers(outer: Mapping[str, Any], inner: Mapping[str, Any], *, path: str, word: str) -> bool:
    """Tell whether one parsed policy decides all that another decides where `path` is `word`, and in the same way.

    Args:
        outer: the policy that may cover, an entry of `staticPolicies` in Cedar's JSON form.
        inner: the one that may be covered.
        path: what is looked at, such as "context.purpose".
        word: what it is, such as "audit".

    Returns: True only if that is sure: every condition of `outer` is one of `inner`, or a list of words that holds all
        of the other's, and `outer` has no exception that `inner` has not.
    """
    if outer["effect"] != inner["effect"]:
        return False
    ours, exceptions = parts_of(outer)
    theirs, others = parts_of(inner)
    known: dict[str, set[str]] = {path: {word}}
    for node in theirs:
        found = words_met(node)
        if found is not None:
            known[found[0]] = known.get(found[0], set(_WORDS[found[0]])) & found[1]
    for node in ours:
        found = words_met(node)
        inside = found is not None and found[0] in known and known[found[0]] <= found[1]
        if not inside and node not in theirs:
            return False
    return all(one in others for one in exceptions)


def parts_of(policy: Mapping[str, Any]) -> tuple[list[Any], list[Any]]:
    """Return the tests that must hold, and the bodies of the exceptions."""
    tests: list[Any] = []
    exceptions = []
    for name in ("principal", "action", "resource"):
        scope = policy[name]
        if scope["op"] != "All":
            tests.append({"scope": name, **scope})
    for condition in policy["conditions"]:
        if condition["kind"] == "unless":
            exceptions.append(condition["body"])
        else:
            tests += conjuncts(condition["body"])
    return tests, exceptions


def words_met(node: Mapping[str, Any]) -> tuple[str, set[str]] | None:
    """Return what a test of words speaks about and which words meet it; nothing for any other test."""
    test = Test.of_scope(node["scope"], node) if "scope" in node else read_test(node)
    if test is None or test.path not in _WORDS or not test.names:
        return None
    met = set(test.names)
    if not test.exact:
        met = {word for name in test.names for word in _GROUPS.get(name, (name,))}
    every = set(_WORDS[test.path])
    return test.path, every - met if test.negated else every & met

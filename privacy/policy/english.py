"""Reading a policy back in plain English, from the form that Cedar parsed: what is read is what will be enforced."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from privacy.policy.expression import Test, conjuncts, in_words, read_test
from privacy.policy.vocabulary import KIND_GROUPS, PURPOSE_GROUPS, ROLE_GROUPS
from privacy.policy.words import ACTIONS, FORMS, KINDS, OWNERS, PHRASES, PLACES, PURPOSES, ROLES, either

_GROUPS: Final = {**ROLE_GROUPS, **KIND_GROUPS, **PURPOSE_GROUPS}
_WORDS: Final = {
    "principal.role": ROLES,
    "action": ACTIONS,
    "resource.owner.role": ROLES,
    "resource.kind": KINDS,
    "resource.form": FORMS,
    "context.purpose": PURPOSES,
    "context.jurisdiction": PLACES,
}
_ALL_BUT: Final = {
    "action": "use in any way but",
    "resource.form": "any form but",
    "resource.kind": "data other than",
    "context.purpose": "any purpose but",
    "context.jurisdiction": "any place but",
}
_OWNER_PATHS: Final = ("resource.owner", "resource.owner.unit")


def sentence(policy: Mapping[str, Any]) -> str:
    """Put one policy into one sentence.

    Args:
        policy: one entry of `staticPolicies` in Cedar's JSON form. What the sentence has no words for is quoted in
            Cedar's own notation, never left out.
    """
    tests, extra, unless = _parts(policy)
    phrases = [
        _who(tests.get("principal.role"), permits=policy["effect"] == "permit"),
        _choice(tests.get("action"), anything="use in any way"),
        _owner(tests),
        _choice(tests.get("resource.form"), anything=""),
        _choice(tests.get("resource.kind"), anything="data"),
        _choice(tests.get("context.purpose"), lead="for ", anything=""),
        _choice(tests.get("context.jurisdiction"), lead="in ", anything=""),
    ]
    text = " ".join(phrase for phrase in phrases if phrase)
    if extra:
        text += f", if {' and '.join(extra)}"
    for clause in unless:
        text += f", unless {clause}"
    return f"{text[0].upper()}{text[1:]}."


def _parts(policy: Mapping[str, Any]) -> tuple[dict[str, Test], list[str], list[str]]:
    """Sort a policy into tests by what they are about, other conditions, and exceptions."""
    tests: dict[str, Test] = {}
    extra: list[str] = []
    for name in ("principal", "action", "resource"):
        test = Test.of_scope(name, policy[name])
        if test is not None:
            _place(test, tests, extra)
    unless = []
    for condition in policy["conditions"]:
        if condition["kind"] == "unless":
            unless.append(" and ".join(_condition(node) for node in conjuncts(condition["body"])))
            continue
        for node in conjuncts(condition["body"]):
            test = read_test(node)
            if test is None:
                extra.append(in_words(node))
            else:
                _place(test, tests, extra)
    return tests, extra, unless


def _place(test: Test, tests: dict[str, Test], extra: list[str]) -> None:
    """Give a test its place in the sentence, or else among the conditions after it."""
    fits = (test.path in _WORDS and test.names) or (test.path in _OWNER_PATHS and _key(test) in OWNERS)
    if fits and test.path not in tests:
        tests[test.path] = test
    else:
        extra.append(_test_in_words(test))


def _condition(node: Mapping[str, Any]) -> str:
    test = read_test(node)
    return in_words(node) if test is None else _test_in_words(test)


def _test_in_words(test: Test) -> str:
    key = _key(test)
    if key in PHRASES and (test.exact or key[1] not in _GROUPS):
        return PHRASES[key]
    return f"the data are {OWNERS[key]}" if key in OWNERS else test.spelt()


def _key(test: Test) -> tuple[str, str, bool]:
    """Return how the tables of words name a test; a list of several names has no entry there."""
    return test.path, test.other or "; ".join(test.names), test.negated


def _who(test: Test | None, *, permits: bool) -> str:
    if test is None:
        return "anybody may" if permits else "nobody may"
    names = _named(test)
    if test.negated:
        return f"anybody but {names} may" if permits else f"nobody but {names} may"
    return f"{names} may" if permits else f"{names} may not"


def _owner(tests: Mapping[str, Test]) -> str:
    role = tests.get("resource.owner.role")
    owners = [OWNERS[_key(tests[path])] for path in _OWNER_PATHS if path in tests]
    if role is not None:
        names = either([f"{name}'s" for name in _words(role)])
        owners.append(f"anybody's but {names}" if role.negated else names)
    return " and also ".join(owners)


def _choice(test: Test | None, *, anything: str, lead: str = "") -> str:
    if test is None:
        return anything
    return f"{lead}{_ALL_BUT[test.path]} {_named(test)}" if test.negated else f"{lead}{_named(test)}"


def _named(test: Test) -> str:
    return either(_words(test))


def _words(test: Test) -> list[str]:
    """Return words for the names of a test. `==` with a group matches none of its members, and the words say so."""
    words = _WORDS[test.path]
    found: list[str] = []
    for name in test.names:
        if test.exact and name in _GROUPS:
            found.append(f"exactly '{name}' (not its members)")
        else:
            found += [words.get(one, json.dumps(one)) for one in _GROUPS.get(name, (name,))]
    return found

"""The single changes that turn a parsed policy into a mutant.

`edits` changes what a policy says. `narrowings` makes it say less: where it speaks of anybody, or of any action,
purpose, kind or form, one of them is spared.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from privacy.policy.covering import covers
from privacy.policy.expression import conjuncts, in_words, read_test
from privacy.policy.vocabulary import ACTIONS, FORMS, KINDS, PURPOSES, ROLES

Policy = dict[str, Any]
_LEVELS: Final = {"agreed": "agreed_separately", "agreed_separately": "agreed"}
_OPEN: Final = (
    ("principal.role", "Role", ROLES),
    ("action", "Action", ACTIONS),
    ("context.purpose", "Purpose", PURPOSES),
    ("resource.kind", "Kind", KINDS),
    ("resource.form", "Form", FORMS),
)
_PLACES: Final = {"EU": "CN", "CN": "US-IL", "US-IL": "US-CA", "US-CA": "EU"}


def edits(policy: Mapping[str, Any]) -> Iterator[tuple[str, Policy | None]]:
    """Make every changed copy of a policy: pairs of what was done and the copy (nothing: the policy is dropped)."""
    yield "dropped", None
    yield "turned round", _with(policy, effect="forbid" if policy["effect"] == "permit" else "permit")
    yield from _scope_edits(policy)
    for place, condition in enumerate(policy["conditions"]):
        kind = condition["kind"]
        yield f"{kind} clause removed", _without(policy, place)
        yield f"{kind} clause turned round", _condition(policy, place, condition["body"], flip=True)
        parts = list(conjuncts(condition["body"]))
        for number, part in enumerate(parts):
            named = f"{kind} {in_words(part)}"
            if len(parts) > 1:
                yield f"{named} removed", _condition(policy, place, _joined(_drop(parts, number)))
            negated = [*parts[:number], {"!": {"arg": part}}, *parts[number + 1 :]]
            yield f"{named} negated", _condition(policy, place, _joined(negated))
            for change, other in _part_edits(part):
                swapped = [*parts[:number], other, *parts[number + 1 :]]
                yield f"{named}: {change}", _condition(policy, place, _joined(swapped))


def narrowings(
    policy: Mapping[str, Any], *, beside: Collection[Mapping[str, Any]]
) -> Iterator[tuple[str, str, Policy]]:
    """Make every copy that spares one word where the policy means any: what was done, the word, and the copy.

    Only what no test of the policy speaks of means any; "any but", and groups, are edited by `edits`. What is spared
    must matter: where another policy of `beside` covers it (see `covers`), no copy is made.
    """
    parts = [part for condition in policy["conditions"] for part in conjuncts(condition["body"])]
    named = {test.path for test in map(read_test, parts) if test is not None}
    if policy["action"]["op"] != "All":
        named.add("action")
    for path, kind, words in _OPEN:
        for word in () if path in named else words:
            if any(covers(other, policy, path=path, word=word) for other in beside if other != policy):
                continue
            entity = {"Value": {"__entity": {"type": kind, "id": word}}}
            spared = {"kind": "when", "body": {"!=": {"left": _access(path), "right": entity}}}
            yield f"any {path} but {word}", word, _with(policy, conditions=[*policy["conditions"], spared])


def _access(path: str) -> dict[str, Any]:
    """Write "principal.role" in parsed form."""
    first, *rest = path.split(".")
    node: dict[str, Any] = {"Var": first}
    for name in rest:
        node = {".": {"left": node, "attr": name}}
    return node


def _scope_edits(policy: Mapping[str, Any]) -> Iterator[tuple[str, Policy]]:
    scope = policy["action"]
    if scope["op"] == "All":
        return
    yield "any action", _with(policy, action={"op": "All"})
    for number, entity in enumerate(scope.get("entities", ())):
        rest = _drop(scope["entities"], number)
        yield f"action {entity['id']} removed", _with(policy, action={"op": "in", "entities": rest})


def _part_edits(part: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Change something inside one test, once for each thing that can be changed."""
    text = json.dumps(part)
    for name, other in _LEVELS.items():
        if f'"attr": "{name}"' in text:
            yield f"{name} read as {other}", json.loads(text.replace(f'"attr": "{name}"', f'"attr": "{other}"'))
    for name, other in _PLACES.items():
        place = '"type": "Jurisdiction", "id": '
        if f'{place}"{name}"' in text:
            yield f"{name} read as {other}", json.loads(text.replace(f'{place}"{name}"', f'{place}"{other}"'))
    inner, wrap = (part["!"]["arg"], True) if "!" in part else (part, False)
    if "in" not in inner:
        return
    right = inner["in"]["right"]
    if "Set" not in right:
        yield "== for in", _wrapped({"==": inner["in"]}, wrap)
        return
    for number, element in enumerate(right["Set"]):
        fewer = {"in": {**inner["in"], "right": {"Set": _drop(right["Set"], number)}}}
        yield f"{element['Value']['__entity']['id']} removed", _wrapped(fewer, wrap)


def _wrapped(node: dict[str, Any], negated: bool) -> dict[str, Any]:
    return {"!": {"arg": node}} if negated else node


def _drop(items: list[Any], number: int) -> list[Any]:
    return [*items[:number], *items[number + 1 :]]


def _joined(parts: list[Any]) -> Any:
    whole = parts[0]
    for part in parts[1:]:
        whole = {"&&": {"left": whole, "right": part}}
    return whole


def _with(policy: Mapping[str, Any], **changes: Any) -> Policy:
    return {**copy.deepcopy(dict(policy)), **changes}


def _without(policy: Mapping[str, Any], place: int) -> Policy:
    return _with(policy, conditions=_drop(policy["conditions"], place))


def _condition(policy: Mapping[str, Any], place: int, body: Any, *, flip: bool = False) -> Policy:
    conditions = copy.deepcopy(policy["conditions"])
    kind = conditions[place]["kind"]
    conditions[place] = {"kind": {"when": "unless", "unless": "when"}[kind] if flip else kind, "body": body}
    return _with(policy, conditions=conditions)

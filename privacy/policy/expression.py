"""Conditions of a parsed policy: cut into tests, or spelt out in Cedar's own notation."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

_INFIX: Final = ("==", "!=", "in", "<", "<=", ">", ">=", "&&", "||", "+", "-", "*", "like", "is")
_COMPARES: Final = ("==", "!=", "in")


@dataclass(frozen=True, slots=True)
class Test:
    """One comparison: is `path` one of `names` (or equal to the path `other`)?

    Attributes:
        path: what is compared, such as "principal.role".
        names: ids of the entities that it is compared with; none for a yes-or-no fact.
        other: path on the other side, such as "principal"; empty otherwise.
        exact: `==`, which a member of a named group does not meet; False for `in`, which it does.
        negated: the test must fail.
        node: the parsed form, for spelling it out.
    """

    path: str
    names: tuple[str, ...]
    other: str
    exact: bool
    negated: bool
    node: Mapping[str, Any]

    @classmethod
    def of_scope(cls, name: str, scope: Mapping[str, Any]) -> Test | None:
        """Read the scope of principal, action or resource; nothing when it is open."""
        if scope["op"] == "All":
            return None
        entities = scope.get("entities") or [scope.get("entity") or {"id": json.dumps(scope)}]
        names = tuple(str(one["id"]) for one in entities)
        return cls(name, names, "", scope["op"] == "==", False, {"scope": scope})

    def spelt(self) -> str:
        """Return the test in Cedar's notation."""
        if "scope" in self.node:
            scope = self.node["scope"]
            entities = scope.get("entities") or ([scope["entity"]] if "entity" in scope else [])
            named = ", ".join(_entity(one) for one in entities) or json.dumps(scope)
            return f"`{self.path} {scope['op']} {named}`"
        return in_words(self.node)


def conjuncts(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Cut `a && b && c` into its parts."""
    if "&&" in node:
        yield from conjuncts(node["&&"]["left"])
        yield from conjuncts(node["&&"]["right"])
    else:
        yield node


def read_test(node: Mapping[str, Any]) -> Test | None:
    """Read one part of a condition; nothing when it is no simple test."""
    if "!" in node:
        inner = read_test(node["!"]["arg"])
        return None if inner is None else replace(inner, negated=not inner.negated, node=node)
    whole = _path(node)
    if whole:
        return Test(whole, (), "", True, False, node)
    operator = next(iter(node))
    if operator not in _COMPARES:
        return None
    left, right = node[operator]["left"], node[operator]["right"]
    path, names, other = _path(left), _names(right), _path(right)
    if not path or not (names or other):
        return None
    return Test(path, names, other, operator != "in", operator == "!=", node)


def in_words(node: Mapping[str, Any]) -> str:
    """Spell an expression out in Cedar's notation, between back-ticks."""
    return f"`{_text(node)}`"


def _path(node: Mapping[str, Any]) -> str:
    """Return "resource.owner.role" for the access it names, else nothing."""
    if "Var" in node:
        return str(node["Var"])
    if "." in node:
        base = _path(node["."]["left"])
        return f"{base}.{node['.']['attr']}" if base else ""
    return ""


def _entity(entity: Mapping[str, Any]) -> str:
    """Write an entity as in Cedar; the id quoted, so that nothing in it reads like part of the sentence."""
    return f"{entity['type']}::{json.dumps(entity['id'])}"


def _names(node: Mapping[str, Any]) -> tuple[str, ...]:
    if "Set" in node:
        parts = [_names(one) for one in node["Set"]]
        return tuple(name for part in parts for name in part) if all(parts) else ()
    value = node.get("Value")
    if isinstance(value, Mapping) and "__entity" in value:
        return (str(value["__entity"]["id"]),)
    return ()


def _text(node: Mapping[str, Any]) -> str:
    path = _path(node)
    if path:
        return path
    if "Set" in node:
        return f"[{', '.join(_text(one) for one in node['Set'])}]"
    if "Value" in node:
        value = node["Value"]
        if isinstance(value, Mapping) and "__entity" in value:
            return _entity(value["__entity"])
        return json.dumps(value)
    if "!" in node:
        return f"!({_text(node['!']['arg'])})"
    operator, body = next(iter(node.items()))
    if operator in _INFIX and isinstance(body, Mapping) and {"left", "right"} <= set(body):
        return f"({_text(body['left'])} {operator} {_text(body['right'])})"
    return json.dumps(node, sort_keys=True)

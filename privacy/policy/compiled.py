"""Policies parsed, checked against the schema and ready to be asked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final

import cedarpy

from privacy.policy.english import sentence
from privacy.policy.register import shown
from privacy.policy.slices import Slices
from privacy.policy.sources import PolicyText
from privacy.policy.vocabulary import KIND_GROUPS, KINDS, PURPOSE_GROUPS, PURPOSES, ROLE_GROUPS, ROLES
from retail.errors import PolicyError

SCHEMA_FILE: Final = Path(__file__).with_name("schema.cedarschema")
_NAMES: Final = {
    "Role": (*ROLES, *ROLE_GROUPS),
    "Kind": (*KINDS, *KIND_GROUPS),
    "Purpose": (*PURPOSES, *PURPOSE_GROUPS),
}


@dataclass(frozen=True, slots=True)
class PolicyInfo:
    """One policy as it will be enforced.

    Attributes:
        id: its `@id`.
        permits: permit or forbid.
        article: its `@law`.
        pack: its `@pack`; empty where its author gave none.
        english: read back from the parsed policy.
    """

    id: str
    permits: bool
    article: str
    pack: str
    english: str


@dataclass(frozen=True, slots=True)
class CompiledPolicies:
    """A checked set of policies.

    Attributes:
        cedar: the whole text.
        handle: cedarpy's parsed set.
        infos: what is known of each policy, by the parser's own name for it, in the order of the text.
        slices: the parts that can matter to a request, under the same names.
        policies: Cedar's JSON form of each policy, in the order of the text.
    """

    cedar: str
    handle: Any
    infos: Mapping[str, PolicyInfo]
    slices: Slices
    policies: tuple[Mapping[str, Any], ...]

    @property
    def fingerprint(self) -> str:
        """SHA-256 of schema and policies, as 64 hexadecimal digits; where the policies came from does not matter."""
        policies = [
            {**one, "annotations": {name: text for name, text in one["annotations"].items() if name != "pack"}}
            for one in self.policies
        ]
        return hashlib.sha256(f"{schema_text()}\x00{json.dumps(policies, sort_keys=True)}".encode()).hexdigest()


def compile_texts(texts: Sequence[PolicyText]) -> CompiledPolicies:
    """Parse and check policies.

    Args:
        texts: what `load_texts` returned.

    Raises: PolicyError: text that Cedar cannot parse, a policy without `@id` or (forbid) `@law`, an id used twice,
        a type error against the schema, or a role, kind or purpose outside the vocabulary.
    """
    infos: list[PolicyInfo] = []
    policies: list[Mapping[str, Any]] = []
    seen: dict[str, str] = {}
    for text in texts:
        for info, policy in _examined(text.cedar, text.name):
            if info.id in seen:
                raise PolicyError(
                    f"policy {shown(info.id)} of {text.name} has the id of one of {seen[info.id]}; choose another"
                )
            seen[info.id] = text.name
            infos.append(info)
            policies.append(policy)
    cedar = "\n".join(text.cedar for text in texts)
    # The parser calls the policies of a text policy0, policy1, ... in their order.
    names = [f"policy{number}" for number in range(len(infos))]
    handle = cedarpy.PolicySet.from_str(cedar)
    if len(handle) != len(names):
        raise PolicyError("the sources do not add up to one policy set; end every policy with ';'")
    slices = Slices(dict(zip(names, policies, strict=True)))
    return CompiledPolicies(cedar, handle, dict(zip(names, infos, strict=True)), slices, tuple(policies))


def parsed(cedar: str, name: str) -> dict[str, Any]:
    """Return Cedar's own JSON form of each policy, by the parser's name for it.

    Raises: PolicyError: it does not parse, or holds a template.
    """
    try:
        document = json.loads(cedarpy.policies_to_json_str(cedar))
    except ValueError as error:
        raise PolicyError(f"{name} is not valid Cedar ({error}); mend the text") from error
    if document.get("templates"):
        raise PolicyError(f"{name} holds a policy template (?principal or ?resource); write plain policies")
    policies: dict[str, Any] = document["staticPolicies"]
    return policies


def check_types(cedar: str) -> None:
    """Check policies against the typed schema.

    Raises: PolicyError: what does not fit, with the rule's id.
    """
    result = cedarpy.validate_policies(cedar, schema())
    if not result.validation_passed:
        names = result.id_annotations_by_policy_id
        found = "; ".join(f"{names.get(one.policy_id, one.policy_id)}: {one.error}" for one in result.errors)
        raise PolicyError(
            f"policies do not fit the schema ({found}); schema.cedarschema says what they may speak about"
        )


def literals(node: object) -> Iterator[tuple[str, str]]:
    """Find every entity that a policy's JSON names, as pairs of type and id."""
    if isinstance(node, Mapping):
        if set(node) == {"type", "id"}:
            yield str(node["type"]), str(node["id"])
        for child in node.values():
            yield from literals(child)
    elif isinstance(node, list):
        for child in node:
            yield from literals(child)


@cache
def schema() -> Any:
    """Return the parsed schema."""
    return cedarpy.Schema.from_str(schema_text())


@cache
def schema_text() -> str:
    """Return the schema's text."""
    return SCHEMA_FILE.read_text(encoding="utf-8")


@lru_cache(maxsize=256)
def _examined(cedar: str, source: str) -> tuple[tuple[PolicyInfo, Mapping[str, Any]], ...]:
    """Check the policies of one source and return what is known of each and its JSON form, in their order."""
    policies = parsed(cedar, source)
    check_types(cedar)
    found = []
    for name in sorted(policies, key=lambda one: int(one.removeprefix("policy"))):
        policy = policies[name]
        _check_policy(policy, source)
        annotations = policy["annotations"]
        info = PolicyInfo(
            id=annotations["id"],
            permits=policy["effect"] == "permit",
            article=annotations.get("law") or "",
            pack=annotations.get("pack") or "",
            english=sentence(policy),
        )
        found.append((info, policy))
    return tuple(found)


def _check_policy(policy: Mapping[str, Any], source: str) -> None:
    annotations = policy.get("annotations", {})
    name = annotations.get("id")
    if not name:
        raise PolicyError(f'a policy of {source} has no @id("..."); name every policy, so that decisions can cite it')
    if policy["effect"] == "forbid" and not annotations.get("law"):
        raise PolicyError(f'policy {shown(name)} of {source} forbids without @law("..."); cite what it rests on')
    for kind, word in literals({key: value for key, value in policy.items() if key != "annotations"}):
        if kind in _NAMES and word not in _NAMES[kind]:
            raise PolicyError(
                f"policy {shown(name)} of {source} names {kind} {shown(word)}, which does not exist; use one of "
                f"{', '.join(_NAMES[kind])}"
            )

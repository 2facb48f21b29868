"""The register of parties and data sets that requests name, in the form the policy engine reads."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, Final

from privacy.policy.request import Dataset, Party
from privacy.policy.vocabulary import (
    FORMS,
    KIND_GROUPS,
    KINDS,
    PURPOSE_GROUPS,
    PURPOSES,
    ROLE_GROUPS,
    ROLES,
    TRADING_ROLES,
)
from retail.errors import PolicyError

_GROUPS: Final = (
    ("Role", ROLES, ROLE_GROUPS),
    ("Kind", KINDS, KIND_GROUPS),
    ("Purpose", PURPOSES, PURPOSE_GROUPS),
)


class Register:
    """Who is who, and whose data are whose.

    Mutable on purpose: a party that moves to another role or unit is added again under its id, and every decision
    after that sees the new role. Not safe to change from one thread while another decides.
    """

    def __init__(self, parties: Iterable[Party] = (), datasets: Iterable[Dataset] = ()) -> None:
        self._parties: dict[str, Party] = {}
        self._datasets: dict[str, Dataset] = {}
        self._version = 0
        self._parsed: tuple[int, Any] | None = None
        for party in parties:
            self.add(party)
        for dataset in datasets:
            self.add(dataset)

    def add(self, item: Party | Dataset) -> None:
        """Add a party or a data set, or replace the one of the same id.

        Raises: PolicyError: an id that is no text or empty, an unknown role, kind or form, or a flag that is no bool.
        """
        if isinstance(item, Party):
            _check_text(item.id, "a party's id")
            _check_word(item.role, ROLES, f"role of party {item.id!r}")
            if not isinstance(item.unit, str):
                raise PolicyError(f"unit of party {item.id!r} must be text, got {item.unit!r}")
            self._parties[item.id] = item
        elif isinstance(item, Dataset):
            _check_text(item.id, "a data set's id")
            _check_text(item.owner, f"owner of data set {item.id!r}")
            _check_word(item.kind, KINDS, f"kind of data set {item.id!r}")
            _check_word(item.form, FORMS, f"form of data set {item.id!r}")
            for name in ("about_persons", "public"):
                if not isinstance(getattr(item, name), bool):
                    raise PolicyError(
                        f"{name} of data set {item.id!r} must be true or false, got {getattr(item, name)!r}"
                    )
            self._datasets[item.id] = item
        else:
            raise PolicyError(f"a register holds parties and data sets, got {type(item).__name__}")
        self._version += 1

    @property
    def parties(self) -> tuple[Party, ...]:
        """All parties, in the order in which they came."""
        return tuple(self._parties.values())

    @property
    def datasets(self) -> tuple[Dataset, ...]:
        """All data sets, in the order in which they came."""
        return tuple(self._datasets.values())

    def find_party(self, id: str) -> Party | None:
        """Return the party of that id, or nothing."""
        return self._parties.get(id) if isinstance(id, str) else None

    def find_dataset(self, id: str) -> Dataset | None:
        """Return the data set of that id, or nothing."""
        return self._datasets.get(id) if isinstance(id, str) else None

    def party(self, id: str) -> Party:
        """Return the party of that id.

        Raises: PolicyError: it is not registered.
        """
        found = self.find_party(id)
        if found is None:
            raise PolicyError(f"there is no party {shown(id)} in the register; add it first")
        return found

    def dataset(self, id: str) -> Dataset:
        """Return the data set of that id.

        Raises: PolicyError: it is not registered.
        """
        found = self.find_dataset(id)
        if found is None:
            raise PolicyError(f"there is no data set {shown(id)} in the register; add it first")
        return found

    def parsed(self, parse: Callable[[str], Any]) -> Any:
        """Return what `parse` makes of `entities`, kept until something is added."""
        version = self._version
        if self._parsed is None or self._parsed[0] != version:
            self._parsed = (version, parse(self.entities()))
        return self._parsed[1]

    def entities(self) -> str:
        """Return everything as Cedar's JSON of entities: parties, data sets, and the groups of the vocabulary."""
        found: list[dict[str, Any]] = []
        for kind, names, groups in _GROUPS:
            for group in groups:
                found.append({"uid": uid(kind, group), "attrs": {}, "parents": []})
            for name in names:
                parents = [uid(kind, group) for group, members in groups.items() if name in members]
                found.append({"uid": uid(kind, name), "attrs": {}, "parents": parents})
        traders = {unit_of(party) for party in self._parties.values() if party.role in TRADING_ROLES}
        platforms = {unit_of(party) for party in self._parties.values() if party.role in ROLE_GROUPS["platform"]}
        for party in self._parties.values():
            unit = unit_of(party)
            attributes: dict[str, Any] = {
                "role": reference("Role", party.role),
                "unit": reference("Unit", unit),
                "independent": unit not in traders,
                "of_platform": unit in platforms,
            }
            found.append({"uid": uid("Party", party.id), "attrs": attributes, "parents": []})
        for dataset in self._datasets.values():
            attributes = {
                "owner": reference("Party", dataset.owner),
                "kind": reference("Kind", dataset.kind),
                "form": reference("Form", dataset.form),
                "about_persons": dataset.about_persons,
                "public": dataset.public,
            }
            found.append({"uid": uid("Dataset", dataset.id), "attrs": attributes, "parents": []})
        return json.dumps(found)


def unit_of(party: Party) -> str:
    """Return the name of a party's unit; the prefix keeps a unit called "m1" apart from what party m1 is by itself."""
    return f"unit {party.unit}" if party.unit else f"party {party.id}"


def uid(kind: str, id: str) -> dict[str, str]:
    """Return an entity's name as structured data."""
    return {"type": kind, "id": id}


def reference(kind: str, id: str) -> dict[str, dict[str, str]]:
    """Return a reference to an entity inside attributes or a context."""
    return {"__entity": uid(kind, id)}


def shown(text: object) -> str:
    """Quote text for a message: escaped, so that control characters cannot reorder it, and cut at 60 characters."""
    quoted = ascii(text)
    return quoted if len(quoted) <= 60 else f"{quoted[:57]}..."


def _check_text(value: object, what: str) -> None:
    if not isinstance(value, str) or not value:
        raise PolicyError(f"{what} must be text that is not empty, got {value!r}")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise PolicyError(f"{what} holds half a surrogate pair ({shown(value)}); write it in valid Unicode") from error


def _check_word(value: object, allowed: tuple[str, ...], what: str) -> None:
    if not isinstance(value, str) or value not in allowed:
        raise PolicyError(f"{what} must be one of {', '.join(allowed)}; got {value!r}")

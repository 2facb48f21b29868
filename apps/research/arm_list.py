"""The arms of a scenario that somebody edits one by one: which is open, copies, and what is wrong with which."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from apps.research.asked import Asked, asked, model_of_arms
from experiments.sweep import editable
from retail.errors import ConfigError, PolicyError

REFERENCE: Final = "reference"
"""Key of a scenario whose reference is an arm of its own, not the name of one."""
_LONGEST: Final = 64
_COPIED: Final = " (copy)"
_COPY: Final = re.compile(r"-copy(-\d+)?$")


@dataclass(frozen=True)
class ArmList:
    """Arms in their order, one of them open.

    Attributes:
        tables: of every arm; the reference stands first where it is an arm of its own.
        has_reference: whether it is.
        open: which one is edited.
        mount: goes up when another one is opened, so that its widgets begin anew.
    """

    tables: tuple[dict[str, Any], ...]
    has_reference: bool
    open: int
    mount: int = 0

    @classmethod
    def of(cls, table: Mapping[str, Any], *, mount: int = 0) -> ArmList | None:
        """Return the arms of a scenario's table, the first arm open; None where they are no list of tables."""
        arms, reference = table.get("arms"), table.get(REFERENCE)
        if not isinstance(arms, list | tuple) or not arms or not all(isinstance(one, Mapping) for one in arms):
            return None
        first = [reference] if isinstance(reference, Mapping) else []
        return cls(tuple(editable(one) for one in (*first, *arms)), bool(first), len(first), mount)

    @property
    def arms(self) -> tuple[dict[str, Any], ...]:
        """All but the reference."""
        return self.tables[self.has_reference :]

    @property
    def table(self) -> dict[str, Any]:
        """What stands in the scenario's table."""
        reference = {REFERENCE: editable(self.tables[0])} if self.has_reference else {}
        return {**reference, "arms": [editable(one) for one in self.arms]}

    @property
    def may_remove(self) -> bool:
        """Whether the open one can go: the reference stays, and so does the last arm."""
        return not (self.has_reference and self.open == 0) and len(self.arms) > 1

    def titles(self) -> list[str]:
        """Call every arm by its number and its name, the reference by its name."""
        names = [str(one.get("name", "")) or "without a name" for one in self.tables]
        first = 1 - self.has_reference
        return [f"{number}. {name}" if number else f"Reference: {name}" for number, name in enumerate(names, first)]

    def with_open(self, table: dict[str, Any]) -> ArmList:
        """Put another table in the place of the open one."""
        return replace(self, tables=(*self.tables[: self.open], table, *self.tables[self.open + 1 :]))

    def opened(self, place: int) -> ArmList:
        """Open another one."""
        return replace(self, open=place, mount=self.mount + 1)

    def copied(self) -> ArmList:
        """Put a copy of the open one behind it, under a free name, and open that."""
        table = editable(self.tables[self.open])
        table["name"] = free_name([str(one.get("name", "")) for one in self.tables], str(table.get("name", "arm")))
        if isinstance(table.get("label"), str):
            table["label"] = f"{table['label'].removesuffix(_COPIED)}{_COPIED}"
        after = self.open + 1
        return replace(self, tables=(*self.tables[:after], table, *self.tables[after:])).opened(after)

    def without_open(self) -> ArmList:
        """Remove the open one, and open the one that stands in its place then."""
        left = (*self.tables[: self.open], *self.tables[self.open + 1 :])
        return replace(self, tables=left).opened(min(self.open, len(left) - 1))


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with an arm.

    Attributes:
        arm: its place in `ArmList.tables`.
        field: dotted key of the value; "" for the arm as a whole.
        text: what is wrong and what to do.
    """

    arm: int
    field: str
    text: str


def free_name(taken: Sequence[str], name: str) -> str:
    """Return a name for a copy that no arm has."""
    stem = _COPY.sub("", name)
    names = (f"{stem[: _LONGEST - len(end)]}{end}" for end in ("-copy", *(f"-copy-{n}" for n in range(2, 10_000))))
    return next(one for one in names if one not in taken)


def problems(model: type[BaseModel], table: Mapping[str, Any]) -> list[Problem]:
    """Return what the schema refuses of the arms in a scenario's table, each at its value.

    Whatever else is wrong with the scenario is left to `validate`.
    """
    arms = ArmList.of(table)
    if arms is None:
        return []
    names = [str(one.get("name", "")) for one in arms.tables]
    twice = [place for place, name in enumerate(names) if name and name in names[:place]]
    found = [Problem(place, "name", f"another arm is called {names[place]}; give each its own name") for place in twice]
    fields = {one.key: one for one in asked(model_of_arms(model))}
    try:
        model.model_validate({key: value for key, value in table.items() if key != "kind"})
    except ValidationError as error:
        for one in error.errors(include_url=False):
            found += _placed(dict(one), arms, names, fields)
    if table.get("kind") == "market" and table.get("method", "regimes") == "regimes":
        told = {one.arm for one in found}
        found += [one for place in range(len(names)) if place not in told for one in _rules(place, table, arms)]
    return found


def _rules(place: int, table: Mapping[str, Any], arms: ArmList) -> Iterator[Problem]:
    """Say what the market itself refuses of an arm's rules and settings, as it would before the first run."""
    from experiments.market.rules import read_rules, read_settings

    arm, field = arms.tables[place], "settings"
    try:
        settings = read_settings({**(table.get("settings") or {}), **(arm.get("settings") or {})})
        field = "remedies"
        read_rules(str(arm.get("regime", "")), arm.get("remedies") or {}, settings)
    except PolicyError as error:
        yield Problem(place, "regime", str(error))
    except ConfigError as error:
        yield Problem(place, field, str(error))


def _placed(
    problem: Mapping[str, Any], arms: ArmList, names: Sequence[str], fields: Mapping[str, Asked]
) -> Iterator[Problem]:
    """Say which value of which arm pydantic complains of; nothing where it is none of an arm."""
    location = tuple(problem["loc"])
    if location[:1] == (REFERENCE,) and arms.has_reference:
        place, inner = 0, location[1:]
    elif location[:1] == ("arms",) and len(location) > 1:
        place, inner = int(location[1]) + arms.has_reference, location[2:]
    elif location == ():
        place, inner = -1, ()
    else:
        return
    if problem["type"] == "value_error":
        text = str(problem["ctx"]["error"])
        name = max(
            (one for one in names if one and re.match(rf"arms?[ .]{re.escape(one)}[:.]", text)), key=len, default=""
        )
        if place < 0 and not name:
            return
        place = names.index(name) if place < 0 else place
        yield Problem(place, _named_first(text, name, fields), text)
        return
    path = ".".join(map(str, inner))
    key = max((one for one in fields if f"{path}.".startswith(f"{one}.")), key=len, default="")
    yield Problem(place, key, _words(problem, path, fields[key].hint if key else ""))


def _named_first(text: str, name: str, fields: Mapping[str, Asked]) -> str:
    """Return the value that a message about an arm begins with: `arm private: epsilon = 4.0 with method ...`."""
    said = re.match(rf"arms?[ .]{re.escape(name)}[:.] ?([a-z_]+)", text)
    return said[1] if said and said[1] in fields else ""


def _words(problem: Mapping[str, Any], path: str, hint: str) -> str:
    if problem["type"] == "extra_forbidden":
        return f"unknown key {path}; remove it under *As text*"
    if problem["type"] == "missing":
        return f"is missing: {hint}"
    if problem["type"] == "string_pattern_mismatch":
        return f"{problem['input']!r} is not well formed: {hint}"
    said = problem["msg"].replace("Input should", "must").replace("a valid dictionary", "a table")
    return f"{said} ({hint})" if hint else said

"""Changes to a plan, as small as a merchant would say them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final, get_args

from retail.errors import ConfigError
from simulation.store.plan.fixture import Fixture
from simulation.store.plan.kinds import SIDES, TILL_KINDS, Side, TillKind
from simulation.store.plan.plan import StorePlan
from simulation.store.plan.sound import require_sound
from simulation.store.plan.wording import among


@dataclass(frozen=True, slots=True)
class Swap:
    """Swap what two fixtures hold, or two categories wherever they are sold.

    Attributes:
        swap: two categories, or the names of two fixtures that sell something. Displays keep what they show.
    """

    swap: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Move:
    """Move a fixture: `x`, `y` are its new upper left corner before turning, in metres; None keeps the rotation."""

    move: str
    x: float
    y: float
    rotation: float | None = None


@dataclass(frozen=True, slots=True)
class AddTill:
    """Add a till of a kind at `x`, `y`; it is named `name`, or `till-` and the next free number."""

    add_till: TillKind
    x: float
    y: float
    width: float = 1.0
    depth: float = 2.0
    servers: int = 1
    max_items: int | None = None
    sides: tuple[Side, ...] = SIDES
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Remove:
    """Remove a fixture."""

    remove: str


@dataclass(frozen=True, slots=True)
class Show:
    """Let a display show another category, which some shelf must sell."""

    show: str
    category: str


Edit = Swap | Move | AddTill | Remove | Show
_EDITS: Final[dict[str, type[Edit]]] = {fields(one)[0].name: one for one in get_args(Edit)}


def read_edit(table: Mapping[str, Any]) -> Edit:
    """Read an edit from its TOML table, such as `{swap = ["dairy", "bakery"]}` or `{remove = "till-2"}`.

    Raises: ConfigError: no or several kinds of edit, a key that it does not have, or a value of another type.
    """
    kinds = [key for key in _EDITS if key in table]
    if len(kinds) != 1:
        raise ConfigError(f"edit {dict(table)}: must have exactly one of {', '.join(_EDITS)}")
    kind = _EDITS[kinds[0]]
    known = {one.name: one for one in fields(kind)}
    for key in table:
        if key not in known:
            raise ConfigError(f"edit {dict(table)}: {kinds[0]} takes no {key!r}, only {', '.join(known)}; drop it")
    values = {key: _value(table, key, value, str(known[key].type)) for key, value in table.items()}
    try:
        return kind(**values)
    except TypeError:
        needed = [key for key in ("x", "y", "category") if key in known and key not in table]
        raise ConfigError(f"edit {dict(table)}: {', '.join(needed)} missing; add it") from None


def edit_table(edit: Edit) -> dict[str, Any]:
    """Return the table that `read_edit` reads back as the same edit, without what is left at its default."""
    table = {}
    for one in fields(edit):
        value = getattr(edit, one.name)
        if value != one.default:
            table[one.name] = list(value) if isinstance(value, tuple) else value
    return table


def apply_edit(plan: StorePlan, edit: Edit | Mapping[str, Any]) -> StorePlan:
    """Return the plan with one change.

    Args:
        plan: stays as it is.
        edit: an edit, or its table.

    Raises: ConfigError: there is no such fixture or category, or nobody could shop in the changed store.
    """
    known = read_edit(edit) if isinstance(edit, Mapping) else edit
    try:
        changed = replace(plan, fixtures=_changed(plan, known))
        require_sound(changed)
    except ConfigError as error:
        raise ConfigError(f"edit {edit_table(known)}: {error}") from None
    return changed


def apply_edits(plan: StorePlan, edits: Iterable[Edit | Mapping[str, Any]]) -> StorePlan:
    """Return the plan with several changes, one after another; each step must leave a store to shop in."""
    for edit in edits:
        plan = apply_edit(plan, edit)
    return plan


def _changed(plan: StorePlan, edit: Edit) -> tuple[Fixture, ...]:
    if isinstance(edit, Swap):
        return _swapped(plan, *edit.swap)
    if isinstance(edit, Move):
        fixture = plan.fixture(edit.move)
        rotation = fixture.rotation if edit.rotation is None else edit.rotation
        return _replaced(plan, fixture, replace(fixture, x=edit.x, y=edit.y, rotation=rotation))
    if isinstance(edit, AddTill):
        return (*plan.fixtures, _new_till(plan, edit))
    if isinstance(edit, Remove):
        gone = plan.fixture(edit.remove)
        return tuple(one for one in plan.fixtures if one is not gone)
    display = plan.fixture(edit.show)
    if display.kind != "display":
        raise ConfigError(
            f"{display} is no display; name one of {among((one.name for one in plan.displays), wanted=edit.show)}"
        )
    return _replaced(plan, display, replace(display, categories=(edit.category,)))


def _swapped(plan: StorePlan, first: str, second: str) -> tuple[Fixture, ...]:
    if first == second:
        raise ConfigError(f"{first!r} cannot be swapped with itself; name two")
    if first in plan.categories and second in plan.categories:
        other = {first: second, second: first}
        return tuple(
            one
            if one.kind == "display"
            else replace(one, categories=tuple(other.get(name, name) for name in one.categories))
            for one in plan.fixtures
        )
    named = {one.name: one for one in plan.shelves}
    for name in (first, second):
        if name not in named and name not in plan.categories:
            known = among((*plan.categories, *named), wanted=name)
            raise ConfigError(f"{name!r} is neither a category nor the name of a shelf; take one of {known}")
    for name in (first, second):
        if name not in named:
            raise ConfigError(f"{name!r} is a category, the other one a shelf; name two categories or two shelves")
    contents = {first: named[second].categories, second: named[first].categories}
    return tuple(replace(one, categories=contents[one.name]) if one.name in contents else one for one in plan.fixtures)


def _new_till(plan: StorePlan, edit: AddTill) -> Fixture:
    names = {one.name for one in plan.fixtures}
    number = next(number for number in range(1, len(names) + 2) if f"till-{number}" not in names)
    return Fixture(
        name=edit.name or f"till-{number}",
        kind="till",
        x=edit.x,
        y=edit.y,
        width=edit.width,
        depth=edit.depth,
        sides=edit.sides,
        till=edit.add_till,
        servers=edit.servers,
        max_items=edit.max_items,
    )


def _replaced(plan: StorePlan, old: Fixture, new: Fixture) -> tuple[Fixture, ...]:
    return tuple(new if one is old else one for one in plan.fixtures)


def _value(table: Mapping[str, Any], key: str, value: Any, wanted: str) -> Any:
    """Check a value of the TOML against the type that the edit declares."""
    if wanted.startswith("tuple"):
        two = key == "swap"
        if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
            raise ConfigError(f"edit {dict(table)}: {key} = {value!r} must be a list of names")
        if two and len(value) != 2:
            raise ConfigError(f"edit {dict(table)}: swap needs exactly two names, got {len(value)}")
        if not two and not set(value) <= set(SIDES):
            raise ConfigError(f"edit {dict(table)}: {key} = {value!r} must be among {', '.join(SIDES)}")
        return tuple(value)
    if wanted.startswith("float"):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ConfigError(f"edit {dict(table)}: {key} = {value!r} must be a number")
        return float(value)
    if wanted.startswith("int"):
        if isinstance(value, bool) or not isinstance(value, int):
            raise ConfigError(f"edit {dict(table)}: {key} = {value!r} must be a whole number")
        return value
    if not isinstance(value, str) or not value:
        raise ConfigError(f"edit {dict(table)}: {key} = {value!r} must be a name in quotes")
    if wanted == "TillKind" and value not in TILL_KINDS:
        raise ConfigError(f"edit {dict(table)}: {value!r} is no kind of till; use one of {', '.join(TILL_KINDS)}")
    return value

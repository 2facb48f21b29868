"""Changes made to a plan, one after another; each must leave a store to shop in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from retail.errors import ConfigError
from simulation.store.plan.edit import AddTill, Edit, Move, Remove, Swap
from simulation.store.plan.edit_table import edit_table, inline, read_edit
from simulation.store.plan.fixture import Fixture
from simulation.store.plan.plan import StorePlan
from simulation.store.plan.sound import require_sound
from simulation.store.plan.wording import among


def apply_edit(plan: StorePlan, edit: Edit | Mapping[str, Any]) -> StorePlan:
    """Return the plan with one change.

    Args:
        plan: stays as it is.
        edit: an edit, or its table.

    Raises: ConfigError: there is no such fixture or category, or nobody could shop in the changed store.
    """
    if isinstance(edit, Mapping):
        try:
            edit = read_edit(edit)
        except ConfigError as error:
            raise ConfigError(f"edit {error}") from None
    try:
        changed = replace(plan, fixtures=changed_fixtures(plan, edit))
        require_sound(changed)
    except ConfigError as error:
        raise ConfigError(f"edit {inline(edit_table(edit))}: {error}") from None
    return changed


def apply_edits(plan: StorePlan, edits: Iterable[Edit | Mapping[str, Any]]) -> StorePlan:
    """Return the plan with several changes, one after another; each step must leave a store to shop in."""
    for edit in edits:
        plan = apply_edit(plan, edit)
    return plan


def changed_fixtures(plan: StorePlan, edit: Edit) -> tuple[Fixture, ...]:
    """Return a plan's fixtures after an edit, whether or not anybody could shop there.

    Raises: ConfigError: there is no such fixture or category.
    """
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

"""What a search may change in a plan, and one change at a time within that."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from retail.errors import ConfigError
from simulation.store.checks import check_plan
from simulation.store.plan import Edit, Fixture, Move, StorePlan, Swap, apply_edit
from simulation.store.plan.edits import changed_fixtures
from simulation.store.plan.wording import among
from simulation.store.search.shortest import shortest_edits

STEP_M: Final = 1.0
"""How far one change moves a fixture, along either axis or both."""
_MOVES: Final = 0.2
"""Share of changes that are moves, where few of many fixtures may move."""
_TRIES: Final = 50
"""Changes in a row that break a rule before a search gives up."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a search may change.

    Shelves swap contents only with shelves of their own kind, so that what is chilled stays chilled.

    Attributes:
        fixed: categories that stay where they are.
        shelves: names of shelves whose contents may be swapped; all that hold no fixed category when None.
        movable: names of fixtures that may be moved, one metre at a time.
        reach_m: farthest that a fixture may end up from where it stood, along each axis.
    """

    fixed: tuple[str, ...] = ()
    shelves: tuple[str, ...] | None = None
    movable: tuple[str, ...] = ()
    reach_m: float = 3.0


@dataclass(frozen=True)
class Room:
    """What the rules leave to do with a plan; made by `room_in`.

    Attributes:
        plan: the store as it is.
        free: shelves whose contents may be swapped, in the order of the plan.
        pairs: pairs of them, each of one kind.
        movable: names of fixtures that may move.
        reach_m: how far, along each axis.
        warnings: of the plan as it is; a change must not add to them.
    """

    plan: StorePlan
    free: tuple[Fixture, ...]
    pairs: tuple[tuple[str, str], ...]
    movable: tuple[str, ...]
    reach_m: float
    warnings: frozenset[tuple[str, str]]

    @property
    def size(self) -> int:
        """How many fixtures a change may be about."""
        return len({name for pair in self.pairs for name in pair} | set(self.movable))

    def neighbour(self, here: StorePlan, rng: np.random.Generator) -> tuple[Edit, StorePlan] | None:
        """Change one thing within the rules; None when no try in a row kept them."""
        for _ in range(_TRIES):
            edit = self._edit(here, rng)
            changed = None if edit is None else self.applied(here, edit)
            if edit is not None and changed is not None:
                return edit, changed
        return None

    def anywhere(self, changes: int, rng: np.random.Generator) -> tuple[tuple[Edit, ...], StorePlan] | None:
        """Change up to as many things of the plan at once within the rules; None when no try in a row kept them."""
        for _ in range(_TRIES):
            here = self.plan
            for _ in range(changes):
                edit = self._edit(here, rng)
                here = here if edit is None else replace(here, fixtures=changed_fixtures(here, edit))
            edits = shortest_edits(self.plan, here)
            if edits and (not any(isinstance(one, Move) for one in edits) or warnings_of(here) <= self.warnings):
                return edits, here
        return None

    def applied(self, here: StorePlan, edit: Edit) -> StorePlan | None:
        """Return the plan after an edit; None where nobody could shop there or a new warning appears.

        A swap needs no check: what shelves of one kind hold bears on no way and no width, and nothing leaves the store.
        """
        if isinstance(edit, Swap):
            return replace(here, fixtures=changed_fixtures(here, edit))
        try:
            changed = apply_edit(here, edit)
        except ConfigError:  # fixtures overlap, or something cannot be reached
            return None
        return changed if warnings_of(changed) <= self.warnings else None

    def _edit(self, here: StorePlan, rng: np.random.Generator) -> Edit | None:
        share = max(_MOVES, len(self.movable) / self.size)
        if self.movable and (not self.pairs or rng.random() < share):
            return self._move(here, rng)
        first, second = self.pairs[int(rng.integers(len(self.pairs)))]
        if here.fixture(first).categories == here.fixture(second).categories:
            return None
        return Swap((first, second))

    def _move(self, here: StorePlan, rng: np.random.Generator) -> Move | None:
        name = self.movable[int(rng.integers(len(self.movable)))]
        one, home = here.fixture(name), self.plan.fixture(name)
        across, down = rng.integers(-1, 2, size=2)
        x, y = one.x + STEP_M * float(across), one.y + STEP_M * float(down)
        if (x, y) == (one.x, one.y) or max(abs(x - home.x), abs(y - home.y)) > self.reach_m:
            return None
        return Move(name, x, y)


def room_in(plan: StorePlan, rules: Rules) -> Room:
    """Return what the rules leave to do.

    Raises:
        ConfigError: the rules name what is not there, contradict each other, or leave nothing to change.
    """
    for name in rules.fixed:
        if name not in plan.categories:
            known = among(plan.categories, wanted=name)
            raise ConfigError(f"fixed category {name!r} is on no shelf of {plan.name!r}; take one of {known}")
    free = tuple(_free(plan, rules))
    for name in rules.movable:
        held = sorted(set(plan.fixture(name).categories) & set(rules.fixed))
        if held and plan.fixture(name).kind != "display":
            raise ConfigError(f"{name!r} may move, and holds {held[0]!r}, which is fixed; drop one of the two")
    if rules.movable and not rules.reach_m >= STEP_M:  # NaN, too
        raise ConfigError(f"reach_m = {rules.reach_m} is less than the {STEP_M:g} m of one move; make it larger")
    kinds = {kind: [one for one in free if one.kind == kind] for kind in dict.fromkeys(one.kind for one in free)}
    pairs = tuple(
        (first.name, second.name)
        for shelves in kinds.values()
        if len({one.categories for one in shelves}) > 1
        for first, second in itertools.combinations(shelves, 2)
    )
    if not pairs and not rules.movable:
        named = sorted({one.name for one in plan.shelves} & set(plan.categories))
        why = f" (shelves named like categories, such as {named[0]!r}, are left out; rename them)" if named else ""
        raise ConfigError(
            "the rules leave nothing to change: no two free shelves of one kind hold different things, and nothing may"
            f" move{why}; fix less, or name fixtures that may move"
        )
    return Room(plan, free, pairs, tuple(dict.fromkeys(rules.movable)), rules.reach_m, warnings_of(plan))


@functools.lru_cache(maxsize=1024)
def warnings_of(plan: StorePlan) -> frozenset[tuple[str, str]]:
    """Return the warnings of a plan, without the numbers in them."""
    return frozenset(
        (one.code, ", ".join(sorted(one.fixtures))) for one in check_plan(plan) if one.severity == "warning"
    )


def _free(plan: StorePlan, rules: Rules) -> Iterator[Fixture]:
    """Yield the shelves whose contents may be swapped."""
    names = [one.name for one in plan.shelves]
    for name in rules.shelves or ():
        if name not in names:
            raise ConfigError(f"{name!r} is no shelf of {plan.name!r}; take one of {among(names, wanted=name)}")
        held = sorted(set(plan.fixture(name).categories) & set(rules.fixed))
        if held:
            raise ConfigError(f"{name!r} may be swapped, and holds {held[0]!r}, which is fixed; drop one of the two")
    categories = set(plan.categories)
    for one in plan.shelves:
        if set(one.categories) & set(rules.fixed) or one.name in categories:
            continue  # an edit that swaps two names of categories means those, and not the shelves of these names
        if rules.shelves is None or one.name in rules.shelves:
            yield one

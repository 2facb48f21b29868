"""The fewest swaps and moves that lead from one plan to another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from retail.errors import ConfigError
from simulation.store.plan import Edit, Move, StorePlan, Swap, apply_edit
from simulation.store.plan.edits import changed_fixtures

Contents = dict[str, tuple[str, ...]]


def shortest_edits(plan: StorePlan, target: StorePlan) -> tuple[Edit, ...] | None:
    """Return edits that lead from a plan to another one in which shelves swapped contents and fixtures moved.

    Args:
        plan: where they start.
        target: where they lead; the same fixtures in the same order.

    Returns: fewer swaps than shelves that hold something else, then one move for each fixture that stands elsewhere, in
        an order in which each leaves a store to shop in; None where moves get into each other's way, or something
        else differs.
    """
    found: list[Edit] = list(_swaps(plan, target))
    here = plan
    for swap in found:  # what a shelf holds bears on no way, so no step needs a check
        here = replace(here, fixtures=changed_fixtures(here, swap))
    waiting = [
        Move(now.name, now.x, now.y)
        for was, now in zip(plan.fixtures, target.fixtures, strict=True)
        if (was.x, was.y) != (now.x, now.y)
    ]
    while waiting:
        for move in waiting:
            try:
                here = apply_edit(here, move)
            except ConfigError:  # another one stands there as yet
                continue
            found.append(move)
            waiting.remove(move)
            break
        else:
            return None
    return tuple(found) if here == target else None


def _swaps(plan: StorePlan, target: StorePlan) -> Iterator[Swap]:
    """Yield swaps after which every shelf holds what it should; each puts at least one right, two where it can."""
    holds: Contents = {one.name: one.categories for one in plan.shelves}
    wanted: Contents = {one.name: one.categories for one in target.shelves}
    for name, content in wanted.items():
        if holds[name] == content:
            continue
        givers = [other for other in holds if holds[other] == content and wanted[other] != content]
        giver = next((one for one in givers if wanted[one] == holds[name]), givers[0])
        yield Swap((name, giver))
        holds[name], holds[giver] = holds[giver], holds[name]

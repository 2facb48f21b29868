"""Looks for a better layout: simulated annealing over swaps and moves, on days that the verdict does not use.

    found = search(plan, model=model, shoppers=2000, seed=1, rules=Rules(fixed=("produce", "bakery")))
    print(found.edits, found.gain, found.held_out.row("sales_visit").verdict)

Every candidate meets the same training days, so what differs is the layout. The winner of a search looks better on
those days than it is; only the comparison on other days counts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from retail.errors import ConfigError
from simulation.store.checks import check_plan
from simulation.store.compare import compare
from simulation.store.comparison import Comparison
from simulation.store.day import prepare, run_day
from simulation.store.demand_model import DemandModel
from simulation.store.kpi import kpi
from simulation.store.plan import Edit, Fixture, Move, StorePlan, Swap, apply_edit
from simulation.store.replicate import run_days
from simulation.store.settings import StoreSettings

HELD_OUT: Final = 100_000
"""Number of the first held-out day; no search trains on so many days."""
_SEARCH: Final = 0x5EA
_TRIES: Final = 50
"""Candidates in a row that break a rule before the search gives up."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a search may change.

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


@dataclass(frozen=True, eq=False)
class Found:
    """What a search found.

    Attributes:
        plan: the winner; the plan itself where nothing was better.
        edits: that lead to it from the plan.
        objective: name of the figure.
        start: mean of the figure on the training days, as it was.
        trained: the same for the winner.
        tried: layouts that were simulated.
        held_out: the winner against the plan, on days that took no part.
    """

    plan: StorePlan
    edits: tuple[Edit, ...]
    objective: str
    start: float
    trained: float
    tried: int
    held_out: Comparison

    @property
    def gain(self) -> float:
        """Change of the figure on the training days: too good to be true, see `held_out`."""
        return self.trained - self.start


@dataclass(frozen=True)
class _Training:
    """The mean of one figure over the training days."""

    model: DemandModel
    shoppers: int
    seed: int
    settings: StoreSettings
    objective: str
    days: int
    workers: int
    cache: dict[StorePlan, float] = field(default_factory=dict)

    def __call__(self, plan: StorePlan) -> float:
        if plan not in self.cache:
            store = prepare(plan, self.settings)

            def figure(day: int) -> float:
                demand = self.model.draw(
                    day, seed=self.seed, shoppers=self.shoppers, hours=store.hours, settings=self.settings
                )
                return run_day(store, demand, self.settings).kpis.get(self.objective, math.nan)

            figures = list(run_days(figure, range(self.days), workers=self.workers))
            self.cache[plan] = float(np.mean(figures))
        return self.cache[plan]


def search(
    plan: StorePlan,
    *,
    model: DemandModel,
    shoppers: int,
    seed: int,
    settings: StoreSettings | None = None,
    objective: str = "sales_visit",
    rules: Rules | None = None,
    steps: int = 60,
    training_days: int = 4,
    workers: int = 2,
    on_step: Callable[[int, float, float], None] | None = None,
    **comparison: Any,
) -> Found:
    """Search for a layout with a better figure.

    Starts at the plan and walks from neighbour to neighbour; a worse one is accepted with the chance exp(-loss /
    temperature), where the temperature falls geometrically from half the mean change of the first tries to a
    hundredth of that. A candidate that cannot be shopped in, or has a new warning of `checks`, is left out.

    Args:
        plan: where to start, and what the winner is compared with.
        model: draws the shoppers.
        shoppers: expected per day.
        seed: of the experiment and the search.
        settings: parameters; the registry's when None.
        objective: a figure that is better one way.
        rules: what may change; any swap of shelves when None.
        steps: layouts to try.
        training_days: days on which candidates are judged.
        workers: days at once.
        on_step: called with the step, the current and the best figure.
        comparison: arguments of `compare` for the held-out days.

    Raises: ConfigError: the objective has no better way, the rules name what is not there or leave nothing to change.
    """
    rules = rules or Rules()
    way = kpi(objective).better
    if way == 0:
        raise ConfigError(f"{objective} is better neither way; search for one such as sales_visit or checkout_s")
    if steps < 1 or not 1 <= training_days < HELD_OUT:
        raise ConfigError(f"steps = {steps} and training_days = {training_days} must be at least 1")
    settings = settings or StoreSettings.default()
    shelves = _shelves(plan, rules)
    rng = np.random.default_rng(np.random.SeedSequence([seed, _SEARCH]))
    training = _Training(model, shoppers, seed, settings, objective, training_days, workers)
    warnings = _warnings(plan)
    start = training(plan)
    if math.isnan(start):
        raise ConfigError(f"the plan has no figure {objective!r} with {shoppers} shoppers; take another one")
    here_edits: tuple[Edit, ...] = ()
    best_edits: tuple[Edit, ...] = ()
    here, here_value, best, best_value = plan, start, plan, start
    changes: list[float] = []
    for step in range(steps):
        candidate = _neighbour(here, plan, shelves, rules, rng, warnings)
        if candidate is None:
            break
        edit, changed = candidate
        value = training(changed)
        loss = way * (here_value - value)
        if not math.isnan(loss):
            changes.append(abs(loss))
        heat = 0.5 * float(np.mean(changes[:10])) * 0.01 ** (step / steps)
        u = float(rng.random())
        if not math.isnan(value) and (loss <= 0 or (heat > 0 and u < math.exp(-loss / heat))):
            here, here_value, here_edits = changed, value, (*here_edits, edit)
            if way * (value - best_value) > 0:
                best, best_value, best_edits = changed, value, here_edits
        if on_step is not None:
            on_step(step + 1, here_value, best_value)
    held_out = compare(
        plan, best, model=model, shoppers=shoppers, seed=seed, settings=settings, workers=workers,
        **{"leading": objective, **comparison, "first_day": HELD_OUT},
    )  # fmt: skip
    return Found(best, best_edits, objective, start, best_value, len(training.cache), held_out)


def _shelves(plan: StorePlan, rules: Rules) -> tuple[str, ...]:
    """Names of the shelves that may be swapped."""
    unknown = sorted(set(rules.fixed) - set(plan.categories))
    if unknown:
        raise ConfigError(f"fixed category {unknown[0]!r} is on no shelf of {plan.name!r}; correct its name")
    free = [one for one in plan.shelves if not set(one.categories) & set(rules.fixed)]
    if rules.shelves is not None:
        names = {one.name for one in plan.shelves}
        for name in rules.shelves:
            if name not in names:
                raise ConfigError(f"{name!r} is no shelf of {plan.name!r}; take names of shelves")
        free = [one for one in free if one.name in rules.shelves]
    for name in rules.movable:
        plan.fixture(name)
    if len({one.categories for one in free}) < 2 and not rules.movable:
        raise ConfigError(
            "the rules leave nothing to change: fewer than two shelves with different contents and nothing to move"
        )
    return tuple(one.name for one in free)


def _neighbour(
    here: StorePlan,
    start: StorePlan,
    shelves: Sequence[str],
    rules: Rules,
    rng: np.random.Generator,
    warnings: frozenset[tuple[str, str]],
) -> tuple[Edit, StorePlan] | None:
    """Change one thing within the rules; None when no try in a row kept them."""
    for _ in range(_TRIES):
        edit = _edit(here, start, shelves, rules, rng)
        if edit is None:
            continue
        try:
            changed = apply_edit(here, edit)
        except ConfigError:  # fixtures overlap, or something cannot be reached
            continue
        if _warnings(changed) <= warnings:
            return edit, changed
    return None


def _edit(
    here: StorePlan, start: StorePlan, shelves: Sequence[str], rules: Rules, rng: np.random.Generator
) -> Edit | None:
    swappable = len(shelves) > 1
    if rules.movable and (not swappable or rng.random() < 0.5):
        name = rules.movable[int(rng.integers(len(rules.movable)))]
        one: Fixture = here.fixture(name)
        across, down = rng.integers(-1, 2, size=2)
        x, y = one.x + float(across), one.y + float(down)
        home = start.fixture(name)
        if (x, y) == (one.x, one.y) or max(abs(x - home.x), abs(y - home.y)) > rules.reach_m:
            return None
        return Move(name, x, y)
    if not swappable:
        return None
    first, second = (shelves[int(place)] for place in rng.choice(len(shelves), 2, replace=False))
    if here.fixture(first).categories == here.fixture(second).categories:
        return None
    return Swap((first, second))


def _warnings(plan: StorePlan) -> frozenset[tuple[str, str]]:
    """Warnings of a plan, without the numbers in them."""
    return frozenset(
        (one.code, ", ".join(sorted(one.fixtures))) for one in check_plan(plan) if one.severity == "warning"
    )

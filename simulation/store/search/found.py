"""Searches for a better layout, layout by layout, and holds the best one against the plan on other days."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from retail.errors import ConfigError
from simulation.replicate import Where
from simulation.store.compare import comparing
from simulation.store.comparison import Comparison
from simulation.store.day import Engine, TillEngine
from simulation.store.demand_model import DemandModel
from simulation.store.kpi import kpi
from simulation.store.plan import Edit, StorePlan
from simulation.store.search.rules import Room, Rules, room_in
from simulation.store.search.shortest import shortest_edits
from simulation.store.search.strategies import STRATEGIES, Strategy, walk_of
from simulation.store.search.training import Training
from simulation.store.settings import StoreSettings

HELD_OUT: Final = 100_000
"""Number of the first held-out day; no search trains on so many days."""
_SEARCH: Final = 0x5EA
_BLOCK: Final = 8
"""Held-out days between two results so far."""
_SEEN: Final = 50
"""Proposals in a row that were simulated before, after which a search gives up."""


@dataclass(frozen=True, eq=False)
class Found:
    """What a search found, finished or as far as it got.

    Attributes:
        plan: the best layout so far; the plan itself where nothing was better. A rule of thumb's is taken as it is.
        edits: that lead to it from the plan, as few as were found.
        objective: name of the figure.
        strategy: how it was looked for.
        start: mean of the figure on the training days, as it was.
        trained: the same for the best layout.
        here: the same for the layout tried last.
        tried: other layouts than the plan that were simulated.
        steps: how many may be.
        finished: whether no more are to come.
        held_out: the best layout against the plan, on days that took no part; None until it is judged.
    """

    plan: StorePlan
    edits: tuple[Edit, ...]
    objective: str
    strategy: Strategy
    start: float
    trained: float
    here: float
    tried: int
    steps: int
    finished: bool
    held_out: Comparison | None = None

    @property
    def gain(self) -> float:
        """Change of the figure on the training days: too good to be true, see `optimism`."""
        return self.trained - self.start

    @property
    def optimism(self) -> float | None:
        """How much better the winner looked on the training days than it was on others; above 0 means flattered."""
        difference = None if self.held_out is None else self.held_out.row(self.objective).difference
        return None if difference is None else kpi(self.objective).better * (self.gain - difference)


def search(
    plan: StorePlan,
    *,
    model: DemandModel,
    shoppers: int,
    seed: int,
    settings: StoreSettings | None = None,
    objective: str = "sales_visit",
    strategy: Strategy = "annealed",
    rules: Rules | None = None,
    steps: int = 60,
    training_days: int = 4,
    engine: Engine = "fast",
    tills: TillEngine = "fast",
    workers: int = 2,
    where: Where = "threads",
    held_out_days: int = 32,
    on_step: Callable[[Found], None] | None = None,
    **comparison: Any,
) -> Found:
    """Search for a layout with a better figure and judge it; see `searching` for the arguments and errors.

    `on_step` is called after every simulated layout; `comparison` holds more arguments of `on_held_out_days`.

    Returns: the best layout with its comparison.
    """
    if held_out_days < 2:
        raise ConfigError(f"held_out_days = {held_out_days}: judge the winner on at least 2 days")
    found: Found | None = None
    for found in searching(
        plan, model=model, shoppers=shoppers, seed=seed, settings=settings, objective=objective, strategy=strategy,
        rules=rules, steps=steps, training_days=training_days, engine=engine, tills=tills, workers=workers, where=where,
    ):  # fmt: skip
        if on_step is not None:
            on_step(found)
    assert found is not None  # at least how it is
    for judged in on_held_out_days(
        plan, found, model=model, shoppers=shoppers, seed=seed, settings=settings, days=held_out_days, engine=engine,
        tills=tills, workers=workers, where=where, **comparison,
    ):  # fmt: skip
        found = replace(found, held_out=judged)
    return found


def on_held_out_days(plan: StorePlan, found: Found, *, days: int = 32, **comparison: Any) -> Iterator[Comparison]:
    """Compare what a search found with the plan step by step, on days that took no part in the search.

    Args:
        plan: where the search started.
        found: what it found.
        days: how many; all of them are simulated, so that the winners of several searches meet the same days.
        comparison: arguments of `simulation.store.compare.comparing`, with the search's model, shoppers and seed.
    """
    asked = {"leading": found.objective, "block": min(_BLOCK, days), **comparison}
    return comparing(plan, found.plan, **{**asked, "first_day": HELD_OUT, "most": days, "half_width": None})


def room_of(
    plan: StorePlan, *, objective: str, strategy: str, rules: Rules | None, steps: int, training_days: int
) -> Room:
    """Check what a search is asked for, before anything is drawn or simulated, and return what may change.

    Raises: ConfigError: as `searching`.
    """
    if kpi(objective).better == 0:
        raise ConfigError(f"{objective} is better neither way; search for one such as sales_visit or checkout_s")
    if strategy not in STRATEGIES:
        raise ConfigError(f"no strategy is called {strategy!r}; use one of {', '.join(STRATEGIES)}")
    if steps < 1 or not 1 <= training_days < HELD_OUT:
        raise ConfigError(
            f"steps = {steps} and training_days = {training_days} must be at least 1, days less than {HELD_OUT}"
        )
    return room_in(plan, rules or Rules())


def searching(
    plan: StorePlan,
    *,
    model: DemandModel,
    shoppers: int,
    seed: int,
    settings: StoreSettings | None = None,
    objective: str = "sales_visit",
    strategy: Strategy = "annealed",
    rules: Rules | None = None,
    steps: int = 60,
    training_days: int = 4,
    engine: Engine = "fast",
    tills: TillEngine = "fast",
    workers: int = 2,
    where: Where = "threads",
) -> Iterator[Found]:
    """Search step by step: yields how it is, then what is known after every simulated layout. Stop by closing it.

    A candidate that cannot be shopped in, or has a new warning of `checks`, is left out; one that was simulated before
    costs nothing of the budget.

    Args:
        plan: where to start.
        model: draws the shoppers.
        shoppers: expected per day.
        seed: of the experiment and the search.
        settings: parameters; the registry's when None.
        objective: a figure that is better one way.
        strategy: how to look; the budget is the same for each.
        rules: what may change; any swap of shelves of one kind when None.
        steps: layouts to simulate beside the plan; fewer where strategy or rules have no more.
        training_days: days on which candidates are judged.
        engine: for the floor.
        tills: for the tills.
        workers: days at once; any number gives the same.
        where: "threads" or "ray".

    Raises: ConfigError: the objective has no better way, the strategy is unknown, or the rules name what is not there
        or leave nothing to change.
    """
    room = room_of(plan, objective=objective, strategy=strategy, rules=rules, steps=steps, training_days=training_days)
    way = kpi(objective).better
    training = Training(
        model, shoppers, seed, settings or StoreSettings.default(), objective, training_days, engine, tills, workers,
        where,
    )  # fmt: skip
    start = training(plan)
    if math.isnan(start):
        raise ConfigError(f"the plan has no figure {objective!r} with {shoppers} shoppers; take another one")
    rng = np.random.default_rng(np.random.SeedSequence([seed, _SEARCH]))
    walk = walk_of(strategy, room, way=way, value=start, pull=training.pull(plan), rng=rng)
    found = Found(plan, (), objective, strategy, start, start, start, 0, steps, False)
    yield found
    seen = 0
    while found.tried < steps and seen < _SEEN:
        candidate = walk.propose()
        if candidate is None:
            break
        new = candidate.plan not in training
        seen = 0 if new else seen + 1
        value = training(candidate.plan)
        walk.judge(candidate, value, found.tried / steps)
        if new:
            found = replace(found, here=value, tried=found.tried + 1)
            if way * (value - found.trained) > 0 or strategy == "rule_of_thumb":  # a rule does not look at figures
                short = shortest_edits(plan, candidate.plan)  # a walk also undoes what it did
                edits = candidate.edits if short is None else short
                found = replace(found, plan=candidate.plan, edits=edits, trained=value)
            yield found
    yield replace(found, finished=True)

"""Is a layout chosen with a private heat map as good as one chosen with the exact one?

What is chosen is which places of the plan get one of a few displays, and what each shows. The merchant observes one
day, makes a heat map of it, exact or released with noise through the release gate, and puts what brings most where most
pass. What that sells is judged on days that took no part in the choice. All of it is repeated with other observed days,
and with parameters drawn from their ranges; intervals are over repetitions, so they hold the noise of the release, of
the observed day and of the judging days.

The noise of a release is drawn by the gate, as in a deployment, and not from a seed: what can be repeated can be
subtracted. A run that is repeated differs by as much as its interval says.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from experiments.logbook import RUN_BOOKS, keep_earlier_books, run_log
from experiments.runs import ArmResult
from experiments.store.display_choice import Choice, Shown, gain_by_category, squares_near
from experiments.store.display_sales import SalesOfDay, mean_sales
from experiments.store.figures import table
from experiments.store.heat_figures import UNSEEDED, Judged, Repeated, heat_rows
from experiments.store.heat_rehearsal import best_clip, clips
from experiments.store.inputs import demand_model
from experiments.store.scenario import StoreArm
from experiments.store.spec import StoreSpec
from privacy.budget import Budget
from privacy.ledger import Ledger
from privacy.log import Log
from privacy.policy import Dataset, Party, PolicyEngine, Register
from simulation.replicate import run_all
from simulation.store.behaviour import plan_day
from simulation.store.day import Store, prepare
from simulation.store.demand_model import DemandModel
from simulation.store.dp_heat import (
    DELTA,
    MOVEMENT,
    PrivateHeat,
    movement_gate,
    movement_rows,
    on_floor,
    relative_error,
    release_presence,
)
from simulation.store.plan import StorePlan, load_plan
from simulation.store.routes import Presence, presence
from simulation.store.settings import StoreSettings
from simulation.store.thinning import thinned

SIDE_CELLS: Final = 2
"""Squares of 1 m."""
REHEARSALS: Final = 4
"""Simulated days on which the release is chosen; they are of another seed and cost no budget."""
FEW: Final = 6
"""Repetitions with each draw of the parameters."""
BLIND: Final = 64
"""Ways in which ties fall for a merchant without a map."""
_JUDGED: Final = 100_000
"""Number of the first judging day."""
_CENTRAL: Final = -1
_DRAWS: Final = 0x5E77
_TIES: Final = 0xC4A2
_PUBLIC: Final = 0x9B1C
_SHOP: Final = "shop"


@dataclass(frozen=True, eq=False)
class _World:
    """What all repetitions of a run share."""

    spec: StoreSpec
    plan: StorePlan
    model: DemandModel
    choice: Choice
    directory: Path
    max_cells: int = 0

    def settings(self, draw: int) -> StoreSettings:
        """The central parameters, or a draw of them."""
        if draw == _CENTRAL:
            return StoreSettings.default()
        return StoreSettings.drawn(np.random.default_rng(np.random.SeedSequence([self.spec.seed, _DRAWS, draw])))

    def sales(self, store: Store, seed: int, settings: StoreSettings) -> SalesOfDay:
        """What judges days of a seed."""
        scenario = self.spec.settings
        return SalesOfDay(store, self.model, scenario.shoppers, seed, settings, scenario.engine, scenario.tills)

    def visits(self, store: Store, day: int, seed: int, settings: StoreSettings) -> Presence:
        """Where the visits of a day were."""
        demand = self.model.draw(
            day, seed=seed, shoppers=self.spec.settings.shoppers, hours=store.hours, settings=settings
        )
        return presence(store.floor, plan_day(store.floor, demand, settings), side_cells=SIDE_CELLS)


def run_heat_choice(spec: StoreSpec, directory: Path, progress: Callable[[str], None]) -> ArmResult:
    """Execute a run of `method = "heat_map"`.

    Raises:
        TradefairError: plan or demand are refused, or the gate refuses a release.
    """
    settings, epsilon = spec.settings.heat_map, spec.arm.epsilon
    world = _world(spec, directory, progress)
    central = []
    for number in range(settings.repetitions):
        central.append(_repetition(world, number, _CENTRAL))
        so_far = float(np.mean([one.other - one.exact for one in central]))
        progress(f"repetition {number + 1} of {settings.repetitions}: sales per visit {so_far:+z.3f}")
    drawn = []
    for draw in range(spec.settings.parameter_draws):
        drawn.append([_repetition(world, number, draw) for number in range(min(FEW, settings.repetitions))])
        progress(f"parameters {draw + 1} of {spec.settings.parameter_draws}")
    found = Repeated(central, drawn, settings.repetitions * settings.held_out_days)
    rows = heat_rows(
        found, spec.arm.name, spec.settings.reference.name, currency=world.model.currency, margin=settings.margin,
        unseeded=epsilon is not None, mapped=spec.arm.map in ("exact", "dp"),
    )  # fmt: skip
    many = len(central) + sum(len(each) for each in drawn)
    simulated = many * (1 + settings.held_out_days) * spec.settings.shoppers
    info: dict[str, Any] = {"days": found.days, "draws": len(drawn), "simulated": simulated}
    if epsilon is not None:
        info |= {"delta": DELTA, "max_cells": world.max_cells, "unseeded": UNSEEDED}
    return ArmResult(table(rows), info=info)


def _world(spec: StoreSpec, directory: Path, progress: Callable[[str], None]) -> _World:
    """Read plan and demand; for a private map choose how to release it."""
    settings, model = StoreSettings.default(), demand_model(spec.settings.demand)
    plan = load_plan(spec.settings.plan)
    store = prepare(plan, settings)
    day = model.draw(0, seed=spec.seed, shoppers=1, hours=store.hours, settings=settings)
    near = squares_near(store.floor, columns=-(-store.floor.walkable.shape[1] // SIDE_CELLS), side_cells=SIDE_CELLS)
    worth = gain_by_category(day, store.floor.categories)
    choice = Choice(store.floor.display_lift, worth, spec.settings.heat_map.displays or len(near), near)
    world = _World(spec, plan, model, choice, directory)
    if spec.arm.epsilon is None:
        return world
    keep_earlier_books(directory)
    progress("choosing how to release, on simulated days")
    rng = np.random.default_rng(np.random.SeedSequence([spec.seed, _PUBLIC]))
    days = []
    for number in range(REHEARSALS):
        drawn = StoreSettings.drawn(rng)
        days.append(world.visits(prepare(plan, drawn), number, spec.seed + _PUBLIC, drawn))
    one_visit = _first_visit(days[0])
    noise = [(clip, _in_memory(one_visit, spec.arm.epsilon, clip).noise_sd) for clip in clips(days)]
    clip = best_clip(days, noise, choice, store.floor, seed=spec.seed, rng=rng)
    return _World(spec, plan, model, choice, directory, clip)


def _repetition(world: _World, number: int, draw: int) -> Judged:
    """Observe a day, choose with either map and without, and judge the choices on days of their own."""
    spec, settings = world.spec, world.settings(draw)
    store = prepare(world.plan, settings)
    observed = world.visits(store, number, spec.seed, settings)
    rng = np.random.default_rng(np.random.SeedSequence([spec.seed, _TIES, number, draw + 1]))
    blind = [world.choice.without_map(rng) for _ in range(BLIND)]
    exact, _ = _chosen(world, spec.settings.reference, store, observed, f"{number}-{draw + 1}", rng)
    other, error = _chosen(world, spec.arm, store, observed, f"{number}-{draw + 1}", rng)
    many, days = spec.settings.heat_map.held_out_days, spec.settings.days
    numbers = range(_JUDGED + number * many, _JUDGED + (number + 1) * many)
    sales = mean_sales(
        list(run_all(world.sales(store, spec.seed, settings), numbers, workers=days.workers, where=days.on))
    )

    def mean(shown: Sequence[Shown]) -> float:
        return sales.planned + float(np.mean([one.sales(sales.shown) for one in shown]))

    return Judged(mean(exact), mean(other), mean(blind), error)


def _chosen(
    world: _World, arm: StoreArm, store: Store, observed: Presence, named: str, rng: np.random.Generator
) -> tuple[list[Shown], float]:
    """Return what an arm's map leads to, all ways in which ties may fall where there is no map, and the map's error.

    A private map is read by the plan alone: what simulated days would fill in comes from the model that also made the
    observed day, and would flatter the release.
    """
    if arm.map in ("none", "random"):
        choose = world.choice.without_map if arm.map == "none" else world.choice.by_chance
        return [choose(rng) for _ in range(BLIND)], math.nan
    visits, error = observed.counts.astype(np.float64), math.nan
    if arm.map == "dp":
        visits = on_floor(_released(world, observed, named), store.floor)
        error = relative_error(visits, observed.counts)
    return [world.choice.by_map(visits, rng)], error


def _released(world: _World, observed: Presence, named: str) -> PrivateHeat:
    """Release the observed day through the gate, from the run's ledger: each repetition is of other people."""
    dataset, epsilon = f"{MOVEMENT}-{named}", float(world.spec.arm.epsilon or 0.0)
    log = run_log(world.directory)
    # The budget holds the one release, with a hair of room for rounding.
    budget = Budget(dataset, 1.001 * epsilon, DELTA, max(1, observed.visits))
    ledger = Ledger.open(world.directory / RUN_BOOKS, scope="run", budget=budget)
    few = thinned(observed, most=world.max_cells, seed=world.spec.seed)
    return _through_gate(few, ledger, log, dataset, epsilon=epsilon, max_cells=world.max_cells)


def _in_memory(visits: Presence, epsilon: float, max_cells: int) -> PrivateHeat:
    """Release simulated visits from a ledger that nobody keeps, to learn how much noise the gate would add."""
    ledger = Ledger.open(":memory:", scope="run", budget=Budget(MOVEMENT, 1.001 * epsilon, DELTA, 1))
    log = Log.open(ledger.books, origin=None, key=None)
    return _through_gate(visits, ledger, log, MOVEMENT, epsilon=epsilon, max_cells=max_cells)


def _through_gate(
    visits: Presence, ledger: Ledger, log: Log, dataset: str, *, epsilon: float, max_cells: int
) -> PrivateHeat:
    register = Register([Party(_SHOP, "merchant")], [Dataset(dataset, _SHOP, "movement", "dp", about_persons=True)])
    gate = movement_gate(
        movement_rows(visits),
        ledger=ledger,
        engine=PolicyEngine.load(["base"], register=register),
        log=log,
        max_cells=max_cells,
        dataset=dataset,
    )
    return release_presence(gate, _SHOP, visits, epsilon=epsilon, title=f"visits of {dataset}")


def _first_visit(day: Presence) -> Presence:
    """The first visit of a day on the same grid."""
    mine = day.visit == day.visit[:1]
    return Presence(1, day.rows, day.columns, day.side_m, day.visit[mine] * 0, day.square[mine], day.steps[mine])

"""Is a layout chosen with a private heat map as good as one chosen with the exact one?

What is chosen is which category each display shows. The merchant observes one day, makes a heat map of it, exact or
released with noise through the release gate, and puts what brings most where most pass. Chosen layouts are compared on
days that took no part in the choice. All of it is repeated with other observed days; the interval is over repetitions,
so it holds the noise of the release, of the observed day and of the judging days.

The noise of a release is drawn by the gate, as in a deployment, and not from a seed: a run that is repeated differs by
as much as its interval says.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from experiments.logbook import RUN_BOOKS, keep_earlier_books, run_log
from experiments.runs import ArmResult
from experiments.store.display_choice import exact_visits, gain_by_category, shown_by_chance, shown_by_map
from experiments.store.display_choice import visits_at_displays as seen_by
from experiments.store.figures import NO_INTERVAL, row, table
from experiments.store.inputs import demand_model
from experiments.store.scenario import StoreArm
from experiments.store.spec import StoreSpec
from privacy.budget import Budget
from privacy.ledger import Ledger
from privacy.policy import Dataset, Party, PolicyEngine, Register
from simulation.store.compare import compare
from simulation.store.comparison import Comparison, Row
from simulation.store.day import Store, prepare, run_day
from simulation.store.demand_model import DemandModel
from simulation.store.dp_heat import (
    DELTA,
    MOVEMENT,
    Choice,
    PrivateHeat,
    choose_release,
    filled,
    movement_gate,
    movement_rows,
    relative_error,
    release_presence,
)
from simulation.store.intervals import Interval, paired
from simulation.store.plan import StorePlan, load_plan
from simulation.store.routes import Presence, presence
from simulation.store.settings import StoreSettings

SIDE_CELLS: Final = 2
"""Squares of 1 m."""
REHEARSALS: Final = 3
"""Simulated days on which the release is chosen; they are of another seed and cost no budget."""
FIGURES: Final = ("sales_visit", "unplanned_picks", "path_m", "trip_min")
_JUDGED: Final = 100_000
"""Number of the first judging day."""
_CHANCE: Final = 0xC4A2
_PUBLIC: Final = 0x9B1C
_SHOP: Final = "shop"


@dataclass(frozen=True, eq=False)
class _World:
    """What all repetitions of a run share."""

    spec: StoreSpec
    plan: StorePlan
    store: Store
    model: DemandModel
    worth: NDArray[np.float64]
    choice: Choice | None
    directory: Path


def run_heat_choice(spec: StoreSpec, directory: Path, progress: Callable[[str], None]) -> ArmResult:
    """Execute a run of `method = "heat_map"`.

    Raises:
        TradefairError: plan or demand are refused, or the gate refuses a release.
    """
    world = _world(spec, directory, progress)
    settings = spec.settings.heat_map
    found, errors = [], []
    for number in range(settings.repetitions):
        observed = _observed(world, spec.seed, number, StoreSettings.default())
        base, _ = _chosen(world, spec.settings.reference, observed, number)
        other, mistakes = _chosen(world, spec.arm, observed, number)
        errors.append(mistakes)
        found.append(_judged(world, base, other, number))
        lead = found[-1].row(FIGURES[0])
        progress(f"repetition {number + 1} of {settings.repetitions}: {lead.label} {lead.difference or 0.0:+.3f}")
    rows = list(_rows(found, spec.arm.name, spec.settings.reference.name))
    if spec.arm.epsilon is not None:
        for many, (name, label) in zip(np.array(errors).T, _ERRORS.items(), strict=True):
            rows.append(row(name, spec.arm.name, many.mean(), _ends(paired(many)), n=len(many), label=label))
    days = settings.repetitions * settings.held_out_days
    info: dict[str, Any] = {"days": days, "simulated": days * spec.settings.shoppers}
    if spec.arm.epsilon is not None:
        info["delta"] = DELTA
    return ArmResult(table(rows), info=info)


_ERRORS: Final = {
    "map_error": "relative L1 error of the released map, hidden squares as 0",
    "filled_error": "relative L1 error of the released map read against simulated days",
}


def _world(spec: StoreSpec, directory: Path, progress: Callable[[str], None]) -> _World:
    settings = StoreSettings.default()
    plan = load_plan(spec.settings.plan)
    store = prepare(plan, settings)
    model = demand_model(spec.settings.demand)
    day = model.draw(0, seed=spec.seed, shoppers=1, hours=store.hours, settings=settings)
    worth = gain_by_category(day, store.floor.categories)
    world = _World(spec, plan, store, model, worth, None, directory)
    if spec.arm.epsilon is None:
        return world
    keep_earlier_books(directory)
    progress("choosing how to release, on simulated days")
    rng = np.random.default_rng(np.random.SeedSequence([spec.seed, _PUBLIC]))
    rehearsed = [
        _observed(world, spec.seed + _PUBLIC, number, StoreSettings.drawn(rng)) for number in range(REHEARSALS)
    ]
    return replace(world, choice=choose_release(rehearsed, epsilon=spec.arm.epsilon))


def _observed(world: _World, seed: int, number: int, settings: StoreSettings) -> Presence:
    """Return where the visits of one day were."""
    shoppers = world.spec.settings.shoppers
    drawn = world.model.draw(number, seed=seed, shoppers=shoppers, hours=world.store.hours, settings=settings)
    return presence(world.store.floor, run_day(world.store, drawn, settings).itinerary, side_cells=SIDE_CELLS)


def _chosen(world: _World, arm: StoreArm, observed: Presence, number: int) -> tuple[StorePlan, tuple[float, float]]:
    """Return the plan that an arm's map leads to, and the errors of that map.

    A private map is taken as it was released, squares below the gate's threshold as 0: what simulated days would fill
    in comes from the model that also made the observed day, and would flatter the release.
    """
    floor, exact = world.store.floor, exact_visits(observed)
    if arm.map == "as_is":
        return world.plan, (math.nan, math.nan)
    if arm.map == "random":
        rng = np.random.default_rng(np.random.SeedSequence([world.spec.seed, _CHANCE, number]))
        return shown_by_chance(world.plan, floor, world.worth, rng), (math.nan, math.nan)
    visits, errors = exact, (0.0, 0.0)
    if arm.map == "dp":
        assert world.choice is not None  # every arm with an epsilon has one
        private = _released(world, observed, number, world.choice)
        visits = np.maximum(np.nan_to_num(private.values), 0.0)
        read = filled(private, world.choice)
        errors = (relative_error(visits, observed.counts), relative_error(read, observed.counts))
    return shown_by_map(world.plan, floor, seen_by(floor, visits, SIDE_CELLS), world.worth), errors


def _released(world: _World, observed: Presence, number: int, choice: Choice) -> PrivateHeat:
    """Release the observed day through the gate, from the run's ledger: each repetition is of other people."""
    epsilon, dataset = float(world.spec.arm.epsilon or 0.0), f"{MOVEMENT}-{number}"
    log = run_log(world.directory)
    # The budget holds the one release, with a hair of room for rounding.
    budget = Budget(dataset, 1.001 * epsilon, DELTA, max(1, observed.visits))
    register = Register([Party(_SHOP, "merchant")], [Dataset(dataset, _SHOP, "movement", "dp", about_persons=True)])
    gate = movement_gate(
        movement_rows(observed),
        ledger=Ledger.open(world.directory / RUN_BOOKS, scope="run", budget=budget),
        engine=PolicyEngine.load(["base"], register=register),
        log=log,
        max_cells=choice.max_cells,
        dataset=dataset,
    )
    return release_presence(gate, _SHOP, observed, epsilon=epsilon, title=f"visits of observed day {number}")


def _judged(world: _World, base: StorePlan, other: StorePlan, number: int) -> Comparison:
    """Compare two chosen layouts on days of their own."""
    days, scenario = world.spec.settings.heat_map.held_out_days, world.spec.settings
    return compare(
        base,
        other,
        model=world.model,
        shoppers=scenario.shoppers,
        seed=world.spec.seed,
        block=days,
        most=days,
        parameter_draws=scenario.parameter_draws,
        first_day=_JUDGED + number * days,
        engine=scenario.engine,
        tills=scenario.tills,
        workers=scenario.days.workers,
        where=scenario.days.on,
    )


def _rows(found: list[Comparison], arm: str, reference: str) -> Iterator[dict[str, Any]]:
    """Yield values, differences and the ratio of sales; intervals are over repetitions."""
    for name in FIGURES:
        each = [one.row(name) for one in found]
        first = each[0]
        about: dict[str, Any] = {
            "unit": first.unit, "n": sum(one.days for one in each), "label": first.label,
            "source": first.provenance, "better": first.better,
        }  # fmt: skip
        base, change = (
            np.array([getattr(one, key) for one in each], dtype=np.float64) for key in ("base", "difference")
        )
        noise = paired(change)
        both = _with_parameters(noise, each)
        yield row(name, reference, base.mean(), _ends(paired(base)), **about)
        yield row(name, arm, float((base + change).mean()), _ends(paired(base + change)), **about)
        against: dict[str, Any] = {"reference": reference, **about}
        value = float(change.mean())
        yield row(
            name, arm, value, _ends(both), statistic="difference", verdict=_verdict(both, first.better), **against
        )
        yield row(name, arm, value, _ends(noise), statistic="simulation_difference", **against)
        if name == FIGURES[0]:
            level = float(base.mean())
            ends = tuple(1 + end / level for end in _ends(both))
            yield row(name, arm, 1 + value / level, (ends[0], ends[1]), statistic="ratio",
                      **{**against, "unit": "ratio"})  # fmt: skip


def _with_parameters(noise: Interval | None, each: list[Row]) -> Interval | None:
    """Widen the interval over repetitions by what the parameters leave open within them.

    Of each repetition's combined half-width the part beyond its own noise is the parameters'; parameters are the same
    in all repetitions, so that part does not shrink with their number.
    """
    extra = [
        max(0.0, one.combined.half**2 - one.noise.half**2)
        for one in each
        if one.combined is not None and one.noise is not None
    ]
    if noise is None or not extra:
        return None
    half = math.sqrt(noise.half**2 + sum(extra) / len(extra))
    centre = (noise.lo + noise.hi) / 2
    return Interval(centre - half, centre + half)


def _verdict(interval: Interval | None, better: int) -> str:
    if interval is None:
        return "not judged"
    if not interval.excludes(0.0):
        return "no clear difference"
    up = interval.lo > 0
    return ("higher" if up else "lower") if better == 0 else "better" if up == (better > 0) else "worse"


def _ends(interval: Interval | None) -> tuple[float, float]:
    return NO_INTERVAL if interval is None else (interval.lo, interval.hi)

"""Two layouts on the same days: every figure's difference, how noisy the days are, and what the parameters leave open.

    result = compare(plan, edited, model=complete_journey_demand(), shoppers=2000, seed=1)
    for row in result.rows:
        print(row.label, row.base, row.other, row.difference, row.noise, row.combined, row.verdict)

Both layouts meet the same shoppers (common random numbers), so a null edit gives exactly 0 in every figure. How many
days are needed for the leading figure is told by a pilot, days that count no further. A figure is called better or
worse only if 0 lies outside the interval that counts both the days and the parameters.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from retail.errors import ConfigError
from simulation.replicate import Where, run_all
from simulation.store.comparison import Comparison, compared
from simulation.store.day import Engine, Layout, TillEngine, advisory, prepare, run_day
from simulation.store.demand import Demand
from simulation.store.demand_model import DemandModel
from simulation.store.heat import HeatMap, What, heat_of
from simulation.store.kpi import kpi
from simulation.store.pilot import DAYS as PILOT_DAYS
from simulation.store.pilot import days_needed
from simulation.store.plan.plan import StorePlan
from simulation.store.settings import PARAMETERS, StoreSettings

Job = tuple[int, int]
"""A day, and which draw of the parameters; `_CENTRAL` for the central ones."""
_CENTRAL: Final = -1
_DRAWS: Final = 0x5E77
"""Sets the stream of parameters apart from those of the days."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One day of both layouts: figures by name, heat maps in the order asked for."""

    base: Mapping[str, float]
    other: Mapping[str, float]
    base_maps: tuple[HeatMap, ...] = ()
    other_maps: tuple[HeatMap, ...] = ()


@dataclass(frozen=True)
class PairedDays:
    """Runs one day of both layouts on the same shoppers; a function of the job alone.

    Attributes:
        base: how it is.
        other: how it might be.
        model: draws the shoppers.
        shoppers: expected per day.
        seed: of the experiment.
        settings: central parameters.
        engine: for the floor.
        tills: for the tills.
        heat: which heat maps to keep.
        vary: parameters that are drawn from their ranges.
    """

    base: Layout
    other: Layout
    model: DemandModel
    shoppers: int
    seed: int
    settings: StoreSettings
    engine: Engine = "fast"
    tills: TillEngine = "fast"
    heat: tuple[What, ...] = ()
    vary: frozenset[str] = field(default_factory=frozenset)

    def __call__(self, job: Job) -> Pair:
        """Run a day with the central parameters or with a draw of them."""
        day, draw = job
        settings = self.settings if draw == _CENTRAL else self.drawn(draw)
        sides = [settings.with_values(**layout.parameters) for layout in (self.base, self.other)]
        hours = [(layout.plan.opens_h, layout.plan.closes_h) for layout in (self.base, self.other)]
        first = self._demand(day, hours[0], sides[0])
        same = hours[0] == hours[1] and sides[0] == sides[1]  # drawing again would give the same shoppers
        second = first if same else self._demand(day, hours[1], sides[1])
        heat = self.heat if draw == _CENTRAL else ()
        base, base_maps = self._side(self.base, first, sides[0], heat)
        other, other_maps = self._side(self.other, second, sides[1], heat)
        return Pair(base, other, base_maps, other_maps)

    def drawn(self, draw: int) -> StoreSettings:
        """The parameters of a draw: both layouts get the same; what is not varied keeps its central value."""
        rng = np.random.default_rng(np.random.SeedSequence([self.seed, _DRAWS, draw]))
        drawn = StoreSettings.drawn(rng, vary=self.vary)
        kept = {name: getattr(self.settings, name) for name in PARAMETERS if name not in self.vary}
        return drawn.with_values(**kept)

    def _demand(self, day: int, hours: tuple[float, float], settings: StoreSettings) -> Demand:
        return self.model.draw(day, seed=self.seed, shoppers=self.shoppers, hours=hours, settings=settings)

    def _side(
        self, layout: Layout, demand: Demand, settings: StoreSettings, heat: tuple[What, ...]
    ) -> tuple[Mapping[str, float], tuple[HeatMap, ...]]:
        store = prepare(layout.plan, settings)
        if layout.change is not None:
            demand = layout.change(demand, settings)
        ran = run_day(store, demand, settings, engine=self.engine, tills=self.tills)
        maps = tuple(heat_of(store.floor, ran.itinerary, ran.walked, what=one) for one in heat)
        return ran.kpis, maps


def compare(
    base: StorePlan | Layout,
    other: StorePlan | Layout,
    *,
    model: DemandModel,
    shoppers: int,
    seed: int,
    settings: StoreSettings | None = None,
    block: int = 8,
    most: int = 64,
    half_width: float | None = 0.005,
    leading: str = "sales_visit",
    parameter_draws: int = 16,
    draw_days: int = 2,
    vary: Sequence[str] | None = None,
    first_day: int = 0,
    heat: tuple[What, ...] = (),
    engine: Engine = "fast",
    tills: TillEngine = "fast",
    workers: int = 2,
    where: Where = "threads",
    on_progress: Callable[[Comparison], None] | None = None,
) -> Comparison:
    """Compare two layouts; see `comparing` for the arguments and errors.

    `on_progress` is called with the result so far after every block of days and of draws.

    Returns: the finished comparison.
    """
    result: Comparison | None = None
    for result in comparing(
        base, other, model=model, shoppers=shoppers, seed=seed, settings=settings, block=block, most=most,
        half_width=half_width, leading=leading, parameter_draws=parameter_draws, draw_days=draw_days, vary=vary,
        first_day=first_day, heat=heat, engine=engine, tills=tills, workers=workers, where=where,
    ):  # fmt: skip
        if on_progress is not None:
            on_progress(result)
    assert result is not None  # there is at least one block
    return result


def comparing(
    base: StorePlan | Layout,
    other: StorePlan | Layout,
    *,
    model: DemandModel,
    shoppers: int,
    seed: int,
    settings: StoreSettings | None = None,
    block: int = 8,
    most: int = 64,
    half_width: float | None = 0.005,
    leading: str = "sales_visit",
    parameter_draws: int = 16,
    draw_days: int = 2,
    vary: Sequence[str] | None = None,
    first_day: int = 0,
    heat: tuple[What, ...] = (),
    engine: Engine = "fast",
    tills: TillEngine = "fast",
    workers: int = 2,
    where: Where = "threads",
) -> Iterator[Comparison]:
    """Compare two layouts step by step: yields the result so far, the last one finished. Stop by closing it.

    Args:
        base: how it is.
        other: how it might be.
        model: draws the shoppers.
        shoppers: expected per day.
        seed: of the experiment; days of the same seed and number are the same.
        settings: central parameters; the registry's when None.
        block: days added at a time, at least 2.
        most: days at most.
        half_width: as many days as bring the noise of the leading figure to this share of the base's figure, by what
            a pilot of days after the last possible one tells; None for the most days. No pilot where one block is all.
        leading: name of the figure that decides about the number of days.
        parameter_draws: how many times parameters are drawn; 0 leaves the combined interval out, and any verdict.
        draw_days: days of each draw, the first ones of the same days.
        vary: parameters to draw. When None, all that the settings leave at their value; what a layout sets stays
            open in the other.
        first_day: number of the first day. Give another one for days that no search has seen.
        heat: heat maps to compare.
        engine: for the floor.
        tills: for the tills.
        workers: days at once.
        where: "threads" or "ray".

    Raises: ConfigError: an argument makes no sense.
    """
    _check(block=block, most=most, half_width=half_width, draws=parameter_draws, draw_days=draw_days, first=first_day)
    kpi(leading)
    settings = settings or StoreSettings.default()
    layouts = [one if isinstance(one, Layout) else Layout(one) for one in (base, other)]
    free = _free(settings) if vary is None else frozenset(vary)
    work = PairedDays(layouts[0], layouts[1], model, shoppers, seed, settings, engine, tills, heat, free)
    findings = (advisory(layouts[0].plan), advisory(layouts[1].plan))
    pairs: list[Pair] = []
    draws: list[list[Pair]] = []

    def so_far(*, finished: bool) -> Comparison:
        return compared(
            [one.base for one in pairs],
            [one.other for one in pairs],
            drawn=[([one.base for one in each], [one.other for one in each]) for each in draws],
            maps=[(one.base_maps, one.other_maps) for one in pairs],
            findings=findings,
            leading=leading,
            half_width=half_width,
            varied=free if parameter_draws else frozenset(),
            currency=model.currency,
            finished=finished,
        )

    wanted = most
    if half_width is not None and block < most:
        pilot = dataclasses.replace(work, heat=())
        jobs = [(day, _CENTRAL) for day in range(first_day + most, first_day + most + PILOT_DAYS)]
        before, after = _leading(list(run_all(pilot, jobs, workers=workers, where=where)), leading)
        level = float(np.nanmean(before)) if np.isfinite(before).any() else 0.0
        wanted = days_needed(after - before, level, half_width=half_width, block=block, most=most)
    while len(pairs) < wanted:
        start = first_day + len(pairs)
        jobs = [(day, _CENTRAL) for day in range(start, start + min(block, wanted - len(pairs)))]
        pairs.extend(run_all(work, jobs, workers=workers, where=where))
        result = so_far(finished=False)
        if len(pairs) < wanted:
            yield result
    if not parameter_draws:
        yield so_far(finished=True)
        return
    yield result
    few = min(draw_days, len(pairs))
    for first in range(0, parameter_draws, block):
        chosen = range(first, min(first + block, parameter_draws))
        jobs = [(first_day + day, draw) for draw in chosen for day in range(few)]
        answers = list(run_all(work, jobs, workers=workers, where=where))
        draws.extend(answers[place : place + few] for place in range(0, len(answers), few))
        yield so_far(finished=chosen[-1] + 1 == parameter_draws)


def _free(settings: StoreSettings) -> frozenset[str]:
    """Parameters that nobody set for both layouts; what one layout sets stays open in the other."""
    values = dataclasses.asdict(settings)
    return frozenset(name for name, one in PARAMETERS.items() if values[name] == one.value)


def _leading(pairs: Sequence[Pair], name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(days,) of both layouts, NaN on a day without the figure."""
    base = np.array([one.base.get(name, math.nan) for one in pairs], dtype=np.float64)
    return base, np.array([one.other.get(name, math.nan) for one in pairs], dtype=np.float64)


def _check(*, block: int, most: int, half_width: float | None, draws: int, draw_days: int, first: int) -> None:
    if block < 2 or most < block:
        raise ConfigError(f"block = {block} and most = {most}: compare at least 2 days, and most at least one block")
    if half_width is not None and not 0 < half_width < 1:
        raise ConfigError(f"half_width = {half_width} must be a share of the base's figure, between 0 and 1")
    if draws < 0 or draws == 1 or draw_days < 1 or first < 0:
        raise ConfigError(
            f"parameter_draws = {draws} must be 0 or at least 2, draw_days = {draw_days} at least 1, "
            f"first_day = {first} at least 0"
        )

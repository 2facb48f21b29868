"""What a layout is worth on the training days."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from simulation.replicate import Where, run_all
from simulation.store.day import Engine, TillEngine, prepare, run_day
from simulation.store.demand_model import DemandModel
from simulation.store.plan import StorePlan
from simulation.store.settings import StoreSettings


@dataclass(frozen=True)
class Training:
    """The mean of one figure over the training days, which are the same for every layout.

    Attributes:
        model: draws the shoppers.
        shoppers: expected per day.
        seed: of the experiment.
        settings: parameters.
        objective: name of the figure.
        days: how many, from day 0.
        engine: for the floor.
        tills: for the tills.
        workers: days at once.
        where: "threads" or "ray".
    """

    model: DemandModel
    shoppers: int
    seed: int
    settings: StoreSettings
    objective: str
    days: int
    engine: Engine
    tills: TillEngine
    workers: int
    where: Where
    _worth: dict[StorePlan, float] = field(default_factory=dict)

    def __call__(self, plan: StorePlan) -> float:
        """Return what a layout is worth, NaN where it has no such figure; one seen before costs nothing."""
        if plan not in self._worth:
            prepare(plan, self.settings)  # once, before several threads ask for it
            days = [(plan, day) for day in range(self.days)]
            figures = list(run_all(self._figure, days, workers=self.workers, where=self.where))
            self._worth[plan] = float(np.mean(figures))
        return self._worth[plan]

    def __contains__(self, plan: StorePlan) -> bool:
        """Whether a layout has been simulated."""
        return plan in self._worth

    def pull(self, plan: StorePlan) -> dict[str, float]:
        """Return the share of trips that buy each category, which no layout changes."""
        drawn = self.model.draw(
            0, seed=self.seed, shoppers=1, hours=(plan.opens_h, plan.closes_h), settings=self.settings
        )
        return dict(zip(drawn.categories, map(float, drawn.base_rate), strict=True))

    def _figure(self, job: tuple[StorePlan, int]) -> float:
        plan, day = job
        store = prepare(plan, self.settings)
        demand = self.model.draw(day, seed=self.seed, shoppers=self.shoppers, hours=store.hours, settings=self.settings)
        ran = run_day(store, demand, self.settings, engine=self.engine, tills=self.tills)
        return ran.kpis.get(self.objective, math.nan)

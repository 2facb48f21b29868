"""What displays bring in a day, expected: for every place and every category, from one walked day.

Where shoppers walk does not depend on what displays show. So one simulated day tells what any choice of displays and
categories would sell: whoever passes a display buys with the model's extra rate, and the mean over that last draw is
known. It has the same mean as the purchases of the simulation and far less noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulation.store.behaviour import extra_rate, numbers_on
from simulation.store.day import Day, Engine, Store, TillEngine, run_day
from simulation.store.demand import Demand
from simulation.store.demand_model import DemandModel
from simulation.store.floor import Floor
from simulation.store.kpi import spending
from simulation.store.settings import StoreSettings

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Sales:
    """Money per visit of a day, of those who paid.

    Attributes:
        planned: from what shoppers had on their lists.
        shown: (displays, categories of the floor) float64, what each display would bring if it showed each category
            and no other display did.
    """

    planned: float
    shown: Floats


@dataclass(frozen=True)
class SalesOfDay:
    """Walks one day and adds up what displays would bring; a function of the day's number alone.

    Attributes:
        store: at the settings.
        model: draws the shoppers.
        shoppers: expected.
        seed: of the experiment.
        settings: parameters.
        engine: for the floor.
        tills: for the tills.
    """

    store: Store
    model: DemandModel
    shoppers: int
    seed: int
    settings: StoreSettings
    engine: Engine = "fast"
    tills: TillEngine = "fast"

    def __call__(self, day: int) -> Sales:
        """Run a day with the plan's own displays."""
        demand = self.model.draw(
            day, seed=self.seed, shoppers=self.shoppers, hours=self.store.hours, settings=self.settings
        )
        ran = run_day(self.store, demand, self.settings, engine=self.engine, tills=self.tills)
        return expected_sales(self.store.floor, demand, ran)


def expected_sales(floor: Floor, demand: Demand, day: Day) -> Sales:
    """Add up what a walked day would bring at its displays.

    Args:
        floor: with the lifts of its displays.
        demand: of the day.
        day: walked on the floor.
    """
    n, paid = demand.shoppers, day.served.till >= 0
    shown = np.zeros((len(floor.display_category), len(floor.categories)))
    if not n:
        return Sales(0.0, shown)
    listed = np.zeros((n, len(demand.categories)), dtype=np.bool_)
    listed[np.repeat(np.arange(n), np.diff(demand.start)), demand.category] = True
    passes = (day.walked.exposed & paid[:, np.newaxis]).T.astype(np.float64)
    tempting = passes @ (~listed).astype(np.float64)  # (displays, categories of the demand): shoppers who might buy
    worth = tempting * extra_rate(demand.base_rate, floor.display_lift[:, np.newaxis]) * demand.unplanned_spend / n
    here = numbers_on(floor, demand)
    shown[:, here[here >= 0]] = worth[:, here >= 0]
    planned, _ = spending(floor, demand, day.walked)
    return Sales(float(planned[paid].sum()) / n, shown)


def mean_sales(days: list[Sales]) -> Sales:
    """Average days."""
    return Sales(
        float(np.mean([one.planned for one in days])), np.asarray(np.mean([one.shown for one in days], axis=0))
    )

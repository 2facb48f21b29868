"""One day of one store, from plan to figures; the engines can be exchanged and give the same bytes.

store = prepare(load_plan("supermarket"), settings)
demand = model.draw(0, seed=1, shoppers=2000, hours=store.hours, settings=settings)
day = run_day(store, demand, settings)
print(day.kpis["path_m"])
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np

from retail.errors import ConfigError
from simulation.store.behaviour import plan_day
from simulation.store.demand import Demand
from simulation.store.floor import Floor
from simulation.store.itinerary import Itinerary
from simulation.store.kpi import basket_items, measure
from simulation.store.lifts import parameter_of
from simulation.store.outcome import Served, Walked
from simulation.store.plan import StorePlan, rasterise
from simulation.store.settings import StoreSettings
from simulation.store.tills import TillSpec, plan_tills

Engine = Literal["fast", "mesa"]
TillEngine = Literal["fast", "simpy"]
ENGINES: Final[tuple[Engine, ...]] = ("fast", "mesa")
TILL_ENGINES: Final[tuple[TillEngine, ...]] = ("fast", "simpy")


@dataclass(frozen=True)
class Layout:
    """A store as it is or might be.

    Attributes:
        plan: floor and tills.
        parameters: values of parameters that differ in this layout, such as {"till_item_s": 2.0}.
        change: what else differs in the demand, such as offers; a pure function of demand and settings.
    """

    plan: StorePlan
    parameters: Mapping[str, float] = field(default_factory=dict)
    change: Callable[[Demand, StoreSettings], Demand] | None = None


@dataclass(frozen=True, eq=False)
class Store:
    """A plan made ready for the engines.

    Attributes:
        floor: with the settings' lifts of displays.
        tills: in the plan's order.
        hours: (opens, closes), hours of the day.
    """

    floor: Floor
    tills: tuple[TillSpec, ...]
    hours: tuple[float, float]


@dataclass(frozen=True, eq=False)
class Day:
    """All that happened on a day.

    Attributes:
        itinerary: what each shopper set out to do.
        walked: on the floor.
        served: at the tills.
        kpis: figures by name; see `kpi.KPIS`.
    """

    itinerary: Itinerary
    walked: Walked
    served: Served
    kpis: Mapping[str, float]


def prepare(plan: StorePlan, settings: StoreSettings) -> Store:
    """Cut a plan into cells and staff its tills; a plan seen before costs next to nothing.

    Raises: ConfigError: nobody could shop there.
    """
    floor = rasterise(plan)
    lifts = np.array([getattr(settings, parameter_of(kind)) for kind in floor.display_kind], dtype=np.float64)
    floor = dataclasses.replace(floor, display_lift=lifts)
    return Store(floor, plan_tills(plan), (plan.opens_h, plan.closes_h))


def run_day(
    store: Store | StorePlan,
    demand: Demand,
    settings: StoreSettings,
    *,
    engine: Engine = "fast",
    tills: TillEngine = "fast",
) -> Day:
    """Simulate a day. A pure function: the same arguments give the same bytes with any engine.

    Args:
        store: a store made ready, or a plan.
        demand: the day's shoppers.
        settings: parameters.
        engine: "fast" (compiled) or "mesa" (readable agents), for the floor.
        tills: "fast" (a recursion) or "simpy" (events), for the tills.

    Raises: ConfigError: an engine is unknown, or nobody could shop there.
    """
    if isinstance(store, StorePlan):
        store = prepare(store, settings)
    itinerary = plan_day(store.floor, demand, settings)
    walked = _walk(engine)(store.floor, itinerary)
    items = basket_items(itinerary, walked)
    served = _serve(tills)(
        walked.reach_s, items, demand.service_z, demand.pay_u, demand.patience_s, store.tills, settings
    )
    return Day(itinerary, walked, served, measure(store.floor, demand, itinerary, walked, served))


def _walk(engine: str) -> Callable[[Floor, Itinerary], Walked]:
    """Load an engine only when asked for: Mesa takes long."""
    walk: Callable[[Floor, Itinerary], Walked]
    if engine == "fast":
        from simulation.store.kernel import walk
    elif engine == "mesa":
        from simulation.store.agents import walk
    else:
        raise ConfigError(f"engine = {engine!r} is unknown; use one of {', '.join(ENGINES)}")
    return walk


def _serve(engine: str) -> Callable[..., Served]:
    serve: Callable[..., Served]
    if engine == "fast":
        from simulation.store.tills.fast import serve
    elif engine == "simpy":
        from simulation.store.tills.queues import serve
    else:
        raise ConfigError(f"tills = {engine!r} is unknown; use one of {', '.join(TILL_ENGINES)}")
    return serve


def advisory(plan: StorePlan) -> dict[str, float]:
    """Count what the checks of a plan find, which no day changes."""
    from simulation.store.checks import check_plan

    codes = [one.code for one in check_plan(plan)]
    narrow = sum(code.startswith("narrow-") for code in codes)
    return {"narrow_findings": float(narrow), "egress_findings": float(codes.count("egress-distance"))}

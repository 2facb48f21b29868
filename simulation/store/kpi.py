"""The figures of a day: one registry of what is measured, in which unit, and which way is better."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from retail.errors import ConfigError
from simulation.store.behaviour import found, numbers_on
from simulation.store.demand import Demand
from simulation.store.floor import OUTSIDE, Floor
from simulation.store.itinerary import Itinerary
from simulation.store.members import family_of, figure_of, member_names
from simulation.store.outcome import Served, Walked

MONEY: Final = "money"
"""Unit of sums of money, for which the currency of the baskets is put."""


@dataclass(frozen=True, slots=True)
class Kpi:
    """One figure.

    Attributes:
        name: such as "path_m"; a family's members are named "family.member".
        label: for people.
        unit: as printed; `MONEY` stands for the currency of the baskets.
        better: +1 more is better, -1 less is better, 0 neither.
        digits: after the point.
        meaning: one line.
        rests_on: groups of parameters (`settings.GROUPS`) that it depends on, beside the demand.
        family: whether there is one figure per display or zone.
    """

    name: str
    label: str
    unit: str
    better: int
    digits: int
    meaning: str
    rests_on: tuple[str, ...]
    family: bool = False

    def text(self, value: float | None) -> str:
        """Print a value without its unit; a dash for none."""
        return "-" if value is None or math.isnan(value) else f"{value:,.{self.digits}f}"


_SEEN: Final = ("walking", "displays", "offers")
_FLOOR: Final = ("walking", "shopping", "displays", "offers")
_QUEUE: Final = ("tills", "displays", "offers")
_TIMES: Final = ("walking", "shopping", "displays", "tills", "offers")
_ALL: Final = ("walking", "shopping", "displays", "tills", "offers")
_WAYS: Final = ("walking", "offers")

KPIS: Final[tuple[Kpi, ...]] = (
    Kpi("sales_visit", "sales per visit", MONEY, 1, 3, "money that paying shoppers leave, over all who came in", _ALL),
    Kpi("sales_m2", "sales per m2", MONEY, 1, 3, "money of the day over the walkable area", _ALL),
    Kpi("planned_picks", "planned picks", "per visit", 1, 3, "wanted lines that the shopper found", ("offers",)),
    Kpi("unplanned_picks", "unplanned picks", "per visit", 1, 3, "lines bought because a display was seen", _SEEN),
    Kpi("path_m", "path", "m", 0, 1, "mean way from entrance to tills", _WAYS),
    Kpi("trip_min", "trip", "min", -1, 2, "mean time from coming in until paid or given up", _TIMES),
    Kpi("wait_s", "till wait", "s", -1, 1, "mean time in the queue of those who paid", _TIMES),
    Kpi("wait_p90_s", "till wait, p90", "s", -1, 1, "nine in ten who paid waited at most this long", _TIMES),
    Kpi("service_s", "service", "s", -1, 1, "mean time of scanning and paying", _QUEUE),
    Kpi("checkout_s", "waiting + service", "s", -1, 1, "mean time from joining a queue until paid", _TIMES),
    Kpi(
        "utilisation_pct", "till utilisation", "%", 0, 1, "time that tills served over time that they were open", _TIMES
    ),
    Kpi("abandonment_pct", "abandonment", "%", -1, 2, "shoppers who left their items because of the queue", _TIMES),
    Kpi("people_max", "people in store, most", "people", 0, 1, "most people inside at once, queues included", _TIMES),
    Kpi(
        "density_p99_m2", "density, p99", "per m2", -1, 3, "99th percentile over seconds of the thickest crowd", _FLOOR
    ),
    Kpi("coverage_pct", "coverage", "%", 0, 2, "share of the walkable area that a mean shopper enters", _WAYS),
    Kpi("exposure_pct", "exposure", "%", 1, 2, "shoppers who saw the display", _WAYS, family=True),
    Kpi("dwell_s", "dwell", "s", 0, 1, "mean time that a shopper spends in the zone", _FLOOR, family=True),
    Kpi("narrow_findings", "clear widths too narrow", "findings", -1, 0, "advisory checks of clear widths", ()),
    Kpi("egress_findings", "egress", "findings", -1, 0, "advisory checks of the way to an exit", ()),
)
_BY_NAME: Final = {one.name: one for one in KPIS}


def kpi(name: str) -> Kpi:
    """Look a figure up, by its own name or as a member of its family.

    Raises: ConfigError: there is no such figure.
    """
    family, member = family_of(name)
    found = _BY_NAME.get(family)
    if found is None or found.family != bool(member):
        names = (f"{one.name}.NAME" if one.family else one.name for one in KPIS)
        raise ConfigError(f"no figure is called {name!r}; use one of {', '.join(names)}")
    return found


def measure(floor: Floor, demand: Demand, itinerary: Itinerary, walked: Walked, served: Served) -> dict[str, float]:
    """Take a day's figures.

    Args:
        floor: the layout.
        demand: of the day.
        itinerary: what was walked.
        walked: what happened on the floor.
        served: what happened at the tills.

    Returns: figures by name, in the registry's order; NaN where nobody came to measure it on. The two advisory figures
        belong to a plan and are not among them.
    """
    n = demand.shoppers
    paid = served.till >= 0
    planned, unplanned = spending(floor, demand, walked)
    sales = float((planned + unplanned)[paid].sum())
    items = basket_items(itinerary, walked)
    checkout = served.wait_s[paid] + served.service_s[paid]
    inside = walked.crowd[walked.present > 0]
    cells = int(floor.walkable.sum())
    figures = {
        "sales_visit": _over(sales, n),
        "sales_m2": sales / floor.area_m2,
        "planned_picks": _over(float((itinerary.items > 0).sum()), n),
        "unplanned_picks": _over(float(walked.unplanned.sum()), n),
        "path_m": _mean(walked.path_m),
        "trip_min": _mean(served.done_s - itinerary.enter_s) / 60,
        "wait_s": _mean(served.wait_s[paid]),
        "wait_p90_s": float(np.quantile(served.wait_s[paid], 0.9)) if paid.any() else math.nan,
        "service_s": _mean(served.service_s[paid]),
        "checkout_s": _mean(checkout),
        "utilisation_pct": 100 * _over(float(served.busy_s.sum()), float(served.staffed_s.sum())),
        "abandonment_pct": 100 * _over(float((~paid & (items > 0)).sum()), n),
        "people_max": float(most_at_once(itinerary.enter_s, served.done_s)),
        "density_p99_m2": float(np.quantile(inside, 0.99)) if len(inside) else math.nan,
        "coverage_pct": 100 * _over(float(walked.visits.sum()), n * cells),
    }
    for number, name in enumerate(display_names(floor)):
        figures[figure_of("exposure_pct", name)] = 100 * _over(float(walked.exposed[:, number].sum()), n)
    known = floor.zone != OUTSIDE
    seconds = np.bincount(floor.zone[known], weights=walked.dwell_s[known], minlength=len(floor.zones))
    for number, name in enumerate(zone_names(floor)):
        figures[figure_of("dwell_s", name)] = _over(float(seconds[number]), n)
    return figures


def basket_items(itinerary: Itinerary, walked: Walked) -> NDArray[np.int64]:
    """(n,) items that each shopper brings to the tills, planned and unplanned."""
    n = len(itinerary.enter_s)
    shopper = np.repeat(np.arange(n), np.diff(itinerary.start))
    planned = np.bincount(shopper, weights=itinerary.items, minlength=n).astype(np.int64)
    return np.asarray(planned + walked.unplanned.sum(axis=1), dtype=np.int64)


def spending(floor: Floor, demand: Demand, walked: Walked) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Add up what each shopper put into the basket, planned and unplanned.

    Returns: twice (n,) money. What a floor has no shelf for is not bought.
    """
    n = demand.shoppers
    shopper = np.repeat(np.arange(n), np.diff(demand.start))
    planned = np.bincount(shopper, weights=demand.spend * found(floor, demand), minlength=n)
    price = np.zeros(len(floor.categories))
    here = numbers_on(floor, demand)
    price[here[here >= 0]] = demand.unplanned_spend[here >= 0]
    unplanned = walked.unplanned @ price[floor.display_category]
    return planned.astype(np.float64), np.asarray(unplanned, dtype=np.float64)


def display_names(floor: Floor) -> tuple[str, ...]:
    """Name the displays by kind and category, numbered from the second equal one on."""
    shown = zip(floor.display_kind, floor.display_category, strict=True)
    return member_names(f"{kind}-{floor.categories[category]}" for kind, category in shown)


def zone_names(floor: Floor) -> tuple[str, ...]:
    """Name the zones as figures do."""
    return member_names(floor.zones)


def most_at_once(enter_s: NDArray[np.float64], leave_s: NDArray[np.float64]) -> int:
    """Count the most intervals [enter, leave) that hold one moment."""
    if not len(enter_s):
        return 0
    enter, leave = np.sort(enter_s), np.sort(leave_s)
    return int((np.arange(1, len(enter) + 1) - np.searchsorted(leave, enter, side="right")).max())


def figure_table(figures: Mapping[str, float]) -> list[tuple[str, str, str]]:
    """Print figures as (label, value, unit)."""
    rows = []
    for name, value in figures.items():
        one, (_, member) = kpi(name), family_of(name)
        rows.append((f"{one.label}: {member}" if member else one.label, one.text(value), one.unit))
    return rows


def _over(sum_: float, count: float) -> float:
    return sum_ / count if count else math.nan


def _mean(values: NDArray[np.float64]) -> float:
    return float(values.mean()) if len(values) else math.nan

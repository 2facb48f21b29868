"""Does a faster sort of till cut checkout by 30%? One bank of tills, a steady stream of shoppers, two measures.

"Checkout time" may mean the service alone or waiting and service. Both are measured, at a utilisation that is set by
how many shoppers come: so many that the reference's tills are busy for that share of the time. Real baskets come from
the demand model; nobody gives up, so that utilisation stays what it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from experiments.runs import ArmResult
from experiments.store.bank import bank, require_one_speed
from experiments.store.figures import NO_INTERVAL, Statistic, row, table
from experiments.store.inputs import demand_model
from experiments.store.scenario import StoreArm
from experiments.store.spec import StoreSpec
from simulation.store.demand import Demand
from simulation.store.intervals import Interval, combined, paired
from simulation.store.outcome import Served
from simulation.store.settings import GROUPS, StoreSettings
from simulation.store.tills import fast
from simulation.store.verdict import verdict

Floats = NDArray[np.float64]
CUT: Final = 0.7
"""What "-30%" leaves."""
DRAW_DAYS: Final = 2
MEASURES: Final = {"service_s": "service", "wait_s": "waiting", "checkout_s": "waiting + service"}
_WARM: Final = 0.1
"""Share of a day's first shoppers that is left out: they find short queues."""
_ARRIVALS: Final = 0xC4EC
_DRAWS: Final = 0x5E78
_BISECTIONS: Final = 18


def run_checkout(spec: StoreSpec, directory: Path, progress: Callable[[str], None]) -> ArmResult:
    """Execute a run of `method = "checkout"`.

    Raises:
        ConfigError: the tills are not as many as `checkout.tills`, those of the reference serve at different speeds, or
            a parameter has no meaning.
    """
    settings = spec.settings
    require_one_speed(settings.reference, settings.checkout.tills)
    model = demand_model(settings.demand)
    reference, arm = settings.reference, spec.arm
    days = settings.days.most
    central = StoreSettings.default()
    drawn = [_drawn(settings.seed, draw) for draw in range(settings.parameter_draws)]
    both: dict[str, list[tuple[float, float]]] = {name: [] for name in MEASURES}
    shifted: list[list[list[tuple[float, float]]]] = [[] for _ in drawn]
    needed = []
    utilisation = []
    for day in range(days):
        shoppers = model.draw(day, seed=settings.seed, shoppers=settings.shoppers, settings=central)
        base, other = _pair(shoppers, spec, day, central)
        for name in MEASURES:
            both[name].append((_mean(base, name), _mean(other, name)))
        utilisation.append(float(base.busy_s.sum() / base.staffed_s.sum()))
        needed.append(_needed(shoppers, spec, day, central))
        if day < DRAW_DAYS:
            for number, draw in enumerate(drawn):
                pair = _pair(shoppers, spec, day, draw)
                shifted[number].append([(_mean(pair[0], name), _mean(pair[1], name)) for name in MEASURES])
        progress(f"{day + 1} of {days} days")
    rows = list(_rows(both, shifted, arm.name, reference.name))
    for name, label, values in (
        ("utilisation", "utilisation of the reference's tills", utilisation),
        ("needed_service", f"service that leaves {CUT:.0%} of waiting + service", needed),
    ):
        many = np.array(values)
        rows.append(
            row(name, reference.name, float(many.mean()), _ends(paired(many)), n=days, label=label, source=_SOURCE)
        )
    return ArmResult(table(rows), info={"days": days, "draws": len(drawn), "simulated": settings.shoppers * days})


_SOURCE: Final = ", ".join(
    source for source in ("data", "literature", "assumption") if any(one.source == source for one in GROUPS["tills"])
)


def _pair(shoppers: Demand, spec: StoreSpec, day: int, values: StoreSettings) -> tuple[Served, Served]:
    """Serve the same shoppers at the reference's tills and at the arm's."""
    reference = values.with_values(**spec.settings.reference.parameters)
    reach = _arrivals(shoppers, spec, day, reference)
    base = _served(shoppers, reach, spec.settings.reference, spec, reference)
    return base, _served(shoppers, reach, spec.arm, spec, values.with_values(**spec.arm.parameters))


def _served(shoppers: Demand, reach: Floats, arm: StoreArm, spec: StoreSpec, values: StoreSettings) -> Served:
    tills = bank(arm, spec.settings.checkout.tills)
    forever = np.full(shoppers.shoppers, math.inf)
    return fast.serve(reach, _items(shoppers), shoppers.service_z, shoppers.pay_u, forever, tills, values)


def _arrivals(shoppers: Demand, spec: StoreSpec, day: int, values: StoreSettings) -> Floats:
    """Spread the shoppers evenly at random over as long as the reference's tills need at the wanted utilisation.

    The reference's tills are of one speed. So how much service there is does not depend on who goes where, nor on when
    shoppers come: one pass with any arrivals tells it.
    """
    n = shoppers.shoppers
    once = _served(shoppers, np.zeros(n), spec.settings.reference, spec, values)
    checkout = spec.settings.checkout
    length_s = float(np.nansum(once.service_s)) / (checkout.tills * checkout.utilisation)
    rng = np.random.default_rng(np.random.SeedSequence([spec.seed, day, _ARRIVALS]))
    return np.asarray(np.sort(rng.random(n)) * length_s, dtype=np.float64)


def _items(shoppers: Demand) -> NDArray[np.int64]:
    each = np.repeat(np.arange(shoppers.shoppers), np.diff(shoppers.start))
    return np.bincount(each, weights=shoppers.items, minlength=shoppers.shoppers).astype(np.int64)


def _mean(served: Served, name: str) -> float:
    skipped = int(_WARM * len(served.wait_s))
    wait, service = served.wait_s[skipped:], served.service_s[skipped:]
    values = {"wait_s": wait, "service_s": service, "checkout_s": wait + service}[name]
    return float(np.nanmean(values))


def _needed(shoppers: Demand, spec: StoreSpec, day: int, values: StoreSettings) -> float:
    """Return the factor on all service times of the reference that leaves 70% of its waiting + service."""
    reference = values.with_values(**spec.settings.reference.parameters)
    reach = _arrivals(shoppers, spec, day, reference)
    aim = CUT * _mean(_served(shoppers, reach, spec.settings.reference, spec, reference), "checkout_s")
    low, high = 0.0, 1.0
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        quicker = reference.with_values(**{name: getattr(reference, name) * middle for name in _TIMES})
        found = _mean(_served(shoppers, reach, spec.settings.reference, spec, quicker), "checkout_s")
        low, high = (middle, high) if found < aim else (low, middle)
    return (low + high) / 2


_TIMES: Final = (
    "till_fixed_s", "till_item_s", "self_checkout_fixed_s", "self_checkout_item_s", "tray_s", "face_saving_s",
)  # fmt: skip


def _drawn(seed: int, draw: int) -> StoreSettings:
    """Draw the parameters of tills; what an arm sets itself stays open in the other one."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, _DRAWS, draw]))
    return StoreSettings.drawn(rng, vary=[one.name for one in GROUPS["tills"]])


def _rows(
    both: Mapping[str, list[tuple[float, float]]], shifted: list[list[list[tuple[float, float]]]], arm: str, ref: str
) -> Iterator[dict[str, Any]]:
    """Yield values, differences and ratios of the three measures, with both intervals.

    Intervals are of the logarithm of the ratio, and those of a difference are its ends times the reference's mean:
    no time falls by more than all of it, as an interval around the mean difference might say.
    """
    for place, (name, label) in enumerate(MEASURES.items()):
        base, other = np.array(both[name]).T
        few = np.array([[day[place] for day in draw] for draw in shifted])  # (draws, days, 2)
        about: dict[str, Any] = {"n": len(base), "label": label, "source": _SOURCE, "better": -1}
        yield row(name, ref, base.mean(), _ends(paired(base)), unit="s", **about)
        yield row(name, arm, other.mean(), _ends(paired(other)), unit="s", **about)
        against: dict[str, Any] = {"reference": ref, "sides": (base.mean(), other.mean()), **about}
        ratio, value = _log_ratio(base, other), float((other - base).mean())
        noise = _ratio_interval(paired(ratio))
        whole = _ratio_interval(combined(ratio, _log_ratio(few[..., 0], few[..., 1]))) if len(few) else None
        said = verdict(-1, None if whole is None else Interval(whole.lo - 1, whole.hi - 1), draws=len(few))
        differences: tuple[tuple[Statistic, Interval | None, str], ...] = (
            ("difference", whole, said), ("simulation_difference", noise, "")
        )  # fmt: skip
        for statistic, interval, judged in differences:
            ends = _difference_ends(interval, value, float(base.mean()))
            yield row(name, arm, value, ends, unit="s", statistic=statistic, verdict=judged, **against)
        known = ratio[~np.isnan(ratio)]
        centre = math.exp(float(known.mean())) if len(known) else math.nan
        yield row(name, arm, centre, _ends(whole or noise), unit="ratio", statistic="ratio", **against)


def _log_ratio(base: Floats, other: Floats) -> Floats:
    """Logarithm of other over base, NaN where nobody waited."""
    there = (base > 0) & (other > 0)
    return np.log(np.where(there, other, np.nan)) - np.log(np.where(there, base, np.nan))


def _ratio_interval(logarithm: Interval | None) -> Interval | None:
    return None if logarithm is None else Interval(math.exp(logarithm.lo), math.exp(logarithm.hi))


def _difference_ends(ratio: Interval | None, value: float, base: float) -> tuple[float, float]:
    """Ends of a difference from those of the ratio; the mean of the differences lies between them."""
    if ratio is None:
        return NO_INTERVAL
    return min(value, base * (ratio.lo - 1)), max(value, base * (ratio.hi - 1))


def _ends(interval: Interval | None) -> tuple[float, float]:
    return NO_INTERVAL if interval is None else (interval.lo, interval.hi)

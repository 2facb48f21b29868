"""Is the model right? Its tills against queueing theory, its walking against measured crowds, its days against counts.

Each check gives figures with what theory or literature says beside them; a scenario sets targets on them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from experiments.runs import ArmResult
from experiments.store.figures import NO_INTERVAL, row, table
from experiments.store.inputs import demand_model
from experiments.store.spec import StoreSpec
from simulation.store.day import Day, prepare, run_day
from simulation.store.demand import Demand
from simulation.store.intervals import Interval, paired
from simulation.store.members import figure_of, member_names
from simulation.store.plan import load_plan
from simulation.store.routes import presence
from simulation.store.settings import StoreSettings
from simulation.store.speed import weidmann
from simulation.store.theory import erlang_c, mean_present, mgc_wait_s, mmc_wait_s
from simulation.store.tills import TillSpec, fast

Floats = NDArray[np.float64]
Rows = Iterator[dict[str, Any]]
CUSTOMERS: Final = 40_000
"""Of one repetition at the tills; the first tenth is left out, since it finds short queues."""
WARM: Final = 0.1
SERVICE_S: Final = 60.0
_STREAM: Final = 0x7E57
FEW: Final = 0.25
SHORT_MIN: Final = 10.0


def run_validation(spec: StoreSpec, directory: Path, progress: Callable[[str], None]) -> ArmResult:
    """Execute a run of `method = "validation"`: the check that its arm names."""
    checks: dict[str, Callable[[StoreSpec, Callable[[str], None]], Rows]] = {
        "erlang-c": erlang,
        "lee-longton": lee_longton,
        "corridor": corridor,
        "little": little,
        "shoppers": published_facts,
    }
    rows = list(checks[str(spec.arm.check)](spec, progress))
    return ArmResult(table(rows), info={"days": spec.settings.days.block, "simulated": 0})


def erlang(spec: StoreSpec, progress: Callable[[str], None]) -> Rows:
    """Exponential arrivals and services at one queue: Erlang's formula is exact."""
    checkout = spec.settings.checkout
    rate = checkout.tills * checkout.utilisation / SERVICE_S
    waits, waited = _queue(spec, rate=rate, cv=1.0, exponential=True, progress=progress)
    yield from _against(spec, "wait_s", waits, mmc_wait_s(checkout.tills, rate, SERVICE_S), "s", "mean wait, M/M/c")
    chance = erlang_c(checkout.tills, rate * SERVICE_S)
    yield from _against(spec, "waiting_share", waited, chance, "1", "share who wait, Erlang C")


def lee_longton(spec: StoreSpec, progress: Callable[[str], None]) -> Rows:
    """Lognormal services as the model's tills have them: Lee and Longton's approximation."""
    checkout = spec.settings.checkout
    rate = checkout.tills * checkout.utilisation / SERVICE_S
    cv = StoreSettings.default().service_cv
    waits, _ = _queue(spec, rate=rate, cv=cv, exponential=False, progress=progress)
    theory = mgc_wait_s(checkout.tills, rate, SERVICE_S, cv)
    yield from _against(spec, "wait_s", waits, theory, "s", f"mean wait, M/G/c with cv {cv:g}, Lee and Longton 1959")


def corridor(spec: StoreSpec, progress: Callable[[str], None]) -> Rows:
    """Speed in a corridor evenly full of people, against Weidmann's curve."""
    from experiments.store.corridor import corridor_speed

    free = 1.34
    for name, densities in (("to_1", (0.25, 0.5, 0.75, 1.0)), ("to_2", (1.25, 1.5, 1.75, 2.0))):
        worst = 0.0
        for density in densities:
            speeds = [corridor_speed(density, free, seed=spec.seed + one) for one in range(spec.settings.days.block)]
            theory = free * float(weidmann(density))
            many = np.array(speeds)
            progress(f"{density:g} people per m2: {many.mean():.3f} m/s, Weidmann {theory:.3f}")
            worst = max(worst, abs(float(many.mean()) / theory - 1))
            note = f"Weidmann 1993: {theory:.3f} m/s"
            (at,) = member_names([f"{density:g} per m2"])
            figure = figure_of("speed_at", at)
            label = f"speed at {density:g} people per m2"
            yield row(
                figure, spec.arm.name, many.mean(), _ends(paired(many)), unit="m/s", n=len(many), label=label, note=note
            )
        limit = name.removeprefix("to_")
        yield row(
            f"speed_error_{name}", spec.arm.name, worst, label=f"largest error of speed to {limit} people per m2",
            n=len(densities), note="relative to Weidmann 1993",
        )  # fmt: skip


def little(spec: StoreSpec, progress: Callable[[str], None]) -> Rows:
    """People counted each second on the floor against arrivals times mean stay; and whether all who came in left."""
    errors, left = [], []
    for day, (drawn, ran) in enumerate(_days(spec, progress)):
        counted = float(ran.walked.present.sum()) / len(ran.walked.present)
        span = float(len(ran.walked.present))
        expected = mean_present(ran.itinerary.enter_s, ran.walked.reach_s, start_s=0.0, end_s=span)
        errors.append(abs(counted / expected - 1))
        gone = ran.served.done_s >= ran.walked.reach_s  # nobody is done before reaching the tills
        ended = ran.walked.reach_s < len(ran.walked.present) + 1  # and nobody is left on the floor when it is empty
        left.append(float((gone & ended & (ran.walked.reach_s >= ran.itinerary.enter_s)).sum()) / drawn.shoppers)
        progress(f"day {day + 1}: {counted:.2f} people counted, {expected:.2f} expected")
    yield row(
        "relative_error", spec.arm.name, max(errors), n=len(errors), label="people inside, counted against Little",
        note="largest of the days; the engine's count each second against arrivals times stay",
    )  # fmt: skip
    yield row("left_over_entered", spec.arm.name, min(left), n=len(left), label="left over entered", note="least day")


def published_facts(spec: StoreSpec, progress: Callable[[str], None]) -> Rows:
    """What is published about shoppers in full-size stores, beside the same figure of the model."""
    short, few, path, gain = [], [], [], []
    for drawn, ran in _days(spec, progress):
        minutes = (ran.served.done_s - ran.itinerary.enter_s) / 60
        short.append(float((minutes < SHORT_MIN).mean()))
        path.append(float(ran.walked.path_m.mean()))
        few.append(_share_of_low_coverage(spec, ran))
        picks = ran.walked.unplanned.sum(axis=1)
        gain.append(float(np.polyfit(ran.walked.path_m, picks, 1)[0]) * 100)
        assert drawn.shoppers  # a scenario has at least one on average, thousands as bundled
    facts = (
        ("short_trips", short, "1", f"trips shorter than {SHORT_MIN:g} min", "published: about a third"),
        ("low_coverage", few, "1", f"shoppers who cover less than {FEW:.0%} of the store", "published: most"),
        ("path_m", path, "m", "mean path", "published: about 427 m in a full-size store"),
        (
            "picks_100_m",
            gain,
            "per 100 m",
            "unplanned picks more on 100 m more path",
            "published: more path, more spent",
        ),
    )
    for name, values, unit, label, note in facts:
        many = np.array(values)
        yield row(
            name, spec.arm.name, many.mean(), _ends(paired(many)), unit=unit, n=len(many), label=label, note=note,
            source="literature, assumption",
        )  # fmt: skip


def _days(spec: StoreSpec, progress: Callable[[str], None]) -> Iterator[tuple[Demand, Day]]:
    """Simulate the days of a check in the scenario's store."""
    settings = StoreSettings.default()
    scenario = spec.settings
    store = prepare(load_plan(scenario.plan), settings)
    model = demand_model(scenario.demand)
    for day in range(scenario.days.block):
        drawn = model.draw(day, seed=spec.seed, shoppers=scenario.shoppers, hours=store.hours, settings=settings)
        yield drawn, run_day(store, drawn, settings, engine=scenario.engine, tills=scenario.tills)
        progress(f"{day + 1} of {scenario.days.block} days")


def _share_of_low_coverage(spec: StoreSpec, ran: Day) -> float:
    """Return the share of shoppers whose path touches less than a quarter of the squares of 2 m."""
    floor = prepare(load_plan(spec.settings.plan), StoreSettings.default()).floor
    found = presence(floor, ran.itinerary, side_cells=4)
    inside = int((found.counts > 0).sum())
    touched = np.bincount(found.visit, minlength=found.visits)
    return float((touched < FEW * inside).mean())


def _queue(
    spec: StoreSpec, *, rate: float, cv: float, exponential: bool, progress: Callable[[str], None]
) -> tuple[Floats, Floats]:
    """Serve customers at one queue of several servers; mean wait and share who wait, one of each per repetition."""
    values = StoreSettings.default().with_values(till_fixed_s=SERVICE_S, till_item_s=0.0, service_cv=cv)
    bank = (TillSpec("lane", servers=spec.settings.checkout.tills),)
    waits, waited = [], []
    for number in range(spec.settings.days.most):
        rng = np.random.default_rng(np.random.SeedSequence([spec.seed, _STREAM, number]))
        reach = np.cumsum(rng.exponential(1 / rate, CUSTOMERS))
        spread = math.log1p(cv**2)
        # The tills read a normal number as lognormal; this one makes it exponential of mean 1 instead.
        drawn = np.log(rng.exponential(1.0, CUSTOMERS)) if exponential else rng.standard_normal(CUSTOMERS)
        z = (drawn + spread / 2) / math.sqrt(spread) if exponential else drawn
        ones, forever = np.ones(CUSTOMERS, dtype=np.int64), np.full(CUSTOMERS, math.inf)
        served = fast.serve(reach, ones, z, np.ones(CUSTOMERS), forever, bank, values)
        wait = served.wait_s[int(WARM * CUSTOMERS) :]
        waits.append(float(wait.mean()))
        waited.append(float((wait > 0).mean()))
        progress(f"{number + 1} of {spec.settings.days.most} repetitions")
    return np.array(waits), np.array(waited)


def _against(spec: StoreSpec, name: str, values: Floats, theory: float, unit: str, label: str) -> Rows:
    """Yield a simulated figure, its relative error, and whether its interval holds what theory says."""
    interval, mean = paired(values), float(values.mean())
    note = f"theory: {theory:.4g} {unit}".removesuffix(" 1")
    about: dict[str, Any] = {"n": len(values), "note": note}
    yield row(name, spec.arm.name, mean, _ends(interval), unit=unit, label=label, **about)
    error = abs(mean / theory - 1)
    yield row(f"{name}_error", spec.arm.name, error, label=f"{label}: relative error", **about)
    inside = float(interval is not None and not interval.excludes(theory))
    yield row(f"{name}_inside", spec.arm.name, inside, label=f"{label}: interval holds the theory", **about)


def _ends(interval: Interval | None) -> tuple[float, float]:
    return NO_INTERVAL if interval is None else (interval.lo, interval.hi)

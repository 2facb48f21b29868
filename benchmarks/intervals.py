"""How often 95% intervals of a comparison hold the truth, when the days themselves decide how many are simulated.

python benchmarks/intervals.py [--quick] [--json]

Ours: a pilot of eight days tells the number of days and is left out (`simulation.store.pilot`). The peer decides on the
days that count: blocks are added until their own interval is narrow enough. "Fixed" is as many days as ours took, fixed
beforehand: what Student's interval can do with such differences. Each line is taken at that wanted width at which the
peer holds least often. Differences are drawn from a normal law, from gamma laws of skewness .5 and 1, and, without
--quick, from 400 simulated days of what-ifs on the bundled supermarket.

Then, how often the interval of days and parameters holds the truth with few draws of the parameters, beside 64: eight
or 32 days, doubt about the parameters of 1, 3 or 10 times the variance of the mean of the days, of which the hardest is
shown. Doubt is normal, or triangular with a peak at 2/7 of the range.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student
from timing import options, show

from simulation.store.intervals import combined, paired
from simulation.store.pilot import DAYS, days_needed

Draw = Callable[[np.random.Generator, tuple[int, int]], NDArray[np.float64]]
WIDTHS = (0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0, 1.3, 1.7, 2.5)
"""Wanted half-widths, in standard deviations of a day's difference."""
PLANS = ((8, 64), (8, 16), (32, 64), (2, 64))
"""Days added at a time, and days at most."""
WHAT_IFS = (("dairy and bakery swapped", {"swap": ["dairy", "bakery"]}, "unplanned_picks"),
            ("dairy and bakery swapped", {"swap": ["dairy", "bakery"]}, "sales_visit"),
            ("one lane less", {"remove": "till-1"}, "wait_s"))  # fmt: skip


FEW, MANY = (2, 4, 8, 16), 64
"""Draws of the parameters."""


def normal(rng: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.float64]:
    return rng.standard_normal(shape)


def skewed(skewness: float) -> Draw:
    """A gamma law of mean 0, standard deviation 1 and this skewness."""
    shape_of = 4 / skewness**2
    return lambda rng, shape: (rng.gamma(shape_of, 1.0, shape) - shape_of) / math.sqrt(shape_of)


def simulated(edit: dict[str, object], figure: str, days: int) -> Draw:
    """Differences of simulated days, drawn with replacement, brought to mean 0 and standard deviation 1."""
    from simulation.replicate import run_all
    from simulation.store.compare import PairedDays
    from simulation.store.day import Layout
    from simulation.store.demand_model import complete_journey_demand
    from simulation.store.plan import apply_edit, load_plan
    from simulation.store.settings import StoreSettings

    plan = load_plan("supermarket")
    work = PairedDays(
        Layout(plan), Layout(apply_edit(plan, edit)), complete_journey_demand(), 2000, 1, StoreSettings.default()
    )
    pairs = list(run_all(work, [(day, -1) for day in range(days)], workers=2))
    change = np.array([one.other[figure] - one.base[figure] for one in pairs])
    change = (change - change.mean()) / change.std()
    return lambda rng, shape: rng.choice(change, shape)


def stopped(changes: NDArray[np.float64], block: int, width: float) -> tuple[NDArray[np.float64], ...]:
    """Add blocks until the interval of the days so far is narrow enough; whether it holds 0, half-widths, days."""
    most = changes.shape[1]
    held, half, taken = (np.full(len(changes), np.nan) for _ in range(3))
    for days in [*range(block, most, block), most]:
        so_far = changes[:, :days]
        reach = student.ppf(0.975, days - 1) * so_far.std(axis=1, ddof=1) / math.sqrt(days)
        now = np.isnan(half) & ((reach <= width) | (days == most))
        held[now], half[now], taken[now] = (np.abs(so_far.mean(axis=1)) <= reach)[now], reach[now], days
    return held, half, taken


def coverage(name: str, draw: Draw, block: int, most: int, *, repeats: int) -> dict[str, object]:
    """One line: how often each way holds the truth, at the width that is hardest for the peer."""
    rng = np.random.default_rng(np.random.SeedSequence([17, block, most]))
    scan = [stopped(draw(rng, (4000, most)), block, width)[0].mean() for width in WIDTHS]
    width = WIDTHS[int(np.argmin(scan))]
    pilots, days = draw(rng, (repeats, DAYS)), draw(rng, (repeats, most))
    held, half, stopped_after = stopped(days, block, width)
    ours, fixed, widths, taken = [], [], [], []
    for pilot, each, fresh in zip(pilots, days, draw(rng, (repeats, most)), strict=True):
        many = days_needed(pilot, 1.0, half_width=width, block=block, most=most)
        interval = paired(each[:many])
        ours.append(not interval.excludes(0.0))
        widths.append(interval.half)
        fixed.append(not paired(fresh[:many]).excludes(0.0))  # days that the number does not depend on
        taken.append(many + DAYS)
    share = float(np.mean(ours))
    return {
        "name": f"{name}, {block} days at a time, at most {most}", "ours": share, "peer": float(held.mean()),
        "ratio": share / float(held.mean()), "unit": "share", "peer_name": "the same days decide and count",
        "fixed": float(np.mean(fixed)), "standard_error": math.sqrt(share * (1 - share) / repeats),
        "wanted_half_width": width, "half_width": float(np.mean(widths)), "peer_half_width": float(half.mean()),
        "days": float(np.mean(taken)), "peer_days": float(stopped_after.mean()),
    }  # fmt: skip


def lopsided(rng: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.float64]:
    """What a parameter does whose central value is not in the middle of its range: root mean square 1, peak at 0."""
    around = rng.triangular(-2.0, 0.0, 5.0, shape)
    return around / math.sqrt((4 + 25 - 10) / 6)  # mean square of a triangular law around its peak at 0


def doubted(name: str, draw: Draw, days: int, *, repeats: int) -> list[dict[str, object]]:
    """Lines for few draws: how often the interval of days and parameters holds the truth, at the hardest doubt."""
    held = {}
    for draws in (*FEW, MANY):
        rng = np.random.default_rng(np.random.SeedSequence([23, days, draws]))
        shares = []
        for doubt in (1.0, 3.0, 10.0):
            central = rng.standard_normal((repeats, days)) * math.sqrt(days)
            shifts, truth = (math.sqrt(doubt) * draw(rng, (repeats, many)) for many in (draws, 1))
            found = [combined(one, one[:2] + shift[:, None]) for one, shift in zip(central, shifts, strict=True)]
            shares.append(np.mean([not each.excludes(what) for each, what in zip(found, truth[:, 0], strict=True)]))
        held[draws] = float(min(shares))
    return [
        {"name": f"{name} doubt, {days} days, {draws} draws", "ours": held[draws], "peer": held[MANY],
         "ratio": held[draws] / held[MANY], "unit": "share", "peer_name": f"{MANY} draws"}
        for draws in FEW
    ]  # fmt: skip


def main() -> None:
    wanted = options(__doc__)
    repeats = 2000 if wanted.quick else 20_000
    doubts: list[tuple[str, Draw]] = [("normal", normal), ("lopsided", lopsided)]
    few = [one for name, draw in doubts for days in (8, 32) for one in doubted(name, draw, days, repeats=repeats // 2)]
    laws: list[tuple[str, Draw]] = [("normal", normal), ("skewness .5", skewed(0.5)), ("skewness 1", skewed(1.0))]
    if not wanted.quick:
        laws += [(f"{figure}, {what}", simulated(edit, figure, 400)) for what, edit, figure in WHAT_IFS]
    rows = [coverage(name, draw, *plan, repeats=repeats) for name, draw in laws for plan in PLANS]
    show([*rows, *few], as_json=wanted.json)
    if not wanted.json:
        print("coverage: ours, peer, fixed, standard error; half-width: wanted, ours, peer; days with the pilot, peer")
        for one in rows:
            print(
                "{name}: {ours:.3f} {peer:.3f} {fixed:.3f} ({standard_error:.4f}); {wanted_half_width:.2f} "
                "{half_width:.2f} {peer_half_width:.2f}; {days:.0f} {peer_days:.0f}".format(**one)
            )


if __name__ == "__main__":
    main()

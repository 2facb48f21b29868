"""A real, small runner for store scenarios: one till served by Lindley's recursion, each arm on the same arrivals.

An arm's parameter `service` scales the service times, `days` says on how many days. It stands in for whole days in a
store where a test is about the spine: tests name it by dotted path, so that workers import it as they import the
product's own.
"""

import os
from pathlib import Path

import numpy as np

from experiments.runs import ArmResult
from experiments.store.figures import row, table
from retail.errors import DataError

DAYS = 20


def fingerprint(scenario):
    return f"till-{scenario.plan}"


def mean_wait(rng_seed, scale):
    rng = np.random.default_rng(rng_seed)
    gaps, service = rng.exponential(60, 300), rng.exponential(45, 300) * scale
    wait, waits = 0.0, []
    for gap, time in zip(gaps, service, strict=True):
        wait = max(0.0, wait - gap)
        waits.append(wait)
        wait += time
    return np.mean(waits)


def run(spec, directory, report):
    switches = os.environ.get("TRADEFAIR_TEST_SWITCHES")
    if switches and (Path(switches) / f"refuse-{spec.arm.name}").exists():
        raise DataError("the shop is closed; come back tomorrow")
    arm, reference = spec.arm.name, spec.settings.reference.name
    scale, days = spec.arm.parameters.get("service", 1.0), int(spec.arm.parameters.get("days", DAYS))
    report("serving")
    base = np.array([mean_wait([spec.seed, day], 1.0) for day in range(days)])
    other = np.array([mean_wait([spec.seed, day], scale) for day in range(days)])
    gain, half = (other - base).mean(), 2.1 * (other - base).std(ddof=1) / np.sqrt(days)
    about = {"unit": "s", "n": days, "source": "assumption", "better": -1}
    against = {"reference": reference, "sides": (base.mean(), other.mean()), **about}
    wider = (gain - 2 * half, gain + 2 * half)
    words = "no clear difference" if wider[0] <= 0 <= wider[1] else "better" if gain < 0 else "worse"
    rows = [
        row("wait_s", reference, base.mean(), **about),
        row("wait_s", arm, other.mean(), **about),
        row("wait_s", arm, gain, wider, statistic="difference", verdict=words, **against),
        row("wait_s", arm, gain, (gain - half, gain + half), statistic="simulation_difference", **against),
    ]  # fmt: skip
    return ArmResult(table(rows), info={"days": days, "simulated": 300 * days})

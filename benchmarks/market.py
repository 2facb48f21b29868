"""What a simulated market costs: the arrays beside their readable twin of Mesa agents, and beside our limits.

python benchmarks/market.py [--quick] [--json]

All times are CPU seconds; every market has own label, a bonus and a platform that reads all (the regime with most to
do), but for the seven regimes, which are the ones named in the README. The twin runs a market of 2,000 consumers and
100 merchants with the same rules. The log is list-level, with its tables. The largest market has a process of its own.
"""

from __future__ import annotations

import multiprocessing
import resource
import time
from collections.abc import Callable

from timing import options, row, show

from simulation.market import MarketSettings, simulate
from simulation.market.agents import MarketModel

REGIME = "pooled_self_preferencing"
SEVEN = ("pure", "isolated", "firewall", "federated_dp", "pooled", "self_preferencing", REGIME)
SMALL = MarketSettings(merchants=100, consumers=2_000, products=400)
LARGE = MarketSettings(merchants=500, consumers=20_000, products=2_000)
SMALL_S, LARGE_S, SWEEP_S, MILLION_GB = 0.15, 1.0, 2 * 180.0, 2.0


def cpu(work: Callable[[], object], repeats: int) -> float:
    """Least CPU time of some calls: other processes on the machine only ever add to it."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def twin(quick: bool) -> dict[str, object]:
    """A market of agents, and the same in arrays."""
    periods = 5 if quick else 20
    model = MarketModel(SMALL, REGIME, seed=1)

    def agents() -> None:
        for _ in range(periods):
            model.step()

    peer = cpu(agents, 1)
    ours = cpu(lambda: simulate(SMALL, REGIME, seed=1, periods=periods), 7)
    name = f"{SMALL.consumers:,} consumers x {SMALL.merchants} merchants x {periods} periods"
    return row(name, ours=ours, peer=peer, peer_name="Mesa twin")


def limits(quick: bool) -> list[dict[str, object]]:
    """The sizes that we promise."""
    repeats = 3 if quick else 9
    interactive = cpu(lambda: simulate(SMALL, REGIME, seed=1), repeats)
    logged = cpu(lambda: simulate(LARGE, REGIME, seed=1, record="list").log(), repeats)
    seeds = 2 if quick else 20
    sweep = cpu(lambda: [simulate(LARGE, one, seed=seed) for one in SEVEN for seed in range(seeds)], 1)
    return [
        row("2,000 consumers x 100 merchants x 100 periods", ours=interactive, peer=SMALL_S, peer_name="limit"),
        row("500 merchants, 20,000 consumers, 2,000 products, 100 periods, log", ours=logged, peer=LARGE_S,
            peer_name="limit"),
        row(f"7 regimes x {seeds} seeds of that, no log", ours=sweep, peer=SWEEP_S * seeds / 20, peer_name="limit"),
    ]  # fmt: skip


def _crowd(consumers: int, periods: int, result: multiprocessing.SimpleQueue) -> None:
    """Run one large market; report CPU seconds of its periods and the most memory in GB."""
    settings = LARGE.with_values(consumers=consumers)
    simulate(settings, REGIME, seed=1, periods=2)  # compiled or read from the cache
    start = time.process_time()
    simulate(settings, REGIME, seed=1, periods=periods)
    taken = time.process_time() - start
    result.put((taken, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6))


def crowd(consumers: int, periods: int) -> tuple[float, float]:
    """Run a market of many consumers in a process of its own."""
    context = multiprocessing.get_context("spawn")
    result = context.SimpleQueue()
    process = context.Process(target=_crowd, args=(consumers, periods, result))
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(f"the market of {consumers:,} ended with exit code {process.exitcode}")
    return result.get()


def crowds(quick: bool) -> list[dict[str, object]]:
    """A million consumers: memory, and whether a consumer's period costs more than in a smaller market."""
    periods = 10 if quick else 100
    few, _ = crowd(100_000, periods)
    many, memory_gb = crowd(1_000_000, periods)
    each = row("CPU microseconds a consumer and period, of 1,000,000 (ours) and 100,000", ours=many / periods,
               peer=few / periods * 10, peer_name="100,000 consumers")  # fmt: skip
    memory = row(f"1,000,000 consumers x {periods} periods, memory", ours=memory_gb, peer=MILLION_GB, peer_name="limit")
    return [{**each, "unit": "us"}, {**memory, "unit": "GB"}]


def main() -> None:
    wanted = options(__doc__)
    table = [twin(wanted.quick), *limits(wanted.quick), *crowds(wanted.quick)]
    show(table, as_json=wanted.json)


if __name__ == "__main__":
    main()

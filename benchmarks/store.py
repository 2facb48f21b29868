"""What a simulated day costs: our engines beside their readable twins, and beside a supermarket model of others.

python benchmarks/store.py [--quick] [--json]

All times are CPU seconds. The reference day has 2,000 shoppers in the bundled supermarket, drawn from the Complete
Journey; the twin is the Mesa model with the same rules and the same bytes. At the tills, SimPy serves the same 40,000
customers. The mall is a hall of 240 x 160 m with 200,000 shoppers over 14 hours. The peer covid19-supermarket-abm runs
as a process of its own, on as many arrivals, when it is installed: it walks shoppers between the zones of a store, and
has no tills.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import multiprocessing
import resource
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
from timing import options, row, show

from simulation.store import agents, kernel
from simulation.store.behaviour import plan_day
from simulation.store.categories import CATEGORIES
from simulation.store.demand_model import complete_journey_demand
from simulation.store.plan import Fixture, StorePlan, load_plan, rasterise
from simulation.store.settings import StoreSettings
from simulation.store.tills import TillSpec, fast, plan_tills, queues

DAY_S, MALL_S, MALL_GB = 0.05, 10.0, 1.0
PEER = "covid19-supermarket-abm"
PEER_DAY = """
import json, sys, time
from covid19_supermarket_abm.path_generators import get_path_generator
from covid19_supermarket_abm.simulator import simulate_one_day
from covid19_supermarket_abm.utils.load_example_data import load_example_paths, load_example_store_graph
hours = 14
config = {"arrival_rate": int(sys.argv[1]) / (hours * 60), "traversal_time": 0.2, "num_hours_open": hours,
          "infection_proportion": 0.0011}
graph = load_example_store_graph()
path_generator, its_arguments = get_path_generator(zone_paths=load_example_paths(), G=graph)
taken = []
for _ in range(3):
    start = time.process_time()
    simulate_one_day(config, graph, path_generator, its_arguments)
    taken.append(time.process_time() - start)
print(json.dumps(min(taken)))
"""


def cpu(work: Callable[[], object], repeats: int) -> float:
    """Least CPU time of some calls: other processes on the machine only ever add to it."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def same(one: object, other: object) -> bool:
    """Whether two results have the same bytes."""
    names = [field.name for field in dataclasses.fields(one)]
    return all(getattr(one, name).tobytes() == getattr(other, name).tobytes() for name in names)


def reference_day(shoppers: int, *, plan: StorePlan | None = None):
    """A plan's floor and tills, and a day's demand with its itinerary."""
    settings, plan = StoreSettings.default(), plan or load_plan("supermarket")
    floor, hours = rasterise(plan), (plan.opens_h, plan.closes_h)
    demand = complete_journey_demand().draw(0, seed=1, shoppers=shoppers, hours=hours, settings=settings)
    return floor, plan_tills(plan), demand, plan_day(floor, demand, settings), settings


def floors(quick: bool) -> list[dict[str, object]]:
    """A day on the floor: kernel against the Mesa twin, and planning, walking and paying together."""
    floor, tills, demand, itinerary, settings = reference_day(200 if quick else 2000)
    walked = kernel.walk(floor, itinerary)
    twins: list[object] = []
    twin_s = cpu(lambda: twins.append(agents.walk(floor, itinerary)), 1)
    if not same(walked, twins[0]):
        raise SystemExit("the Mesa twin and the kernel differ")
    ours_s = cpu(lambda: kernel.walk(floor, itinerary), 7)
    rows = [row(f"{demand.shoppers:,} shoppers on the floor", ours=ours_s, peer=twin_s, peer_name="Mesa twin")]

    floor, tills, demand, itinerary, settings = reference_day(2000)

    def whole_day() -> None:
        itinerary = plan_day(floor, demand, settings)
        reach_s = kernel.walk(floor, itinerary).reach_s
        items = np.bincount(np.repeat(np.arange(demand.shoppers), np.diff(demand.start)), minlength=demand.shoppers)
        fast.serve(reach_s, items, demand.service_z, demand.pay_u, demand.patience_s, tills, settings)

    whole_day()
    day_s = cpu(whole_day, 7)
    rows.append(row(f"day of {demand.shoppers:,}: stops, floor, tills", ours=day_s, peer=DAY_S, peer_name="limit"))
    if importlib.util.find_spec("covid19_supermarket_abm") is None:
        print(f"{PEER} is not installed: pip install {PEER} adds its row", file=sys.stderr)
        return rows
    ran = subprocess.run(
        [sys.executable, "-c", PEER_DAY, str(demand.shoppers)], capture_output=True, text=True, check=False
    )
    if ran.returncode:
        print(f"{PEER} failed: {ran.stderr.strip().splitlines()[-1]}", file=sys.stderr)
        return rows
    rows.append(row(f"day of {demand.shoppers:,}", ours=day_s, peer=json.loads(ran.stdout), peer_name=PEER))
    return rows


def checkouts(quick: bool) -> dict[str, object]:
    """A long day at the tills: recursion against SimPy."""
    n = 8000 if quick else 40_000
    rng, settings = np.random.default_rng(0), StoreSettings.default()
    tills = [*(TillSpec("lane"),) * 6, TillSpec("express"), TillSpec("self_checkout", servers=6)]
    customers = (rng.random(n) * n * 9, rng.poisson(9, n) + 1, rng.standard_normal(n), rng.random(n), np.full(n, 900.0))
    ours = fast.serve(*customers, tills, settings)
    peers: list[object] = []
    peer_s = cpu(lambda: peers.append(queues.serve(*customers, tills, settings)), 1)
    if not same(ours, peers[0]):
        raise SystemExit("the SimPy twin and the recursion differ")
    ours_s = cpu(lambda: fast.serve(*customers, tills, settings), 7)
    return row(f"{n:,} customers at the tills", ours=ours_s, peer=peer_s, peer_name="SimPy twin")


def mall_plan() -> StorePlan:
    """A hall of 240 x 160 m with 174 shelves, 40 tills and four wide doors: what so many shoppers would need."""
    shelves = [
        Fixture(
            f"shelf-{row}-{column}", "shelf", 6.0 + 8 * column, 10.0 + 22 * row, 2.0, 14.0,
            categories=(CATEGORIES[(row * 29 + column * 7) % len(CATEGORIES)],),
        )
        for row in range(6)
        for column in range(29)
    ]  # fmt: skip
    displays = [
        Fixture(
            f"display-{k}", "display", 7.0 + 16 * k, 6.0, 1.0, 1.0,
            categories=(CATEGORIES[5 * k % len(CATEGORIES)],), display="secondary",
        )
        for k in range(14)
    ]  # fmt: skip
    tills = [
        Fixture(f"till-{k}", "till", 20.0 + 5 * k, 150.0, 1.0, 2.0, till="lane", servers=6, sides=("north",))
        for k in range(40)
    ]
    doors = [Fixture(f"in-{k}", "entrance", 10.0 + 60 * k, 0.0, 20.0, 1.0) for k in range(4)]
    doors += [Fixture(f"out-{k}", "exit", 10.0 + 60 * k, 159.0, 20.0, 1.0) for k in range(4)]
    return StorePlan("mall", 240.0, 160.0, (*shelves, *displays, *tills, *doors))


def mall_day(shoppers: int, result: multiprocessing.SimpleQueue) -> None:
    """Walk and serve one large day, in a process of its own; report CPU seconds and GB."""
    floor, tills, demand, itinerary, settings = reference_day(shoppers, plan=mall_plan())
    few = np.arange(10)
    small = dataclasses.replace(
        itinerary,
        enter_s=itinerary.enter_s[:10],
        entrance=itinerary.entrance[:10],
        speed=itinerary.speed[:10],
        start=itinerary.start[:11],
        target=itinerary.target[: itinerary.start[10]],
        dwell_s=itinerary.dwell_s[: itinerary.start[10]],
        items=itinerary.items[: itinerary.start[10]],
        tempted=itinerary.tempted[:10],
    )
    reach_s = kernel.walk(floor, small).reach_s  # compiled or read from the cache
    fast.serve(reach_s, few + 1, few * 0.0, few * 0.0, few + 1.0, tills, settings)
    start = time.process_time()
    itinerary = plan_day(floor, demand, settings)
    walked = kernel.walk(floor, itinerary)
    items = np.maximum(np.diff(demand.start), 1)
    fast.serve(walked.reach_s, items, demand.service_z, demand.pay_u, demand.patience_s, tills, settings)
    taken = time.process_time() - start
    result.put((taken, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, int(walked.present.max())))


def mall(quick: bool) -> list[dict[str, object]]:
    """The largest day that we promise."""
    shoppers = 20_000 if quick else 200_000
    context = multiprocessing.get_context("spawn")
    result = context.SimpleQueue()
    process = context.Process(target=mall_day, args=(shoppers, result))
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(f"the mall day ended with exit code {process.exitcode}")
    taken, memory_gb, present = result.get()
    name = f"mall day of {shoppers:,}, up to {present:,} inside"
    memory = row(f"{name}, memory", ours=memory_gb, peer=MALL_GB, peer_name="limit")
    return [row(name, ours=taken, peer=MALL_S, peer_name="limit"), {**memory, "unit": "GB"}]


def main() -> None:
    wanted = options(__doc__)
    table = [*floors(wanted.quick), checkouts(wanted.quick), *mall(wanted.quick)]
    show(table, as_json=wanted.json)


if __name__ == "__main__":
    main()

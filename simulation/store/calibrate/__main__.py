"""Print what the data say about displays and detours, next to the values in use.

python -m simulation.store.calibrate            # both; two minutes and 2 GB of memory
python -m simulation.store.calibrate --only detours
"""

from __future__ import annotations

import argparse

from retail.complete_journey import load
from simulation.store.calibrate.detours import LEAST_CATEGORIES, PATH_M, fit_detours
from simulation.store.calibrate.lifts import estimate_lifts
from simulation.store.calibrate.promotions import read_promotions
from simulation.store.demand_model import complete_journey_demand
from simulation.store.lifts import parameter_of
from simulation.store.plan import load_plan, rasterise
from simulation.store.settings import PARAMETERS

_STORES = ("large-supermarket", "hypermarket")


def main() -> None:
    """Run the estimates that are asked for."""
    parser = argparse.ArgumentParser(prog="python -m simulation.store.calibrate", description=__doc__.split("\n")[0])
    parser.add_argument("--only", choices=("lifts", "detours"), help="leave the other one out")
    only = parser.parse_args().only
    if only != "detours":
        _lifts()
    if only != "lifts":
        _detours()


def _lifts() -> None:
    print("display         lift   95% interval   naive  price gap  baskets  in use  range")
    for one in estimate_lifts(read_promotions(load())):
        used = PARAMETERS[parameter_of(one.kind)]
        print(
            f"{one.kind:14} {one.lift:5.2f}   {one.lo:.2f} to {one.hi:.2f}   {one.naive:5.2f}  {one.price_gap:+9.3f}  "
            f"{one.bought:7,}  {used.value:6.2f}  {used.lo:.2f} to {used.hi:.2f}"
        )


def _detours() -> None:
    used = PARAMETERS["detour_rate"]
    print(f"detours for a mean path of {PATH_M:.0f} m; in use {used.value} ({used.lo} to {used.hi})")
    model = complete_journey_demand()
    for name in _STORES:
        floor = rasterise(load_plan(name))
        for least in (LEAST_CATEGORIES - 2, LEAST_CATEGORIES, LEAST_CATEGORIES + 2):
            fit = fit_detours(floor, model, least_categories=least)
            met = "" if fit.met else " (not met)"
            print(
                f"{name}, trips of {least} categories or more: {fit.rate:.2f} (error {fit.error:.2f}), "
                f"path {fit.path_m:.0f} m{met}"
            )


if __name__ == "__main__":
    main()

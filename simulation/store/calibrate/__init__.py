"""Where the store model's numbers come from data: the effect of displays, and how much shoppers wander.

Enters: the Complete Journey with its promotions; a floor and its demand. Leaves: estimates with intervals, to be
compared with `simulation.store.settings`. `python -m simulation.store.calibrate` prints them.

    from retail.complete_journey import load
    from simulation.store.calibrate import estimate_lifts, read_promotions

    for estimate in estimate_lifts(read_promotions(load())):
        print(estimate.kind, estimate.lift, estimate.lo, estimate.hi)
"""

from simulation.store.calibrate.detours import DetourFit, fit_detours
from simulation.store.calibrate.lifts import DISPLAY_CODES, LiftEstimate, estimate_lifts
from simulation.store.calibrate.promotions import Promoted, read_promotions

__all__ = [
    "DISPLAY_CODES",
    "DetourFit",
    "LiftEstimate",
    "Promoted",
    "estimate_lifts",
    "fit_detours",
    "read_promotions",
]

"""Where a further till could stand: free, within reach, and beside the tills of its kind."""

from __future__ import annotations

from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from retail.errors import ConfigError
from simulation.store.plan import Fixture, StorePlan, apply_edit
from simulation.store.plan.edit import AddTill
from simulation.store.plan.kinds import TillKind
from simulation.store.plan.sound import outline

Floats = NDArray[np.float64]
STEP_M: Final = 0.5
"""Between the places that are tried, as the fields on the page step."""
ROOM_M: Final = 1.0
"""Kept free around a till where there is such a place."""
_TOUCH_M: Final = 1e-6
_MOST: Final = 24
"""Places that are tried in full; each asks whether every shelf can still be reached."""


def free_place(plan: StorePlan, kind: TillKind) -> tuple[float, float] | None:
    """Return a free upper left corner for one more till, as near as can be to others of its kind; None without any.

    Rather in a row with them than behind them; beside other tills where none is of the kind.

    Args:
        plan: to put it in.
        kind: of the till.
    """
    new = AddTill(kind, 0.0, 0.0)
    tills = [one for one in plan.tills if one.till == kind] or list(plan.tills)
    if not tills:
        return None
    x, y = (
        one.ravel()
        for one in np.meshgrid(
            np.arange(0.0, plan.width - new.width + 1e-9, STEP_M),
            np.arange(0.0, plan.depth - new.depth + 1e-9, STEP_M),
        )
    )
    far = np.min([_far(one, x + new.width / 2, y + new.depth / 2) for one in tills], axis=0)
    taken = shapely.union_all([outline(one) for one in plan.fixtures])
    shapely.prepare(taken)
    for room in (ROOM_M, ROOM_M / 2, 0.0):
        edge = room - _TOUCH_M
        boxes = shapely.box(x - edge, y - edge, x + new.width + edge, y + new.depth + edge)
        free = np.flatnonzero(~shapely.intersects(taken, boxes))
        for place in free[np.argsort(far[free], kind="stable")][:_MOST]:
            corner = float(x[place]), float(y[place])
            try:
                apply_edit(plan, AddTill(kind, *corner))
            except ConfigError:
                continue
            return corner
    return None


def _far(till: Fixture, x: Floats, y: Floats) -> Floats:
    """Return how far middles are from a till's, in metres; a place behind or before it counts twice."""
    middle_x, middle_y = till.middle
    return np.asarray(np.abs(x - middle_x) + 2 * np.abs(y - middle_y))

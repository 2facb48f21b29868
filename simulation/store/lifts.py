"""What a display does to the rate of purchase, by where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from simulation.store.parameters import Parameter

_MEASURED: Final = (
    "Complete Journey: stores with and without the display, same product, week, mailer and price; on the cautious "
    "side of what python -m simulation.store.calibrate finds"
)

LIFTS: Final = (
    Parameter("lift_store_front", 1.45, 1.30, 1.60, "1", "data", _MEASURED),
    Parameter("lift_rear_end_cap", 1.40, 1.30, 1.60, "1", "data", _MEASURED),
    Parameter("lift_front_end_cap", 1.32, 1.22, 1.42, "1", "data", _MEASURED),
    Parameter("lift_side_aisle", 1.17, 1.05, 1.35, "1", "data", _MEASURED),
    Parameter("lift_other", 1.0, 1.0, 1.20, "1", "assumption", "a display of another kind: no effect is claimed"),
)
"""Purchase rate of a shopper who sees the display over that of others, for each kind."""

KINDS: Final[Mapping[str, str]] = {one.name.removeprefix("lift_"): one.name for one in LIFTS}
"""The parameter of each kind of display, such as "front_end_cap" -> "lift_front_end_cap"."""


def parameter_of(kind: str) -> str:
    """Name of the parameter that holds a kind's lift; kinds without one of their own have `lift_other`."""
    return KINDS.get(kind, "lift_other")

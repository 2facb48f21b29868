"""The numbers of the store model in one place: the registry of parameters, and one set of values drawn from it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from retail.errors import ConfigError
from simulation.store.lifts import LIFTS
from simulation.store.parameters import Parameter

_WEIDMANN: Final = "Weidmann 1993, Transporttechnik der Fussgaenger"
_TIMED: Final = "no till of ours was timed: time your own and enter the result"

WALKING: Final = (
    Parameter("walk_speed", 1.10, 0.80, 1.34, "m/s", "literature",
              f"{_WEIDMANN}: 1.34 over all purposes, 1.04 to 1.16 for shopping; carts slow it further"),
    Parameter("walk_speed_sd", 0.26, 0.15, 0.30, "m/s", "literature", f"{_WEIDMANN}: .26 over all pedestrians"),
    Parameter("detour_rate", 0.6, 0.3, 1.0, "1", "assumption",
              "share of legs with a detour; a mean path of 427 m needs .34 to .99, by the store's size and by which "
              "trips are compared: python -m simulation.store.calibrate"),
)  # fmt: skip
SHOPPING: Final = (
    Parameter("dwell_s", 15.0, 8.0, 30.0, "s", "assumption", "time at the shelf for each different product; mean"),
    Parameter("dwell_cv", 0.6, 0.3, 1.0, "1", "assumption", "spread of the time at the shelf, lognormal"),
    Parameter("pause_s", 10.0, 5.0, 20.0, "s", "assumption", "one unplanned pick: shorter than a searched one"),
)  # fmt: skip
DISPLAYS: Final = LIFTS
TILLS: Final = (
    Parameter("till_fixed_s", 35.0, 25.0, 50.0, "s", "assumption", f"greeting, paying, leaving a lane; {_TIMED}"),
    Parameter("till_item_s", 2.8, 1.8, 4.0, "s", "assumption", f"scanning one item on a lane; {_TIMED}"),
    Parameter("service_cv", 0.35, 0.2, 0.6, "1", "assumption", "spread around fixed + item time, lognormal"),
    Parameter("self_checkout_fixed_s", 45.0, 30.0, 70.0, "s", "assumption", "slower payment, some need help"),
    Parameter("self_checkout_item_s", 4.5, 3.0, 7.0, "s", "assumption", "shoppers scan more slowly than cashiers"),
    Parameter("self_checkout_share", 0.4, 0.1, 0.7, "1", "assumption", "shoppers who prefer self-checkout"),
    Parameter("express_items", 10.0, 8.0, 15.0, "items", "assumption", "most items at an express lane; whole number"),
    Parameter("tray_s", 40.0, 30.0, 60.0, "s", "assumption", "a tray that reads all items at once, payment included"),
    Parameter("face_saving_s", 12.0, 5.0, 20.0, "s", "assumption",
              "payment time that a linked account saves, at a lane or a tray"),
    Parameter("patience_s", 900.0, 300.0, 1800.0, "s", "assumption", "longest wait accepted when joining; median"),
    Parameter("patience_sigma", 0.6, 0.3, 1.0, "1", "assumption", "spread of patience, of its logarithm"),
)  # fmt: skip
OFFERS: Final = (
    Parameter("consent_rate", 0.5, 0.1, 0.9, "1", "assumption", "shoppers who receive offers on card or phone"),
    Parameter("offer_effect", 0.05, 0.01, 0.15, "1", "assumption",
              "added chance to buy the offered category, mean over the categories that may be offered"),
    Parameter("offer_relevance", 0.5, 0.0, 1.0, "1", "assumption",
              "0: every offer works alike; 1: in proportion to how often it is bought with what is on the list"),
)  # fmt: skip

GROUPS: Final[dict[str, tuple[Parameter, ...]]] = {
    "walking": WALKING,
    "shopping": SHOPPING,
    "displays": DISPLAYS,
    "tills": TILLS,
    "offers": OFFERS,
}
"""The parameters by what they describe, in the order in which they are shown."""
PARAMETERS: Final[dict[str, Parameter]] = {one.name: one for group in GROUPS.values() for one in group}
"""Every parameter by name."""
WHOLE: Final = ("express_items",)
"""Parameters that are whole numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSettings:
    """One value for every parameter; see `PARAMETERS` for units, ranges and sources.

    Values may lie outside the plausible range (a what-if may ask for it), never outside what has a meaning.

    Raises: ConfigError: a value is no finite number, is negative, or is a share or rate above 1.
    """

    walk_speed: float
    walk_speed_sd: float
    detour_rate: float
    dwell_s: float
    dwell_cv: float
    pause_s: float
    lift_store_front: float
    lift_rear_end_cap: float
    lift_front_end_cap: float
    lift_side_aisle: float
    lift_other: float
    till_fixed_s: float
    till_item_s: float
    service_cv: float
    self_checkout_fixed_s: float
    self_checkout_item_s: float
    self_checkout_share: float
    express_items: float
    tray_s: float
    face_saving_s: float
    patience_s: float
    patience_sigma: float
    consent_rate: float
    offer_effect: float
    offer_relevance: float

    def __post_init__(self) -> None:
        """Refuse values without a meaning."""
        for name, value in dataclasses.asdict(self).items():
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                raise ConfigError(f"{name} = {value!r} is no finite number; {_example(name)}")
            share = name in _SHARES
            if value < 0 or (share and value > 1):
                limit = "between 0 and 1" if share else "0 or more"
                raise ConfigError(f"{name} = {value} must be {limit}; {_example(name)}")
            if name in WHOLE and value != int(value):
                raise ConfigError(f"{name} = {value} must be a whole number; {_example(name)}")
        if self.walk_speed <= 0:
            raise ConfigError(f"walk_speed = {self.walk_speed}: shoppers must move; {_example('walk_speed')}")
        if self.patience_s <= 0:
            raise ConfigError(f"patience_s = {self.patience_s} must be above 0; {_example('patience_s')}")

    @classmethod
    def default(cls) -> StoreSettings:
        """Every parameter at its central value."""
        return cls(**{name: one.value for name, one in PARAMETERS.items()})

    @classmethod
    def drawn(cls, rng: np.random.Generator, *, vary: Iterable[str] | None = None) -> StoreSettings:
        """Draw values from the ranges: independent, triangular from lo to hi with the peak at the central value.

        One number is taken from `rng` for each parameter of the registry in its order, whatever `vary` says, so that
        fixing a parameter leaves the draws of the others as they are. Whole numbers are rounded.

        Args:
            rng: source of the numbers.
            vary: names to draw; the others keep the central value. All when None.

        Raises: ConfigError: `vary` names no parameter.
        """
        chosen = set(PARAMETERS) if vary is None else set(vary)
        _known(chosen)
        values = {}
        for (name, one), u in zip(PARAMETERS.items(), rng.random(len(PARAMETERS)), strict=True):
            values[name] = _triangular(one, float(u)) if name in chosen else one.value
        return cls(**values)

    def with_values(self, **values: float) -> StoreSettings:
        """The same settings but for the named values.

        Raises: ConfigError: a name is no parameter, or a value has no meaning.
        """
        _known(values)
        return dataclasses.replace(self, **values)

    def outside(self) -> tuple[str, ...]:
        """Names of values outside their plausible range, to be shown next to a result."""
        values = dataclasses.asdict(self)
        return tuple(name for name, one in PARAMETERS.items() if not one.lo <= values[name] <= one.hi)


_SHARES: Final = tuple(
    name
    for name, one in PARAMETERS.items()
    if one.unit == "1" and name.endswith(("rate", "share", "effect", "relevance"))
)


def _triangular(one: Parameter, u: float) -> float:
    """The u-quantile of the triangular distribution over the parameter's range."""
    width, left = one.hi - one.lo, one.value - one.lo
    if width == 0:
        return one.value
    if u * width < left:
        value = one.lo + math.sqrt(u * width * left)
    else:
        value = one.hi - math.sqrt((1 - u) * width * (one.hi - one.value))
    return float(round(value)) if one.name in WHOLE else value


def _example(name: str) -> str:
    one = PARAMETERS[name]
    return f"write for example {one.value:g} (plausible: {one.lo:g} to {one.hi:g} {one.unit})"


def _known(names: Iterable[str]) -> None:
    unknown = sorted(set(names) - set(PARAMETERS))
    if unknown:
        raise ConfigError(f"no such store parameter: {', '.join(unknown)}; known are {', '.join(PARAMETERS)}")

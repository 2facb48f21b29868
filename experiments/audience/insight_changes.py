"""What changes of our brand would bring by a choice model, and how much people would have to care for more."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from experiments.audience.measured import Figure
from retail.brand_choices import OFFERS, PRICE
from simulation.choice import Choices, Fit, change, ends_of, needed_draws, needed_weight, worth, worth_of_needed

Floats = npt.NDArray[np.float64]
_DRAWS: Final = 200
"""Of the estimates, the same for every figure of an arm."""
_PEOPLE: Final = 60
_IMPROVED: Final = "unmeasured"


def changed_figures(fit: Fit, used: Choices, product: str, *, gain_pct: float, cut: float) -> list[Figure]:
    """Return what prices and offers weigh, what changes of them would bring, and what they would have to weigh.

    Args:
        fit: of all or of our own choices.
        used: the choices of everybody, as the model sees them.
        product: our brand.
        gain_pct: wanted gain of our share.
        cut: part by which our price is lowered.
    """
    place, n = used.place(product), fit.situations
    price = used.attributes.index(PRICE)
    mean = float(used.x[used.available[:, place], place, price].mean())
    figures = [Figure(f"{PRICE}_weight", fit[PRICE], n, "log-odds", ends=fit.interval(PRICE))]
    offers = [name for name in OFFERS if name in used.attributes]
    for name in offers:
        one = worth(fit, name, price=PRICE)
        figures.append(Figure(f"worth_{name}", one.value, n, "money", ends=(one.lo, one.hi)))
    drawn = fit.draws(_DRAWS, np.random.default_rng(0))
    steps: dict[str, dict[str, Any]] = {PRICE: {"by": -cut * mean}, **{name: {"to": 1.0} for name in offers}}
    for name, step in steps.items():
        asked: dict[str, Any] = {way: {name: value} for way, value in step.items()}
        moved = change(fit, used, product, **asked, wanted_pct=gain_pct, draws=_DRAWS, people=_PEOPLE)
        figures.append(Figure(f"gain_{name}", moved.gain_pct, n, "pct", ends=(moved.lo_pct, moved.hi_pct)))
        figures.append(Figure(f"chance_{name}", float(moved.chance_of or 0.0), n))
        value, weights = _needed(fit, used, product, name, gain_pct, step, drawn)
        figures.append(Figure(f"needed_{name}", value, n, "log-odds", ends=ends_of(weights)))
    value, weights = _needed(fit, used, product, _IMPROVED, gain_pct, {"by": 1.0}, drawn)
    figures.append(Figure(f"needed_{_IMPROVED}", value, n, "log-odds", ends=ends_of(weights)))
    worths = worth_of_needed(weights, drawn[:, fit.place(PRICE)])
    at = value / -fit[PRICE] if fit[PRICE] < 0 else math.nan
    figures.append(Figure("needed_as_price", at, n, "money", ends=ends_of(worths)))
    return figures


def _needed(
    fit: Fit, used: Choices, product: str, name: str, gain_pct: float, step: dict[str, Any], drawn: Floats
) -> tuple[float, Floats]:
    """Return a needed weight, NaN where none is enough, and the same at draws of the estimates."""
    asked: dict[str, Any] = {"gain_pct": gain_pct, "people": _PEOPLE // 2, **step}
    value = needed_weight(fit, used, product, name, **asked)
    return math.nan if value is None else value, needed_draws(fit, used, product, name, **asked, estimates=drawn)

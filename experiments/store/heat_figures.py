"""The figures of a heat-map run: sales, what the exact map brings, and how much of that a private map leaves.

"As good as" is a claim of its own, and no difference seen is not it. So a margin is set beforehand: a map is as good as
the exact one if the whole 95% interval of the share of the exact map's gain that is left lies within the margin around
1 (two one-sided tests, each at 2.5%).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from experiments.store.figures import NO_INTERVAL, row
from simulation.store.intervals import Interval, combined, paired
from simulation.store.kpi import kpi
from simulation.store.settings import GROUPS
from simulation.store.verdict import LEAST_DRAWS, verdict

UNSEEDED: Final = "the gate's noise has no seed: another run differs"
_SALES: Final = kpi("sales_visit")
_SOURCE: Final = ", ".join(
    source
    for source in ("data", "literature", "assumption")
    if any(one.source == source for group in _SALES.rests_on for one in GROUPS[group])
)


@dataclass(frozen=True, slots=True)
class Judged:
    """One observed day and what was chosen from it, in money per visit on other days.

    Attributes:
        exact: sales with the reference's map.
        other: sales with the arm's map.
        blind: sales with no map, the mean over how ties fall.
        map_error: relative L1 error of the arm's map, NaN where it has none.
    """

    exact: float
    other: float
    blind: float
    map_error: float


@dataclass(frozen=True, eq=False)
class Repeated:
    """All repetitions of a run.

    Attributes:
        central: at the central parameters.
        drawn: for each draw of the parameters, the first few of the same days.
        days: judging days behind `central`.
    """

    central: Sequence[Judged]
    drawn: Sequence[Sequence[Judged]]
    days: int


@dataclass(frozen=True, slots=True)
class _Figure:
    """A figure over repetitions: mean, interval of the days and noise, and interval that counts the parameters too."""

    value: float
    noise: Interval | None
    both: Interval | None

    @property
    def widest(self) -> Interval | None:
        """The interval with the parameters; of the days and noise alone where none were drawn."""
        return self.both or self.noise


_UNKNOWN: Final = _Figure(math.nan, None, None)


def heat_rows(
    found: Repeated, arm: str, reference: str, *, currency: str, margin: float, unseeded: bool, mapped: bool = True
) -> Iterator[dict[str, Any]]:
    """Yield values, differences, the ratio of sales, the exact map's gain and the share of it that is left.

    Args:
        found: the repetitions.
        arm: name of the arm.
        reference: name of the reference, whose map is taken as the best there is.
        currency: of money.
        margin: share of the exact map's gain that may be lost or won for a map to be called as good.
        unseeded: whether the arm's noise comes from the gate.
        mapped: whether the arm has a map; without one there is no share of the exact map's gain to speak of.
    """
    words: dict[str, Any] = {"n": found.days, "source": _SOURCE}
    sales: dict[str, Any] = {**words, "unit": currency, "label": _SALES.label, "better": _SALES.better}
    exact, other = _figure(found, _exact), _figure(found, _other)
    change, ratio = _figure(found, lambda one: _other(one) - _exact(one)), _figure(found, _ratio)
    about = {"reference": reference, "sides": (exact.value, other.value), "note": UNSEEDED if unseeded else ""}
    against: dict[str, Any] = {**sales, **about}
    yield row("sales_visit", reference, exact.value, _ends(exact.noise), **sales)
    yield row("sales_visit", arm, other.value, _ends(other.noise), **sales)
    judged = verdict(_SALES.better, change.both, draws=len(found.drawn))
    yield row("sales_visit", arm, change.value, _ends(change.both), statistic="difference", verdict=judged, **against)
    yield row("sales_visit", arm, change.value, _ends(change.noise), statistic="simulation_difference", **against)
    against |= {"unit": "ratio"}
    yield row("sales_visit", arm, ratio.value, _ends(ratio.widest), statistic="ratio", **against)
    gain = _figure(found, _gain)
    yield row(
        "map_gain", reference, gain.value, _ends(gain.widest), unit=currency, better=1,
        label="what the exact map brings over no map", **words,
    )  # fmt: skip
    if not mapped:
        return
    each = [paired(np.array([_gain(one) for one in some])) for some in (found.central, *found.drawn)]
    clear = all(interval is not None and interval.lo > 0 for interval in each)  # whatever the parameters
    kept = _figure(found, lambda one: 1 + (_other(one) - _exact(one)) / _gain(one)) if clear else _UNKNOWN
    said = "cannot be told: the exact map brings nothing clear over no map"
    if clear:
        said = _as_good(kept.both, margin, draws=len(found.drawn))
    yield row(
        "gain_kept", arm, kept.value, _ends(kept.widest), unit="ratio", better=1, verdict=said.partition(":")[0],
        label="share of the exact map's gain that is left", note="; ".join([said, *([UNSEEDED] if unseeded else [])]),
        **words,
    )  # fmt: skip
    if unseeded:
        errors = _figure(found, lambda one: one.map_error)
        yield row(
            "map_error", arm, errors.value, _ends(errors.noise), n=len(found.central), note=UNSEEDED,
            label="relative L1 error of the private map",
        )  # fmt: skip


def _as_good(kept: Interval | None, margin: float, *, draws: int) -> str:
    """Say whether a map is as good as the exact one, within a margin that was set beforehand."""
    within = f"margin {margin:.0%} of that gain"
    if kept is None or draws < LEAST_DRAWS:
        return f"cannot be told: {draws} draws of the parameters, at least {LEAST_DRAWS} are needed; {within}"
    if kept.lo > 1 - margin and kept.hi < 1 + margin:
        return f"as good: {within}"
    if kept.hi < 1 - margin:
        return f"not as good: {within}"
    return f"better: {within}" if kept.lo > 1 + margin else f"cannot be told: {within}"


def _figure(found: Repeated, of: Callable[[Judged], float]) -> _Figure:
    central = np.array([of(one) for one in found.central])
    drawn = np.array([[of(one) for one in each] for each in found.drawn])
    return _Figure(float(central.mean()), paired(central), combined(central, drawn))


def _exact(one: Judged) -> float:
    return one.exact


def _other(one: Judged) -> float:
    return one.other


def _ratio(one: Judged) -> float:
    return one.other / one.exact


def _gain(one: Judged) -> float:
    return one.exact - one.blind


def _ends(interval: Interval | None) -> tuple[float, float]:
    return NO_INTERVAL if interval is None else (interval.lo, interval.hi)

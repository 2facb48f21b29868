"""What a comparison of two layouts says: one row per figure, with both intervals and where the parameters come from."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from simulation.store.heat import HeatDifference, HeatMap, What, averaged, difference
from simulation.store.intervals import Interval, combined, paired
from simulation.store.kpi import KPIS, MONEY, kpi
from simulation.store.members import family_of
from simulation.store.parameters import Source
from simulation.store.settings import GROUPS, PARAMETERS
from simulation.store.verdict import LEAST_DRAWS, Verdict, verdict

Figures = Sequence[Mapping[str, float]]
"""One day each: figures by name."""
SOURCES: Final[tuple[Source, ...]] = ("data", "literature", "assumption")


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of two layouts.

    Attributes:
        name: of the figure.
        label: for people.
        unit: of base, other, difference and the intervals.
        better: +1 more is better, -1 less is better, 0 neither.
        base: mean over the days on which both layouts have the figure, else over its own; None without any.
        other: likewise, so that `difference` is other - base wherever there is one.
        difference: mean over days of other minus base.
        noise: 95% interval for the noise of the days alone, at the central parameters.
        combined: 95% interval for days and parameters together; None without draws of parameters.
        days: pairs of days behind it.
        verdict: "better" and "worse" (or "higher" and "lower" where neither is better) only where `combined` excludes
            0 and at least `LEAST_DRAWS` draws of the parameters are behind it; "not judged" with fewer, or without.
        sources: the parameters that it rests on, by where they come from: data, literature, assumption.
        digits: to print.
    """

    name: str
    label: str
    unit: str
    better: int
    base: float | None
    other: float | None
    difference: float | None
    noise: Interval | None
    combined: Interval | None
    days: int
    verdict: Verdict
    sources: Mapping[Source, tuple[str, ...]]
    digits: int

    @property
    def provenance(self) -> str:
        """The kinds of sources, most solid first; "plan" for what follows from the plan and the demand alone."""
        return ", ".join(one for one in SOURCES if self.sources.get(one)) or "plan"


@dataclass(frozen=True, eq=False)
class HeatPair:
    """A heat map of both layouts."""

    base: HeatMap
    other: HeatMap
    change: HeatDifference


@dataclass(frozen=True, eq=False)
class Measured:
    """What a comparison is made of, day by day.

    Attributes:
        base: figures of each day, at the central parameters.
        other: of the same days.
        drawn: for each draw of the parameters, both layouts on the first few of these days.
    """

    base: Figures
    other: Figures
    drawn: Sequence[tuple[Figures, Figures]]


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two layouts compared, finished or as far as it got.

    Attributes:
        rows: in the registry's order.
        days: pairs of days so far.
        draws: draws of the parameters so far.
        leading: the figure that decided about more days.
        half_width: wanted, as a share of the base's leading figure; None where the number of days was fixed.
        reached: as it is; None while unknown. A pilot cannot know it exactly, so it may be a little more than wanted.
        varied: parameters that were drawn from their ranges.
        heat: heat maps that were asked for.
        finished: whether more is to come.
        measured: the days behind the rows.
    """

    rows: tuple[Row, ...]
    days: int
    draws: int
    leading: str
    half_width: float | None
    reached: float | None
    varied: tuple[str, ...]
    heat: Mapping[What, HeatPair]
    finished: bool
    measured: Measured

    @property
    def enough(self) -> bool:
        """Whether the noise of the leading figure is as small as wanted."""
        return self.reached is not None and self.half_width is not None and self.reached <= self.half_width

    def row(self, name: str) -> Row:
        """Return the row of a figure; KeyError if neither layout has it."""
        for one in self.rows:
            if one.name == name:
                return one
        raise KeyError(name)

    def document(self) -> list[dict[str, Any]]:
        """All rows as plain values, for JSON; an interval is [lo, hi] or None."""
        return [_plain(one) for one in self.rows]


def compared(
    base: Figures,
    other: Figures,
    *,
    drawn: Sequence[tuple[Figures, Figures]],
    maps: Sequence[tuple[tuple[HeatMap, ...], tuple[HeatMap, ...]]],
    findings: tuple[Mapping[str, float], Mapping[str, float]],
    leading: str,
    half_width: float | None,
    varied: frozenset[str],
    currency: str,
    finished: bool,
) -> Comparison:
    """Put days together.

    Args:
        base: of each day, at the central parameters.
        other: of the same days.
        drawn: for each draw of the parameters, both layouts on the first few of these days.
        maps: for each day the heat maps of both layouts; none if none were asked for.
        findings: figures of the plans themselves, without noise.
        leading: name of the leading figure.
        half_width: wanted for it.
        varied: parameters that are drawn.
        currency: of money, that of the baskets.
        finished: whether more is to come.
    """
    rows = []
    for name in _names([*base[:1], *other[:1]]):
        before, after = _column(base, name), _column(other, name)
        shifts = [_column(there, name) - _column(here, name) for here, there in drawn]
        rows.append(_row(name, before, after, np.array(shifts), varied=varied, currency=currency))
    for name in _names(findings):
        rows.append(_certain(name, findings[0].get(name), findings[1].get(name), len(base)))
    lead = next((one for one in rows if one.name == leading), None)
    reached = None
    if lead is not None and lead.noise is not None and lead.base:
        reached = lead.noise.half / abs(lead.base)
    heat = {}
    for place, first in enumerate(maps[0][0] if maps else ()):
        here, there = [one[0][place] for one in maps], [one[1][place] for one in maps]
        if here[0].values.shape == there[0].values.shape:  # stores of different size have no difference map
            heat[first.what] = HeatPair(averaged(here), averaged(there), difference(here, there))
    return Comparison(
        tuple(rows), len(base), len(drawn), leading, half_width, reached, tuple(sorted(varied)), heat, finished,
        Measured(tuple(base), tuple(other), tuple(drawn)),
    )  # fmt: skip


def _row(
    name: str,
    before: NDArray[np.float64],
    after: NDArray[np.float64],
    shifts: NDArray[np.float64],
    *,
    varied: frozenset[str],
    currency: str,
) -> Row:
    one, (_, member) = kpi(name), family_of(name)
    change = after - before
    shared = ~np.isnan(change)
    if shared.any():
        before, after = before[shared], after[shared]
    noise = paired(change)
    both = combined(change, shifts)
    sources: dict[Source, tuple[str, ...]] = {}
    used = [PARAMETERS[each.name] for group in one.rests_on for each in GROUPS[group]]
    for source in SOURCES:
        sources[source] = tuple(each.name for each in used if each.source == source)
    return Row(
        name=name,
        label=f"{one.label}: {member}" if member else one.label,
        unit=one.unit.replace(MONEY, currency),
        better=one.better,
        base=_mean(before),
        other=_mean(after),
        difference=_mean(change),
        noise=noise,
        combined=both,
        days=int((~np.isnan(change)).sum()),
        verdict=verdict(one.better, both, draws=len(shifts)),
        sources=sources,
        digits=one.digits,
    )


def _certain(name: str, before: float | None, after: float | None, days: int) -> Row:
    """A row about the plans themselves, which no day changes."""
    one = kpi(name)
    change = None if before is None or after is None else after - before
    exact = None if change is None else Interval(change, change)
    said = verdict(one.better, exact, draws=LEAST_DRAWS)  # no parameter matters to a plan
    return Row(
        name, one.label, one.unit, one.better, before, after, change, exact, exact, days, said, {}, one.digits
    )  # fmt: skip


def _names(days: Sequence[Mapping[str, float]]) -> list[str]:
    """Names of all figures, in the registry's order, members of a family as the layouts have them."""
    order = {one.name: place for place, one in enumerate(KPIS)}
    names = dict.fromkeys(name for day in days for name in day)
    return sorted(names, key=lambda name: order[family_of(name)[0]])


def _column(days: Figures, name: str) -> NDArray[np.float64]:
    return np.array([day.get(name, math.nan) for day in days], dtype=np.float64)


def _mean(values: NDArray[np.float64]) -> float | None:
    real = values[~np.isnan(values)]
    return float(real.mean()) if len(real) else None


def _plain(row: Row) -> dict[str, Any]:
    document = {one.name: getattr(row, one.name) for one in dataclasses.fields(row)}
    for name in ("noise", "combined"):
        interval: Interval | None = document[name]
        document[name] = None if interval is None else [interval.lo, interval.hi]
    document["sources"] = {source: list(names) for source, names in row.sources.items()}
    return {**document, "provenance": row.provenance}

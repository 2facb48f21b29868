"""The comparisons of a store scenario, one line per figure, as the command prints them and the app shows them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from apps.figure_text import unit_text

Interval = tuple[float, float]
NOT_JUDGED: Final = "not judged"


@dataclass(frozen=True, slots=True)
class Line:
    """One figure of an arm against the reference.

    Attributes:
        sweep: the swept keys and their values.
        arm: name of the arm.
        reference: name of the other.
        figure: name of the figure.
        label: what people call it.
        unit: of the figure.
        base: the reference's value on the days of this comparison.
        other: the arm's value on the same days.
        difference: other - base.
        simulation: 95% interval of the difference from the days alone.
        combined: 95% interval from days and parameters.
        better: 1 where more is better, -1 where less is, 0 where neither.
        verdict: what the combined interval says, in words.
        source: where the parameters come from.
        note: what else to know.
        days: paired days behind it.
    """

    sweep: Mapping[str, Any]
    arm: str
    reference: str
    figure: str
    label: str
    unit: str
    base: float
    other: float
    difference: float
    simulation: Interval
    combined: Interval
    better: int
    verdict: str
    source: str
    note: str
    days: int


def lines(document: Mapping[str, Any]) -> list[Line]:
    """Read the comparisons of a store scenario from its `summary.json`."""
    records = [*document["results"], *document["differences"]]
    found = {(_sweep(record), record["name"]): record for record in records}
    return list(_lines(document["differences"], found))


def singles(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the figures that belong to no comparison, such as those of a validation."""
    compared = {(_sweep(one), one["provenance"].get("figure")) for one in document["differences"]}
    return [one for one in document["results"] if (_sweep(one), one["provenance"].get("figure")) not in compared]


def drawn(lines: Iterable[Line]) -> bool:
    """Whether parameters were drawn: only then is there an interval that a verdict can rest on."""
    return any(math.isfinite(line.combined[0]) for line in lines if line.source != "plan")


def judged(lines: Sequence[Line]) -> bool:
    """Whether parameters were drawn, and no verdict had to be withheld because they were drawn too seldom."""
    return drawn(lines) and not drawn([one for one in lines if one.verdict == NOT_JUDGED])


def digits(value: float, ends: Sequence[float] = ()) -> int:
    """Return how many decimals a number deserves: two significant digits of its interval's width, else of itself.

    A whole number that is certain, such as a count, has none.
    """
    widths = [abs(end - value) for end in ends if math.isfinite(end)]
    if value == round(value, 0) and not any(widths):
        return 0
    scale = max(widths, default=0.0) or abs(value) / 100
    if not math.isfinite(scale) or scale == 0:
        return 0
    return max(0, min(6, 1 - math.floor(math.log10(scale))))


def number(value: float, decimals: int, *, signed: bool = False) -> str:
    """Write a number; NaN is a dash, and no zero has a sign."""
    if not math.isfinite(value):
        return "-"
    plain = f"{value:,.{decimals}f}"
    if set(plain) <= set("-0.,"):
        return plain.removeprefix("-")
    return f"+{plain}" if signed and value > 0 else plain


def interval(ends: Interval, decimals: int, *, signed: bool = False) -> str:
    """Write an interval as `[lo, hi]`; a dash without one."""
    if not all(math.isfinite(end) for end in ends):
        return "-"
    return f"[{', '.join(number(end, decimals, signed=signed) for end in ends)}]"


def cells(line: Line) -> dict[str, str]:
    """Write a line for people: Figure, Unit, Base, Other, Difference, both intervals, Verdict, From.

    Base and Other have at least the decimals of the difference, so that a reader can subtract them.
    """
    drawn = all(math.isfinite(end) for end in line.combined)
    many = digits(line.difference, line.combined if drawn else line.simulation)
    few = max(many, min(4, digits(line.base, [line.base + abs(end) for end in line.simulation])))
    return {
        "Figure": line.label,
        "Unit": line.unit,
        "Base": number(line.base, few),
        "Other": number(line.other, few),
        "Difference": number(line.difference, many, signed=True),
        "Simulation noise": interval(line.simulation, many, signed=True),
        "With parameters": interval(line.combined, many, signed=True),
        "Verdict": line.verdict,
        "Rests on": line.source,
    }


def _lines(differences: Sequence[Mapping[str, Any]], found: Mapping[Any, Mapping[str, Any]]) -> Iterator[Line]:
    for record in differences:
        about = record["provenance"]
        if about.get("statistic") != "difference":
            continue
        sweep, arm, reference, figure = _sweep(record), about["arm"], about["reference"], about["figure"]
        alone = found.get((sweep, f"simulation_difference({figure}, {arm}, {reference})"))
        yield Line(
            sweep=about.get("sweep", {}),
            arm=arm,
            reference=reference,
            figure=figure,
            label=str(about.get("label") or figure),
            unit=unit_text(record["unit"]),
            base=_number(about, "base"),
            other=_number(about, "other"),
            difference=_number(record, "value"),
            simulation=(_number(alone, "lo"), _number(alone, "hi")),
            combined=(_number(record, "lo"), _number(record, "hi")),
            better=int(about.get("better", 0)),
            verdict=str(about.get("verdict", "")),
            source=str(about.get("source", "")),
            note=str(about.get("note", "")),
            days=int(record["n"]),
        )


def _number(record: Mapping[str, Any] | None, key: str) -> float:
    """Read a number back; JSON has null, or nothing, where it is NaN."""
    found = None if record is None else record.get(key)
    return math.nan if found is None else float(found)


def _sweep(record: Mapping[str, Any]) -> str:
    return repr(sorted(record["provenance"].get("sweep", {}).items()))

"""The one shape of a figure, in tables, JSON, reports and the app."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from experiments.intervals import Interval


@dataclass(frozen=True, slots=True)
class Result:
    """A measured figure.

    Attributes:
        name: canonical spelling, as targets write it: `explore_ndcg10(federated)`.
        value: the figure, NaN where it could not be measured.
        lo: lower end of the 95% interval, NaN without one.
        hi: upper end.
        unit: `1` for a pure number, `ratio` for one figure over another, `s` for seconds.
        n: shoppers behind the figure.
        target: the bound that the scenario declares, None without one.
        met: whether `value` respects it; None without a target, or without a value.
        provenance: `runs`, the ids it was computed from, and the `sweep` point where there is one.
    """

    name: str
    value: float
    lo: float
    hi: float
    unit: str
    n: int
    target: str | None = None
    met: bool | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, name: str, interval: Interval, *, unit: str, provenance: Mapping[str, Any]) -> Result:
        """Name an interval."""
        return cls(name, interval.value, interval.lo, interval.hi, unit, interval.n, provenance=provenance)

    def record(self) -> dict[str, Any]:
        """Return the figure as a plain table row."""
        return asdict(self)

"""Numbers worked out from whole logs: the report and its verifier share this."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from privacy.accounting import epsilon_rdp
from retail.errors import PrivacyError


class Bodies:
    """The bodies of one kind of entry of some logs, with counts by fields kept, since reports count often."""

    def __init__(self, bodies: Sequence[Mapping[str, Any]]) -> None:
        self.all = bodies
        self._counts: dict[tuple[str, ...], Counter[tuple[Any, ...]]] = {}

    def derive(self, how: str, *, where: Mapping[str, Any], field: str) -> int | float | None:
        """Work a number out.

        Args:
            how: "count", "distinct", "sum", "max" or "epsilon", see `experiments.report.proven.Derivation`.
            where: fields of the body, and the value (or one of the values) that they must have.
            field: of which the distinct values, the sum, the maximum or the epsilon is taken.

        Returns: None for the maximum of nothing, and for an epsilon without one delta or with a cost that is none.

        Raises:
            ValueError: another rule.
        """
        if how == "count":
            return self._count(where)
        chosen = [body for body in self.all if all(_fits(_plain(body.get(name)), where[name]) for name in where)]
        if how == "distinct":
            return len({str(body[field]) for body in chosen if body.get(field) is not None})
        values = [value for body in chosen if (value := usable(body.get(field))) is not None]
        if how == "sum":
            return sum(values)
        if how == "max":
            return max(values, default=None)
        if how == "epsilon":
            return _epsilon(values, {usable(body.get("delta")) for body in chosen})
        raise ValueError(f"unknown rule {how!r}")

    def _count(self, where: Mapping[str, Any]) -> int:
        names = tuple(sorted(where))
        if names not in self._counts:
            self._counts[names] = Counter(tuple(_plain(body.get(name)) for name in names) for body in self.all)
        found = self._counts[names].items()
        return sum(
            count
            for values, count in found
            if all(_fits(value, where[name]) for name, value in zip(names, values, strict=True))
        )


def usable(value: Any) -> float | int | None:
    """Return a number, None for anything that is none: NaN, infinity, text, truth values."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if abs(value) < float("inf") else None


def _epsilon(costs: Sequence[int | float], deltas: set[int | float | None]) -> float | None:
    delta = deltas.pop() if len(deltas) == 1 else None
    try:
        return None if delta is None else epsilon_rdp([int(cost) for cost in costs], delta=delta)
    except PrivacyError:
        return None


def _plain(value: Any) -> Any:
    """Return what a field is compared and counted by; what is missing is the empty text."""
    if value is None:
        return ""
    return value if isinstance(value, str | int | float | bool) else repr(value)


def _fits(value: Any, wanted: Any) -> bool:
    return value in wanted if isinstance(wanted, list | tuple) else bool(value == wanted)

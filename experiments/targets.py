"""What a scenario hopes to show, written so that a run can be held against it.

Three forms, each about one metric: `explore_ndcg10(federated)`, `ratio(explore_ndcg10, federated, popularity)`
and `difference(total_ndcg10, federated-dp-4, pooled)`; a condition compares with one number: `>= 1.15`. The text
is matched against this grammar and never evaluated as code.
"""

from __future__ import annotations

import difflib
import math
import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

_NAME: Final = r"[A-Za-z0-9][A-Za-z0-9._-]*"
_SINGLE: Final = re.compile(rf"\s*({_NAME})\(\s*({_NAME})\s*\)\s*")
_PAIR: Final = re.compile(rf"\s*(ratio|difference)\(\s*({_NAME})\s*,\s*({_NAME})\s*,\s*({_NAME})\s*\)\s*")
_CONDITION: Final = re.compile(r"\s*(>=|<=|>|<)\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*")
_COMPARE: Final[dict[str, Callable[[float, float], bool]]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}


@dataclass(frozen=True, slots=True)
class Target:
    """One hope: a statistic of one arm, or of an arm against a reference, and the bound it should respect."""

    kind: Literal["value", "ratio", "difference"]
    metric: str
    arm: str
    reference: str | None
    comparison: str
    bound: float

    @classmethod
    def parse(cls, expression: str, condition: str) -> Target:
        """Read a `[targets]` entry.

        Raises:
            ValueError: the text is not of one of the three forms, or the condition no comparison with a number.
        """
        bound = _CONDITION.fullmatch(condition)
        if bound is None or not math.isfinite(float(bound[2])):
            raise ValueError(
                f'targets: condition {condition!r} of "{expression}" is no comparison; write one such as ">= 1.15"'
            )
        if pair := _PAIR.fullmatch(expression):
            kind: Literal["ratio", "difference"] = "ratio" if pair[1] == "ratio" else "difference"
            return cls(kind, pair[2], pair[3], pair[4], bound[1], float(bound[2]))
        if single := _SINGLE.fullmatch(expression):
            return cls("value", single[1], single[2], None, bound[1], float(bound[2]))
        raise ValueError(
            f'targets: "{expression}" is not understood; write metric(arm), ratio(metric, arm, reference)'
            " or difference(metric, arm, reference)"
        )

    @property
    def name(self) -> str:
        """The statistic in one canonical spelling; results about it carry the same name."""
        return statistic_name(self.kind, self.metric, self.arm, self.reference)

    @property
    def condition(self) -> str:
        """The bound as text, `>= 1.15`."""
        return f"{self.comparison} {self.bound:g}"

    def met(self, value: float) -> bool:
        """Whether a measured value respects the bound; NaN never does."""
        return _COMPARE[self.comparison](value, self.bound)

    def check_arms(self, arms: Sequence[str]) -> None:
        """Make sure that the arms exist.

        Raises:
            ValueError: an arm of the expression is not in the scenario.
        """
        for arm in (self.arm, self.reference):
            if arm is not None and arm not in arms:
                close = difflib.get_close_matches(arm, arms, n=1)
                hint = f"did you mean {close[0]}?" if close else f"the arms are {', '.join(arms)}"
                raise ValueError(f'targets: "{self.name}" names arm {arm!r}, which the scenario lacks; {hint}')

    def check_metric(self, known: Sequence[str]) -> None:
        """Make sure that the metric exists.

        Raises:
            ValueError: it is not among those known; the nearest ones are named, or else all.
        """
        if self.metric not in known:
            close = difflib.get_close_matches(self.metric, known, n=3)
            hint = f"did you mean {' or '.join(close)}?" if close else f"choose one of {', '.join(known)}"
            raise ValueError(f'targets: "{self.name}" asks for {self.metric!r}, which is not measured; {hint}')


def holds_bound(condition: str, lo: float | None, hi: float | None) -> bool:
    """Whether the bound of a condition lies within an interval: then the point value alone decides, and chance might.

    Args:
        condition: as `Target.condition` writes it.
        lo: lower end; None or NaN without one.
        hi: upper end.
    """
    if lo is None or hi is None or not lo < hi:
        return False
    return lo <= float(condition.split()[-1]) <= hi


def statistic_name(kind: str, metric: str, arm: str, reference: str | None = None) -> str:
    """Return the canonical name of a statistic, as results and targets spell it."""
    if reference is None:
        return f"{metric}({arm})"
    return f"{kind}({metric}, {arm}, {reference})"

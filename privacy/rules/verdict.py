"""What an audit of one rule says: outcome, effect with interval and margin, p, tipping point, specification curve."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from retail.errors import ConfigError

Outcome = Literal["breach", "no_evidence", "inconclusive"]


@dataclass(frozen=True, slots=True)
class Specification:
    """One row of a specification curve: the same question asked in another defensible way.

    Attributes:
        name: what differs from the pre-declared specification, which comes first.
        effect: in the unit of the verdict.
        lo: lower end of the 95% interval.
        hi: upper end.
        p: one-sided, against the margin, not adjusted.
    """

    name: str
    effect: float
    lo: float
    hi: float
    p: float


@dataclass(frozen=True, slots=True)
class Tipping:
    """How strong something that the auditor does not see would have to be, 1 SD apart between own and other products.

    Attributes:
        estimate: log-odds for each SD at which the estimate falls to the margin.
        verdict: log-odds for each SD at which the one-sided bound (95% at level .05) falls to the margin, so that no
            breach is left; 0 where there is none.
        strongest: the largest such strength among the logged qualities, to compare with; None without any.
    """

    estimate: float
    verdict: float
    strongest: float | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of one rule's audit.

    Attributes:
        rule: name of the rule.
        outcome: "breach" where the effect is above the margin beyond chance (or rows prove it), "no_evidence" where it
            is not, "inconclusive" where this log cannot tell. "no_evidence" is no proof of innocence: see `hi`.
        reason: one or more sentences for people.
        effect: estimate in `unit`; NaN where there is none.
        lo: lower end of its 95% interval.
        hi: upper end.
        unit: of effect, lo, hi and margin.
        margin: declared before the log was seen; effects up to it are no breach.
        p: one-sided p value of "the effect is at most the margin"; None where rows prove or nothing was tested.
        adjusted_p: p after Holm's correction for the rules audited together.
        n: clusters or units that the p value counts.
        n_unit: what n counts.
        observations: what lies below the clusters, such as {"lists": 400, "rows": 4000}.
        tipping: for the ranking alone.
        curve: the specification curve; the first row is the pre-declared one.
        exact: verdict from rows that name the breach; None where the rule has none.
        statistical: verdict from outside, where the rule has both; None otherwise.
        rows: the rows that prove a breach.
        besides: sentences of `reason` that hold also where a breach is taken back.
    """

    rule: str
    outcome: Outcome
    reason: str
    effect: float
    lo: float
    hi: float
    unit: str
    margin: float
    p: float | None
    n: int
    n_unit: str
    adjusted_p: float | None = None
    observations: tuple[tuple[str, int], ...] = ()
    tipping: Tipping | None = None
    curve: tuple[Specification, ...] = ()
    exact: Verdict | None = None
    statistical: Verdict | None = None
    rows: tuple[Mapping[str, Any], ...] = ()
    besides: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain values; NaN and infinity stay and become null where JSON is written."""
        plain = asdict(self)
        for one in (plain, plain["exact"], plain["statistical"]):
            if one is not None:
                del one["besides"]  # it stands in `reason`
        return plain


def inconclusive(
    rule: str, reason: str, *, unit: str, margin: float, n: int = 0, n_unit: str, rows: tuple[tuple[str, int], ...] = ()
) -> Verdict:
    """Return the verdict of a log that cannot tell; `rows` as in `Verdict.observations`."""
    nan = float("nan")
    return Verdict(rule, "inconclusive", reason, nan, nan, nan, unit, margin, None, n, n_unit, observations=rows)


def tested(
    rule: str,
    reason: str,
    curve: tuple[Specification, ...],
    *,
    alpha: float,
    unit: str,
    margin: float,
    n: int,
    n_unit: str,
    rows: tuple[tuple[str, int], ...],
) -> Verdict:
    """Return the verdict of the declared specification, the first of the curve; `rows` as in `Verdict.observations`."""
    one = curve[0]
    outcome: Outcome = "breach" if one.p <= alpha else "no_evidence"
    return Verdict(
        rule,
        outcome,
        reason,
        one.effect,
        one.lo,
        one.hi,
        unit,
        margin,
        one.p,
        n,
        n_unit,
        observations=rows,
        curve=curve,
    )


def counted(number: int, what: str) -> str:
    """Write a number and what it counts, in the singular where it is one; `what` ends in s."""
    return f"{number:,} {what if number != 1 else 'query' if what == 'queries' else what[:-1]}"


def holm(p_values: Sequence[float]) -> npt.NDArray[np.float64]:
    """Return p values adjusted for being looked at together; never below the given ones.

    Source: Holm 1979, "A simple sequentially rejective multiple test procedure".
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def adjusted(verdicts: Sequence[Verdict], *, alpha: float) -> tuple[Verdict, ...]:
    """Adjust the p values of verdicts for each other, and take back each breach that does not survive.

    A ranking that is inconclusive for want of logged quality stays so, and its reason and tipping point are mended.

    A breach that rows prove stays whatever its p value. Raises: ConfigError: alpha is not between 0 and 1.
    """
    if not 0.0 < alpha < 1.0:
        raise ConfigError(f"alpha = {alpha!r}: give a level between 0 and 1, such as .05")
    tested = [one for one in verdicts if one.p is not None]
    found = dict(zip([id(one) for one in tested], holm([one.p or 0.0 for one in tested]), strict=True))
    return tuple(_with_p(one, float(found[id(one)]), alpha) if id(one) in found else one for one in verdicts)


def _with_p(verdict: Verdict, p: float, alpha: float) -> Verdict:
    verdict = replace(verdict, adjusted_p=p)
    if p <= alpha or verdict.rows:
        return verdict
    tipping = None if verdict.tipping is None else replace(verdict.tipping, verdict=0.0)
    reason = _taken_back(verdict, p)
    outside = verdict.statistical
    if verdict.outcome == "inconclusive" and outside is not None and outside.outcome == "breach":
        # Rows showed nothing, and what contradicted them does not survive.
        taken = replace(outside, outcome="no_evidence", reason=_taken_back(outside, p), adjusted_p=p)
        rows = "" if verdict.exact is None else f"{verdict.exact.reason} "
        return replace(verdict, outcome="no_evidence", reason=f"{rows}{taken.reason}", statistical=taken)
    if verdict.outcome == "inconclusive" and tipping is not None and (verdict.p or 0.0) <= alpha:
        return replace(verdict, reason=reason, tipping=tipping)
    if verdict.outcome != "breach":
        return verdict
    if outside is not None and outside.outcome == "breach":
        outside = replace(outside, outcome="no_evidence", reason=_taken_back(outside, p), adjusted_p=p)
    return replace(verdict, outcome="no_evidence", reason=reason, tipping=tipping, statistical=outside)


def _taken_back(verdict: Verdict, p: float) -> str:
    """Say anew what is left of a breach: the figures, without the claim that they are beyond chance."""
    alone = "a breach" if verdict.outcome == "breach" else "above the margin beyond chance"
    parts = [
        f"Alone it would be {alone} (p = {verdict.p:.3g}), but not among the rules audited together (p = {p:.3g}).",
        f"The estimate is {verdict.effect:.3g} ({verdict.unit}), its 95% interval [{verdict.lo:.3g}, "
        f"{verdict.hi:.3g}], the margin {verdict.margin:g}.",
    ]
    if verdict.tipping is not None and math.isfinite(verdict.tipping.estimate):
        parts.append(
            "A quality that is not logged, on which own products are 1 SD better, would explain the estimate if it "
            f"moved places by {verdict.tipping.estimate:.2g} log-odds for each SD."
        )
    return " ".join([*parts, verdict.besides]).strip()

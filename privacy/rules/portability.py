"""Access and portability: merchants get their data whole, free and in time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from privacy.rules.design import ACCESS, Design, Plan
from privacy.rules.rule import Enforced, Power, Tables
from privacy.rules.verdict import Specification, Verdict, counted, inconclusive, tested
from retail.errors import ConfigError
from retail.market_log import MarketLog
from retail.market_log import columns as m

UNIT: Final = "share of requests that failed"
_REQUESTS: Final = "requests"
_LEAST: Final = 5
_MOST: Final = 100_000

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class AccessAndPortability(Enforced):
    """The rule."""

    name: ClassVar[str] = ACCESS
    needs: ClassVar[Tables] = (("requests",),)

    def audit(self, log: MarketLog, design: Design) -> Verdict:
        """Count requests that were not answered completely, free and within `design.within` periods.

        A request that is neither answered nor yet due at the last period of the log is left out. The p value is exact
        under the binomial law, which takes requests as independent; the interval is Wilson's.

        Raises: ConfigError: the log has no requests.
        """
        if log.requests is None:
            raise ConfigError("the access rule needs the table requests; add it to the log")
        margin = design.margin(ACCESS)
        frame = log.requests
        last = max(int(table[m.PERIOD].max()) for table in log.tables.values() if m.PERIOD in table.columns)
        answered = frame[m.ANSWERED].to_numpy(dtype=np.float64)
        asked = frame[m.PERIOD].to_numpy()
        due = ~np.isnan(answered) | (asked + design.within <= last)
        late = ~(answered - asked <= design.within)
        lacking, paid = ~frame[m.COMPLETE].to_numpy(dtype=bool), ~frame[m.FREE].to_numpy(dtype=bool)
        n = int(due.sum())
        failed = (late | lacking | paid) & due
        merchants = frame[m.MERCHANT][due].nunique()
        seen = (
            ("requests in the log", len(frame)),
            ("not yet due", int((~due).sum())),
            ("merchants", merchants),
            ("late or unanswered", int((late & due).sum())),
            ("incomplete", int((lacking & due).sum())),
            ("not free", int((paid & due).sum())),
        )
        if n < _LEAST:
            why = f"{counted(n, 'requests')} answered or due, and fewer than {_LEAST} say too little."
            return inconclusive(ACCESS, why, unit=UNIT, margin=margin, n=n, n_unit=_REQUESTS, rows=seen)
        declared = _share("declared", failed[due], margin)
        breach = declared.p <= design.alpha
        beyond = "more than" if breach else "not more than"
        reason = (
            f"{int(failed.sum()):,} of {counted(n, 'requests')} were not answered completely, free and within "
            f"{counted(design.within, 'periods')}, {beyond} the margin of {margin:.0%} beyond chance"
            + ("." if breach else f"; up to {declared.hi:.1%} remains possible.")
        )
        if len(frame) and np.isnan(answered).all():
            reason += " None was answered at all, as in a market that does not hand data out."
        curve = (
            declared,
            _share("late alone", (late & due)[due], margin),
            _share("incomplete alone", (lacking & due)[due], margin),
            _share("not free alone", (paid & due)[due], margin),
            *_later(answered, asked, last, design, lacking | paid, margin),
            _share("each merchant once, by its first request", _first(frame, failed, due), margin),
        )
        return tested(
            ACCESS, reason, curve, alpha=design.alpha, unit=UNIT, margin=margin, n=n, n_unit=_REQUESTS, rows=seen
        )

    def power(self, design: Design, effect: float, plan: Plan) -> Power:
        """Work out the chance to find that a share of `effect` fails, on top of `plan.failing`.

        Raises: ConfigError: the two are no share together.
        """
        margin = design.margin(ACCESS)
        share = plan.failing + effect
        if not 0.0 <= share <= 1.0:
            raise ConfigError(f"effect = {effect!r}: with {plan.failing:g} failing anyway it is no share")
        power = float(_power(np.array([plan.n]), share, margin, design.alpha)[0])
        needed = None
        if share > margin:
            sizes = np.arange(_LEAST, _MOST)
            enough = np.flatnonzero(_power(sizes, share, margin, design.alpha) >= plan.wanted)
            needed = int(sizes[enough[0]]) if len(enough) else None
        basis = "exact binomial; a few more requests can have a little less power, since counts are whole"
        return Power(ACCESS, effect, plan.n, _REQUESTS, power, needed, plan.wanted, margin, design.alpha, basis)


def _later(
    answered: npt.NDArray[np.float64],
    asked: npt.NDArray[np.int64],
    last: int,
    design: Design,
    other: Bools,
    margin: float,
) -> list[Specification]:
    """Give one more period for an answer, which also makes fewer requests due; no row where none is."""
    within = design.within + 1
    due = ~np.isnan(answered) | (asked + within <= last)
    failed: Bools = ~(answered - asked <= within) | other
    return [_share("one more period", failed[due], margin)] if due.any() else []


def _first(frame: pd.DataFrame, failed: Bools, due: Bools) -> Bools:
    part = frame.assign(failed=failed)[due].sort_values(m.PERIOD, kind="stable")
    once: Bools = part.drop_duplicates(m.MERCHANT)["failed"].to_numpy(dtype=bool)
    return once


def _share(name: str, failed: Bools, margin: float) -> Specification:
    """Share that failed, its Wilson interval, and the exact p value of "at most the margin"."""
    n, count = len(failed), int(failed.sum())
    z = float(stats.norm.ppf(0.975))
    share = count / n
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * float(np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2)))
    p = float(stats.binom.sf(count - 1, n, margin))
    return Specification(name, share, max(middle - half, 0.0), min(middle + half, 1.0), p)


def _power(n: npt.NDArray[np.int64], share: float, margin: float, alpha: float) -> npt.NDArray[np.float64]:
    """Chance that the exact test rejects; its critical count is the first with a tail of at most alpha."""
    critical = stats.binom.isf(alpha, n, margin) + 1
    return np.asarray(stats.binom.sf(critical - 1, n, share), dtype=np.float64)

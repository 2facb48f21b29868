"""Use of non-public data: the own-label arm does not compete with what merchants' data tell it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar, Final

import numpy as np
from scipy import stats

from privacy.rules.design import DATA, Design, Plan
from privacy.rules.imitation import imitation_audit
from privacy.rules.reads import reads_audit
from privacy.rules.rule import Enforced, Power, Tables
from privacy.rules.tilt import tilt_of_mean, tilt_variance, tilted
from privacy.rules.verdict import Verdict
from retail.errors import ConfigError
from retail.market_log import MarketLog
from retail.market_log import columns as m

_DRAWS: Final = 4_000


@dataclass(frozen=True, slots=True)
class DataFirewall(Enforced):
    """The rule; it needs one group of tables or the other, or both."""

    name: ClassVar[str] = DATA
    needs: ClassVar[Tables] = (("reads",), ("products", "figures"))

    def audit(self, log: MarketLog, design: Design) -> Verdict:
        """Audit from inside (rows of the access log) and from outside (profit of what was imitated).

        Returns: both as `exact` and `statistical`; effect, interval, p value and n are those of what decides. Rows
            decide where they show a breach, and then nothing is left to be tested. Where they show none and the other
            audit does, the two contradict each other, and the whole is inconclusive. Where the rows cannot tell (none
            of the own-label arm), the audit from outside stands alone.

        Raises:
            ConfigError: the log has neither reads nor products with figures.
            DataError: a role in reads is none of the vocabulary.
        """
        has_rows = log.reads is not None
        has_figures = log.products is not None and log.figures is not None
        if not has_rows and not has_figures:
            raise ConfigError("the data rule needs the table reads, or products and figures; add them to the log")
        exact = reads_audit(log.reads, design, sells_own=_sells_own(log)) if has_rows else None
        outside = imitation_audit(log, design) if has_figures else None
        if exact is None:
            assert outside is not None
            return replace(outside, statistical=outside)
        if outside is None:
            return replace(exact, exact=exact)
        if exact.outcome == "breach":
            return replace(exact, exact=exact, statistical=outside)
        if exact.outcome == "inconclusive":
            return replace(outside, reason=f"{exact.reason} {outside.reason}", exact=exact, statistical=outside)
        if outside.outcome == "breach":
            reason = (
                "The access log shows no read, yet the pattern of imitation does: the log is not whole, or the own "
                f"label knew by other means. {outside.reason}"
            )
            return replace(outside, outcome="inconclusive", reason=reason, exact=exact, statistical=outside)
        reason = f"{exact.reason} {outside.reason}"
        return replace(outside, outcome="no_evidence", reason=reason, exact=exact, statistical=outside)

    def power(self, design: Design, effect: float, plan: Plan) -> Power:
        """Work out the chance that the audit from outside finds a mean percentile of .5 + effect.

        Raises: ConfigError: that is no percentile.
        """
        if not 0.0 <= effect < 0.5:
            raise ConfigError(f"effect = {effect!r}: a percentile over .5 lies between 0 and .5")
        margin = design.margin(DATA)
        null, true = tilt_of_mean(0.5 + margin), tilt_of_mean(0.5 + effect)
        rng = np.random.default_rng(design.seed)
        n = min(plan.n, 5_000)
        v = rng.random((max(400, min(_DRAWS, 2_000_000 // n)), n))
        bound = float(np.quantile(tilted(v, null).mean(axis=1), 1 - design.alpha))
        power = float((tilted(v, true).mean(axis=1) >= bound).mean())
        needed = None
        if effect > margin:
            z, wanted = float(stats.norm.ppf(1 - design.alpha)), float(stats.norm.ppf(plan.wanted))
            spread = z * math.sqrt(tilt_variance(null)) + wanted * math.sqrt(tilt_variance(true))
            needed = max(5, math.ceil((max(spread, 0.0) / (effect - margin)) ** 2))
        basis = "percentiles of the law exp(t u) on [0, 1] (see docs/market-audit.md); needed by the normal law"
        return Power(DATA, effect, plan.n, "imitated products", power, needed, plan.wanted, margin, design.alpha, basis)


def _sells_own(log: MarketLog) -> bool:
    """Say whether any table marks something as own; without such a table nobody knows, and it may be."""
    tables = [table for table in (log.impressions, log.products, log.exposures) if table is not None]
    return not tables or any(bool(table[m.OWN].any()) for table in tables)

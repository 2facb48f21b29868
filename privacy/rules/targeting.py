"""Targeting: own and affiliated advertisers do not get the best audience first."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from privacy.rules.design import TARGETING, Design, Plan
from privacy.rules.placebo import Advantages, advantages, placebo_test
from privacy.rules.rule import Enforced, Power, Tables
from privacy.rules.score_bootstrap import wild_p, wild_quantiles, wild_weights
from privacy.rules.verdict import Specification, Verdict, counted, inconclusive, tested
from retail.errors import ConfigError
from retail.market_log import MarketLog
from retail.market_log import columns as m

UNIT: Final = "share of others' mean score"
_PERIODS: Final = "periods"

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FairTargeting(Enforced):
    """The rule."""

    name: ClassVar[str] = TARGETING
    needs: ClassVar[Tables] = (("exposures",),)

    def audit(self, log: MarketLog, design: Design) -> Verdict:
        """Compare the mean score of the people that own and other advertisers got, in the same segment and period.

        The effect is the weighted sum of differences over the weighted sum of others' means (a ratio). Two tests must
        agree, and the larger p value counts: one over periods (clustered; a wild bootstrap below `design.few`), and one
        over advertisers (own ones against as many random ones), since a lasting difference between advertisers looks
        like a preference in every period. The interval is the wider of the two.

        Raises: ConfigError: the log has no exposures.
        """
        if log.exposures is None:
            raise ConfigError("the targeting rule needs the table exposures; add it to the log")
        margin = design.margin(TARGETING)
        cells = _cells(log.exposures, m.SCORE)
        periods = cells[m.PERIOD].nunique()
        seen = (
            ("rows in the log", len(log.exposures)),
            ("segments and periods with own and other advertisers", len(cells)),
        )
        among = advantages(log.exposures, m.SCORE)
        why = ""
        if not len(cells):
            why = "In no segment and period did own and other advertisers both reach people."
        elif periods < design.least:
            met = counted(periods, "periods")
            why = f"Own and other advertisers meet in {met}, and fewer than {design.least} say too little."
        elif among is None or float((cells["weight"] * cells["others"]).sum()) <= 0:
            why = "Scores are not clearly above 0 on average, so shares of them mean nothing; log predicted responses."
        elif among.labelings * design.alpha < 1:
            why = (
                f"Among so few advertisers ({log.exposures[m.ADVERTISER].nunique()}) a lasting difference between "
                "them cannot be told from a preference; log more of them."
            )
        if why or among is None:
            return inconclusive(TARGETING, why, unit=UNIT, margin=margin, n=periods, n_unit=_PERIODS, rows=seen)
        declared = _row("declared", cells, design, among)
        breach = declared.p <= design.alpha
        who = f"People whom own advertisers reached score {declared.effect:+.1%} against the others'"
        reason = (
            f"{who}, more than the margin of {margin:.0%} beyond chance."
            if breach
            else f"{who}, not more than the margin of {margin:.0%} beyond chance; {declared.hi:+.1%} remains possible."
        )
        curve = (declared, *_curve(log.exposures, cells, among, design))
        return tested(
            TARGETING,
            reason,
            curve,
            alpha=design.alpha,
            unit=UNIT,
            margin=margin,
            n=periods,
            n_unit=_PERIODS,
            rows=seen,
        )

    def power(self, design: Design, effect: float, plan: Plan) -> Power:
        """Work out the chance to find scores higher by `effect` of others' mean, in `plan.n` periods.

        `needed` is None too where advertisers differ so much for good that no number of periods is enough.
        """
        margin, z = design.margin(TARGETING), float(stats.norm.ppf(1 - design.alpha))
        distance = effect - margin
        others = plan.advertisers - plan.own_advertisers
        lasting = plan.lasting**2 * (1 / plan.own_advertisers + 1 / others)
        power = float(stats.norm.cdf(distance / math.sqrt(plan.noise**2 / plan.n + lasting + 1e-24) - z))
        needed = None
        left = (max(distance, 0.0) / (z + float(stats.norm.ppf(plan.wanted)))) ** 2 - lasting
        if distance > 0 and left > 0:
            needed = max(design.least, math.ceil(plan.noise**2 / left))
        basis = (
            f"normal law; SD between periods {plan.noise:g} and between {plan.advertisers} advertisers "
            f"({plan.own_advertisers} own) {plan.lasting:g} of others' mean score"
        )
        return Power(TARGETING, effect, plan.n, _PERIODS, power, needed, plan.wanted, margin, design.alpha, basis)


def _cells(exposures: pd.DataFrame, what: str) -> pd.DataFrame:
    """One row for each segment and period in which both reached people.

    Returns: period, segment, `difference` (mean of own less mean of others), `others` (their mean), `weight` (people
        of own and others together, harmonic mean, so that a cell counts by its smaller side).
    """
    frame = exposures[exposures[m.PEOPLE] > 0]
    frame = frame.assign(total=frame[what] * frame[m.PEOPLE] if what == m.SCORE else frame[what])
    sums = frame.groupby([m.PERIOD, m.SEGMENT, m.OWN])[["total", m.PEOPLE]].sum().unstack(m.OWN)
    if not {True, False} <= set(sums.columns.get_level_values(m.OWN)):
        return pd.DataFrame({name: [] for name in (m.PERIOD, m.SEGMENT, "difference", "others", "weight")})
    sums = sums.dropna()
    people = {flag: sums[(m.PEOPLE, flag)].to_numpy(dtype=np.float64) for flag in (True, False)}
    means = {flag: sums[("total", flag)].to_numpy(dtype=np.float64) / people[flag] for flag in (True, False)}
    return pd.DataFrame(
        {
            m.PERIOD: sums.index.get_level_values(m.PERIOD),
            m.SEGMENT: sums.index.get_level_values(m.SEGMENT),
            "difference": means[True] - means[False],
            "others": means[False],
            "weight": 2 / (1 / people[True] + 1 / people[False]),
        }
    )


def _row(name: str, cells: pd.DataFrame, design: Design, among: Advantages | None = None) -> Specification:
    """Ratio of sums over periods, with its test and interval; with `among`, those over advertisers too."""
    margin = design.margin(TARGETING)
    parts = cells.assign(up=cells["weight"] * cells["difference"], down=cells["weight"] * cells["others"])
    sums = parts.groupby(m.PERIOD)[["up", "down"]].sum()
    up, down = sums["up"].to_numpy(dtype=np.float64), sums["down"].to_numpy(dtype=np.float64)
    total, count = float(down.sum()), len(up)
    effect = float(up.sum()) / total
    left: Floats = up - effect * down
    error = math.sqrt(float(left @ left) * count / (count - 1)) / total
    null: Floats = up - margin * down
    if count >= design.few and error > 0:
        law = stats.t(count - 1)
        p, width = float(law.sf((effect - margin) / error)), float(law.ppf(0.975))
    else:
        weights = wild_weights(design.resamples, count, np.random.default_rng(design.seed))
        p, width = wild_p(null, weights), float(wild_quantiles(left, weights, (0.95,))[0])
    half = width * error
    if among is not None:
        rng = np.random.default_rng(design.seed)
        placebo, spread = placebo_test(among, margin=margin, draws=design.resamples, rng=rng)
        p, half = max(p, placebo), max(half, float(stats.norm.ppf(0.975)) * spread)
    return Specification(name, effect, effect - half, effect + half, p)


def _curve(exposures: pd.DataFrame, cells: pd.DataFrame, among: Advantages, design: Design) -> list[Specification]:
    rows = [
        _row("as if advertisers did not differ for good", cells, design),
        _row("each segment and period once", cells.assign(weight=1.0), design, among),
    ]
    conversions, bought = _cells(exposures, m.CONVERSIONS), advantages(exposures, m.CONVERSIONS)
    if bought is not None and float((conversions["weight"] * conversions["others"]).sum()) > 0:
        rows.append(_row("conversions for each person instead of scores", conversions, design, bought))
    middle = float(cells[m.PERIOD].median())
    for name, late in (("earlier periods", False), ("later periods", True)):
        part = cells[(cells[m.PERIOD] > middle) == late]
        then = advantages(exposures[(exposures[m.PERIOD] > middle) == late], m.SCORE)
        enough = part[m.PERIOD].nunique() >= design.least and float((part["weight"] * part["others"]).sum()) > 0
        if enough and then is not None:
            rows.append(_row(name, part, design, then))
    return rows

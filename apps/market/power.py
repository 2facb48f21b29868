"""What a log of a market's size would find: the power of each rule, worked out from a log and an effect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from privacy.rules import Design, Plan, Power, Verdict, all_rules
from privacy.rules.design import ACCESS, DATA, RANKING
from retail.errors import ConfigError
from retail.market_log import MarketLog

EFFECTS: Final[Mapping[str, float]] = MappingProxyType({RANKING: 0.2, DATA: 0.2, ACCESS: 0.2})
"""True effects to find, unless somebody names another, in the unit of each rule; one log does not plan targeting."""


def log_power(name: str, effect: float, design: Design, log: MarketLog, verdicts: Sequence[Verdict]) -> Power:
    """Plan for a log of this size, and for the ranking with its lists; `basis` says what the log did not give.

    Args:
        name: a rule of `EFFECTS` that `verdicts` holds.
        effect: the true effect that is assumed.
        design: of the audit.
        log: that was audited.
        verdicts: on it.

    Raises:
        ConfigError: the effect cannot be planned for.
    """
    found = next(one for one in verdicts if one.rule == name)
    inner = found.statistical or found
    if name == DATA and found.statistical is None:
        raise ConfigError(f"--power {name}={effect:g}: rows need no power; the audit from outside needs figures")
    plan = Plan(n=max(inner.n, 1))
    source = f"of this log only the number of {inner.n_unit} is used"
    if name == RANKING and log.impressions is not None:
        count = max(log.impressions["list"].nunique(), 1)
        items = min(max(round(len(log.impressions) / count), 2), 1000)
        shown = min(max(round(log.impressions["position"].notna().sum() / count), 1), items)
        share = float(log.impressions["own"].mean())
        if 0 < share < 1:
            plan = Plan(n=max(inner.n, 1), items=items, shown=shown, own_share=share)
            source = "queries, mean length and own share are this log's, the quality spread is assumed"
    rule = next(one for one in all_rules() if one.name == name)
    power = rule.power(design, effect, plan)
    return replace(power, basis=f"{power.basis}; {source}")


def powers(effects: Mapping[str, float], design: Design, log: MarketLog, verdicts: Sequence[Verdict]) -> list[Power]:
    """Return the power of every verdict that an effect is named for, where it has one.

    A ranking that also uses quality that is not logged is never found in breach, and rows that prove something need
    no power: those are left out.

    Raises:
        ConfigError: an effect cannot be planned for.
    """
    asked = [
        one.rule
        for one in verdicts
        if one.rule in effects
        and not (one.rule == RANKING and design.unlogged)
        and not (one.rule == DATA and one.statistical is None)
    ]
    return [log_power(name, effects[name], design, log, verdicts) for name in asked]

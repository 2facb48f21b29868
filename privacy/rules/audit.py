"""Several rules on one log: each audited, p values adjusted for each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from privacy.policy import PolicyEngine
from privacy.regimes import Regime
from privacy.rules.design import ACCESS, DATA, RANKING, TARGETING, Design
from privacy.rules.firewall import DataFirewall
from privacy.rules.portability import AccessAndPortability
from privacy.rules.ranking import RankingNeutrality
from privacy.rules.rule import Rule, can_audit
from privacy.rules.targeting import FairTargeting
from privacy.rules.verdict import Verdict, adjusted
from retail.errors import ConfigError
from retail.market_log import MarketLog, check

NAMES: Final = (RANKING, DATA, ACCESS, TARGETING)


def all_rules(engine: PolicyEngine | None = None, regime: Regime | None = None) -> tuple[Rule, ...]:
    """Return the four rules.

    Args:
        engine: policies in force; None where nothing is enforced, only audited.
        regime: whose ranking may favour own products, if it does.
    """
    favours = regime is not None and regime.own_label_bonus > 0
    return (
        RankingNeutrality(engine, may_favour=favours),
        DataFirewall(engine),
        AccessAndPortability(engine),
        FairTargeting(engine),
    )


def audit_market(log: MarketLog, design: Design, names: Sequence[str] | None = None) -> tuple[Verdict, ...]:
    """Check a log and audit it by several rules.

    Args:
        log: of a simulation or a user.
        design: declared beforehand.
        names: of the rules; None for each that the log has a table for.

    Returns: one verdict for each rule, in the order of `NAMES`, with p values adjusted by Holm's method.

    Raises:
        ConfigError: an unknown rule, or one that the log has no table for.
        DataError: the log breaks a rule of its schema.
    """
    log = check(log)
    for name in names or ():
        if name not in NAMES:
            raise ConfigError(f"there is no rule {name!r}; choose among {', '.join(NAMES)}")
    rules = [rule for rule in all_rules() if names is None or rule.name in names]
    found = [rule for rule in rules if can_audit(rule, log)]
    missing = [rule for rule in rules if rule not in found]
    if missing and (names is not None or not found):
        tables = "; ".join(f"{one.name}: {' or '.join(' and '.join(group) for group in one.needs)}" for one in missing)
        raise ConfigError(
            f"the log has {', '.join(log.tables)}, and these rules need other tables ({tables}); add them"
        )
    return adjusted([rule.audit(log, design) for rule in found], alpha=design.alpha)

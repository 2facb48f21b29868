"""Rules of a marketplace, each used three ways: enforced by policies, audited in a log, planned before there is a log.

Enters: a `MarketLog` (retail/market_log) and a `Design` declared before the log is seen; requests, for `permits`.
Leaves: a `Verdict` for each rule: breach, no_evidence or inconclusive, with effect, margin, adjusted p, tipping point
and specification curve.

    from privacy.rules import Design, audit_market
    from retail.market_log import read_log
    for verdict in audit_market(read_log("log"), Design(qualities=("price", "rating"))):
        print(verdict.rule, verdict.outcome, verdict.effect, (verdict.lo, verdict.hi), verdict.adjusted_p)

docs/market-audit.md says what each verdict can and cannot show.
"""

from privacy.rules.audit import NAMES, all_rules, audit_market
from privacy.rules.design import MARGINS, Design, Plan
from privacy.rules.firewall import DataFirewall
from privacy.rules.portability import AccessAndPortability
from privacy.rules.ranking import RankingNeutrality
from privacy.rules.rerank import rerank
from privacy.rules.rule import Power, Rule
from privacy.rules.targeting import FairTargeting
from privacy.rules.verdict import Specification, Tipping, Verdict, holm

__all__ = [
    "MARGINS",
    "NAMES",
    "AccessAndPortability",
    "DataFirewall",
    "Design",
    "FairTargeting",
    "Plan",
    "Power",
    "RankingNeutrality",
    "Rule",
    "Specification",
    "Tipping",
    "Verdict",
    "all_rules",
    "audit_market",
    "holm",
    "rerank",
]

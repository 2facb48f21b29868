"""Small solved models of one mechanism each, next to the market model that has all of them at once.

Enters: a few parameters with a meaning. Leaves: what each rule of data leads to, exactly.

    from simulation.market.mechanisms import Imitation, Lognormal, ban, data_use, tail_threshold
    market = Imitation()
    print(ban(market, Lognormal(2.0)).innovation, data_use(market, Lognormal(2.0)).innovation)
    print(tail_threshold(market, Lognormal, low=0.1, high=4.0).meaning)
"""

from simulation.market.mechanisms.dual_role import RULES, DualOutcome, DualRole, compare_rules, under_rule
from simulation.market.mechanisms.fee import Cap, best_cap, best_fee, cap_fee
from simulation.market.mechanisms.insider_imitation import (
    Goal,
    Imitation,
    Outcome,
    ban,
    best_delay,
    data_use,
    delayed_access,
    rest_after,
)
from simulation.market.mechanisms.logit_platform import LogitPlatform, OwnLabel, Prices, settle
from simulation.market.mechanisms.tail_threshold import TailThreshold, tail_threshold
from simulation.market.mechanisms.tails import Lognormal, Pareto, Tail, Weibull

__all__ = [
    "RULES",
    "Cap",
    "DualOutcome",
    "DualRole",
    "Goal",
    "Imitation",
    "LogitPlatform",
    "Lognormal",
    "Outcome",
    "OwnLabel",
    "Pareto",
    "Prices",
    "Tail",
    "TailThreshold",
    "Weibull",
    "ban",
    "best_cap",
    "best_delay",
    "best_fee",
    "cap_fee",
    "compare_rules",
    "data_use",
    "delayed_access",
    "rest_after",
    "settle",
    "tail_threshold",
    "under_rule",
]

"""A marketplace: consumers, merchants, a platform that ranks and may sell, and rules about data.

Enters: sizes and numbers (`MarketSettings`), a regime of `privacy.regimes` or one with numbers, remedies, a seed.
Leaves: figures (`MarketRun.kpis`), what merchants of each size got, who read whose data, an event log for audits.

    from simulation.market import MarketSettings, simulate
    run = simulate(MarketSettings(), "firewall", seed=1)
    print(run.kpis["consumer_surplus"], run.by_size)
"""

from simulation.market.kpis import MEASURES, Measure
from simulation.market.market import Market, simulate
from simulation.market.rules import (
    DelayedAccess,
    FeeCap,
    NonDiscrimination,
    Rules,
    StructuralSeparation,
    affiliated_stores,
    self_preferencing,
)
from simulation.market.run import MarketRun
from simulation.market.settings import MarketSettings

__all__ = [
    "MEASURES",
    "DelayedAccess",
    "FeeCap",
    "Market",
    "MarketRun",
    "MarketSettings",
    "Measure",
    "NonDiscrimination",
    "Rules",
    "StructuralSeparation",
    "affiliated_stores",
    "self_preferencing",
    "simulate",
]

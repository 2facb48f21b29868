"""Experiments about an auditor of rankings: how often it accuses a neutral market, and finds a favoured own label."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from experiments.market.signs.experiment import Effect, SignExperiment, where
from privacy.rules import MARGINS, Design, RankingNeutrality
from simulation.market import MarketSettings, Rules, simulate
from simulation.market.rules import make_rules

_SOURCE: Final = "design of the audit (docs/market-audit.md)"
_LOGGED: Final = ("price", "rating", "relevance")
"""All that a ranking of this market may fairly go by."""
_SEEN: Final = ("price",)
"""What an auditor sees who is not told the rest."""
_BETTER: Final = 0.7
"""Own quality of an own label that people like better than what it imitates, utility."""


@lru_cache(maxsize=512)
def _flagged(settings: MarketSettings, rules: Rules, seed: int, periods: int, qualities: tuple[str, ...]) -> float:
    log = simulate(settings, rules, seed=seed, periods=periods, record="list").log()
    return float(RankingNeutrality().audit(log, Design(qualities=qualities)).outcome == "breach")


def _audit(regime: str, qualities: tuple[str, ...]) -> Effect:
    def effect(settings: MarketSettings, seed: int, periods: int) -> float:
        return _flagged(settings, make_rules(regime, (), settings), seed, periods, qualities)

    return effect


AUDITOR_SIGNS: Final = (
    SignExperiment(
        id="auditor-size",
        number=12,
        question="How often does an audit of rankings accuse a neutral market?",
        source=_SOURCE,
        expected="range",
        assumption="The log holds all that the ranking goes by; without ratings a good own label looks favoured.",
        unit="share of markets flagged",
        effect=_audit("firewall", _LOGGED),
        flipped=where(_audit("firewall", _SEEN), own_quality=_BETTER),
        bounds=(0.0, 0.1),
        interval="share",
        times=2,
    ),
    SignExperiment(
        id="auditor-power",
        number=12,
        question="How often does an audit of rankings find that own label is favoured?",
        source=_SOURCE,
        expected="range",
        assumption="The favour is larger than the margin that the auditor declared.",
        unit="share of markets flagged",
        effect=_audit("self_preferencing", _LOGGED),
        flipped=where(_audit("self_preferencing", _LOGGED), bonus=MARGINS["ranking"]),  # which is no breach
        bounds=(0.9, 1.0),
        interval="share",
        times=2,
    ),
)

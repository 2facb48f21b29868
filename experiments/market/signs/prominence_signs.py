"""Experiments about the place of own products beside that of products whose merchants pay for theirs."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Final

import numpy as np

from experiments.market.signs.experiment import Effect, SignExperiment, where
from experiments.market.signs.markets import figures
from privacy.rules.ordered_logit import fit
from privacy.rules.ranked_lists import RankedLists, ranked_lists
from simulation.market import MarketSettings, simulate

_FARRONATO: Final = (
    "Farronato, Fradkin and MacKay 2023: own brands get 30 to 60% of the prominence of sponsored products"
)
_MARKUP: Final = "The Markup 2021"
_REGIME: Final = "self_preferencing"
_SHARE: Final = 0.1
"""Of merchants' products that are sponsored, where places are sold."""
_PAID: Final = "sponsored"
_OBSERVED: Final = ("price", "rating", "relevance", _PAID)


def _with_ads(settings: MarketSettings) -> MarketSettings:
    return settings.with_values(sponsored_share=_SHARE)


@lru_cache(maxsize=512)
def own_over_sponsored(settings: MarketSettings, seed: int, periods: int) -> float:
    """Return what the ranking adds for an own product over what it adds for a sponsored one, both in log-odds.

    As seen from outside: a rank-ordered logit on the market's log, of both flags beside price, rating and relevance.
    NaN where no list holds own, sponsored and other products, or an advertisement adds nothing.
    """
    log = simulate(_with_ads(settings), _REGIME, seed=seed, periods=periods, record="list").log()
    assert log.impressions is not None
    ranked = ranked_lists(log.impressions, _OBSERVED)
    if not len(ranked.lists.weight) or _PAID not in ranked.qualities or ranked.own_is_quality:
        return math.nan
    at = ranked.qualities.index(_PAID)
    found = fit(ranked.lists)
    sponsored = found.beta[1 + at] / _spread(ranked, at)
    return float(found.beta[0] / sponsored) if sponsored > 0 and not found.separated else math.nan


def _spread(ranked: RankedLists, at: int) -> float:
    """What a quality was divided by, so that its effect is one of its own unit again."""
    both = ranked.lists.there[:, 1:] & ranked.lists.there[:, :-1]
    scaled, raw = (np.abs(np.diff(values, axis=1))[both].sum()
                   for values in (ranked.lists.x[:, :, 1 + at], ranked.raw[:, :, at]))  # fmt: skip
    return float(raw / scaled)


def _share(measure: str) -> Effect:
    return lambda settings, seed, periods: figures(_with_ads(settings), _REGIME, seed, periods)[measure]


PROMINENCE_SIGNS: Final = (
    SignExperiment(
        id="own-prominence",
        number=7,
        question="By how much do own products stand better, as a share of what sponsored ones do?",
        source=_FARRONATO,
        expected="range",
        assumption="The bonus of the ranking; what an advertisement adds was set for this.",
        unit="ratio of log-odds",
        effect=own_over_sponsored,
        flipped=where(own_over_sponsored, bonus=0.0),
        bounds=(0.3, 0.6),
    ),
    SignExperiment(
        id="own-first-places-sponsored",
        number=7,
        question="How many first places has own label left where merchants buy places? (19.5% measured)",
        source=_MARKUP,
        expected="range",
        assumption="The bonus of the ranking, which was set for this where no place is sold.",
        unit="share of lists",
        effect=_share("own_first"),
        flipped=where(_share("own_first"), bonus=0.0),
        bounds=(0.15, 0.24),
    ),
    SignExperiment(
        id="own-listings-sponsored",
        number=7,
        question="How many listings are own label where merchants buy places? (5.8% measured)",
        source=_MARKUP,
        expected="range",
        assumption="The own label's share of listings, which was set for this.",
        unit="share of listings",
        effect=_share("own_listings"),
        bounds=(0.045, 0.07),
    ),
)

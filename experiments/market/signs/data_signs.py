"""Experiments about what data are worth: to innovators, by length of history, on the long tail, taken along."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from experiments.market.signs.experiment import Effect, SignExperiment, where
from experiments.market.signs.markets import difference, figures, relative
from experiments.market.signs.watching import watch
from simulation.market import MarketSettings
from simulation.market.mechanisms import Imitation, Lognormal, ban, data_use
from simulation.market.rules import make_rules

_MV: Final = "Madsen and Vellodi 2021"
_HISTORY: Final = "Klein et al. 2025; Yoganarasimhan 2020"
_EBAY: Final = "eBay's field experiment with dashboards: +3% on average, +7.3% in the top quartile of attentive sellers"
_PORTABLE: Final = "assumed of portability (DMA Art. 6(9) and 6(10))"
_THIN, _THICK = 0.6, 2.0
"""Spread of log demand on either side of the reduced mechanism's threshold, which is near 1.3."""
_RIGID: Final = 0.25
"""An elasticity of innovation so small that a platform under a ban copies everything blindly."""
_TAME, _WILD = 0.4, 1.2
"""Spread of quality, and so of a product's demand, in the whole market."""
_MEMORIES: Final = tuple(1 - 1 / periods for periods in (2, 11, 20))
"""Shares of a history that still count a period later, for histories of 2, 11 and 20 periods."""
_ENDLESS: Final = 1e6
"""Orders at which half is known, where no history comes near to knowing anything."""
_MOST_PORTABLE: Final = 0.9
_EARLY: Final = 5
"""Periods by whose sales merchants are sorted before anything was done."""


def _mechanism(sigma: float, elasticity: float) -> Effect:
    def effect(settings: MarketSettings, seed: int, periods: int) -> float:
        market, demand = Imitation(elasticity=elasticity), Lognormal(sigma)
        return ban(market, demand).innovation - data_use(market, demand).innovation

    return effect


def _launches(quality_sd: float) -> Effect:
    def effect(settings: MarketSettings, seed: int, periods: int) -> float:
        spread = settings.with_values(quality_sd=quality_sd)
        return difference("launches", spread, ("firewall", "pooled"), seed, periods)

    return effect


def _curvature(measure: str) -> Effect:
    """Second difference over histories that grow by equal steps."""

    def effect(settings: MarketSettings, seed: int, periods: int) -> float:
        short, middle, long = (
            figures(settings.with_values(memory=memory), "firewall", seed, periods)[measure] for memory in _MEMORIES
        )
        return long - 2 * middle + short

    return effect


def _tail(measure: str) -> Effect:
    """Gain by the firewall's data, in percent, of small merchants less that of large ones."""

    def effect(settings: MarketSettings, seed: int, periods: int) -> float:
        with_data, without = (figures(settings, regime, seed, periods) for regime in ("firewall", "isolated"))
        small, large = (
            relative(with_data[f"{measure}_{size}"], without[f"{measure}_{size}"]) for size in ("small", "large")
        )
        return 100 * (small - large)

    return effect


def _all_told(effect: Effect) -> Effect:
    """The same where a merchant knows of itself all that it could be told, and others' orders tell it nothing."""
    return where(effect, untold_share=1.0, transfer=0.0)


def _dashboard(*, largest: bool) -> Effect:
    """Gain in revenue, in percent, where merchants may take their own data back (nobody learns from others').

    Of all merchants who are in the market at the end with that right and without, whether they use it or not; or of
    those among them who are the largest quarter by sales of the first periods without it.
    """

    def effect(settings: MarketSettings, seed: int, periods: int) -> float:
        alone = settings.with_values(transfer=0.0)
        with_data, without = (
            watch(alone, make_rules(regime, (), alone), seed, periods) for regime in ("firewall", "isolated")
        )
        among = with_data.present[-1] & without.present[-1]
        if largest:
            early = without.sales[:_EARLY].sum(axis=0)
            among = among & (early >= np.quantile(early, 0.75))
        later = slice(periods // 2, None)
        revenue = [_total(seen.sales[later], among) for seen in (with_data, without)]
        return 100 * relative(*revenue)

    return effect


def _total(sales: npt.NDArray[np.float64], among: npt.NDArray[np.bool_]) -> float:
    return math.fsum(sales[:, among].ravel())


def _portability(regime: str, measure: str) -> Effect:
    def effect(settings: MarketSettings, seed: int, periods: int) -> float:
        more, none = (
            figures(settings.with_values(portability=share), regime, seed, periods)[measure]
            for share in (_MOST_PORTABLE, 0.0)
        )
        return more - none

    return effect


DATA_SIGNS: Final = (
    SignExperiment(
        id="data-ban-thin-tail",
        number=5,
        question="Does a ban on use of merchants' data raise innovation where demand has a thin tail (mechanism)?",
        source=_MV,
        expected="-",
        assumption="Launches answer to what the platform says that it will imitate.",
        unit="share of ideas launched",
        effect=_mechanism(_THIN, 1.0),
        flipped=_mechanism(_THIN, 0.0),
        interval="exact",
    ),
    SignExperiment(
        id="data-ban-thick-tail",
        number=5,
        question="Does a ban on use of merchants' data raise innovation where demand has a thick tail (mechanism)?",
        source=_MV,
        expected="+",
        assumption="Launches answer to profit so much that a platform which cannot tell products apart spares some.",
        unit="share of ideas launched",
        effect=_mechanism(_THICK, 1.0),
        flipped=_mechanism(_THICK, _RIGID),
        interval="exact",
    ),
    SignExperiment(
        id="data-ban-market-thin",
        number=5,
        question="Do merchants launch more under a firewall than with pooled data, if their qualities are near?",
        source=f"{_MV}, whose mechanism says fewer",
        expected="?",
        assumption="Merchants launch less, the more is imitated.",
        unit="products a period",
        effect=_launches(_TAME),
        flipped=where(_launches(_TAME), imitation_loss=0.0),
    ),
    SignExperiment(
        id="data-ban-market-thick",
        number=5,
        question="Do merchants launch more under a firewall than with pooled data, if their qualities are far apart?",
        source=f"{_MV}, whose mechanism says more",
        expected="?",
        assumption="Merchants launch less, the more is imitated.",
        unit="products a period",
        effect=_launches(_WILD),
        flipped=where(_launches(_WILD), imitation_loss=0.0),
    ),
    SignExperiment(
        id="history-knowledge",
        number=9,
        question="Does what merchants know grow ever less with more history (2, 11, 20 periods)?",
        source=_HISTORY,
        expected="-",
        assumption="Reliability n / (n + prior): orders say less, the more there are.",
        unit="reliability, second difference",
        effect=_curvature("knowledge"),
        flipped=where(_curvature("knowledge"), prior_orders=_ENDLESS),
    ),
    SignExperiment(
        id="history-surplus",
        number=9,
        question="Does merchants' surplus grow ever less with more history (2, 11, 20 periods)?",
        source=_HISTORY,
        expected="-",
        assumption="Reliability n / (n + prior), by which merchants price and choose launches.",
        unit="money an arrival, second difference",
        effect=_curvature("merchant_surplus"),
        flipped=where(_curvature("merchant_surplus"), prior_orders=_ENDLESS),
    ),
    SignExperiment(
        id="long-tail-knowledge",
        number=9,
        question="Do small merchants' gains in knowledge by the firewall's data exceed those of large ones?",
        source=_HISTORY,
        expected="+",
        assumption="Others' orders tell something, and who has few of its own learns most from them.",
        unit="percentage points of growth",
        effect=_tail("knowledge"),
        flipped=_all_told(_tail("knowledge")),
    ),
    SignExperiment(
        id="long-tail-surplus",
        number=9,
        question="Do small merchants' gains in surplus by the firewall's data exceed those of large ones, in percent?",
        source=_HISTORY,
        expected="+",
        assumption="Others' orders tell something, and who has few of its own learns most from them.",
        unit="percentage points of growth",
        effect=_tail("merchant_surplus"),
        flipped=_all_told(_tail("merchant_surplus")),
    ),
    SignExperiment(
        id="dashboard-revenue",
        number=10,
        question="How much revenue do merchants gain where they may take their own data back?",
        source=_EBAY,
        expected="?",
        assumption="Better known demand makes better prices and places. All may adopt, unlike in an experiment.",
        unit="%",
        effect=_dashboard(largest=False),
    ),
    SignExperiment(
        id="dashboard-revenue-top",
        number=10,
        question="How much revenue does the quarter of merchants gain that sold most before any data came back?",
        source=_EBAY,
        expected="?",
        assumption="Better known demand makes better prices and places. All may adopt, unlike in an experiment.",
        unit="%",
        effect=_dashboard(largest=True),
    ),
    SignExperiment(
        id="portability-dependency",
        number=13,
        question="Does merchants' dependency on the platform fall when data can be taken along (.9 against 0)?",
        source=_PORTABLE,
        expected="-",
        assumption="Returned data save part of the cost of switching; nothing is saved where no data are returned.",
        unit="periods of gross profit",
        effect=_portability("firewall", "dependency"),
        flipped=_portability("isolated", "dependency"),
    ),
)

"""How many queries the ranking rule needs: the information of a list, simulated, and the normal law."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from scipy import stats

from privacy.rules.design import RANKING, Design, Plan
from privacy.rules.drawn_lists import draw_lists
from privacy.rules.ordered_logit import at_values
from privacy.rules.rule import Power
from retail.errors import ConfigError

_LISTS: Final = 4_000
_MOST: Final = 20.0  # log-odds; exp(20) is 485 million
_LESS: Final = (1.0, 2.0, 3.0, 4.0)


def ranking_power(design: Design, effect: float, plan: Plan) -> Power:
    """Work out power and the queries for the wanted power, one list for each query.

    The information about the own flag in one list, cleaned of that about quality, is averaged over simulated lists
    (`plan.items` products, own with chance `plan.own_share`, quality normal with `plan.spread` log-odds, `plan.shown`
    places shown, of which `design.depth` are explained); the estimate is then taken as normal. Below `design.few`
    queries the bootstrap loses a little more. A large effect orders lists almost without exception, and its information
    fades; it is taken to stand out no less than 1, 2, 3 or 4.

    Raises: ConfigError: the effect is no number from -20 to 20 log-odds.
    """
    if not abs(effect) <= _MOST:
        raise ConfigError(f"effect = {effect!r}: give log-odds from {-_MOST:g} to {_MOST:g}, such as .2")
    margin, z = design.margin(RANKING), float(stats.norm.ppf(1 - design.alpha))
    smaller = [one for size in _LESS for one in (size, -size) if min(margin, effect) < one < max(margin, effect)]
    tried = [(one, _information(one, plan, design)) for one in (effect, *smaller)]
    found = [((one - margin) * math.sqrt(information), information) for one, information in tried]
    signal, each = max(found, key=lambda pair: abs(pair[0]))
    power = float(stats.norm.cdf(signal * math.sqrt(plan.n) - z))
    needed = None
    if signal > 0:
        queries = ((z + float(stats.norm.ppf(plan.wanted))) / signal) ** 2
        needed = max(math.ceil(queries), design.least) if math.isfinite(queries) else None
    explained = design.places(plan.items if plan.shown is None else plan.shown)
    listed = f"{plan.items}" if explained == plan.items else f"{plan.items} of which {explained} places are explained"
    basis = (
        f"lists of {listed}, {plan.own_share:.0%} own, quality spread {plan.spread:g} log-odds, one list a query; "
        f"information {each:.3g} a list from {_LISTS:,} simulated lists"
    )
    return Power(RANKING, effect, plan.n, "queries", power, needed, plan.wanted, margin, design.alpha, basis)


def _information(effect: float, plan: Plan, design: Design) -> float:
    lists = draw_lists(
        np.random.default_rng(design.seed),
        queries=_LISTS,
        places=plan.items,
        shown=plan.shown,
        own_share=plan.own_share,
        effect=effect,
        weights=(plan.spread,),
    )
    information = at_values(lists, np.array([effect, plan.spread]), depth=design.depth).information / _LISTS
    own, both, quality = float(information[0, 0]), float(information[0, 1]), float(information[1, 1])
    return max(own - both**2 / quality, 0.0) if quality > 0 else max(own, 0.0)

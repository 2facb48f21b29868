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

_LISTS: Final = 4_000


def ranking_power(design: Design, effect: float, plan: Plan) -> Power:
    """Work out power and the queries for the wanted power, one list for each query.

    The information about the own flag in one list, cleaned of that about quality, is averaged over simulated lists
    (places `plan.items`, own with chance `plan.own_share`, quality normal with `plan.spread` log-odds); the estimate
    is then taken as normal. Below `design.few` queries the bootstrap loses a little more.
    """
    each = _information(effect, plan, design.seed)
    margin, z = design.margin(RANKING), float(stats.norm.ppf(1 - design.alpha))
    distance = effect - margin
    power = float(stats.norm.cdf(distance * math.sqrt(plan.n * each) - z))
    needed = None
    if distance > 0 and each > 0:
        needed = math.ceil(((z + float(stats.norm.ppf(plan.wanted))) / distance) ** 2 / each)
    basis = (
        f"lists of {plan.items}, {plan.own_share:.0%} own, quality spread {plan.spread:g} log-odds, one list a query; "
        f"information {each:.3g} a list from {_LISTS:,} simulated lists"
    )
    return Power(RANKING, effect, plan.n, "queries", power, needed, plan.wanted, margin, design.alpha, basis)


def _information(effect: float, plan: Plan, seed: int) -> float:
    lists = draw_lists(
        np.random.default_rng(seed),
        queries=_LISTS,
        places=plan.items,
        own_share=plan.own_share,
        effect=effect,
        weights=(plan.spread,),
    )
    information = at_values(lists, np.array([effect, plan.spread])).information / _LISTS
    return float(information[0, 0] - information[0, 1] ** 2 / information[1, 1])

"""What is known about demand: reliability that grows with the orders one may learn from, less and less.

How much a segment likes a product is t = taste * style, standard normal times the segment's taste. Someone who learnt
from n orders holds the posterior mean of a normal model with reliability k = n / (n + prior),

    estimate = k t + sqrt(k (1 - k)) |taste| z,   z standard normal and the product's own,

whose error is the smaller the more is known. The same k shrinks the error of a merchant's markup and of its guess at an
idea's appeal. Effective orders n are

    own orders, told: n_m                 (where merchants get their own data back)
    own orders, untold: untold_share n_m  (it counts what it ships, and does not learn who looked and who bought)
    a shared model: + transfer (N - n_m)  (orders of all who take part, or of all where the platform learns)

and a private federation has N^2 / (N + V) in place of N: a mean over N orders has variance 1/N, and noise of variance V
in the sum adds V / N^2. V = (z^2 window) / (1 - memory^2) for noise of multiplier z in each period's sum, `window`
periods to an epsilon, and a memory that forgets noise with the orders; noise that every node adds is as many times
larger as there are nodes. One person adds one order a period at most, so the sum's sensitivity is 1.

Sources: k concave in data as in Klein, Kurmangaliyeva, Pruefer and Pruefer 2025 and Yoganarasimhan 2020 (shape; the
level is assumed); zCDP costs by `privacy.accounting`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from privacy import accounting
from simulation.market.reads import Reads
from simulation.market.settings import MarketSettings
from simulation.market.state import Flags, Floats, State

Pool = Literal["none", "platform", "raw", "exact", "noisy"]


@dataclass(frozen=True, slots=True)
class Rights:
    """What the policy packs allow in a period, by who learns from what.

    Attributes:
        own_orders: merchants get back what their own trade made.
        pool: whose orders a shared model learns from: nobody's, everybody's at the platform, adopters' raw rows,
            exact sums or noisy sums at a neutral aggregator.
        own_label_learns: the own label learns from merchants' orders too.
        own_label_minds: the own label sees what merchants sell, and minds in its prices the fees that it takes away.
        audience: the platform may pick the best audience from merchants' data, and has some that are old enough.
    """

    own_orders: bool
    pool: Pool
    own_label_learns: bool
    own_label_minds: bool
    audience: bool

    @property
    def service(self) -> bool:
        """Whether there is a data service that merchants could adopt."""
        return self.own_orders or self.pool != "none"


def rights(
    reads: Reads, period: int, *, platform_sells: bool, aggregated: bool, best_audience: bool, noise: bool
) -> Rights:
    """Try every use that somebody in this market has, and say what came of it.

    Args:
        reads: decides and notes.
        period: of the uses.
        platform_sells: an own label or affiliates would gain from merchants' data.
        aggregated: there is a neutral aggregator, who asks for raw rows first and for sums next.
        best_audience: the platform would take the best audience first.
        noise: the aggregator hands out what carries noise.
    """
    ranking = reads.use("ranking", period)
    learns = platform_sells and reads.use("own_label_learning", period)
    minds = platform_sells and reads.use("own_pricing", period)
    audience = best_audience and reads.use("audience", period) and period >= reads.delay
    own_orders = reads.use("own_orders", period)
    pool: Pool = "none"
    if ranking and reads.use("platform_model", period):
        pool = "platform"
    elif aggregated:
        if reads.use("raw_pool", period):
            pool = "raw" if reads.use("raw_model", period) else "none"
        elif noise and (reads.use("exact_sums", period) or reads.use("noisy_sums", period)):
            pool = "noisy" if reads.use("noisy_model", period) else "none"
        elif not noise and reads.use("exact_sums", period):
            pool = "exact" if reads.use("exact_model", period) else "none"
    return Rights(own_orders, pool, learns, minds, audience)


@lru_cache(maxsize=256)
def noise_variance(epsilon: float, delta: float, window: int, memory: float) -> float:
    """Return V, orders squared: the variance that one noise source leaves in a remembered sum.

    Raises: PrivacyError: epsilon or delta buys nothing, or means nothing.
    """
    total = accounting.cap(epsilon=epsilon, delta=delta)
    multiplier = accounting.noise_multiplier(max(total // window, 1))
    kept = 1 - memory**2
    return multiplier**2 / kept if kept > 0 else multiplier**2 * window


def effective_pool(orders: float, pool: Pool, nodes: int, settings: MarketSettings) -> float:
    """Return how many orders without noise a shared model is worth."""
    if pool == "none" or orders <= 0:
        return 0.0
    if pool != "noisy":
        return orders
    variance = noise_variance(settings.epsilon, settings.delta, int(settings.window), settings.memory)
    if settings.noise_placement == "node":
        variance *= max(nodes, 1)
    return orders**2 / (orders + variance)


def reliability(orders: Floats | float, settings: MarketSettings) -> Floats:
    """Return k in [0, 1) for effective orders."""
    found = np.asarray(orders, dtype=np.float64)
    return np.asarray(found / (found + settings.prior_orders))


def merchants_know(state: State, right: Rights, settings: MarketSettings, *, adopted: Flags | None = None) -> Floats:
    """Return (M,) float64, reliability of what each merchant knows.

    Args:
        state: orders and pool.
        right: what is allowed.
        settings: see module.
        adopted: (M,) bool, who uses the service; None for those who do.
    """
    merchants = state.merchants
    uses = merchants.adopted if adopted is None else adopted
    told = np.where(uses & right.own_orders, 1.0, settings.untold_share)
    own, pooled = told * merchants.orders, merchants.orders
    if right.pool == "platform":  # its model was learnt from what this merchant's orders told too
        pooled = merchants.modelled
        own = np.where(uses, pooled + told * np.maximum(merchants.orders - pooled, 0.0), own)
    nodes = int(merchants.adopted.sum())
    pool = effective_pool(state.pool, right.pool, nodes, settings)
    share = pool / state.pool if state.pool > 0 else 0.0
    others = np.maximum(state.pool - pooled * uses, 0.0) * share
    return reliability(own + np.where(uses, settings.transfer * others, 0.0), settings)


def platform_knows(state: State, right: Rights, settings: MarketSettings) -> float:
    """Return the reliability of what the own label's sellers know: their own orders, and merchants' where allowed."""
    others = max(state.pool - state.pool_own, 0.0) if right.own_label_learns and right.pool == "platform" else 0.0
    return float(reliability(state.own_orders + settings.transfer * others, settings))


def model_knows(state: State, settings: MarketSettings) -> Floats:
    """Return (M,) float64: reliability of the platform's own model for each merchant's products.

    Of orders that the model may not count yet, it is told what their merchant learns of them by itself.
    """
    orders = state.merchants.modelled
    own = orders + settings.untold_share * np.maximum(state.merchants.orders - orders, 0.0)
    return reliability(own + settings.transfer * np.maximum(state.pool - orders, 0.0), settings)

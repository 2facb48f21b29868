"""Ranked lists with a known effect of ownership: to plan an audit, and to measure how often one is right."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from privacy.rules.ordered_logit import Lists


def draw_lists(
    rng: np.random.Generator,
    *,
    queries: int,
    places: int = 10,
    shown: int | None = None,
    own_share: float = 0.3,
    effect: float = 0.0,
    weights: Sequence[float] = (0.5, 0.3),
    better: float = 0.0,
    hidden: float = 0.0,
) -> Lists:
    """Draw one list for each query, ranked by effect x own + weights x quality + Gumbel noise.

    Args:
        rng: for the draws.
        queries: how many lists.
        places: products that each list ranks.
        shown: how many of them, from the first, are shown; None for all. The others are candidates.
        own_share: chance of each product to be own.
        effect: log-odds that an own product gets for being own.
        weights: log-odds for each SD of each logged quality (normal, SD 1).
        better: SD by which own products are better on the first logged quality.
        hidden: log-odds for each SD of a quality that is not logged, on which own products are 1 SD better.

    Returns: own flag and logged qualities; each list its own cluster.
    """
    own = (rng.random((queries, places)) < own_share).astype(np.float64)
    quality = rng.normal(size=(queries, places, len(weights)))
    quality[:, :, 0] += better * own
    value = effect * own + quality @ np.asarray(weights, dtype=np.float64) + rng.gumbel(size=own.shape)
    if hidden:
        value += hidden * (rng.normal(size=own.shape) + own)
    x = np.concatenate([own[:, :, None], quality], axis=2)
    x = np.take_along_axis(x, np.argsort(-value, axis=1)[:, :, None], axis=1)
    length = None if shown is None else np.full(queries, min(shown, places))
    return Lists(x, np.ones(own.shape, dtype=bool), np.ones(queries), np.arange(queries), length)

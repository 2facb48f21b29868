"""Consumers: a multinomial logit over what is shown, with an outside option, and what it is worth to them.

A consumer of segment s who looks for something of category c sees the products j of a list at places r(j), and gets

    u_j = base + quality_j + taste_s * style_j - sensitivity_s * price_j + ln attention(r(j)) + e_j,    u_0 = e_0

with independent Gumbel e. Attention is place^-g up to the last place shown, and 0 beyond. So the share of j is
attention(r(j)) exp(v_j) / (1 + sum over shown k), and the expected surplus of an arrival is ln(1 + sum) / sensitivity_s
in money, over leaving at once (Small and Rosen 1981). The logsum counts little attention like a nuisance: it says what
a list is worth to someone who looks at it that way, not what a tireless reader would make of it. Where copies are close
substitutes (`nest` < 1) an imitated product and its copies count as in a nested logit, see `nests`.

Consumers with one need and segment have one distribution, so each choice is drawn exactly by inverting it at a number
that belongs to the consumer and the period (`retail.randomness`), whatever the market looks like.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from simulation.market.nests import Nests, draw_together
from simulation.market.settings import MarketSettings
from simulation.market.state import STREAMS, Consumers, Floats, Ints, Products

_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
_FIRST: Final = np.uint64(0xBF58476D1CE4E5B9)
_SECOND: Final = np.uint64(0x94D049BB133111EB)
_STREAM_ARRAY: Final = np.array([STREAMS[name] for name in ("segment", "arrival", "need", "choice")], dtype=np.uint64)
CHUNK: Final = 250_000
"""Consumers drawn by one call; memory does not depend on it, and results neither."""


def attention_of(place: NDArray[np.integer] | Ints, settings: MarketSettings) -> Floats:
    """Return the attention that places get: place^-attention, 0 from the first place that is not shown."""
    table = np.zeros(max(int(place.max(initial=1)), settings.places) + 1)
    table[1 : settings.places + 1] = np.arange(1, settings.places + 1) ** -settings.attention
    return table[place]


def utilities(products: Products, consumers: Consumers, price: Floats, settings: MarketSettings) -> Floats:
    """Return v (C, S, K) float64: utility of each slot's product for each segment, without attention."""
    plain = (settings.base_utility + products.quality)[:, None, :]
    taste, sensitivity = consumers.taste[None, :, None], consumers.sensitivity[None, :, None]
    return np.asarray(plain + taste * products.style[:, None, :] - sensitivity * price[:, None, :])


def shares(v: Floats, attention: Floats, nests: Nests | None = None) -> tuple[Floats, Floats]:
    """Return choice probabilities and the inclusive value.

    Args:
        v: (C, S, K), utilities.
        attention: (C, S, K), 0 for what is not shown.
        nests: of close substitutes; None for a plain logit.

    Returns: (C, S, K), which sum over K to the chance of buying; (C, S), ln(1 + sum of attention * exp(v)), over nests
        where there are any.
    """
    top = np.maximum(v.max(axis=2, initial=0.0), 0.0)
    weight = attention * np.exp(v - top[:, :, None])
    if nests is not None:
        draw_together(weight, nests)
    total = np.exp(-top) + weight.sum(axis=2)
    weight /= total[:, :, None]
    return weight, top + np.log(total)


def expected_arrivals(consumers: Consumers, settings: MarketSettings) -> Floats:
    """Return (C, S) float64, arrivals of a period that a forecaster expects."""
    need = np.diff(consumers.share, prepend=0.0)
    each = settings.consumers * settings.arrival / settings.segments
    return np.asarray(np.repeat(need[:, None] * each, settings.segments, axis=1))


def choose(
    share: Floats, consumers: Consumers, settings: MarketSettings, period: int, *, picks: Ints | None = None
) -> tuple[Ints, Ints]:
    """Let everybody come and choose once.

    Args:
        share: (C, S, K) choice probabilities.
        consumers: who they are.
        settings: chance of an arrival.
        period: of the draws.
        picks: (consumers, 2) int64 to fill in, or None: cell (c * S + s) and slot of each consumer; slot -1 for leaving
            without, both -1 for not coming.

    Returns: (C, S, K) int64 units bought, (C, S) int64 arrivals.
    """
    cumulated = np.cumsum(share, axis=2)
    units = np.zeros(share.shape, dtype=np.int64)
    arrivals = np.zeros(share.shape[:2], dtype=np.int64)
    noted = picks if picks is not None else np.zeros((0, 2), dtype=np.int64)
    for first in range(0, consumers.count, CHUNK):
        last = min(first + CHUNK, consumers.count)
        _choose(
            cumulated, consumers.share, consumers.root, first, last, np.uint64(period), settings.arrival,
            _STREAM_ARRAY, units, arrivals, noted,
        )  # fmt: skip
    return units, arrivals


def surplus(inclusive: Floats, arrivals: NDArray[np.integer] | Floats, consumers: Consumers) -> Floats:
    """Return (S,) float64, money: expected surplus of all arrivals of each segment."""
    return np.asarray((inclusive * arrivals).sum(axis=0) / consumers.sensitivity)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _mix(word: np.uint64) -> np.uint64:
    word = (word ^ (word >> np.uint64(30))) * _FIRST
    word = (word ^ (word >> np.uint64(27))) * _SECOND
    return word ^ (word >> np.uint64(31))


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _uniform(key: np.uint64, stream: np.uint64, counter: np.uint64) -> float:
    position = counter + (stream << np.uint64(40)) + np.uint64(1)
    bits = _mix(key + position * _GOLDEN)
    return (np.float64(bits >> np.uint64(12)) + 0.5) * 2.0**-52


@njit(cache=True, nogil=True)
def _choose(cumulated, need, root, first, last, period, arrival, streams, units, arrivals, picks):  # type: ignore[no-untyped-def]
    categories, segments, slots = cumulated.shape
    for consumer in range(first, last):
        key = _mix(_mix(np.uint64(consumer) * _GOLDEN + root[0]) ^ root[1])
        noted = picks.shape[0] > 0
        if noted:
            picks[consumer, 0] = picks[consumer, 1] = -1
        if _uniform(key, streams[1], period) >= arrival:
            continue
        segment = int(_uniform(key, streams[0], np.uint64(0)) * segments)
        wanted = _uniform(key, streams[2], period)
        low, high = 0, categories - 1
        while low < high:
            middle = (low + high) // 2
            if need[middle] > wanted:
                high = middle
            else:
                low = middle + 1
        category = low
        arrivals[category, segment] += 1
        u = _uniform(key, streams[3], period)
        bought = cumulated[category, segment, slots - 1] > u
        if noted:
            picks[consumer, 0] = category * segments + segment
        if bought:
            low, high = 0, slots - 1
            while low < high:
                middle = (low + high) // 2
                if cumulated[category, segment, middle] > u:
                    high = middle
                else:
                    low = middle + 1
            units[category, segment, low] += 1
            if noted:
                picks[consumer, 1] = low

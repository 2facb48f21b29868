"""Markets that are stepped and looked at between steps, for what their figures do not hold.

Each kind of look is kept for one market, so that experiments that need it twice run it once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from simulation.market import Market, MarketSettings, Rules
from simulation.market.consumers import attention_of, shares, utilities
from simulation.market.platform import popularity
from simulation.market.state import PLATFORM

Floats = npt.NDArray[np.float64]
RISES: Final = np.linspace(0.0, 1.0, 201)
"""Price rises of the own label that are tried."""
_LAST: Final = 10
"""Periods at the end over which prices are looked at."""


@dataclass(frozen=True, slots=True)
class Imitated:
    """One product that the own label imitated.

    Attributes:
        period: when.
        merchant: number of the seller of the imitated product.
        popularity: place of that product by sales in its category before, 1 is best.
        others: mean place of the category's other products of merchants.
    """

    period: int
    merchant: int
    popularity: float
    others: float


@dataclass(frozen=True, eq=False)
class Watched:
    """What was seen in one market.

    Attributes:
        sales: (periods, M) float64, what buyers paid each merchant.
        present: (periods, M) bool, who was in the market.
        size: (M,) int8, class of size, see `simulation.market.state.SIZES`.
        imitated: what the own label imitated, in order.
    """

    sales: Floats
    present: npt.NDArray[np.bool_]
    size: npt.NDArray[np.int8]
    imitated: tuple[Imitated, ...]


@lru_cache(maxsize=512)
def watch(settings: MarketSettings, rules: Rules, seed: int, periods: int) -> Watched:
    """Step a market through, and look at it.

    Args:
        settings: of the market.
        rules: that hold.
        seed: of the market.
        periods: how long.
    """
    market = Market(settings, rules, seed=seed)
    sales, present, imitated = [], [], []
    for period in range(periods):
        products = market.state.products
        place, third = popularity(products.sold, products.active), products.third
        before = [(ids.copy(), third[row], place[row], products.seller[row].copy()) for row, ids in
                  enumerate(products.id)]  # fmt: skip
        known = len(market.state.launches)
        market.step()
        assert market.books is not None
        sales.append(market.books.sales)
        present.append(market.state.merchants.active.copy())
        for _, seller, _, category, _, copied in market.state.launches[known:]:
            if seller == PLATFORM and copied >= 0:
                imitated.append(_of(copied, period, *before[category]))
    merchants = market.state.merchants
    return Watched(
        np.array(sales),
        np.array(present),
        merchants.size.copy(),
        tuple(one for one in imitated if one is not None),
    )


@lru_cache(maxsize=512)
def surplus_by_rise(settings: MarketSettings, rules: Rules, seed: int, periods: int) -> Floats:
    """Return consumer surplus of an arrival, money, if all own label cost more, by `RISES`; (201,) float64.

    Places and all other prices stay as they are. Mean over the last ten periods.
    """
    market = Market(settings, rules, seed=seed)
    found = []
    for period in range(periods):
        market.step()
        if period >= periods - _LAST:
            found.append([_surplus(market, float(rise)) for rise in RISES])
    return np.asarray(np.mean(found, axis=0), dtype=np.float64)


def _of(
    copied: int,
    period: int,
    ids: npt.NDArray[np.int64],
    third: npt.NDArray[np.bool_],
    place: Floats,
    seller: npt.NDArray[np.int64],
) -> Imitated | None:
    """Look a product up among those of its category before the review; None if it only just came."""
    at = np.flatnonzero(ids == copied)
    others = third & (ids != copied)
    if not at.size or not others.any():
        return None
    return Imitated(period, int(seller[at[0]]), float(place[at[0]]), float(place[others].mean()))


def _surplus(market: Market, rise: float) -> float:
    state, settings, shown = market.state, market.settings, market.last
    assert shown is not None
    products = state.products
    price = np.where(products.own, products.price * (1 + rise), products.price)
    attention = attention_of(shown.place, settings) * products.active[:, None, :]
    _, inclusive = shares(utilities(products, state.consumers, price, settings), attention, market.nests)
    need = np.diff(state.consumers.share, prepend=0.0)
    return float((need @ (inclusive / state.consumers.sensitivity)).mean())

"""How much a display raises the rate of purchase, from stores with and without it.

For each product, week and kind of mailer, baskets with the product per basket are compared between the stores that
show it on a display and the stores that do not; a store counts only if it also sold the product in some other week
without a display, so that it carries it. The ratios are pooled as Mantel and Haenszel do. What a lower price on
display would have sold anyway is taken out with a published elasticity: leaving out the strata whose prices are seen
to differ would select by sales, since a price is seen only where something was sold.

Stores choose what to display: the estimate is causal only as far as they choose alike in what is not compared. It is
the ratio for all of a store's shoppers, those who never pass the display included.

Source: Rothman and Greenland 1998, Modern Epidemiology, chapter 15 (rate ratio); Poisson bootstrap over products.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from retail.errors import ConfigError, DataError
from simulation.store.calibrate.promotions import WEEKS, Promoted

DISPLAY_CODES: Final[dict[str, str]] = {
    "store_front": "1",
    "rear_end_cap": "5",
    "front_end_cap": "3",
    "side_aisle": "6",
}
"""Code of the Complete Journey for each kind of display that has a parameter of its own."""
ELASTICITY: Final = -2.62
"""Mean price elasticity of 1,851 estimates: Bijmolt, van Heerde and Pieters 2005, New Empirical Generalizations."""

_NONE: Final = "0"
_BOOTSTRAP: Final = 500


@dataclass(frozen=True, slots=True)
class LiftEstimate:
    """The effect of one kind of display.

    Attributes:
        kind: such as "front_end_cap".
        lift: rate with the display over rate without it, at the same price.
        lo: lower end of the 95% interval over products.
        hi: upper end; the elasticity is taken as known.
        naive: the ratio when only the product is held, not week, mailer and price.
        price_gap: mean difference of the logarithm of the price, display minus none, where both are seen.
        products: products compared.
        bought: baskets with a displayed product.
    """

    kind: str
    lift: float
    lo: float
    hi: float
    naive: float
    price_gap: float
    products: int
    bought: int


@dataclass(frozen=True, eq=False)
class _Cells:
    """One side of strata: (product, week, mailer) keys, rising, with baskets, exposure and prices."""

    key: NDArray[np.int64]
    bought: NDArray[np.float64]
    exposure: NDArray[np.float64]
    price: NDArray[np.float64]
    priced: NDArray[np.float64]


def estimate_lifts(
    promoted: Promoted, *, categories: Iterable[str] | None = None, seed: int = 0, draws: int = _BOOTSTRAP
) -> tuple[LiftEstimate, ...]:
    """Estimate the lift of every kind in `DISPLAY_CODES`.

    Args:
        promoted: sales and promotions.
        categories: the data's categories to use; all when None.
        seed: of the bootstrap.
        draws: of the bootstrap.

    Raises:
        ConfigError: a category is not in the data, or there are fewer than two draws.
        DataError: nothing on one of the displays can be compared.
    """
    if draws < 2:
        raise ConfigError(f"draws = {draws}; an interval needs at least 2, 500 are usual")
    wanted = np.ones(len(promoted.products), dtype=bool)
    if categories is not None:
        chosen = sorted(set(categories))
        absent = sorted(set(chosen) - set(promoted.category.tolist()))
        if absent:
            raise ConfigError(f"no product of the categories {', '.join(absent)} was sold; take names from the data")
        wanted = np.isin(promoted.category, chosen)
    mailers, mailer = np.unique(np.append(_NONE, promoted.listed_mailer), return_inverse=True)
    rows = _Rows(promoted, mailer[1:], int(mailer[0]), len(mailers))
    rng = np.random.default_rng(seed)
    return tuple(_estimate(kind, code, rows, wanted, rng, draws) for kind, code in DISPLAY_CODES.items())


class _Rows:
    """The comparable store-weeks: those of stores that sold the product in another week without a display."""

    def __init__(self, promoted: Promoted, mailer: NDArray[np.int64], no_mailer: int, mailers: int) -> None:
        """Match sales with promotions and count out who carries what."""
        self._data = promoted
        self._mailers = mailers
        stores = len(promoted.trips)
        at = np.minimum(np.searchsorted(promoted.sold_key, promoted.listed_key), len(promoted.sold_key) - 1)
        sold = promoted.sold_key[at] == promoted.listed_key
        displayed = np.zeros(len(promoted.sold_key), dtype=bool)
        displayed[at[sold & (promoted.listed_display != _NONE)]] = True
        pair = promoted.sold_key // WEEKS
        clean = np.bincount(pair[~displayed], minlength=len(promoted.products) * stores)
        comparable = clean[pair] - ~displayed >= 1

        bought = np.where(sold, promoted.sold_baskets[at], 0.0)
        price = np.where(sold, promoted.sold_log_price[at], 0.0)
        use = np.where(sold, comparable[at], clean[promoted.listed_key // WEEKS] >= 1)
        product, week = promoted.listed_key // (stores * WEEKS), promoted.listed_key % WEEKS
        trips = promoted.trips[promoted.listed_key // WEEKS % stores, week]
        self._use = use
        self._key = (product * WEEKS + week) * mailers + mailer
        self._values = (bought, trips, price * bought, bought)

        # Store-weeks that are not listed have neither display nor mailer: all that carry it, less those that are.
        slot = product * WEEKS + week
        sold_slot = pair // stores * WEEKS + promoted.sold_key % WEEKS
        size = len(promoted.products) * WEEKS
        alone = (clean[pair] >= 1) & ~comparable
        everywhere = (clean.reshape(-1, stores) >= 1).astype(np.float64) @ promoted.trips
        own_trips = promoted.trips[pair % stores, promoted.sold_key % WEEKS]
        exposure = everywhere.ravel() - _added(sold_slot[alone], own_trips[alone], size)
        exposure -= _added(slot[use], trips[use], size)
        own = promoted.sold_baskets
        all_bought = _added(sold_slot[comparable], own[comparable], size)
        all_price = _added(sold_slot[comparable], (own * promoted.sold_log_price)[comparable], size)
        rest_bought = all_bought - _added(slot[use], bought[use], size)
        rest_price = all_price - _added(slot[use], (price * bought)[use], size)
        # Only weeks in which anybody bought the product were read: in others the promoted stores are unknown.
        known = np.flatnonzero((np.bincount(sold_slot, minlength=size) > 0) & (exposure > 0.5))
        self._rest = _Cells(
            known * mailers + no_mailer, rest_bought[known], exposure[known], rest_price[known], rest_bought[known]
        )

    def displayed(self, code: str) -> _Cells:
        """Store-weeks with the display."""
        return self._cells(self._use & (self._data.listed_display == code))

    def undisplayed(self) -> _Cells:
        """Store-weeks without any display."""
        listed = self._cells(self._use & (self._data.listed_display == _NONE))
        return _sum(*(np.concatenate(pair) for pair in zip(_columns(listed), _columns(self._rest), strict=True)))

    def product(self, key: NDArray[np.int64]) -> NDArray[np.int64]:
        """Number of the product of strata."""
        return key // (WEEKS * self._mailers)

    def _cells(self, rows: NDArray[np.bool_]) -> _Cells:
        return _sum(self._key[rows], *(column[rows] for column in self._values))


def _columns(cells: _Cells) -> tuple[NDArray[np.int64], *tuple[NDArray[np.float64], ...]]:
    return cells.key, cells.bought, cells.exposure, cells.price, cells.priced


def _sum(key: NDArray[np.int64], *values: NDArray[np.float64]) -> _Cells:
    """Add up rows of the same key."""
    keys, group = np.unique(key, return_inverse=True)
    return _Cells(keys, *(_added(group, column, len(keys)) for column in values))


def _added(group: NDArray[np.int64], values: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    """Sums of values by group."""
    return np.bincount(group, values, length).astype(np.float64, copy=False)


def _estimate(
    kind: str, code: str, rows: _Rows, wanted: NDArray[np.bool_], rng: np.random.Generator, draws: int
) -> LiftEstimate:
    shown, plain = rows.displayed(code), rows.undisplayed()
    key, one, other = np.intersect1d(shown.key, plain.key, assume_unique=True, return_indices=True)
    product = rows.product(key)
    with np.errstate(invalid="ignore", divide="ignore"):
        gap = shown.price[one] / shown.priced[one] - plain.price[other] / plain.priced[other]
    use = wanted[product]
    both = np.isfinite(gap) & use
    matter = 1 / (1 / np.maximum(shown.priced[one], 1e-9) + 1 / np.maximum(plain.priced[other], 1e-9))
    price_gap = float(np.average(gap[both], weights=matter[both])) if both.any() else 0.0
    strata = [side[index][use] for side, index in _sides(shown, plain, one, other)]
    number, with_it, without = _pooled(product[use], *strata)
    if not with_it.sum() or not without.sum():
        raise DataError(f"no sale on a {kind} display can be compared with stores without one; use more categories")
    weight = rng.poisson(1.0, (draws, len(number)))
    same_price = math.exp(-ELASTICITY * price_gap)
    lo, hi = np.quantile((weight @ with_it) / np.maximum(weight @ without, 1e-12), [0.025, 0.975]) * same_price
    return LiftEstimate(
        kind=kind,
        lift=float(with_it.sum() / without.sum()) * same_price,
        lo=float(lo),
        hi=float(hi),
        naive=_naive(rows, shown, plain, wanted),
        price_gap=price_gap,
        products=len(number),
        bought=int(strata[0].sum()),
    )


def _sides(
    shown: _Cells, plain: _Cells, one: NDArray[np.int64], other: NDArray[np.int64]
) -> tuple[tuple[NDArray[np.float64], NDArray[np.int64]], ...]:
    return (shown.bought, one), (shown.exposure, one), (plain.bought, other), (plain.exposure, other)


def _pooled(
    product: NDArray[np.int64],
    bought: NDArray[np.float64],
    exposure: NDArray[np.float64],
    plain_bought: NDArray[np.float64],
    plain_exposure: NDArray[np.float64],
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Numerator and denominator of the pooled rate ratio for each product."""
    whole = np.maximum(exposure + plain_exposure, 1e-12)
    number, group = np.unique(product, return_inverse=True)
    with_it = _added(group, bought * plain_exposure / whole, len(number))
    without = _added(group, plain_bought * exposure / whole, len(number))
    return number, with_it, without


def _naive(rows: _Rows, shown: _Cells, plain: _Cells, wanted: NDArray[np.bool_]) -> float:
    """The ratio with nothing held but the product."""
    sides = [_sum(rows.product(cells.key), *_columns(cells)[1:]) for cells in (shown, plain)]
    key, one, other = np.intersect1d(sides[0].key, sides[1].key, assume_unique=True, return_indices=True)
    keep = wanted[key]
    strata = [side[index][keep] for side, index in _sides(sides[0], sides[1], one, other)]
    _, with_it, without = _pooled(key[keep], *strata)
    return float(with_it.sum() / without.sum())

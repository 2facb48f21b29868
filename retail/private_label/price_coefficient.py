"""How much less often a product is chosen when it costs more, from its own price over the weeks.

A conditional logit with a constant for each product: on a visit of week w that buys one of the products, product j is
chosen with chance exp(a_j + b p_jw) / sum over k of exp(a_k + b p_kw). What all products of the category share in a
week (season, holidays) cancels; what a product always has stays in its constant. So only changes of a product's price
over the weeks, relative to the others', speak of b.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from retail.errors import ConfigError, DataError
from retail.private_label.purchases import Purchases
from retail.problems import shown

_STEPS: Final = 100
_CONVERGED: Final = 1e-10
_SMALL: Final = 1e-12
_MOVES: Final = 1e-6
"""Prices that differ by less than this from their mean do not change."""


@dataclass(frozen=True, slots=True)
class PriceCoefficient:
    """Effect of one unit of money on the utility of a product.

    Attributes:
        value: b, per unit of money; negative where dearer means chosen less.
        standard_error: the larger of the two below; 0 for a value that was given.
        by_household: standard error with households as clusters, 0 when given.
        by_week: standard error with weeks as clusters, 0 when given.
        visits: visits that bought one of the products, parts added up; 0 when given.
        products: products that it was estimated from, 0 when given.
        source: `estimated` from the data, or `given` as an assumption.
        held: names of the offers whose effect was estimated next to the price's.
    """

    value: float
    standard_error: float
    by_household: float
    by_week: float
    visits: float
    products: int
    source: Literal["estimated", "given"]
    held: tuple[str, ...] = ()

    @property
    def interval(self) -> tuple[float, float]:
        """95% interval, of the sampling of households or weeks alone."""
        return self.value - 1.96 * self.standard_error, self.value + 1.96 * self.standard_error


def given_price_coefficient(value: float) -> PriceCoefficient:
    """A price coefficient taken as an assumption.

    Raises: ConfigError: not a negative number.
    """
    if not (math.isfinite(value) and value < 0):
        raise ConfigError(f"price coefficient = {value}: give a number below 0 (utility per unit of money)")
    return PriceCoefficient(value, 0.0, 0.0, 0.0, 0.0, 0, "given")


def weekly_prices(purchases: Purchases) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Mean price paid for each single product in each week.

    Returns: (weeks, J) prices, the product's median week where it was not bought that week; (weeks, J) True from the
        first to the last week in which the product was bought, and nowhere for pooled rests.
    """
    weeks, count = purchases.weeks, len(purchases.products)
    place = purchases.week * count + purchases.product
    units = np.bincount(place, weights=purchases.units, minlength=weeks * count).reshape(weeks, count)
    sales = np.bincount(place, weights=purchases.sales, minlength=weeks * count).reshape(weeks, count)
    bought = units > 0
    price = np.where(bought, sales / np.where(bought, units, 1), np.nan)
    price = np.where(bought, price, np.nanmedian(price, axis=0))
    seen = np.maximum.accumulate(bought, axis=0) & np.maximum.accumulate(bought[::-1], axis=0)[::-1]
    return price, seen & ~purchases.pooled


def estimate_price_coefficient(
    purchases: Purchases, *, least_visits: int = 100, offers: Mapping[str, NDArray[np.float64]] | None = None
) -> PriceCoefficient:
    """Fit the conditional logit by Newton's method.

    Standard errors are sandwiches: clusters of households for habits, clusters of weeks for what happens to a product
    in a week besides its price; the larger counts. Displays and mailings come with low prices: without `offers` the
    value speaks of an offer as a whole and overstates what a price alone would do. A mean over stores and over those
    who paid blurs prices and understates it.

    Args:
        purchases: of one category.
        least_visits: single products with fewer choices are left out: their price is not known in most weeks. Leaving
            products out changes nothing else in a logit.
        offers: name -> (weeks, J) of what else moves with prices, to be held fixed; see `weekly_offers`.

    Raises:
        ConfigError: least_visits below 1, or offers of another shape.
        DataError: fewer than two products or weeks, no price that changes, or no maximum.
    """
    if least_visits < 1:
        raise ConfigError(f"least_visits = {least_visits}: give 1 or more")
    price, available = weekly_prices(purchases)
    available &= purchases.choices >= least_visits
    kept = np.flatnonzero(available.any(axis=0))
    price, available = price[:, kept], available[:, kept]
    prices = np.where(available, price - price.mean(axis=0), 0.0)
    line = np.flatnonzero(np.isin(purchases.product, kept))
    week, weight = purchases.week[line], purchases.weight[line]
    product = np.searchsorted(kept, purchases.product[line])
    chosen = np.zeros(price.shape)
    np.add.at(chosen, (week, product), weight)
    if len(kept) < 2 or (chosen.sum(axis=1) > 0).sum() < 2 or np.abs(prices).max() < _MOVES:
        raise DataError(
            f"'{shown(purchases.category)}': a price coefficient needs two products with {least_visits} choices, two "
            "weeks, and prices that change; give one instead (price_coefficient=-1.0), or call "
            "estimate_price_coefficient with fewer least_visits"
        )
    held = [
        _of_shape(one, name, (purchases.weeks, len(purchases.products)))[:, kept]
        for name, one in (offers or {}).items()
    ]
    moving = np.stack([prices, *held])
    coefficients, curvature, chance = _newton(chosen, available, moving, purchases.category)
    score = _scores(week, product, weight, chance, moving)
    row = len(kept) - 1
    by_household = _clustered(score, purchases.household[line], curvature, row)
    by_week = _clustered(score, week, curvature, row)
    value = float(coefficients[0])
    return PriceCoefficient(
        value,
        max(by_household, by_week),
        by_household,
        by_week,
        float(weight.sum()),
        len(kept),
        "estimated",
        tuple(offers or ()),
    )


def _newton(
    chosen: NDArray[np.float64], available: NDArray[np.bool_], moving: NDArray[np.float64], category: str
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """The coefficients of what moves, minus the Hessian, and the chances (weeks, J) at the maximum.

    `moving` is (K, weeks, J). Parameters are the constants of products 1 to J - 1 and the K coefficients. The
    likelihood is concave; a step that lowers it is halved.
    """
    many, count = len(moving), chosen.shape[1]
    totals = chosen.sum(axis=1)[:, None]
    beta = np.zeros(count - 1 + many)
    for _ in range(_STEPS):
        chance, likelihood = _chances(beta, chosen, available, moving)
        surprise, weighted = chosen - totals * chance, totals * chance
        deviation = moving - (chance * moving).sum(axis=2, keepdims=True)
        gradient = np.append(surprise.sum(axis=0)[1:], (surprise * moving).sum(axis=(1, 2)))
        curvature = np.empty((len(beta), len(beta)))
        curvature[:-many, :-many] = np.diag(weighted.sum(axis=0)[1:]) - (weighted.T @ chance)[1:, 1:]
        curvature[-many:, :-many] = (weighted * deviation).sum(axis=1)[:, 1:]
        curvature[:-many, -many:] = curvature[-many:, :-many].T
        curvature[-many:, -many:] = np.einsum("wj,kwj,lwj->kl", weighted, deviation, deviation)
        try:
            step = cho_solve(cho_factor(curvature), gradient)
        except (np.linalg.LinAlgError, ValueError) as error:
            raise _no_maximum(category) from error
        if float(gradient @ step) < _CONVERGED:
            return beta[-many:], curvature, chance
        while _chances(beta + step, chosen, available, moving)[1] < likelihood and np.abs(step).max() > _SMALL:
            step = step / 2
        beta = beta + step
    raise _no_maximum(category)


def _chances(
    beta: NDArray[np.float64],
    chosen: NDArray[np.float64],
    available: NDArray[np.bool_],
    moving: NDArray[np.float64],
) -> tuple[NDArray[np.float64], float]:
    many = len(moving)
    utility = np.append(0.0, beta[:-many]) + np.tensordot(beta[-many:], moving, axes=1)
    utility = np.where(available, utility, -np.inf)
    top = utility.max(axis=1)
    top = np.where(np.isfinite(top), top, 0.0)[:, None]
    power = np.exp(utility - top)
    total = power.sum(axis=1)[:, None]
    total = np.where(total > 0, total, 1.0)
    log_chance = np.where(available, utility - top - np.log(total), 0.0)
    return power / total, float((chosen * log_chance).sum())


def _scores(
    week: NDArray[np.int64],
    product: NDArray[np.int64],
    weight: NDArray[np.float64],
    chance: NDArray[np.float64],
    moving: NDArray[np.float64],
) -> NDArray[np.float64]:
    """(lines, J - 1 + K) derivative of each line's log chance by the parameters, times its weight."""
    constant = -chance[week]
    constant[np.arange(len(week)), product] += 1
    slope = moving[:, week, product] - (chance * moving).sum(axis=2)[:, week]
    return np.column_stack([constant[:, 1:], slope.T]) * weight[:, None]


def _clustered(
    score: NDArray[np.float64], cluster: NDArray[np.int64], curvature: NDArray[np.float64], row: int
) -> float:
    """Standard error of one parameter: bread and meat, with G / (G - 1) for G clusters."""
    names, place = np.unique(cluster, return_inverse=True)
    summed = np.zeros((len(names), score.shape[1]))
    np.add.at(summed, place, score)
    spread = cho_solve(cho_factor(curvature), summed.T)
    return float(np.sqrt((spread[row] ** 2).sum() * len(names) / max(1, len(names) - 1)))


def _of_shape(values: NDArray[np.float64], name: str, shape: tuple[int, int]) -> NDArray[np.float64]:
    found = np.asarray(values, dtype=np.float64)
    if found.shape != shape or not np.isfinite(found).all():
        raise ConfigError(
            f"offers[{name!r}] has the shape {found.shape}: give finite numbers, {shape} (weeks, products)"
        )
    return found


def _no_maximum(category: str) -> DataError:
    return DataError(
        f"'{shown(category)}': no price coefficient fits best (too few purchases, or products never seen together); "
        "give one instead (price_coefficient=-1.0), or raise least_visits"
    )

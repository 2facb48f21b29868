"""A logit market whose own label, prices and shares are those of a real category."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from retail.dataset import RetailData
from retail.errors import ConfigError, DataError
from retail.private_label.offers import weekly_offers
from retail.private_label.price_coefficient import (
    PriceCoefficient,
    estimate_price_coefficient,
    given_price_coefficient,
)
from retail.private_label.purchases import Purchases, category_purchases
from retail.private_label.table import outside_share
from retail.problems import shown


@dataclass(frozen=True, eq=False)
class LabelSetting:
    """One category as a market of J products and the outside option of buying none, seen by a visit.

    Arrays are (J,) float64 unless said otherwise, and cannot be written to.

    Attributes:
        category: its name.
        currency: ISO 4217 code of prices.
        visits: baskets behind the shares.
        products: ids as text.
        sellers: manufacturer as text; "" where not known and for pooled rests.
        own: bool, True for the own label.
        pooled: bool, True for a rest of small products taken together.
        price: mean price paid per unit.
        share: of visits; with `outside` they sum to 1.
        outside: share of visits without any purchase in the category, in (0, 1).
        price_coefficient: b, estimated or given.
        mean_utility: log(share) - log(outside), the utility that gives exactly these shares at these prices.
        quality: mean_utility - b * price: what is left of it at a price of 0.
    """

    category: str
    currency: str
    visits: int
    products: tuple[str, ...]
    sellers: tuple[str, ...]
    own: NDArray[np.bool_]
    pooled: NDArray[np.bool_]
    price: NDArray[np.float64]
    share: NDArray[np.float64]
    outside: float
    price_coefficient: PriceCoefficient
    mean_utility: NDArray[np.float64]
    quality: NDArray[np.float64]

    def __post_init__(self) -> None:
        """Keep the arrays as they are."""
        for name in ("own", "pooled", "price", "share", "mean_utility", "quality"):
            getattr(self, name).setflags(write=False)

    @property
    def own_share(self) -> float:
        """The own label's part of the category's purchases, counted in visits."""
        return float(self.share[self.own].sum() / self.share.sum())

    @property
    def own_elasticity(self) -> NDArray[np.float64]:
        """(J,) percent by which a product's share changes when its price rises by one percent: b p (1 - s)."""
        return self.price_coefficient.value * self.price * (1 - self.share)

    def shares(
        self, *, price: ArrayLike | None = None, present: ArrayLike | None = None, bonus: ArrayLike = 0.0
    ) -> NDArray[np.float64]:
        """Shares of visits in a logit market with other prices, products or attention.

        Args:
            price: (J,), by default those observed.
            present: (J,) bool, by default all; what is absent has share 0.
            bonus: added to utility, a number or (J,): what a better place in a list would be worth.

        Raises: ConfigError: arrays of another length, or values that are not finite.
        """
        power = self._power(price, present, bonus)
        shares: NDArray[np.float64] = power / (1 + power.sum())
        return shares

    def surplus(
        self, *, price: ArrayLike | None = None, present: ArrayLike | None = None, bonus: ArrayLike = 0.0
    ) -> float:
        """Consumer surplus per visit in money, over having the outside option alone: log(1 + sum exp(u)) / -b.

        Args: as for `shares`. A bonus that is attention rather than taste should not be counted as surplus.
        """
        power = self._power(price, present, bonus)
        return float(np.log1p(power.sum()) / -self.price_coefficient.value)

    def implied_costs(self) -> NDArray[np.float64]:
        """(J,) unit costs at which each seller's observed prices would be its best answer to the others'.

        A seller with the shares S in all gains by a markup of 1 / (-b (1 - S)) on each of its products (Nash prices in
        a logit market). The own label is one seller; a product without a known seller, or a pooled rest of other
        products, counts as a seller of its own, the latter with S = 0. Costs may come out negative: then the price
        coefficient is too close to 0 for these prices, and the model of competition does not fit.
        """
        names = np.array(
            [
                "own label" if own else (f"seller {seller}" if seller else f"product {product}")
                for own, seller, product in zip(self.own, self.sellers, self.products, strict=True)
            ]
        )
        _, seller = np.unique(names, return_inverse=True)
        together = np.bincount(seller, weights=self.share)[seller]
        together = np.where(self.pooled & ~self.own, 0.0, together)
        return self.price + 1 / (self.price_coefficient.value * (1 - together))

    def _power(self, price: ArrayLike | None, present: ArrayLike | None, bonus: ArrayLike) -> NDArray[np.float64]:
        count = len(self.products)
        prices = self.price if price is None else np.asarray(price, dtype=np.float64)
        there = np.ones(count, dtype=bool) if present is None else np.asarray(present, dtype=bool)
        added = np.asarray(bonus, dtype=np.float64)
        if prices.shape != (count,) or there.shape != (count,) or added.shape not in ((), (count,)):
            raise ConfigError(
                f"price {prices.shape}, present {there.shape}, bonus {added.shape}: there are {count} products"
            )
        if not (np.isfinite(prices).all() and np.isfinite(added).all()):
            raise ConfigError("a price or bonus is not a finite number; leave products out with present")
        return np.where(there, np.exp(self.quality + self.price_coefficient.value * prices + added), 0.0)


def label_setting(
    data: RetailData,
    category: str,
    *,
    price_coefficient: float | None = None,
    hold_offers: bool = False,
    most: int = 100,
    least_visits: int = 25,
) -> LabelSetting:
    """Make a market of one category of a data set.

    A visit is a basket and makes one choice: a product of the category, in equal parts if it holds several, or none.

    Args:
        data: lines and products with CATEGORY and BRAND.
        category: as `products` spells it.
        price_coefficient: b < 0 as an assumption; None estimates it.
        hold_offers: estimate it with displays and mailers held fixed (`weekly_offers`); needs promotions.
        most: largest number of single products.
        least_visits: fewest lines of a single product; the others are pooled.

    Raises:
        ConfigError: an argument out of range.
        DataError: the category was not sold, has no own label or nothing else, is bought on every visit, or its
            estimated price coefficient is not below 0 by its 95% interval.
    """
    purchases = category_purchases(data, category, most=most, least_visits=least_visits)
    if price_coefficient is not None:
        return setting_of(purchases, given_price_coefficient(price_coefficient))
    estimate = estimate_price_coefficient(purchases, offers=weekly_offers(data, purchases) if hold_offers else None)
    if estimate.interval[1] >= 0:
        raise DataError(
            f"'{shown(category)}': the price coefficient {estimate.value:.3g} +- {1.96 * estimate.standard_error:.2g} "
            "cannot be told from 0; give one instead (price_coefficient=-1.0)"
        )
    return setting_of(purchases, estimate)


def setting_of(purchases: Purchases, price_coefficient: PriceCoefficient) -> LabelSetting:
    """Make a market of purchases that were taken before.

    Source of the inversion: S. Berry 1994, Estimating discrete-choice models of product differentiation, section 4.

    Raises: DataError: no own label or nothing else, or no visit without a purchase.
    """
    name = shown(purchases.category)
    if purchases.own.all() or not purchases.own.any():
        what = "only own-label products" if purchases.own.all() else "no own-label product (products.brand = Private)"
        raise DataError(f"'{name}': {what} were sold; take another category (see largest_categories)")
    outside = outside_share(purchases)
    if outside <= 0:
        raise DataError(f"'{name}' was bought on every visit, so nothing is known of buying none; take a part of it")
    count = len(purchases.products)
    share = purchases.choices / purchases.visits
    price = np.bincount(purchases.product, weights=purchases.sales, minlength=count) / np.bincount(
        purchases.product, weights=purchases.units, minlength=count
    )
    mean_utility = np.log(share) - np.log(outside)
    return LabelSetting(
        category=purchases.category,
        currency=purchases.currency,
        visits=purchases.visits,
        products=purchases.products,
        sellers=purchases.sellers,
        own=purchases.own.copy(),
        pooled=purchases.pooled.copy(),
        price=price,
        share=share,
        outside=outside,
        price_coefficient=price_coefficient,
        mean_utility=mean_utility,
        quality=mean_utility - price_coefficient.value * price,
    )

"""The books of a period: who paid whom, and what is left."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from simulation.market.settings import MarketSettings
from simulation.market.state import Floats, Ints, State


@dataclass(frozen=True, slots=True)
class Books:
    """One period's money.

    Attributes:
        units: (C, K) int64, sold on the platform.
        product_profit: (C, K) float64, gross profit less the cost of listing.
        sales: (M,), what buyers paid each merchant on the platform.
        gross: (M,), of that, after fee, advertisements and unit costs.
        profit: (M,), after all costs, with the shop outside.
        kept: (M,), profit less the platform's share of affiliates.
        payments: what buyers paid on the platform.
        merchants_net: of that, merchants' after fee and advertisements.
        fees: of that, the platform's from merchants.
        advertising: of that, the platform's from merchants for better places.
        own_revenue: of that, own label's.
        merchant_surplus: all that merchants kept.
        platform_profit: all that the platform kept.
        dependency: see `kpis`.
    """

    units: Ints
    product_profit: Floats
    sales: Floats
    gross: Floats
    profit: Floats
    kept: Floats
    payments: float
    merchants_net: float
    fees: float
    advertising: float
    own_revenue: float
    merchant_surplus: float
    platform_profit: float
    dependency: float


@dataclass(slots=True)
class Ledger:
    """What was spent before the doors opened, money.

    Attributes:
        launches: (M,); adoption: (M,); own_launches: the platform's.
    """

    launches: Floats
    adoption: Floats
    own_launches: float = 0.0

    @classmethod
    def empty(cls, merchants: int) -> Ledger:
        """Nothing spent."""
        return cls(np.zeros(merchants), np.zeros(merchants))

    def close(
        self,
        state: State,
        settings: MarketSettings,
        *,
        fee: Floats,
        advertising: Floats,
        units: Ints,
        outside: tuple[Floats, Floats],
        returned: Floats,
        platform_serves: bool,
        nodes: bool,
        stake: float,
    ) -> Books:
        """Add a period's trade up.

        Args:
            state: prices and costs.
            settings: costs.
            fee: (C, K), of a product's sales.
            advertising: (C, K), of a product's sales.
            units: (C, K).
            outside: (M,) revenue and profit of shops outside, if there were one.
            returned: (M,), what returned data tell.
            platform_serves: the platform pays for adopters' service.
            nodes: adopters pay for it.
            stake: the platform's share of affiliates.
        """
        products, people, reference = state.products, state.merchants, settings.reference_profit
        n = people.active.size
        third, own = products.third, products.own & products.active
        seller = products.seller[third]
        revenue = units * products.price
        fees = fee * revenue
        paid = advertising * revenue
        gross = revenue - fees - paid - units * products.cost
        listing = np.where(products.active, settings.listing_cost * reference, 0.0)
        sales = np.bincount(seller, revenue[third], minlength=n).astype(np.float64)
        earned = np.bincount(seller, gross[third], minlength=n).astype(np.float64)
        away = np.where(people.multihomes & people.active, 1.0, 0.0)
        running = np.bincount(seller, listing[third], minlength=n) + reference * (
            settings.fixed_cost * people.active
            + settings.multihome_cost * away
            + settings.node_cost * people.adopted * nodes
        )
        profit = earned + outside[1] * away - running - self.launches - self.adoption
        part = np.where(people.affiliate, stake, 0.0) * profit
        own_profit = float((gross - listing)[own].sum())
        served = settings.service_cost * reference * int(people.adopted.sum()) * platform_serves
        dependency = self._dependency(state, settings, sales, outside[0] * away, earned, returned)
        return Books(
            units=units,
            product_profit=gross - listing,
            sales=sales,
            gross=earned,
            profit=profit,
            kept=profit - part,
            payments=float(revenue.sum()),
            merchants_net=float((revenue - fees - paid)[third].sum()),
            fees=float(fees[third].sum()),
            advertising=float(paid.sum()),
            own_revenue=float(revenue[own].sum()),
            merchant_surplus=math.fsum(profit - part),
            platform_profit=(
                float(fees[third].sum()) + float(paid.sum()) + own_profit - self.own_launches - served + math.fsum(part)
            ),
            dependency=dependency,
        )

    def _dependency(
        self, state: State, settings: MarketSettings, sales: Floats, away: Floats, earned: Floats, returned: Floats
    ) -> float:
        earns = state.merchants.active & (earned > 0)
        if not earns.any():
            return 0.0
        part = sales[earns] / (sales + away)[earns]
        cost = settings.switching_cost * settings.reference_profit * (1 - settings.portability * returned[earns])
        return float(np.median(part * cost / earned[earns]))

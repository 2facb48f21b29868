"""The readable market and its clock."""

from __future__ import annotations

import math

from mesa import Model

from retail.errors import ConfigError
from simulation.market.agents.consumer import Consumer
from simulation.market.agents.good import Good
from simulation.market.agents.merchant import Merchant
from simulation.market.agents.platform import Platform
from simulation.market.knowledge import Rights, noise_variance, rights
from simulation.market.reads import Reads
from simulation.market.rules import Rules, make_rules
from simulation.market.settings import MarketSettings
from simulation.market.start import draw_state
from simulation.market.state import SMALL, State


class MarketModel(Model):  # type: ignore[misc]
    """A market of agents.

    Attributes:
        rows: one dictionary a period: consumer_surplus, merchant_surplus, platform_profit (money an arrival), buying,
            own_sales, active_small (shares).
    """

    def __init__(self, settings: MarketSettings, regime: str | Rules = "isolated", *, seed: int = 0) -> None:
        """Set a market up. Raises: ConfigError, PolicyError: see `simulate`; or there is a delay, which it has not."""
        super().__init__(rng=seed)
        self.settings, self.rules = settings, make_rules(regime, (), settings)
        if self.rules.delay:
            raise ConfigError("the readable market has no DelayedAccess; leave it out, or use simulate")
        self.reads = Reads(self.rules.regime.id)
        state = draw_state(settings, seed)
        self.now, self.categories, self.segments = 0, settings.category_count, range(settings.segments)
        self.capacity = state.products.id.shape[1]
        self.sensitivity: list[float] = state.consumers.sensitivity.tolist()
        self.taste: list[float] = state.consumers.taste.tolist()
        self.needs: list[float] = state.consumers.share.tolist()
        each = settings.consumers * settings.arrival / settings.segments
        self.expected: list[float] = [each * (b - a) for a, b in zip([0.0, *self.needs], self.needs, strict=False)]
        self.fee: float = min(settings.fee, self.rules.fee_cap)
        self.pool = self.pooled = self.imitated = 0.0
        self.platform = Platform(self)
        self.merchants = [Merchant(self, number, state) for number in range(settings.merchants)]
        self.goods = self._goods(state)
        self.lists: dict[tuple[int, int], list[Good]] = {}
        self.inclusive: dict[tuple[int, int], float] = {}
        self.rows: list[dict[str, float]] = []
        for _ in range(settings.consumers):
            Consumer(self, int(self.rng.integers(settings.segments)))

    def _goods(self, state: State) -> list[Good]:
        table, goods = state.products, []
        for category, slot in zip(*table.active.nonzero(), strict=True):
            at = (category, slot)
            goods.append(
                Good(self.merchants[int(table.seller[at])], int(category), float(table.quality[at]),
                     float(table.style[at]), float(table.cost[at]), float(table.price[at]), float(table.rating_z[at]),
                     table.taste_z[category, :, slot].tolist(), float(table.price_z[at]))
            )  # fmt: skip
        return goods

    def utility(self, good: Good, segment: int) -> float:
        """What a good is worth to a segment, without attention."""
        liking = self.taste[segment] * good.style - self.sensitivity[segment] * good.price
        return self.settings.base_utility + good.quality + liking

    def near(self, good: Good) -> list[Good]:
        """What is on the list of the same original, itself included: close substitutes where `nest` is below 1."""
        if self.settings.nest == 1:
            return [good]
        return [other for other in self.goods if other.original is good.original]

    def weights(self, shown: list[Good], segment: int) -> list[float]:
        """What a segment's chances to buy what it is shown are in proportion to; leaving without has 1."""
        nest = self.settings.nest
        plain = [
            (place + 1) ** -self.settings.attention * math.exp(self.utility(good, segment))
            for place, good in enumerate(shown)
        ]
        if nest == 1:
            return plain
        within = [weight ** (1 / nest) for weight in plain]
        together: dict[int, float] = {}
        for good, weight in zip(shown, within, strict=True):
            together[id(good.original)] = together.get(id(good.original), 0.0) + weight
        return [together[id(good.original)] ** (nest - 1) * weight for good, weight in zip(shown, within, strict=True)]

    def draw_need(self) -> int:
        """Draw a category."""
        u = self.rng.random()
        return next(category for category, share in enumerate(self.needs) if u < share)

    def has_room(self, category: int) -> bool:
        """Whether another product fits on the list."""
        return bool(sum(good.category == category for good in self.goods) < self.capacity)

    def pool_worth(self) -> float:
        """What an order of the shared model is worth beside one without noise."""
        settings = self.settings
        if self.right.pool == "none" or self.pool <= 0:
            return 0.0
        if self.right.pool != "noisy":
            return 1.0
        variance = noise_variance(settings.epsilon, settings.delta, int(settings.window), settings.memory)
        if settings.noise_placement == "node":
            variance *= max(sum(one.adopted for one in self.merchants), 1)
        return self.pool / (self.pool + variance)

    def choose_price(self, good: Good, inside: list[float], cost: float, knowledge: float) -> None:
        """Set a good's next price from what was sold last."""
        settings, weight = self.settings, self.expected[good.category]
        bottom = sum(weight * a * share for a, share in zip(self.sensitivity, good.share, strict=False))
        if len(self.near(good)) > 1:
            bottom /= settings.nest
        if good.share and bottom > 1e-12:
            top = sum(
                weight * share * (1 + a * earned)
                for a, share, earned in zip(self.sensitivity, good.share, inside, strict=True)
            )
            markup = top / bottom
        else:
            markup = len(self.sensitivity) / sum(self.sensitivity)
        target = cost + markup * math.exp(settings.price_error * math.sqrt(1 - knowledge) * good.price_z)
        good.next_price = good.price + settings.price_step * (target - good.price)

    def step(self) -> None:
        """Run one period."""
        settings = self.settings
        if self.now % settings.review == 0:
            self.reads.renew(self.now)
        self.right = self._rights()
        if self.now % settings.review == 0 and self.now > 0:
            self._review()
        self.platform.learn()
        for merchant in self.merchants:
            merchant.learn()
        if self.now > 0:
            for merchant in self.merchants:
                merchant.price()
            self.platform.price()
            for good in self.goods:
                good.price = good.next_price
        self.platform.rank()
        self._note_shares()
        self.arrivals, self.surplus, self.payments, self.own_revenue, self.pooled = 0, 0.0, 0.0, 0.0, 0.0
        self.platform.profit = 0.0
        for good in self.goods:
            good.units = 0
        self.agents_by_type[Consumer].shuffle_do("come")
        self._book()
        self.now += 1

    def _rights(self) -> Rights:
        regime, rules = self.rules.regime, self.rules
        return rights(
            self.reads,
            self.now,
            platform_sells=self._sells or rules.held_stake > 0,
            aggregated=regime.shared_model in ("pooled_merchants", "federated"),
            best_audience=rules.best_audience_first,
            noise=regime.noise,
        )

    @property
    def _sells(self) -> bool:
        return bool(self.rules.own_label and self.settings.own_label and self.settings.own_label_share > 0)

    def _leaving(self) -> float:
        return math.fsum(
            self.expected[category] * (1 - sum(good.share[s] for good in goods if good.share))
            for (category, s), goods in self.lists.items()
        )

    def _review(self) -> None:
        leaving = self._leaving()
        for merchant in self.merchants:
            merchant.leave()
        found = [idea for merchant in self.merchants if (idea := merchant.idea()) is not None]
        for _, good in sorted(found, key=lambda pair: -pair[0]):
            if self.has_room(good.category):
                good.seller.launch(good)
        if self._sells:
            self.platform.imitate()
        for merchant in self.merchants:
            merchant.look_at_service()
        for merchant in self.merchants:
            cost = self.settings.multihome_cost * self.settings.reference_profit
            merchant.multihomes = merchant.outside(leaving)[1] > cost
        if self.settings.advertises:
            self.platform.sell_places()

    def _note_shares(self) -> None:
        """Remember what each list would be chosen from: sellers see their shares."""
        for good in self.goods:
            good.share = [0.0 for _ in self.segments]
        for (category, s), goods in self.lists.items():
            shown = goods[: self.settings.places]
            weights = self.weights(shown, s)
            total = 1 + sum(weights)
            self.inclusive[category, s] = math.log(total)
            for good, weight in zip(shown, weights, strict=True):
                good.share[s] = weight / total

    def _book(self) -> None:
        settings = self.settings
        bought = sum(good.units for good in self.goods)
        for merchant in self.merchants:
            merchant.book(self.arrivals - bought)
        self.platform.book()
        for good in self.goods:
            good.sold = settings.memory * good.sold + good.units
            good.ratings += settings.review_rate * good.units
        self.pool = settings.memory * self.pool + (self.pooled if self.right.pool != "none" else 0.0)
        came = max(self.arrivals, 1)
        small = [merchant.active for merchant in self.merchants if merchant.size == SMALL]
        self.rows.append({
            "consumer_surplus": self.surplus / came,
            "merchant_surplus": sum(merchant.profit for merchant in self.merchants) / came,
            "platform_profit": self.platform.profit / came,
            "buying": bought / came,
            "own_sales": self.own_revenue / self.payments if self.payments else 0.0,
            "active_small": sum(small) / max(len(small), 1),
        })  # fmt: skip

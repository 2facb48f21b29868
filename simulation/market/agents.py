"""The readable market: every consumer, merchant and the platform is a Mesa agent that decides for itself.

The same rules as the fast market, written a second time to be read and extended, without using it: one agent at a time,
plain numbers, and random numbers of its own (`model.rng`), so that the two agree on average and never draw for draw.
Only the start (`draw_state`) and the books of who may read what (`Reads`) are shared.

    model = MarketModel(MarketSettings(merchants=20, consumers=400, products=80), "firewall", seed=1)
    for _ in range(40):
        model.step()
    print(model.rows[-1])
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from mesa import Agent, Model

from simulation.market.knowledge import Rights, noise_variance, rights
from simulation.market.reads import Reads
from simulation.market.rules import Rules, make_rules
from simulation.market.settings import MarketSettings
from simulation.market.state import SMALL, State, draw_state


@dataclass(eq=False)
class Good:
    """A product on the list; see `state.Products` for the units."""

    seller: Merchant | Platform
    category: int
    quality: float
    style: float
    cost: float
    price: float
    rating_z: float
    taste_z: list[float]
    price_z: float
    launched: int = 0
    copy_of: Good | None = None
    sold: float = 0.0
    ratings: float = 0.0
    margin: float = 0.0
    units: int = 0
    next_price: float = 0.0
    share: list[float] = field(default_factory=list)

    @property
    def own(self) -> bool:
        """Whether the platform sells it."""
        return isinstance(self.seller, Platform)


class Consumer(Agent):  # type: ignore[misc]
    """Somebody who may come in a period, look at one list, and buy at most one thing."""

    model: MarketModel

    def __init__(self, model: MarketModel, segment: int) -> None:
        """Belong to a segment."""
        super().__init__(model)
        self.segment = segment

    def come(self) -> None:
        """Come or stay away; look for something; buy it or leave."""
        model, settings = self.model, self.model.settings
        if model.rng.random() >= settings.arrival:
            return
        category = model.draw_need()
        goods = model.lists[category, self.segment]
        weights = [
            (place + 1) ** -settings.attention * math.exp(model.utility(good, self.segment))
            for place, good in enumerate(goods[: settings.places])
        ]
        total = 1.0 + sum(weights)
        model.arrivals += 1
        model.surplus += math.log(total) / model.sensitivity[self.segment]
        left = model.rng.random() * total
        for good, weight in zip(goods, weights, strict=False):
            left -= weight
            if left < 0:
                good.units += 1
                return


class Merchant(Agent):  # type: ignore[misc]
    """A seller on the platform."""

    model: MarketModel

    def __init__(self, model: MarketModel, number: int, state: State) -> None:
        """Start as `draw_state` has it."""
        super().__init__(model)
        people = state.merchants
        self.number = number
        self.scale, self.size = float(people.scale[number]), int(people.size[number])
        self.affiliate, self.active = bool(people.affiliate[number]), True
        self.cash = float(people.cash[number])
        self.orders = self.knowledge = self.gross = 0.0
        self.adopted = self.multihomes = False
        self.spent = self.profit = 0.0

    @property
    def goods(self) -> list[Good]:
        """What it has on the list."""
        return [good for good in self.model.goods if good.seller is self]

    def fee(self) -> float:
        """The platform's fee for this merchant."""
        model = self.model
        take = model.settings.service_take if model.right.pool == "platform" and self.adopted else 0.0
        return min(model.fee + take, model.rules.fee_cap)

    def reliability(self, *, with_service: bool) -> float:
        """What it would know with or without the data service."""
        model, settings, right = self.model, self.model.settings, self.model.right
        told = 1.0 if with_service and (right.own_orders or right.pool == "platform") else settings.untold_share
        orders = told * self.orders
        if with_service:
            others = max(model.pool - self.orders, 0.0)
            orders += settings.transfer * others * model.pool_worth()
        return orders / (orders + settings.prior_orders)

    def learn(self) -> None:
        """Know what there is to know in this period."""
        self.knowledge = self.reliability(with_service=self.adopted) if self.active else 0.0
        if self.active and self.affiliate and self.model.right.own_label_learns and self.model.rules.held_stake > 0:
            self.knowledge = max(self.knowledge, self.model.platform.knowledge)

    def returned(self) -> float:
        """What returned data alone tell."""
        if not (self.model.right.own_orders and self.adopted):
            return 0.0
        return self.orders / (self.orders + self.model.settings.prior_orders)

    def price(self) -> None:
        """Choose the next prices: part of the way to the best answer it believes in."""
        for good in self.goods:
            rivals = [other for other in self.goods if other.category == good.category]
            inside = [
                sum((other.price - other.cost / (1 - self.fee())) * other.share[s] for other in rivals if other.share)
                for s in self.model.segments
            ]
            self.model.choose_price(good, inside, good.cost / (1 - self.fee()), self.knowledge)

    def outside(self, leaving: float) -> tuple[float, float]:
        """Revenue and profit of a shop of its own, if it had one."""
        model, settings, goods = self.model, self.model.settings, self.goods
        if not self.active or not goods:
            return 0.0, 0.0
        reach = self.scale / sum(one.scale for one in model.merchants)
        units = settings.outside_reach * leaving * reach * (1 + settings.outside_lift * self.returned())
        price = sum(good.price for good in goods) / len(goods)
        cost = sum(good.cost for good in goods) / len(goods)
        return units * price, units * (price - cost)

    def leave(self) -> None:
        """Leave without cash, and give up what loses money."""
        model, settings = self.model, self.model.settings
        broke = self.active and self.cash < 0
        for good in self.goods:
            if broke or (good.margin < 0 and model.now - good.launched >= 2 * settings.review):
                model.goods.remove(good)
        if broke:
            self.active = self.adopted = self.multihomes = False
            self.orders = self.knowledge = self.gross = self.cash = 0.0

    def idea(self) -> tuple[float, Good] | None:
        """Have an idea for a product, perhaps, and return what it seems worth if that is more than it costs."""
        model, settings, rng = self.model, self.model.settings, self.model.rng
        if rng.random() >= (settings.idea_rate if self.active else settings.entry_rate):
            return None
        quality, style = settings.quality_sd * rng.standard_normal(), rng.standard_normal()
        spread = settings.cost_sigma**2 + (settings.cost_of_quality * settings.quality_sd) ** 2
        cost = math.exp(settings.cost_sigma * rng.standard_normal() + settings.cost_of_quality * quality - spread / 2)
        markup = 1 / settings.price_sensitivity
        errors = rng.standard_normal(2 + settings.segments).tolist()
        good = Good(self, int(rng.integers(model.categories)), quality, style, cost, cost / (1 - model.fee) + markup,
                    errors[0], errors[2:], errors[1], launched=model.now)  # fmt: skip
        k = self.knowledge if self.active else 0.0
        seen = k * quality + math.sqrt(k * (1 - k)) * settings.quality_sd * rng.standard_normal()
        profit = 0.0
        for s in model.segments:
            weight = 10**-settings.attention * math.exp(model.utility(good, s) - quality + seen)
            rest = math.exp(model.inclusive[good.category, s])
            profit += weight / (rest + weight) * model.expected[good.category] * (1 - model.fee) * markup
        reference = settings.reference_profit
        running = reference * (settings.listing_cost + (0.0 if self.active else settings.fixed_cost))
        horizon = settings.horizon / (1 + model.imitated * settings.horizon * settings.imitation_loss)
        value = (profit - running) * horizon - settings.launch_cost * reference
        able = not self.active or self.cash > settings.launch_cost * reference
        return (value, good) if value > 0 and able else None

    def launch(self, good: Good) -> None:
        """Bring a product out, and come (back) with it."""
        cost = self.model.settings.launch_cost * self.model.settings.reference_profit
        if not self.active:
            self.active = True
            self.cash = self.model.settings.reserve * self.model.settings.reference_profit + cost
        self.model.goods.append(good)
        self.spent += cost

    def look_at_service(self) -> None:
        """Take the data service up where it seems to pay."""
        settings, right = self.model.settings, self.model.right
        if not right.service:
            self.adopted = False
            return
        reference = settings.reference_profit
        running = settings.node_cost * reference if right.pool in ("raw", "exact", "noisy") else 0.0
        learnt = self.reliability(with_service=True) - self.reliability(with_service=False)
        gain = settings.service_gain * learnt * max(self.gross, 0.0) - running
        if self.active and not self.adopted and gain * settings.horizon > settings.adoption_cost * reference:
            self.adopted = True
            self.spent += settings.adoption_cost * reference

    def book(self, leaving: float) -> None:
        """Add the period up."""
        model, settings, reference = self.model, self.model.settings, self.model.settings.reference_profit
        earned, sold, running = 0.0, 0, self.spent
        for good in self.goods:
            fee = self.fee() * good.price * good.units
            gross = good.price * good.units - fee - good.cost * good.units
            model.platform.profit += fee
            model.payments += good.price * good.units
            earned, sold = earned + gross, sold + good.units
            running += settings.listing_cost * reference
            good.margin = 0.8 * good.margin + 0.2 * (gross - settings.listing_cost * reference)
        if self.active:
            running += settings.fixed_cost * reference
            running += settings.multihome_cost * reference if self.multihomes else 0.0
            earned_outside = self.outside(leaving)[1] if self.multihomes else 0.0
        else:
            earned_outside = 0.0
        running += (
            settings.node_cost * reference if self.adopted and model.right.pool in ("raw", "exact", "noisy") else 0.0
        )
        profit = earned + earned_outside - running
        part = model.rules.held_stake * profit if self.affiliate else 0.0
        self.profit = profit - part
        model.platform.profit += part
        self.cash += self.profit
        self.orders = settings.memory * self.orders + sold
        self.gross = 0.8 * self.gross + 0.2 * earned
        if model.right.pool == "platform" or self.adopted:
            model.pooled += sold
        self.spent = 0.0


class Platform(Agent):  # type: ignore[misc]
    """Who ranks, takes a fee, and may sell."""

    model: MarketModel

    def __init__(self, model: MarketModel) -> None:
        """Start without goods."""
        super().__init__(model)
        self.orders = self.knowledge = self.profit = self.spent = 0.0

    @property
    def goods(self) -> list[Good]:
        """Own label."""
        return [good for good in self.model.goods if good.seller is self]

    def learn(self) -> None:
        """Know what own label's sellers may know."""
        settings, right = self.model.settings, self.model.right
        others = max(self.model.pool - self.orders, 0.0) if right.own_label_learns and right.pool == "platform" else 0.0
        orders = self.orders + settings.transfer * others
        self.knowledge = orders / (orders + settings.prior_orders)

    def price(self) -> None:
        """Price own label, minding the fees it takes away from."""
        model = self.model
        for good in self.goods:
            inside = []
            for s in model.segments:
                total = 0.0
                for other in model.goods:
                    if other.category == good.category and other.share:
                        if other.own:
                            total += (other.price - other.cost) * other.share[s]
                        else:
                            total += other.seller.fee() * other.price * other.share[s]
                inside.append(total)
            model.choose_price(good, inside, good.cost, self.knowledge)

    def favours(self, good: Good) -> bool:
        """Whether it gains from a sale beyond the fee."""
        return good.own or (self.model.rules.held_stake > 0 and good.seller.affiliate)

    def told(self, good: Good, segment: int) -> float:
        """What the ranking is told about a segment's liking."""
        model, settings = self.model, self.model.settings
        if good.own:
            k = self.knowledge
        elif model.right.pool == "platform":
            orders = good.seller.orders + settings.transfer * max(model.pool - good.seller.orders, 0.0)
            k = orders / (orders + settings.prior_orders)
        else:
            k = good.seller.knowledge
        taste = model.taste[segment]
        return k * taste * good.style + math.sqrt(k * (1 - k)) * abs(taste) * good.taste_z[segment]

    def rating(self, good: Good) -> float:
        """What the public ratings say of quality."""
        settings = self.model.settings
        seen = good.ratings
        if self.model.right.pool == "platform" and settings.review_rate > 0:
            seen /= settings.review_rate
        k = seen / (seen + settings.prior_ratings)
        return k * good.quality + math.sqrt(k * (1 - k)) * settings.quality_sd * good.rating_z

    def rank(self) -> None:
        """Put every list in order."""
        model, settings, rules = self.model, self.model.settings, self.model.rules
        noise = {id(good): model.rng.gumbel() for good in model.goods}
        model.lists = {}
        for category in range(model.categories):
            goods = [good for good in model.goods if good.category == category]
            for s in model.segments:
                score = {}
                for good in goods:
                    told = [self.told(good, one) for one in model.segments]
                    points = self.rating(good) - settings.price_sensitivity * good.price + told[s]
                    score[id(good)] = settings.sharpness * points + noise[id(good)]
                    if self.favours(good):
                        score[id(good)] += rules.bonus
                        if model.right.audience and told[s] == max(told):
                            score[id(good)] += settings.audience_bonus
                model.lists[category, s] = sorted(goods, key=lambda good: -score[id(good)])

    def imitate(self) -> None:
        """Choose what own label imitates next, and bring it out."""
        model, settings = self.model, self.model.settings
        for good in self.goods:
            age = model.now - good.launched
            if age >= settings.own_life or (good.margin < 0 and age >= 2 * settings.review):
                model.goods.remove(good)
        third = [good for good in model.goods if not good.own]
        cap = round(settings.own_label_share / (1 - settings.own_label_share) * len(third))
        room = max(min(cap - len(self.goods), max(1, cap // 4)), 0)
        books = model.reads.use("own_label", model.now)
        taken = {id(good.copy_of) for good in self.goods}
        worth = []
        for category in range(model.categories):
            listed = sorted((g for g in model.goods if g.category == category), key=lambda good: -good.sold)
            for rank, good in enumerate(listed, start=1):
                if not good.own and id(good) not in taken:
                    if books:
                        value = good.sold * (good.price - good.cost + settings.own_cost_edge * good.price)
                    else:
                        value = model.expected[category] * settings.segments / rank * good.price
                    worth.append((value, good))
        worth.sort(key=lambda pair: -pair[0])
        came = 0
        for value, good in worth[:room]:
            if value > 0 and model.has_room(good.category):
                cost = good.cost * (1 - settings.own_cost_edge)
                errors = model.rng.standard_normal(2 + settings.segments).tolist()
                model.goods.append(
                    Good(self, good.category, good.quality + settings.own_quality, good.style, cost,
                         cost + 1 / settings.price_sensitivity, errors[0], errors[2:], errors[1], launched=model.now,
                         copy_of=good)
                )  # fmt: skip
                came += 1
        self.spent += came * settings.launch_cost * settings.reference_profit
        model.imitated = 0.8 * model.imitated + 0.2 * came / max(len(third), 1) / settings.review

    def book(self) -> None:
        """Add the period up, after the merchants."""
        model, settings, reference = self.model, self.model.settings, self.model.settings.reference_profit
        sold = 0
        for good in self.goods:
            gross = (good.price - good.cost) * good.units - settings.listing_cost * reference
            model.payments += good.price * good.units
            model.own_revenue += good.price * good.units
            good.margin = 0.8 * good.margin + 0.2 * gross
            self.profit += gross
            sold += good.units
        if model.right.pool == "platform":
            self.profit -= settings.service_cost * reference * sum(one.adopted for one in model.merchants)
            model.pooled += sold
        self.profit -= self.spent
        self.spent = 0.0
        self.orders = settings.memory * self.orders + sold


class MarketModel(Model):  # type: ignore[misc]
    """A market of agents.

    Attributes:
        rows: one dictionary a period: consumer_surplus, merchant_surplus, platform_profit (money an arrival), buying,
            own_sales, active_small (shares).
    """

    def __init__(self, settings: MarketSettings, regime: str | Rules = "isolated", *, seed: int = 0) -> None:
        """Set a market up. Raises: ConfigError, PolicyError: see `simulate`."""
        super().__init__(rng=seed)
        self.settings, self.rules = settings, make_rules(regime, (), settings)
        self.reads = Reads(self.rules.regime.id)
        state = draw_state(settings, seed)
        self.now, self.categories, self.segments = 0, settings.category_count, range(settings.segments)
        self.capacity = state.products.id.shape[1]
        self.sensitivity, self.taste = state.consumers.sensitivity.tolist(), state.consumers.taste.tolist()
        self.needs = state.consumers.share.tolist()
        each = settings.consumers * settings.arrival / settings.segments
        self.expected = [each * (b - a) for a, b in zip([0.0, *self.needs], self.needs, strict=False)]
        self.fee = min(settings.fee, self.rules.fee_cap)
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

    def draw_need(self) -> int:
        """Draw a category."""
        u = self.rng.random()
        return next(category for category, share in enumerate(self.needs) if u < share)

    def has_room(self, category: int) -> bool:
        """Whether another product fits on the list."""
        return sum(good.category == category for good in self.goods) < self.capacity

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
            for seller in (*self.merchants, self.platform):
                seller.price()
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
        return self.rules.own_label and self.settings.own_label and self.settings.own_label_share > 0

    def _leaving(self) -> float:
        return sum(
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

    def _note_shares(self) -> None:
        """Remember what each list would be chosen from: sellers see their shares."""
        for good in self.goods:
            good.share = [0.0 for _ in self.segments]
        for (category, s), goods in self.lists.items():
            shown = goods[: self.settings.places]
            weights = [
                (place + 1) ** -self.settings.attention * math.exp(self.utility(good, s))
                for place, good in enumerate(shown)
            ]
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

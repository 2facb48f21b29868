"""A merchant of the readable market."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mesa import Agent

from simulation.market.agents.good import Good
from simulation.market.state import State

if TYPE_CHECKING:
    from simulation.market.agents.model import MarketModel


class Merchant(Agent):  # type: ignore[misc]
    """A seller on the platform."""

    model: MarketModel
    is_platform = False

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

    def charge(self, good: Good) -> float:
        """What the platform keeps of a product's sales: the fee, and the price of an advertisement."""
        return self.fee() + (self.model.settings.sponsored_price if good.sponsored else 0.0)

    def gain_by_sponsoring(self, good: Good) -> float:
        """What it expects of an advertisement, money a period, over having none."""
        model, settings = self.model, self.model.settings
        if not good.share:
            return 0.0
        others = max(sum(other.category == good.category for other in model.goods) - 1, 1)
        margin = (1 - self.fee()) * good.price - good.cost
        gain = 0.0
        for s in model.segments:
            place = model.lists[good.category, s].index(good) + 1
            before = min((place - 1) / others, 1.0)
            bonus = settings.sponsored_bonus
            units = []
            for more in (0.0, -bonus) if good.sponsored else (bonus, 0.0):
                there = 1 + others * before / (before + (1 - before) * math.exp(more))
                sold = model.expected[good.category] * good.share[s]
                units.append(sold * math.exp(settings.attention * math.log(place / there)))
            gain += units[0] * (margin - settings.sponsored_price * good.price) - units[1] * margin
        return gain

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
                sum(
                    (other.price - other.cost / (1 - self.charge(other))) * other.share[s]
                    for other in rivals
                    if other.share
                )
                for s in self.model.segments
            ]
            near = self.model.near(good)
            if len(near) > 1:
                closer = 1 / self.model.settings.nest - 1
                for s in self.model.segments:
                    inside[s] += closer * sum(
                        (other.price - other.cost / (1 - self.charge(other))) * other.part(near, s)
                        for other in near
                        if other.seller is self
                    )
            self.model.choose_price(good, inside, good.cost / (1 - self.charge(good)), self.knowledge)

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
        good = Good(self, int(rng.integers(model.categories)), quality, style, cost, cost / (1 - self.fee()) + markup,
                    errors[0], errors[2:], errors[1], launched=model.now)  # fmt: skip
        k = self.knowledge if self.active else 0.0
        seen = k * quality + math.sqrt(k * (1 - k)) * settings.quality_sd * rng.standard_normal()
        profit = 0.0
        for s in model.segments:
            weight = 10**-settings.attention * math.exp(model.utility(good, s) - quality + seen)
            rest = math.exp(model.inclusive[good.category, s])
            profit += weight / (rest + weight) * model.expected[good.category] * (1 - self.fee()) * markup
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
        once = settings.adoption_cost * reference
        if self.active and not self.adopted and self.cash > once and gain * settings.horizon > once:
            self.adopted = True
            self.spent += once

    def book(self, leaving: float) -> None:
        """Add the period up."""
        model, settings, reference = self.model, self.model.settings, self.model.settings.reference_profit
        earned, sold, running = 0.0, 0, self.spent
        for good in self.goods:
            fee = self.charge(good) * good.price * good.units
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

"""The platform of the readable market."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mesa import Agent

from simulation.market.agents.good import Good

if TYPE_CHECKING:
    from simulation.market.agents.model import MarketModel


class Platform(Agent):  # type: ignore[misc]
    """Who ranks, takes a fee, and may sell."""

    model: MarketModel
    is_platform = True

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
        """Price own label, minding the fees that it takes away where it may see what merchants sell."""
        model = self.model
        closer = 1 / model.settings.nest - 1
        for good in self.goods:
            inside = []
            near = model.near(good)
            for s in model.segments:
                total = 0.0
                for other in model.goods:
                    if other.category == good.category and other.share:
                        counts = other.share[s]
                        if len(near) > 1 and other in near:
                            part = other.part(near, s) if model.right.own_label_minds else 1 / len(near)
                            counts += closer * part
                        if other.own:
                            total += (other.price - other.cost) * counts
                        elif model.right.own_label_minds:
                            total += other.seller.charge(other) * other.price * counts
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
                    if good.sponsored:
                        score[id(good)] += settings.sponsored_bonus
                    if self.favours(good):
                        score[id(good)] += rules.bonus
                        if model.right.audience and told[s] == max(told):
                            score[id(good)] += settings.audience_bonus
                model.lists[category, s] = sorted(goods, key=lambda good: -score[id(good)])

    def sell_places(self) -> None:
        """Sponsor the products whose merchants expect to gain most by it."""
        model = self.model
        third = [good for good in model.goods if not good.own]
        room = round(model.settings.sponsored_share * len(third))
        wanted = sorted(((good.seller.gain_by_sponsoring(good), good) for good in third), key=lambda one: -one[0])
        for number, (gain, good) in enumerate(wanted):
            good.sponsored = number < room and gain > 0

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
                        value = (len(listed) - rank + 1) / len(listed)
                    worth.append((value, model.rng.random(), good))
        worth.sort(key=lambda one: (-one[0], one[1]))
        came = 0
        for value, _, good in worth[:room]:
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

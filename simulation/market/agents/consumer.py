"""A consumer of the readable market."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mesa import Agent

if TYPE_CHECKING:
    from simulation.market.agents.model import MarketModel


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
        weights = model.weights(goods[: settings.places], self.segment)
        total = 1.0 + sum(weights)
        model.arrivals += 1
        model.surplus += math.log(total) / model.sensitivity[self.segment]
        left = model.rng.random() * total
        for good, weight in zip(goods, weights, strict=False):
            left -= weight
            if left < 0:
                good.units += 1
                return

"""The readable market: every consumer, merchant and the platform is a Mesa agent that decides for itself.

The same rules as the fast market, written a second time to be read and extended, without using it: one agent at a time,
plain numbers, and random numbers of its own (`model.rng`), so that the two agree on average and never draw for draw.
Only the start (`draw_state`) and the books of who may read what (`Reads`) are shared.

    model = MarketModel(MarketSettings(merchants=20, consumers=400, products=80), "firewall", seed=1)
    for _ in range(40):
        model.step()
    print(model.rows[-1])
"""

from simulation.market.agents.model import MarketModel

__all__ = ["MarketModel"]

"""A thin Mesa model around the market, for Mesa's data collector, batch runs and pages.

model = MarketShell(MarketSettings(), "firewall", seed=1)
for _ in range(50):
    model.step()
frame = model.datacollector.get_model_vars_dataframe()
"""

from __future__ import annotations

from typing import Any

from mesa import DataCollector, Model

from simulation.market.kpis import MEASURES
from simulation.market.market import Market
from simulation.market.rules import Remedy, Rules
from simulation.market.settings import MarketSettings

_IN_RUNS_ONLY = ("self_preferencing",)


class MarketShell(Model):  # type: ignore[misc]
    """The fast market as a Mesa model: one step is one period.

    Attributes:
        market: the market itself.
        datacollector: one row a period with the measures of `kpis.MEASURES` (those of reviews are None between).
    """

    def __init__(
        self,
        settings: MarketSettings,
        regime: str | Rules = "isolated",
        *,
        remedies: tuple[Remedy, ...] = (),
        seed: int = 0,
    ) -> None:
        """Set a market up. Args and errors as for `Market`."""
        super().__init__(rng=seed)
        self.market = Market(settings, regime, remedies=remedies, seed=seed)
        names = [one.name for one in MEASURES if one.name not in _IN_RUNS_ONLY]
        self.datacollector = DataCollector(model_reporters={name: _reporter(name) for name in names})

    def step(self) -> None:
        """Run one period and collect its measures."""
        self.market.step()
        self.datacollector.collect(self)


def _reporter(name: str) -> Any:
    return lambda model: model.market.rows[-1].get(name)

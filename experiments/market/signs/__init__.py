"""Fourteen questions about marketplaces whose answer somebody found or expects, put to the market model.

Enters: settings of a market, seeds. Leaves: an effect for each seed, the same with the assumption turned off that is
said to produce the sign, and a verdict. Nothing is tuned until a sign appears: all experiments use the same settings,
but for what a question itself is about.

    import numpy as np
    from experiments.market.signs import SIGNS, judge
    from simulation.market import MarketSettings

    one = SIGNS["ban-merchants"]
    effects = np.array([one.effect(MarketSettings(), seed, 100) for seed in range(5)])
    print(judge(effects, np.empty(0), one))

docs/market-signs.md has all answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from experiments.market.signs.auditor_signs import AUDITOR_SIGNS
from experiments.market.signs.data_signs import DATA_SIGNS
from experiments.market.signs.experiment import SignExperiment, judge, turned
from experiments.market.signs.imitation_signs import IMITATION_SIGNS
from experiments.market.signs.platform_signs import PLATFORM_SIGNS
from experiments.market.signs.prominence_signs import PROMINENCE_SIGNS
from experiments.market.signs.targeting_signs import TARGETING_SIGNS

SIGNS: Final[Mapping[str, SignExperiment]] = MappingProxyType({
    one.id: one
    for one in sorted(
        (*PLATFORM_SIGNS, *PROMINENCE_SIGNS, *DATA_SIGNS, *IMITATION_SIGNS, *TARGETING_SIGNS, *AUDITOR_SIGNS),
        key=lambda one: one.number,
    )
})  # fmt: skip
"""Every experiment by its id, in the order of the fourteen questions."""

__all__ = ["SIGNS", "SignExperiment", "judge", "turned"]

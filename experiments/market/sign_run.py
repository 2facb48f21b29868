"""Run one experiment about a sign: its effect on every market, with its assumption and without."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from experiments.documents import write_frame
from experiments.market.run import side_by_side
from experiments.market.signs import SIGNS, judge
from experiments.market.spec import SEEDS_FILE, MarketSpec
from experiments.market.summary import of_seeds
from experiments.runs import ArmResult
from simulation.market import MarketSettings


@dataclass(frozen=True)
class _Effects:
    """Both effects of an experiment by seed. It goes by its id, since what measures an effect may not pickle."""

    id: str
    settings: MarketSettings
    periods: int

    def __call__(self, seed: int) -> dict[str, float]:
        one = SIGNS[self.id]
        without = math.nan if one.flipped is None else one.flipped(self.settings, seed, self.periods)
        return {
            "seed": seed,
            "effect": one.effect(self.settings, seed, self.periods),
            "without_assumption": without,
        }


def run_sign(spec: MarketSpec, settings: MarketSettings, directory: Path, progress: Callable[[str], None]) -> ArmResult:
    """Execute one experiment.

    Args:
        spec: the run.
        settings: of the market.
        directory: its folder; effects by seed go to `artifacts/`.
        progress: takes a line now and then.
    """
    experiment = SIGNS[str(spec.arm.experiment)]
    work = _Effects(experiment.id, settings, spec.settings.periods)
    table = pd.DataFrame(list(side_by_side(work, spec, progress, times=experiment.times)))
    write_frame(directory / "artifacts" / SEEDS_FILE, table)
    effects, flipped = (table[name].to_numpy(np.float64) for name in ("effect", "without_assumption"))
    metrics = []
    for name, values in (("effect", effects), ("without_assumption", flipped)):
        one = of_seeds(name, values, unit=experiment.unit, provenance={}, spread=experiment.interval)
        metrics.append({"name": name, "value": one.value, "lo": one.lo, "hi": one.hi, "unit": one.unit, "n": one.n})
    info = {
        "expected": experiment.expected,
        "verdict": judge(effects, flipped, experiment),
        "number": experiment.number,
        "question": experiment.question,
        "source": experiment.source,
        "assumption": experiment.assumption,
        "unit": experiment.unit,
        "interval": experiment.interval,
        "consumers": settings.consumers,
    }
    return ArmResult(pd.DataFrame(metrics), info=info)

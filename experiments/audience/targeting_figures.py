"""What the people whom merchants choose bring, by the truth, with intervals over trials and merchants."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from experiments.audience.measured import Figure
from experiments.audience.trial import Trial
from matching.uplift import gained_per_1000, qini_area
from matching.uplift.gain import best_mean

Floats = npt.NDArray[np.float64]
Score = Callable[[int, Floats], Floats]
"""(position of a merchant, features of its people) -> scores."""


@dataclass(eq=False)
class Found:
    """Figures of one trial, by merchant."""

    gained: list[float] = field(default_factory=list)
    short: list[float] = field(default_factory=list)
    area: list[float] = field(default_factory=list)
    best: list[float] = field(default_factory=list)
    wasted: list[float] = field(default_factory=list)
    platform: list[float] = field(default_factory=list)


def measure(drawn: Trial, score: Score, *, share: float, nobody: bool = False, platform_first: bool = False) -> Found:
    """Let every merchant choose, and count by the truth.

    Args:
        drawn: the trial, and the people to choose from.
        score: by which merchants choose.
        share: of people who are advertised to.
        nobody: advertise to nobody.
        platform_first: the platform takes as many before, by the same scores.
    """
    found = Found()
    for place in range(len(drawn.merchants)):
        mine = drawn.new_merchant == place
        uplift = drawn.new_uplift[mine]
        scores = score(place, drawn.new_features[mine])
        found.area.append(qini_area(scores, uplift))
        found.best.append(qini_area(uplift, uplift))
        if nobody:
            found.gained.append(0.0)
            found.short.append(gained_per_1000(uplift, uplift, share=share))
            found.wasted.append(float("nan"))
            continue
        count = max(1, round(share * len(uplift)))
        most = gained_per_1000(uplift, uplift, share=share)
        if platform_first:
            taken = np.argsort(-scores, kind="stable")[:count]
            found.platform.append(1000 * float(uplift[taken].mean()))
            scores, uplift = np.delete(scores, taken), np.delete(uplift, taken)
        part = min(1.0, count / len(uplift))
        found.gained.append(gained_per_1000(scores, uplift, share=part))
        found.short.append(most - found.gained[-1])
        found.wasted.append(best_mean(scores, (uplift < 0).astype(np.float64), share=part))
    return found


def figures_of(found: Sequence[Found], sizes: Sequence[npt.NDArray[np.int64]], draws: int) -> tuple[Figure, ...]:
    """Means over trials and merchants, with both drawn anew; merchants keep the half that their size puts them in."""
    gained, short, area, best, wasted = (np.array([getattr(one, name) for one in found]) for name in _PARTS)
    order = np.argsort(np.mean(sizes, axis=0), kind="stable")
    half = len(order) // 2
    large = np.zeros(len(order))
    if half:
        large[order[-half:]], large[order[:half]] = 1.0, -1.0
    trials, merchants = gained.shape
    rng = np.random.default_rng([trials, merchants, 7])
    by_trial = rng.multinomial(trials, np.full(trials, 1 / trials), draws).astype(np.float64)
    by_merchant = rng.multinomial(merchants, np.full(merchants, 1 / merchants), draws).astype(np.float64)
    everything = np.ones((1, trials)), np.ones((1, merchants))

    def mean(values: Floats, t: Floats, m: Floats) -> Floats:
        return np.asarray(np.einsum("dt,tm,dm->d", t, values, m) / (t.sum(axis=1) * m.sum(axis=1)))

    def gap(t: Floats, m: Floats) -> Floats:
        smaller, larger = (m * (large == side) for side in (-1, 1))
        with np.errstate(invalid="ignore", divide="ignore"):
            return mean(short, t, smaller) - mean(short, t, larger)

    def qini(t: Floats, m: Floats) -> Floats:
        return mean(area, t, m) / mean(best, t, m)

    def figure(name: str, unit: str, of: Callable[[Floats, Floats], Floats]) -> Figure:
        return Figure(name, float(of(*everything)[0]), trials * merchants, unit, of(by_trial, by_merchant))

    per_1000 = "per 1,000"
    figures = [
        figure("gained", per_1000, lambda t, m: mean(gained, t, m)),
        figure("qini", "1", qini),
        figure("gap", per_1000, gap),
    ]
    lo, hi = figures[-1].interval()
    figures.append(Figure("gap_beyond", max(0.0, lo, -hi), trials * merchants, per_1000))
    if np.isfinite(wasted).all():
        figures.append(figure("wasted", "1", lambda t, m: mean(wasted, t, m)))
    platform = np.array([one.platform for one in found])
    if platform.size:
        figures.append(figure("platform_gained", per_1000, lambda t, m: mean(platform, t, m)))
    return tuple(figures)


_PARTS: Final = ("gained", "short", "area", "best", "wasted")

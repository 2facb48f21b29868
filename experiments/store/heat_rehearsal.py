"""How many squares of a visit should a private heat map count? Chosen on simulated days, by what a map leads to.

Few squares leave much of a visit out of the count, many need more noise. Both are tried on simulated days of another
seed, which cost nobody's budget: how much of what the exact map of the day promises is left when the displays are
chosen with the private one? The noise of a rehearsal has the size of the gate's and comes from a seed, so that the same
scenario chooses the same number in every run.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from experiments.store.display_choice import Choice
from simulation.store.dp_heat import PrivateHeat, on_floor
from simulation.store.floor import Floor
from simulation.store.routes import Presence
from simulation.store.thinning import turns

CLIPS: Final = (60, 100, 150, 220, 300, 400, 500, 650)
"""Squares of a visit that are tried."""
NOISES: Final = 8
"""Draws of noise for each day and number of squares."""


def clips(days: Sequence[Presence]) -> tuple[int, ...]:
    """List the numbers of squares worth trying: none beyond what a simulated visit enters."""
    most = max(int(np.bincount(day.visit).max(initial=1)) for day in days)
    return tuple(sorted({min(one, most) for one in CLIPS}))


def best_clip(
    days: Sequence[Presence],
    noise_sd: Sequence[tuple[int, float]],
    choice: Choice,
    floor: Floor,
    *,
    seed: int,
    rng: np.random.Generator,
) -> int:
    """Return the number of squares whose noisy maps lead nearest to what the exact map promises.

    Args:
        days: simulated.
        noise_sd: numbers of squares to try, and the standard deviation of the noise that each needs.
        choice: what is chosen from a map.
        floor: of the plan.
        seed: draws the squares of a visit, as for the release.
        rng: of the rehearsals' noise.
    """
    found: dict[int, list[float]] = {clip: [] for clip, _ in noise_sd}
    for day in days:
        promised = choice.promised(day.counts.astype(np.float64))
        turn = turns(day, seed=seed)
        for clip, sd in noise_sd:
            counts = np.bincount(day.square[turn < clip], minlength=day.rows * day.columns)
            for noise in rng.normal(0.0, sd, (NOISES, day.rows, day.columns)):
                private = PrivateHeat(counts.reshape(noise.shape) + noise, day.side_m, clip, 0.0, sd, 0)
                found[clip].append(choice.by_map(on_floor(private, floor), rng).sales(promised))
    return max(found, key=lambda clip: float(np.mean(found[clip])))

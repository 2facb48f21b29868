"""Profiles of either half of the early buyers, for the attack that tells who was used."""

from __future__ import annotations

from typing import Final

import numpy as np

from experiments.audience.lookalike_choice import noise_of
from experiments.audience.lookalike_data import Described, Launches
from matching.audience.attack import half_of
from matching.audience.profile import profile_rows, similarity

Floats = np.typing.NDArray[np.float64]
Mask = np.typing.NDArray[np.bool_]
Trial = tuple[Floats, Mask, Mask]
NOISE_DRAWS: Final = 20


def halves_of(launches: Launches, about: Described) -> list[tuple[tuple[Mask, Mask], tuple[Mask, Mask]]]:
    """Part the seeds of each launch, who were known before, by the public coin: (used, left out), both ways."""
    found = []
    for place, launch in enumerate(launches.measured):
        seeds, heads = about.early[place] & about.known[place], half_of(launches.persons, launch)
        found.append(((seeds & ~heads, seeds & heads), (seeds & heads, seeds & ~heads)))
    return found


def attacked(
    launches: Launches,
    about: Described,
    centre: Floats,
    *,
    epsilon: float | None,
    delta: float,
    share: float,
    seed: int,
    parties: int,
) -> tuple[tuple[tuple[Trial, ...], ...], ...]:
    """Make the profiles of either half of the seeds of each launch, and say who fits them.

    The sums are those that a federation would return, and are taken without asking one; with an epsilon, noise of the
    same size is drawn `NOISE_DRAWS` times, each draw for both halves, so that its luck cancels.

    Args:
        launches: the measured ones are attacked.
        about: households for them, with places.
        centre: (d,) as released.
        epsilon: of one launch; None without noise.
        delta: of epsilon.
        share: of it, spent on a profile.
        seed: of the noise.
        parties: how many add noise, each as much as would do alone.

    Returns: of each launch, for each draw, of either half: (persons,) similarity, who was used, who was left out.
    """
    noise = noise_of(epsilon, delta, share, parties=parties)
    rng = np.random.default_rng([seed, 4])
    found = []
    for place, both in enumerate(halves_of(launches, about)):
        places = about.places[place]
        sums = [profile_rows(places, centre, used).sum(axis=0) for used, _ in both]
        draws = []
        for _ in range(NOISE_DRAWS if noise > 0 else 1):
            drawn = noise * rng.normal(size=len(centre))
            draws.append(
                tuple(
                    (similarity(places, centre, total + drawn), used, out)
                    for total, (used, out) in zip(sums, both, strict=True)
                    if used.any() and out.any()
                )
            )
        found.append(tuple(draws))
    return tuple(found)

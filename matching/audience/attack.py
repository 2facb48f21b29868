"""Can an early buyer be recognised from what a look-alike method shows?

Early buyers of a launch are parted in two by a public coin. One half makes the profile, the other half stays out; both
bought early and are alike in everything else, so that whoever is told apart is told apart by having been used. The
attacker knows everybody's purchases before the launch and everything that was released, and ranks both halves by how
well they fit. The area under that curve is .5 for a method that does not show its seeds, and 1 for one that names them.

Source: Homer et al. 2008 (how far a released mean lies towards a person); Shokri et al. 2017 (members against others).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from matching.audience.evaluate import auc
from matching.audience.launch import Launch
from retail.errors import DataError

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class SeedMembership:
    """How well seeds are recognised. Attributes: auc: (launches,); redrawn: (draws,) mean with launches drawn anew."""

    auc: Floats
    redrawn: Floats

    @property
    def mean(self) -> float:
        """Mean over the launches that have somebody on both sides."""
        return float(np.nanmean(self.auc))


def half_of(persons: npt.NDArray[np.generic], launch: Launch) -> Mask:
    """(persons,) on which side of a public coin each household falls for this launch; from its id alone."""
    heads = [
        hashlib.sha256(f"{launch.product}:{launch.day}:{one}".encode()).digest()[0] & 1 for one in persons.tolist()
    ]
    return np.array(heads, dtype=np.bool_)


def seed_membership(fits: Sequence[Sequence[tuple[Floats, Mask, Mask]]], *, draws: int, seed: int) -> SeedMembership:
    """Measure how well those who made a profile are told from those who stayed out.

    Args:
        fits: of each launch one or more trials of (score (persons,), used (persons,), left_out (persons,)).
        draws: how often launches are drawn anew.
        seed: of the draws.

    Raises: DataError: no launch has somebody on both sides.
    """
    found = []
    for trials in fits:
        areas = []
        for score, used, out in trials:
            both = used | out
            if used.any() and out.any():
                areas.append(float(auc(score[both], used[both])[0]))
        found.append(float(np.mean(areas)) if areas else np.nan)
    values = np.array(found)
    usable = values[np.isfinite(values)]
    if not len(usable):
        raise DataError("no launch has seeds on both sides of the coin; take launches with more early buyers")
    rng = np.random.default_rng([seed, len(values)])
    redrawn = usable[rng.integers(len(usable), size=(draws, len(usable)))].mean(axis=1)
    return SeedMembership(values, redrawn)

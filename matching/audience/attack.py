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

from matching.audience.launch import Launch
from retail.errors import DataError
from retail.separation import auc

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class SeedMembership:
    """How well seeds are recognised.

    Attributes:
        auc: (launches, releases), mean over both halves; NaN for a launch without somebody on both sides.
        redrawn: (draws,) mean with launches drawn anew, and for each of them one of its releases.
    """

    auc: Floats
    redrawn: Floats

    @property
    def mean(self) -> float:
        """Mean over the launches that have somebody on both sides, and over their releases."""
        return float(np.nanmean(self.auc))


def half_of(persons: npt.NDArray[np.generic], launch: Launch) -> Mask:
    """(persons,) on which side of a public coin each household falls for this launch; from its id alone."""
    heads = [
        hashlib.sha256(f"{launch.product}:{launch.day}:{one}".encode()).digest()[0] & 1 for one in persons.tolist()
    ]
    return np.array(heads, dtype=np.bool_)


def seed_membership(
    fits: Sequence[Sequence[Sequence[tuple[Floats, Mask, Mask]]]], *, draws: int, seed: int
) -> SeedMembership:
    """Measure how well those who made a profile are told from those who stayed out.

    Args:
        fits: of each launch, for each release (they differ in noise alone; as many for every launch), one or more
            trials of (score (persons,), used (persons,), left_out (persons,)).
        draws: how often launches and releases are drawn anew.
        seed: of the draws.

    Raises: DataError: no launch has somebody on both sides.
    """
    values = np.array([[_area(trials) for trials in releases] for releases in fits])
    usable = values[np.isfinite(values).all(axis=1)] if values.size else values
    if not len(usable):
        raise DataError("no launch has seeds on both sides of the coin; take launches with more early buyers")
    rng = np.random.default_rng([seed, len(values)])
    shape = draws, len(usable)
    redrawn = usable[rng.integers(len(usable), size=shape), rng.integers(usable.shape[1], size=shape)].mean(axis=1)
    return SeedMembership(values, redrawn)


def _area(trials: Sequence[tuple[Floats, Mask, Mask]]) -> float:
    areas = [
        float(auc(score[used | out], used[used | out])[0]) for score, used, out in trials if used.any() and out.any()
    ]
    return float(np.mean(areas)) if areas else float("nan")

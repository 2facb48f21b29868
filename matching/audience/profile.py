"""The profile of a launch's early buyers: the direction in which they lie from everybody else."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from retail.errors import DataError

Floats = npt.NDArray[np.float64]
SIMILARITY_UNIT: Final = 8.0
"""Public scale of a similarity, so that it is about as long as the features beside it."""


def profile_rows(places: Floats, centre: Floats, seeds: npt.NDArray[np.bool_]) -> Floats:
    """Return what each household adds to the sum of a profile.

    Args:
        places: (persons, d) of `embedding`.
        centre: (d,) released mean of all households.
        seeds: (persons,) early buyers.

    Returns: (persons, d) float64; a seed's direction from the centre, of length 1, and zeros for everybody else.

    Guarantee: a row depends on that household's entries and the released centre alone, and is at most 1 long.
    """
    known = seeds & (np.linalg.norm(places, axis=1) > 0)
    rows = np.zeros_like(places)
    offset = places[known] - centre
    rows[known] = offset / np.maximum(np.linalg.norm(offset, axis=1, keepdims=True), 1e-12)
    return rows


def similarity(places: Floats, centre: Floats, profile: Floats) -> Floats:
    """Say how far each household lies in the direction of a profile.

    Args:
        places: (persons, d) of `embedding`.
        centre: (d,) released mean.
        profile: (d,) released sum of `profile_rows`, of any length.

    Returns: (persons,) float64, between -2 and 2 times `SIMILARITY_UNIT`; zeros for a household without a place.

    Raises: DataError: a profile of another length, with NaN or infinity, or of nobody (all zeros).
    """
    if profile.shape != (places.shape[1],) or not np.isfinite(profile).all():
        raise DataError(f"a profile of {places.shape[1]} finite numbers is needed, got shape {profile.shape}")
    length = float(np.linalg.norm(profile))
    if length == 0:
        raise DataError("the profile is of nobody: no early buyer bought anything before; choose a longer early period")
    known = np.linalg.norm(places, axis=1) > 0
    along: Floats = (places - centre) @ (profile / length) * SIMILARITY_UNIT
    return np.where(known, along, 0.0)


def nearest_seed(places: Floats, seeds: npt.NDArray[np.bool_]) -> Floats:
    """Score each household by its nearest seed. Banned in audiences: shown to say what it would leak.

    A seed is its own nearest seed, so that whoever sees the scores, or the order of an audience, names every seed.

    Returns: (persons,) float64 cosines.
    """
    found: Floats = (places @ places[seeds].T).max(axis=1, initial=-1.0)
    return found

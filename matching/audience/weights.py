"""Weights of features, learned on the launches of other products from one bounded row of each household.

Ridge regression needs two sums: of products of features over all households, and of features over those who bought
later. Each household's part of either is scaled to the same length, so that everybody counts alike, however much they
buy, and so that one household has a known share in the sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from retail.errors import DataError

Floats = npt.NDArray[np.float64]
_HALF: Final = float(np.sqrt(0.5))
RIDGES: Final = (0.1, 0.3, 1.0, 3.0)
"""What the strength of the ridge is chosen among, as a share of the mean square of a feature."""


def moment_size(features: int) -> int:
    """Return how long the row of one household is."""
    return features * (features + 1) // 2 + features


def moment_rows(
    features: Sequence[Floats], later: Sequence[npt.NDArray[np.bool_]], use: Sequence[npt.NDArray[np.bool_]]
) -> Floats:
    """Return what each household adds to the sums over some launches.

    Args:
        features: (persons, d) of each launch.
        later: (persons,) who bought that product later.
        use: (persons,) who counts for that launch: known before it, and no seed.

    Returns: (persons, moment_size(d)) float64; two parts, each of length sqrt(1/2) or 0, so a row is at most 1 long.

    Raises: DataError: no launches, or not equally many of each.

    Guarantee: a row depends on that household's entries alone.
    """
    if not features or not len(features) == len(later) == len(use):
        raise DataError(
            f"weights are learned on launches: got features of {len(features)}, outcomes of {len(later)}, users of "
            f"{len(use)}; give one each, of at least one launch"
        )
    upper = np.triu_indices(features[0].shape[1])
    products = np.zeros((len(features[0]), len(upper[0])))
    bought = np.zeros_like(features[0], dtype=np.float64)
    for table, outcome, counts in zip(features, later, use, strict=True):
        known = np.where(counts[:, None], table, 0.0)
        products += known[:, upper[0]] * known[:, upper[1]]
        bought += np.where(outcome[:, None], known, 0.0)
    return np.concatenate([_of_length(products), _of_length(bought)], axis=1)


def ridge_weights(moments: Floats, *, features: int, ridge: float) -> Floats:
    """Turn sums, exact or noisy, into weights.

    Args:
        moments: (moment_size(features),) sum of `moment_rows`, of any scale.
        features: d.
        ridge: above 0, as a share of the mean square of a feature.

    Returns: (d,) float64 of length 1; only their proportions matter for a ranking.

    Raises: DataError: sums of another length, NaN or infinity, or a ridge that is not above 0.
    """
    if moments.shape != (moment_size(features),) or not np.isfinite(moments).all() or not ridge > 0:
        raise DataError(
            f"weights of {features} features need {moment_size(features)} finite sums and a ridge above 0, got shape "
            f"{moments.shape} and ridge {ridge!r}"
        )
    upper = np.triu_indices(features)
    square = np.zeros((features, features))
    square[upper] = moments[: len(upper[0])]
    square += np.triu(square, 1).T
    values, axes = np.linalg.eigh(square)
    values = np.maximum(values, 0.0)  # noise may make a direction negative; no real one is
    strength = ridge * max(float(values.mean()), 1e-12)
    found: Floats = axes @ ((axes.T @ moments[len(upper[0]) :]) / (values + strength))
    length = float(np.linalg.norm(found))
    return found / length if length > 0 else found


def _of_length(rows: Floats) -> Floats:
    norm = np.linalg.norm(rows, axis=1, keepdims=True)
    scaled: Floats = rows * (_HALF / np.maximum(norm, 1e-300))
    return np.where(norm > 0, scaled, 0.0)

"""Mean and spread of embeddings, released once with noise, and the linear map that they make.

Under another camera all embeddings move together, and differ within one person in other directions than before. Taking
off the mean, and shrinking the directions in which one person's images differ (within-class covariance normalisation,
Hatch and Stolcke 2006), undoes much of that. Both need few numbers: k for the mean, j (j + 1) / 2 for the spread in j
of the k public directions. With some tens of people the mean alone is worth its noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_FLOOR: Final = 0.05  # of the mean spread; smaller eigenvalues are not believed


@dataclass(frozen=True, eq=False)
class Frame:
    """Public directions, and what drawings look like in them.

    Attributes:
        centre: (d,) mean embedding of drawings.
        basis: (k, d) orthonormal rows, those in which drawings differ most first.
        within: (d, d) covariance within people.
        lengths: (2,) typical length of a person's mean, and of a person's covariance in the first j directions
            (Frobenius).
        spread: j, from 0 to k.
    """

    centre: Floats
    basis: Floats
    within: Floats
    lengths: Floats
    spread: int

    @property
    def size(self) -> int:
        """Entries of one person's row."""
        return row_size(len(self.basis), self.spread)


def row_size(directions: int, spread: int) -> int:
    """Entries of one person's row: k + j (j + 1) / 2."""
    return directions + spread * (spread + 1) // 2


def public_frame(embeddings: np.ndarray, person: np.ndarray, *, directions: int, spread: int) -> Frame:
    """Find directions in drawings, and how far people and their images lie apart in them.

    Args:
        embeddings: (n, d) of faces of nobody.
        person: (n,) who is on each.
        directions: k <= d.
        spread: j <= k.
    """
    values = embeddings.astype(np.float64)
    centre = values.mean(axis=0)
    _, vectors = np.linalg.eigh(np.cov((values - centre).T))
    basis = np.ascontiguousarray(vectors[:, ::-1][:, :directions].T)
    moments = [own_moments(values[person == one] - centre) for one in np.unique(person)]
    means = [basis @ mean for mean, _ in moments]
    spreads = [basis[:spread] @ within @ basis[:spread].T for _, within in moments]
    typical = [float(np.median([np.linalg.norm(one) for one in many])) for many in (means, spreads)]
    return Frame(centre, basis, np.mean([one for _, one in moments], axis=0), np.maximum(typical, 1e-6), spread)


def own_moments(values: Floats) -> tuple[Floats, Floats]:
    """Return the mean (d,) and covariance (d, d) of one person's (m, d) embeddings; zeros for no image."""
    if not len(values):
        width = values.shape[1]
        return np.zeros(width), np.zeros((width, width))
    mean: Floats = values.mean(axis=0)
    apart = values - mean
    return mean, apart.T @ apart / len(values)


def person_rows(people: Sequence[np.ndarray], frame: Frame, *, unit: float) -> Floats:
    """Return each person's own mean and covariance as one row.

    Args:
        people: of each person (m, d) embeddings, made by public weights.
        frame: public directions.
        unit: length of a typical row: the clip norm, so that little is cut and little is lost in noise.

    Returns: (persons, k + j (j + 1) / 2); off-diagonal entries count for the two places they stand for. Mean and
        covariance have the same typical length. A row depends on that person's embeddings alone, however many they are.
    """
    rows = np.zeros((len(people), frame.size))
    for index, embeddings in enumerate(people):
        mean, spread = own_moments((embeddings.astype(np.float64) - frame.centre) @ frame.basis.T)
        packed = _packed(spread[: frame.spread, : frame.spread])
        rows[index] = np.concatenate([mean / frame.lengths[0], packed / frame.lengths[1]])
    rows *= _unit(frame, unit)
    return rows


def adapted_map(mean_row: np.ndarray, frame: Frame, *, unit: float, noise_scale: float) -> tuple[Floats, Floats]:
    """Return the centre (d,) and map (d, d) that the mean of rows over people makes.

    Noise has a known size. The mean moves from its public value by the part that noise does not explain (positive-part
    James and Stein 1961); of the change in the spread, only directions are believed that lie outside of what noise
    alone would show (eigenvalues beyond the edge of a random symmetric matrix).

    Args:
        mean_row: (k + j (j + 1) / 2,) as `person_rows` makes them, with noise.
        frame: public directions.
        unit: as for `person_rows`.
        noise_scale: standard deviation of the noise in each entry of `mean_row`.
    """
    directions, scale = len(frame.basis), frame.lengths / _unit(frame, unit)
    moved = _shrunk(mean_row[:directions], noise_scale) * scale[0]
    within = frame.within
    if frame.spread:
        inner = frame.basis[: frame.spread]
        change = _unpacked(mean_row[directions:] * scale[1], frame.spread) - inner @ within @ inner.T
        within = within + inner.T @ _above_noise(change, noise_scale * scale[1]) @ inner
    return frame.centre + moved @ frame.basis, whitening(within, frame)


def whitening(within: Floats, frame: Frame) -> Floats:
    """Return the symmetric (d, d) map that makes the spread within people the same in all directions."""
    values, vectors = np.linalg.eigh((within + within.T) / 2)
    floor = _FLOOR * float(np.trace(frame.within)) / len(frame.within)
    found: Floats = (vectors / np.sqrt(np.maximum(values, floor))) @ vectors.T
    return found


def _unit(frame: Frame, unit: float) -> float:
    return unit / np.sqrt(2) if frame.spread else unit


def _shrunk(values: np.ndarray, noise: float) -> Floats:
    energy = float(values @ values)
    share = max(0.0, 1.0 - len(values) * noise**2 / energy) if energy > 0 else 0.0
    found: Floats = np.asarray(values, dtype=np.float64) * share
    return found


def _above_noise(change: Floats, noise: float) -> Floats:
    """Keep the eigenvalues that stand out of noise with deviation `noise` in each packed entry, shrunk towards it."""
    values, vectors = np.linalg.eigh(change)
    edge = noise * np.sqrt(2 * len(change))
    size = np.maximum(np.abs(values), 1e-300)
    kept = np.where(size > edge, np.sign(values) * (size - edge**2 / (4 * size)), 0.0)
    found: Floats = (vectors * kept) @ vectors.T
    return found


def _packed(matrix: Floats) -> Floats:
    """Write a symmetric matrix as its upper triangle, with the same length in L2."""
    row, column = np.triu_indices(len(matrix))
    found: Floats = matrix[row, column] * np.where(row == column, 1.0, np.sqrt(2))
    return found


def _unpacked(packed: Floats, size: int) -> Floats:
    row, column = np.triu_indices(size)
    matrix = np.zeros((size, size))
    matrix[row, column] = packed / np.where(row == column, 1.0, np.sqrt(2))
    return matrix + np.triu(matrix, 1).T

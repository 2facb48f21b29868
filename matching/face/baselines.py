"""Three classical encoders beside which a network must show what it is worth: eigenfaces, PCA+WCCN, LBP.

They take aligned crops and are fitted on people who are never enrolled. Their model id holds a hash of what was
fitted, so embeddings of two fits never compare.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from matching.face.encoder import Crops
from retail.errors import DataError
from retail.faces import SIDE

Floats = npt.NDArray[np.float64]
_CELLS: Final = 8
_LEAST_SPREAD: Final = 1e-6


class Eigenfaces:
    """Projection on the main directions of training faces.

    Source: Turk and Pentland 1991, "Eigenfaces for recognition".

    Args:
        crops: (n, 64, 64) of training people.
        components: directions kept, at most n - 1.
    """

    name = "eigenfaces"

    def __init__(self, crops: Crops, *, components: int = 60) -> None:
        rows = _rows(crops)
        kept = min(components, len(rows) - 1)
        if kept < 2:
            raise DataError(f"{len(rows)} crops are too few to fit {self.name}; give at least 3")
        self._mean = rows.mean(axis=0)
        _, _, directions = np.linalg.svd(rows - self._mean, full_matrices=False)
        self._project: Floats = directions[:kept].T
        self.model = _named(self.name, self._mean, self._project)

    @property
    def dimension(self) -> int:
        """Directions kept."""
        return int(self._project.shape[1])

    def embed(self, crops: Crops) -> Floats:
        """Return (n, dimension) coordinates."""
        found: Floats = (_rows(crops) - self._mean) @ self._project
        return found


class PcaWccn(Eigenfaces):
    """Eigenfaces whose coordinates are scaled so that one person's pictures vary equally in all directions.

    Source: Hatch et al. 2006, "Within-class covariance normalization for SVM-based speaker recognition".

    Args:
        crops: (n, 64, 64) of training people.
        person: (n,) whose each is; at least one person twice.
        components: directions kept before the scaling.
        shrink: weight of the mean variance that is added to every direction.
    """

    name = "pca-wccn"

    def __init__(self, crops: Crops, person: Any, *, components: int = 60, shrink: float = 0.1) -> None:
        super().__init__(crops, components=components)
        who = np.unique(np.asarray(person), return_inverse=True)[1]
        coordinates = super().embed(crops)
        count = np.bincount(who)
        if len(who) != len(coordinates) or (count < 2).all():
            raise DataError("PCA+WCCN needs the person of each crop, and two crops of at least one person")
        means = np.stack([np.bincount(who, weights=column) for column in coordinates.T], axis=1) / count[:, None]
        within = coordinates - means[who]
        covariance = within.T @ within / (len(who) - len(count))
        covariance += shrink * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
        values, vectors = np.linalg.eigh(covariance)
        self._project = self._project @ (vectors / np.sqrt(values))
        self.model = _named(self.name, self._mean, self._project)


class LocalBinaryPatterns:
    """Histograms of local binary patterns in 8 x 8 cells; nothing is fitted.

    The square roots of histograms have length one and their cosine is the Bhattacharyya coefficient.

    Source: Ahonen, Hadid and Pietikäinen 2006, "Face description with local binary patterns" (uniform patterns of 8
    neighbours at distance 1).
    """

    model = "lbp-u2-8-1-cells-8"

    def __init__(self) -> None:
        codes = np.arange(256)
        bits = (codes[:, None] >> np.arange(8)) & 1
        changes = (bits != np.roll(bits, 1, axis=1)).sum(axis=1)
        self._bin = np.full(256, 58)
        self._bin[changes <= 2] = np.arange(58)

    @property
    def dimension(self) -> int:
        """59 patterns in each of 64 cells."""
        return 59 * _CELLS * _CELLS

    def embed(self, crops: Crops) -> Floats:
        """Return (n, 3776) square roots of shares."""
        grey = _check(crops).astype(np.int16)
        centre = grey[:, 1:-1, 1:-1]
        code = np.zeros(centre.shape, dtype=np.int64)
        around = ((0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0))
        for bit, (row, column) in enumerate(around):
            shifted = grey[:, row : row + centre.shape[1], column : column + centre.shape[2]]
            code |= (shifted >= centre).astype(np.int64) << bit
        pattern = self._bin[code]
        place = np.arange(centre.shape[1]) * _CELLS // centre.shape[1]
        cell = place[:, None] * _CELLS + place[None, :]
        slot = pattern + 59 * cell[None]
        image = np.arange(len(grey))[:, None, None] * self.dimension
        counts = np.bincount((slot + image).ravel(), minlength=len(grey) * self.dimension)
        shares = counts.reshape(len(grey), self.dimension) / centre[0].size
        roots: Floats = np.sqrt(shares)
        return roots


def _check(crops: Crops) -> Crops:
    found = np.asarray(crops)
    if found.dtype != np.uint8 or found.ndim != 3 or found.shape[1:] != (SIDE, SIDE):
        raise DataError(f"crops are (n, {SIDE}, {SIDE}) of uint8, got {found.shape} of {found.dtype}")
    return found


def _rows(crops: Crops) -> Floats:
    """Flatten crops, each with mean 0 and spread 1, so that brightness and contrast say nothing."""
    rows = _check(crops).reshape(len(crops), -1).astype(np.float64)
    rows -= rows.mean(axis=1, keepdims=True)
    scaled: Floats = rows / np.maximum(rows.std(axis=1, keepdims=True), _LEAST_SPREAD)
    return scaled


def _named(name: str, *arrays: Floats) -> str:
    digest = hashlib.sha256(b"".join(array.astype("<f4").tobytes() for array in arrays)).hexdigest()
    return f"{name}-{digest[:12]}"

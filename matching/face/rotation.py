"""One rotation per merchant, so that templates of two merchants cannot be linked, and error rates stay as they are.

It makes templates revocable, not irreversible: who learns the template before and after the rotation for as many people
as it has numbers (64 of 64) solves for the rotation exactly (`tests/matching/face/test_attacks.py` does). Encryption
keeps templates from being read; the rotation is for what was read nevertheless.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from matching.embeddings import Embeddings
from privacy.consent import Secret

Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Rotation:
    """A random orthogonal matrix of one merchant and model; make it with `Rotation.of`.

    Guarantee: cosines of two rotated vectors are those of the vectors (up to float32), so every error rate stays.
        Vectors of two merchants, rotated by independent keys, are as good as unrelated to whoever knows neither key
        nor pairs. Assumes that SHAKE-256 of the key is as good as random.
    """

    matrix: Matrix = field(repr=False)
    model: str
    mark: str

    @classmethod
    def of(cls, key: Secret, *, model: str, dimension: int) -> Rotation:
        """Derive the rotation from a merchant's key.

        Args:
            key: of the merchant.
            model: id of the encoder; every model has another rotation.
            dimension: numbers in a template.

        Returns: uniform over orthogonal matrices (QR of a Gaussian matrix with the signs of R's diagonal taken out;
            Mezzadri 2007, "How to generate random matrices from the classical compact groups").
        """
        seed = bytes.fromhex(key.mark("face rotation", f"{model}\0{dimension}"))
        count = dimension * dimension
        stream = np.frombuffer(hashlib.shake_256(seed).digest(16 * count), dtype="<u8")
        uniform = (stream.astype(np.float64) + 0.5) / 2.0**64
        radius = np.sqrt(-2.0 * np.log(uniform[:count]))
        gaussian = (radius * np.cos(2.0 * np.pi * uniform[count:])).reshape(dimension, dimension)
        q, r = np.linalg.qr(gaussian)
        return cls(np.asarray(q * np.sign(np.diag(r))), model, key.mark("face rotation name", model)[:16])

    @property
    def rotated_model(self) -> str:
        """Model id of rotated vectors: they compare with vectors of the same rotation only."""
        return f"{self.model}+rotation-{self.mark}"

    def apply(self, embeddings: Embeddings) -> Embeddings:
        """Rotate.

        Raises: DataError: vectors of another model or length.
        """
        embeddings.require(self.model, len(self.matrix))
        return Embeddings.scaled(embeddings.vectors.astype(np.float64) @ self.matrix, self.rotated_model)

    def undo(self, embeddings: Embeddings) -> Embeddings:
        """Rotate back.

        Raises: DataError: vectors that this rotation did not make.
        """
        embeddings.require(self.rotated_model, len(self.matrix))
        return Embeddings.scaled(embeddings.vectors.astype(np.float64) @ self.matrix.T, self.model)

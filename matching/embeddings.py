"""Embeddings: unit vectors that one model made. Vectors of two models never meet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from retail.errors import DataError

Vectors = npt.NDArray[np.float32]

LONGEST_MODEL: Final = 200
NORM_TOLERANCE: Final = 1e-4


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Embeddings:
    """Unit vectors of one model, one row each; checked once, never changed afterwards, never printed.

    Attributes:
        vectors: (n, d) float32, read-only, every row finite and of length 1 within `NORM_TOLERANCE`; n may be 0.
        model: id of the model that made them: up to `LONGEST_MODEL` visible characters without spaces around.

    Raises: DataError: anything else. float64 is refused too: whoever casts should know.
    """

    vectors: Vectors
    model: str

    def __post_init__(self) -> None:
        """Check both, and keep a copy that nobody can change."""
        check_model(self.model)
        vectors = _checked(self.vectors)
        copy = np.array(vectors, order="C", copy=True)
        copy.setflags(write=False)
        object.__setattr__(self, "vectors", copy)

    @classmethod
    def scaled(cls, raw: npt.NDArray[np.floating[Any]], model: str) -> Embeddings:
        """Scale each row to length 1.

        Args:
            raw: (n, d) floating point, of any length but 0.
            model: id of the model that made them.

        Raises: DataError: a row is zero, or holds NaN or infinity; no floating point; not two axes.
        """
        if not isinstance(raw, np.ndarray) or raw.ndim != 2 or not np.issubdtype(raw.dtype, np.floating):
            raise DataError(f"raw embeddings must be an (n, d) array of floats, got {_shape(raw)}; reshape or cast it")
        exact = raw.astype(np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            largest = np.abs(exact).max(axis=1, initial=0.0)
            usable = np.isfinite(largest) & (largest > 0)
        _refuse_rows(~usable, "are zero or hold NaN or infinity, so they have no direction")
        exact /= largest[:, None]  # so that squares of extreme values neither overflow nor vanish
        exact /= np.linalg.norm(exact, axis=1)[:, None]
        return cls(exact.astype(np.float32), model)

    @property
    def dimension(self) -> int:
        """Numbers in one vector."""
        return int(self.vectors.shape[1])

    def __len__(self) -> int:
        """Count the vectors."""
        return len(self.vectors)

    def __repr__(self) -> str:
        """Return shape and model: a vector in a log is a template in a log."""
        return f"Embeddings({len(self)} x {self.dimension}, model={self.model!r})"

    def require(self, model: str, dimension: int) -> None:
        """Let a comparison pass only with vectors of this model.

        Raises: DataError: they are of another model, or have another dimension.
        """
        if self.model != model:
            raise DataError(
                f"embeddings of model {self.model!r} cannot be compared with those of {model!r}: their axes mean "
                "different things; encode both with one model"
            )
        if self.dimension != dimension:
            raise DataError(f"embeddings have {self.dimension} dimensions where {model!r} has {dimension}; encode anew")


def similarities(one: Embeddings, other: Embeddings) -> Vectors:
    """Return the cosine of every pair, (n, m); stays within this room.

    Raises: DataError: they are of two models.
    """
    other.require(one.model, one.dimension)
    return (one.vectors.astype(np.float64) @ other.vectors.astype(np.float64).T).astype(np.float32)


def check_model(model: object) -> None:
    """Let an id of a model pass.

    Raises: DataError: no text, empty, too long, with spaces around it or characters that nobody sees.
    """
    if not isinstance(model, str):
        raise DataError(f"a model id must be text, got {type(model).__name__}; name the model that made the embeddings")
    if not model or model != model.strip() or len(model) > LONGEST_MODEL or not model.isprintable():
        raise DataError(
            f"the model id {model[:40]!r} must have 1 to {LONGEST_MODEL} visible characters and no spaces around it"
        )


def _checked(vectors: object) -> Vectors:
    if not isinstance(vectors, np.ndarray) or vectors.dtype != np.float32:
        raise DataError(f"embeddings must be a float32 array, got {_shape(vectors)}; cast it with .astype(np.float32)")
    if vectors.ndim != 2 or vectors.shape[1] == 0:
        raise DataError(f"embeddings must have shape (n, d) with d >= 1, got {vectors.shape}; reshape them")
    with np.errstate(over="ignore", invalid="ignore"):
        squares = np.einsum("nd,nd->n", vectors, vectors)
    # NaN and infinity make a square that is NaN or infinite, so one pass over the vectors finds all three mistakes
    _refuse_rows(~np.isfinite(squares), "hold NaN or infinity, or are much too long")
    _refuse_rows(np.abs(np.sqrt(squares) - 1.0) > NORM_TOLERANCE, "are not of length 1; use Embeddings.scaled")
    return vectors


def _refuse_rows(wrong: npt.NDArray[np.bool_], what: str) -> None:
    count = int(wrong.sum())
    if count:
        raise DataError(f"{count:,} of {len(wrong):,} embeddings {what} (first: row {int(wrong.argmax())})")


def _shape(value: object) -> str:
    return f"{value.dtype} {value.shape}" if isinstance(value, np.ndarray) else type(value).__name__

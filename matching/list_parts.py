"""What inverted lists are made of besides the vectors, as plain arrays: enough to set them up again as they were."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from matching.embeddings import Vectors
from matching.ids import Ints


@dataclass(frozen=True, slots=True)
class ListParts:
    """Plain arrays.

    Attributes:
        centres: (cells, d) float32.
        ranges: (2 d,) float32: for each coordinate the smallest distance to the centre and the width, of the sample
            that training read.
        cell: (n,) int32, each row's cell, by position.
        trained_on: rows there were at training.
    """

    centres: Vectors
    ranges: Vectors
    cell: npt.NDArray[np.int32]
    trained_on: int

    def reordered(self, order: Ints) -> ListParts:
        """Return the parts for rows in another order."""
        return ListParts(self.centres, self.ranges, self.cell[order], self.trained_on)

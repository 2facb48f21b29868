"""An index of households' places, and the point in it that a profile names."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from matching.embeddings import Embeddings
from matching.ids import Ints
from matching.index import VectorIndex

Floats = npt.NDArray[np.float64]


def places_index(ids: Ints, places: Floats, profile: Floats, *, model: str) -> tuple[VectorIndex, Embeddings]:
    """Put households into an index, and turn a profile into a query.

    The similarity of `matching.audience.profile` is the cosine to the profile less a number that is the same for all,
    so the nearest in the index are the most similar.

    Args:
        ids: (persons,) ids.
        places: (persons, d) of `embedding`; households without a place are left out.
        profile: (d,) released profile, of any length but 0.
        model: id of the space.

    Raises: DataError: ids or vectors that cannot be used.
    """
    known = np.linalg.norm(places, axis=1) > 0
    index = VectorIndex(model, places.shape[1])
    index.add(ids[known], Embeddings.scaled(places[known], model))
    return index, Embeddings.scaled(profile[None], model)

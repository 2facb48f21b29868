"""The rows of an index: exact vectors and their ids, by position. Positions are all that faiss gets to know."""

from __future__ import annotations

import faiss
import numpy as np

from matching.embeddings import Vectors
from matching.ids import Ints

_NOBODY: Ints = np.empty(0, dtype=np.int64)


class Rows:
    """Vectors in the order in which they came. Knows neither models nor locks; ids were checked by the caller.

    Attributes:
        flat: faiss holds the only copy of the vectors.
        ids: (n,) by position.
    """

    def __init__(self, dimension: int) -> None:
        self.flat = faiss.IndexFlatIP(dimension)
        self.ids = self._sorted = self._where = _NOBODY

    @classmethod
    def of(cls, ids: Ints, vectors: Vectors) -> Rows:
        """Make rows at once."""
        rows = cls(vectors.shape[1])
        rows.add(ids, vectors)
        return rows

    def __len__(self) -> int:
        """Count the rows."""
        return len(self.ids)

    @property
    def dimension(self) -> int:
        """Numbers in one vector."""
        return int(self.flat.d)

    @property
    def vectors(self) -> Vectors:
        """(n, d) view into faiss; good until the next `add`."""
        if not len(self):
            return np.empty((0, self.dimension), dtype=np.float32)
        view: Vectors = faiss.rev_swig_ptr(self.flat.get_xb(), len(self) * self.dimension)
        return view.reshape(len(self), self.dimension)

    def add(self, ids: Ints, vectors: Vectors) -> None:
        """Append rows whose ids are not here yet."""
        order = np.argsort(ids, kind="stable")
        place = np.searchsorted(self._sorted, ids[order])
        in_order = np.insert(self._sorted, place, ids[order])
        where = np.insert(self._where, place, order + len(self))
        by_position = np.concatenate([self.ids, ids])
        self.flat.add(vectors)  # the only step that may fail half way comes before all assignments
        self.ids, self._sorted, self._where = by_position, in_order, where

    def positions(self, ids: Ints) -> Ints:
        """Return the positions of those ids that are here, ascending, each once."""
        if not len(self) or not len(ids):
            return _NOBODY
        ids = np.sort(ids)  # neighbours are looked up from the cache, which pays for the sorting
        place = np.minimum(np.searchsorted(self._sorted, ids), len(self) - 1)
        here = np.zeros(len(self), dtype=np.bool_)  # marks, since sorting half a million positions takes longer
        here[self._where[place[self._sorted[place] == ids]]] = True
        return np.flatnonzero(here)

    def without(self, positions: Ints) -> Rows:
        """Return new rows; nothing of those at the positions is in them."""
        kept = np.delete(np.arange(len(self)), positions)
        return Rows.of(self.ids[kept], self.vectors[kept])

    def in_id_order(self) -> Rows:
        """Return the rows by ascending id, so that what is made of them does not tell who came when."""
        if bool((self._where == np.arange(len(self))).all()):
            return self
        return Rows.of(self._sorted.copy(), self.vectors[self._where])

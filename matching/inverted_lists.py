"""Inverted lists over rows, for search at scale: vectors in cells, one byte a number, and only near cells read.

The structure is made of people: a cell's centre is a mean of its members (of one person, where the cell has one), and
the range of a coordinate ends at somebody's value. So nobody is taken out of it: it is made anew without them.
"""

from __future__ import annotations

import math
from typing import Any, Final

import faiss
import numpy as np

from matching.embeddings import Vectors
from matching.exact_search import bit_selector
from matching.ids import Ints
from matching.list_parts import ListParts

PER_CELL: Final = 64
"""Vectors a cell that training reads at most; a sample, drawn with a fixed seed."""
_FEWEST: Final = 40
_READ: Final = 64


def cells_for(count: int) -> int:
    """Return the number of cells for so many rows: the power of two near 2 sqrt(n)."""
    wanted = int(2 ** round(math.log2(2 * math.sqrt(max(1, count)))))
    return max(1, min(wanted, count // _FEWEST))


class InvertedLists:
    """Cells over the rows at positions 0 to n - 1."""

    def __init__(self, index: Any, trained_on: int) -> None:
        self._index = index
        self.trained_on = trained_on

    @classmethod
    def train(cls, vectors: Vectors) -> InvertedLists:
        """Train on rows and take them in. The same rows in the same order give the same lists."""
        index = _empty(vectors.shape[1], cells_for(len(vectors)))
        index.cp.max_points_per_centroid = PER_CELL
        index.cp.min_points_per_centroid = 1  # few rows are the caller's choice; faiss would print about them
        index.train(vectors)
        index.add(vectors)
        return cls(index, len(vectors))

    @classmethod
    def restore(cls, vectors: Vectors, parts: ListParts) -> InvertedLists:
        """Set lists up from their parts, which were checked by whoever read them."""
        index = _empty(vectors.shape[1], len(parts.centres))
        index.quantizer.add(np.ascontiguousarray(parts.centres))
        faiss.copy_array_to_vector(np.ascontiguousarray(parts.ranges), index.sq.trained)
        index.is_trained = True
        cells, kept = parts.cell.astype(np.int64), np.ascontiguousarray(vectors)
        index.add_core(len(kept), faiss.swig_ptr(kept), None, faiss.swig_ptr(cells))
        return cls(index, parts.trained_on)

    @property
    def cells(self) -> int:
        """Number of cells."""
        return int(self._index.nlist)

    @property
    def usually_read(self) -> int:
        """How many cells a search reads unless it says otherwise: 64, and of more than 2,048 one in 32."""
        return max(_READ, self.cells // 32)

    def parts(self) -> ListParts:
        """Return what they are made of."""
        cell = np.empty(self._index.ntotal, dtype=np.int32)
        lists = self._index.invlists
        for number in range(self.cells):
            size = lists.list_size(number)
            if size:
                cell[faiss.rev_swig_ptr(lists.get_ids(number), size)] = number
        flat = faiss.downcast_index(self._index.quantizer)
        centres = faiss.rev_swig_ptr(flat.get_xb(), self.cells * self._index.d).reshape(self.cells, self._index.d)
        return ListParts(centres.copy(), faiss.vector_to_array(self._index.sq.trained), cell, self.trained_on)

    def add(self, vectors: Vectors) -> None:
        """Take in rows that were appended."""
        self._index.add(vectors)

    def candidates(self, queries: Vectors, most: int, cells: int, allowed: Ints | None) -> Ints:
        """Return rows that are probably among the nearest.

        Args:
            queries: (q, d).
            most: how many candidates a query gets.
            cells: how many are read, the nearest first.
            allowed: see `exact`; inside the cells, too, no others are compared.

        Returns: (q, most) positions, -1 where the cells that were read have no more.
        """
        options: dict[str, Any] = {"nprobe": cells}
        if allowed is not None:
            options["sel"] = bit_selector(self._index.ntotal, allowed)
        found: Ints = self._index.search(queries, most, params=faiss.SearchParametersIVF(**options))[1]
        return found


def _empty(dimension: int, cells: int) -> Any:
    flat = faiss.IndexFlatIP(dimension)
    kind, metric = faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT
    return faiss.IndexIVFScalarQuantizer(flat, dimension, cells, kind, metric)

"""The index of vectors: who is near, among those who may be compared. Exact where identity is at stake."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from matching import index_file
from matching.cell_search import through_cells
from matching.embeddings import Embeddings, Vectors, check_model
from matching.exact_search import exact
from matching.ids import Ints, checked_ids
from matching.index_file import Contents
from matching.inverted_lists import InvertedLists
from matching.read_write_lock import ReadWriteLock
from matching.rows import Rows
from retail.errors import ConfigError, DataError

EXACT_BELOW: Final = 200_000
_GROWTH: Final = 2
_MOST_K: Final = 10_000


class Neighbours(NamedTuple):
    """The nearest of each query, best first. Stays within this room: scores rebuild templates.

    Attributes:
        ids: (q, m) int64, where m is k or the number of rows that may be compared, if that is smaller. Never padded.
        similarity: (q, m) float32, cosines.
    """

    ids: Ints
    similarity: Vectors

    def __repr__(self) -> str:
        """Return the shape alone: scores in a log are an oracle."""
        return f"Neighbours{self.ids.shape}"


class VectorIndex:
    """Vectors of one model under whole-number ids. Safe for many threads: searches run together and during training.

    Up to `exact_below` comparable rows search is exact. Above, cells are searched (`inverted_lists`) and their
    candidates ranked by their exact vectors: cosines are always true ones, but somebody near may be missed.

    Guarantee: results hold only ids that are in the index and allowed, each once; nothing is compared with a row that
        is not allowed; an exact result does not depend on other rows, on the order of adding or on what is asked
        beside it. After `erase` returns, no search finds the person, and nothing that the index keeps or saves was
        computed from the person's vector. Assumes that other programs' copies and the memory that this process gave
        back are out of reach. Cells are trained on all rows, also those that are not allowed: whoever may not be used
        for training must not be added.

    Args:
        model: id of the model whose embeddings it takes.
        dimension: numbers in one vector.
        exact_below: at most so many rows are compared one by one.

    Raises: DataError, ConfigError: a model id or number that cannot be used.
    """

    def __init__(self, model: str, dimension: int, *, exact_below: int = EXACT_BELOW) -> None:
        check_model(model)
        _check_whole("dimension", dimension, 1, 65_536)
        _check_whole("exact_below", exact_below, 100, 2**40)
        self.model, self.dimension, self.exact_below = model, dimension, exact_below
        self._rows = Rows(dimension)
        self._lists: InvertedLists | None = None
        self._lock, self._one_writer = ReadWriteLock(), threading.Lock()
        self._file: tuple[Path, str] | None = None

    def __len__(self) -> int:
        """Count the vectors."""
        return len(self._rows)

    def __contains__(self, vector_id: object) -> bool:
        """Tell whether an id is here."""
        if not isinstance(vector_id, int | np.int64) or isinstance(vector_id, bool) or not 0 <= vector_id < 2**63:
            return False
        return self.count([int(vector_id)]) == 1

    def __repr__(self) -> str:
        """Return model and size."""
        return f"VectorIndex({len(self)} x {self.dimension}, model={self.model!r})"

    @property
    def approximate(self) -> bool:
        """Whether a search among all rows goes through cells."""
        return self._lists is not None

    @property
    def ids(self) -> Ints:
        """All ids, ascending."""
        with self._lock.reading():
            return np.sort(self._rows.ids)

    def count(self, ids: Any) -> int:
        """Count those of these ids that are here. Raises: DataError: see `checked_ids`."""
        wanted = checked_ids(ids)
        with self._lock.reading():
            return len(self._rows.positions(wanted))

    def add(self, ids: Any, embeddings: Embeddings) -> None:
        """Add vectors, all or none.

        Growing past `exact_below`, and to twice the size at the last training, trains the cells before it returns.

        Args:
            ids: (n,) int64, new here, each once.
            embeddings: (n, d) of this index's model.

        Raises: DataError: another model, length or type, an id twice or here already; the message shows no id.
        """
        new = checked_ids(ids)
        self._require(embeddings)
        if len(new) != len(embeddings):
            raise DataError(
                f"{len(new):,} ids and {len(embeddings):,} embeddings do not belong together; give one each"
            )
        if len(np.unique(new)) != len(new):
            raise DataError(
                f"{len(new) - len(np.unique(new)):,} of {len(new):,} ids are there twice; an id has one vector"
            )
        if not len(new):
            return
        with self._one_writer:
            again = len(self._rows.positions(new))
            if again:
                raise DataError(f"{again:,} of {len(new):,} ids are in the index already; erase them first")
            with self._lock.writing():
                self._append(new, embeddings.vectors)
            needs_cells = len(self) > self.exact_below
            if needs_cells and (self._lists is None or len(self) > _GROWTH * self._lists.trained_on):
                self._train()

    def search(self, embeddings: Embeddings, k: int, *, allowed: Any = None, cells: int | None = None) -> Neighbours:
        """Find the k nearest of each query.

        Args:
            embeddings: (q, d) queries of this index's model.
            k: how many.
            allowed: ids that may be compared; those that are not in the index are ignored. None for all.
            cells: how many are read where cells are searched; None for `InvertedLists.usually_read`; as many as there
                are, or more, searches exactly.

        Raises: DataError: embeddings of another model, ids of another type. ConfigError: k or cells out of range.
        """
        self._require(embeddings)
        _check_whole("k", k, 1, _MOST_K)
        if cells is not None:
            _check_whole("cells", cells, 1, 2**31)
        wanted = None if allowed is None else checked_ids(allowed, what="allowed ids")
        with self._lock.reading():
            rows, lists = self._rows, self._lists
            may = None if wanted is None else rows.positions(wanted)
            comparable = len(rows) if may is None else len(may)
            width = min(k, comparable)
            if not width or not len(embeddings):
                return Neighbours(
                    np.empty((len(embeddings), width), np.int64), np.empty((len(embeddings), width), "f4")
                )
            read = 0 if lists is None else cells or lists.usually_read
            if lists is None or read >= lists.cells or comparable <= self.exact_below:
                found, similarity = exact(rows, embeddings.vectors, width, may)
            else:
                found, similarity = through_cells(rows, lists, embeddings.vectors, width, read, may)
            return Neighbours(rows.ids[found], similarity)

    def erase(self, ids: Any) -> int:
        """Take people out for good: rows are copied without them, and cells are trained anew.

        Give all ids at once: with cells, each call trains them. Searches go on, exactly, until that is done.

        Returns: how many were here; the others are ignored.

        Raises: DataError: see `checked_ids`.
        """
        gone = checked_ids(ids)
        with self._one_writer:
            positions = self._rows.positions(gone)
            if len(positions):
                kept = self._rows.without(positions)
                with self._lock.writing():
                    self._rows, self._lists = kept, None
                if len(self) > self.exact_below:
                    self._train()
            return len(positions)

    def rebuild(self) -> None:
        """Make everything anew from the vectors: the result depends on who is in, not on who came when."""
        with self._one_writer:
            if len(self) > self.exact_below:
                self._train()
            else:
                rows = self._rows.in_id_order()
                with self._lock.writing():
                    self._rows, self._lists = rows, None

    def save(self, path: Path | str, *, replace: bool = False) -> None:
        """Write the index to a file that only its owner may read; the old file stays until the new one is whole.

        The file holds vectors in plain: keep an index of faces in memory and its templates in the vault.

        Args:
            path: the file.
            replace: write also over a file that this index does not know.

        Raises: DataError: the file cannot be written, or is not the one that this index last read or wrote: somebody
            may have been erased from it meanwhile, and saving would bring them back.
        """
        with self._one_writer:
            rows = self._rows.in_id_order()
            parts = None if self._lists is None else self._lists.parts()
            if parts is not None and rows is not self._rows:
                parts = parts.reordered(np.argsort(self._rows.ids))
            contents = Contents(self.model, self.exact_below, rows.ids, rows.vectors, parts)
            target = Path(path).resolve()
            known = self._file[1] if self._file is not None and self._file[0] == target else None
            self._file = target, index_file.write(target, contents, known=known, replace=replace)

    @classmethod
    def load(cls, path: Path | str) -> VectorIndex:
        """Read an index.

        Raises: DataError: no such file, not a whole index, a newer format, or a content that does not fit its manifest.
        """
        target = Path(path).resolve()
        contents, digest = index_file.read(target)
        index = cls(contents.model, contents.vectors.shape[1], exact_below=contents.exact_below)
        checked = Embeddings(contents.vectors, contents.model)
        index._rows = Rows.of(contents.ids, checked.vectors)
        if contents.parts is not None:
            index._lists = InvertedLists.restore(checked.vectors, contents.parts)
        index._file = target, digest
        return index

    def _require(self, embeddings: object) -> None:
        if not isinstance(embeddings, Embeddings):
            raise DataError(f"vectors must come as Embeddings, which checks them; got {type(embeddings).__name__}")
        embeddings.require(self.model, self.dimension)

    def _append(self, ids: Ints, vectors: Vectors) -> None:
        lists, self._lists = self._lists, None  # cells that failed half way must not be searched
        if lists is not None:
            lists.add(vectors)
        self._rows.add(ids, vectors)
        self._lists = lists

    def _train(self) -> None:
        """Make cells aside, from rows in the order of ids, and put them in place when they are whole."""
        rows = self._rows.in_id_order()
        lists = InvertedLists.train(rows.vectors)
        with self._lock.writing():
            self._rows, self._lists = rows, lists


def _check_whole(name: str, value: object, least: int, most: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ConfigError(f"{name} must be a whole number from {least:,} to {most:,}, got {value!r}")

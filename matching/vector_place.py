"""A saved index, or one in memory, as a place that an erasure reaches."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from matching import index_file
from privacy.consent.tombstones import Tombstones
from privacy.erasure import PlaceType, Store
from privacy.erasure.places import Guarded
from retail.errors import ConfigError

if TYPE_CHECKING:
    from matching.index import VectorIndex

_TRIES: Final = 3


class VectorPlace(Guarded):
    """An index of vectors: people are taken out, and what was trained on their vectors is made anew without them.

    Guarantee: after `erase`, no search of the index in memory finds the person, and the file, with the half-written
        copies that a killed writer left beside it, holds nothing that was computed from the person's vector. Assumes
        that the ids of the index are the people's ids; that indexes in other programs' memory are loaded again (they
        cannot be saved over this file); that old blocks of the disk and freed memory are out of reach.

    Args:
        name: of the place.
        tombstones: who may not come back.
        path: the file; None for an index that is only in memory.
        index: the index in this program's memory; None for a file alone.

    Raises: ConfigError: neither path nor index.
    """

    kind = "index"
    action = "erase"
    statement = "cells and ranges that were trained on the person's vector are trained again without it"

    def __init__(
        self,
        name: str,
        *,
        tombstones: Tombstones,
        path: Path | str | None = None,
        index: VectorIndex | None = None,
    ) -> None:
        super().__init__(name, tombstones=tombstones)
        if path is None and index is None:
            raise ConfigError(f"the place {name!r} needs a path, an index in memory, or both")
        self.path = None if path is None else Path(path).resolve()
        self._index = index

    @property
    def unsearched(self) -> tuple[str, ...]:
        """Half-written copies beside the file; `erase` deletes them."""
        return () if self.path is None else tuple(one.name for one in index_file.leftovers(self.path))

    def holds(self, person: str) -> int:
        """Count the person's vectors, in memory and in the file each. Raises: DataError: the file cannot be read."""
        ids = _vector_ids(person)
        in_memory = 0 if self._index is None else self._index.count(ids)
        return in_memory + len(set(ids).intersection(self._ids_in_file()))

    def erase(self, person: str) -> int:
        """Take the person out; see `VectorIndex.erase`.

        Raises: DataError: the file cannot be read or written, changes faster than it can be rewritten, or is not the
            one that the index in memory knows.
        """
        before, ids = self.holds(person), _vector_ids(person)
        if self._index is not None:
            self._index.erase(ids)
        if self.path is not None:
            if set(ids).intersection(self._ids_in_file()):
                self._erase_from_file(self.path, ids)
            index_file.remove_leftovers(self.path)
        return before

    def check(self) -> None:
        """Make sure that nobody who was erased is in the index: an old backup.

        Raises: ConsentError: how many vectors are of erased people; never an id. DataError: the file cannot be read.
        """
        held = [*self._ids_in_file(), *(() if self._index is None else self._index.ids.tolist())]
        self._tombstones.refuse(held, where=self.name)

    def _ids_in_file(self) -> list[int]:
        if self.path is None or not self.path.exists():
            return []  # a file that was deleted holds nobody
        ids: list[int] = index_file.read(self.path)[0].ids.tolist()
        return ids

    def _erase_from_file(self, path: Path, ids: list[int]) -> None:
        from matching.index import VectorIndex  # faiss is needed for this alone

        if self._index is not None:
            self._index.save(path)
            return
        for remaining in reversed(range(_TRIES)):
            index = VectorIndex.load(path)
            index.erase(ids)
            try:
                index.save(path)
                return
            except index_file.ReplacedError:
                if not remaining:
                    raise


def _vector_ids(person: str) -> list[int]:
    """Return 17 for "17", and nothing for what is no such number: "017" may be somebody else."""
    number = int(person) if person.isascii() and person.isdigit() else -1
    return [number] if str(number) == person and number < 2**63 else []


def _make(name: str, place: Mapping[str, Any], tombstones: Tombstones) -> Store:
    return VectorPlace(name, tombstones=tombstones, path=place["path"])


VECTORS: Final = PlaceType(keys={"path": str}, needed=("path",), make=_make)
"""The kind `vectors` of a list of places."""

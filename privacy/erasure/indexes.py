"""Indexes: what was computed from a store to find things faster, and is computed again without the person."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from privacy.consent.tombstones import Tombstones
from privacy.erasure.places import Guarded
from retail.errors import DataError


class Index(Guarded):
    """An index of this process that can be searched by person and built again.

    Guarantee: after `erase`, the index holds what its source held when `rebuild` read it. Assumes that `rebuild` keeps
        nothing of the old index; sources are erased before their indexes.

    Args:
        name: of the place.
        count: how many records of a person (as text) the index holds.
        rebuild: builds the index again from its source.
        tombstones: who may not come back.
    """

    kind = "index"
    action = "rebuild"

    def __init__(
        self, name: str, *, count: Callable[[str], int], rebuild: Callable[[], object], tombstones: Tombstones
    ) -> None:
        super().__init__(name, tombstones=tombstones)
        self._count, self._rebuild = count, rebuild

    def holds(self, person: str) -> int:
        """Count the person's records in the index."""
        return self._count(person)

    def erase(self, person: str) -> int:
        """Build the index again."""
        before = self._count(person)
        self._rebuild()
        return before - self._count(person)


class FileIndex(Guarded):
    """An index in a file that only another program can read or build: it is deleted, and the operator builds it again.

    Args:
        name: of the place.
        path: the file.
        tombstones: who may not come back.
        command: what builds it again.
    """

    kind = "index"
    action = "delete"
    searchable = False

    def __init__(self, name: str, path: Path | str, *, tombstones: Tombstones, command: str = "") -> None:
        super().__init__(name, tombstones=tombstones)
        self.path = Path(path)
        self.command = command

    def holds(self, person: str) -> int:
        """Return 1 where the file is there, 0 where it is not."""
        return int(self.path.is_file())

    def erase(self, person: str) -> int:
        """Delete the file."""
        return delete_files([self.path])


def delete_files(paths: list[Path]) -> int:
    """Delete files that are there.

    Returns: how many were.

    Raises: DataError: one cannot be deleted.
    """
    deleted = 0
    for path in paths:
        try:
            path.unlink()
            deleted += 1
        except FileNotFoundError:
            continue
        except OSError as error:
            raise DataError(f"cannot delete {path}: {error.strerror}; check its permissions") from error
    return deleted

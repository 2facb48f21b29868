"""Caches in the memory of this process."""

from __future__ import annotations

from typing import Any, Protocol

from privacy.consent.tombstones import Tombstones
from privacy.erasure.places import Guarded


class Cached(Protocol):
    """A function behind `functools.lru_cache` or `functools.cache`."""

    def cache_info(self) -> Any:
        """Return hits, misses, maxsize and currsize."""

    def cache_clear(self) -> None:
        """Forget all results."""


class LruCache(Guarded):
    """The results that one function of this process keeps. They are not searched but dropped altogether.

    Guarantee: after `erase`, nothing computed before it is returned. Assumes that the function reads places from which
        the person has left by then: sources are erased first. Caches of other processes are not reached; there, compare
        `ConsentRegister.version` before using a result (`refresh`).

    Args:
        name: of the place.
        function: with `cache_info` and `cache_clear`.
        tombstones: who may not come back.
    """

    kind = "cache"
    action = "clear"
    searchable = False

    def __init__(self, name: str, function: Cached, *, tombstones: Tombstones) -> None:
        super().__init__(name, tombstones=tombstones)
        self._function = function
        self._version: int | None = None

    def holds(self, person: str) -> int:
        """Count the results that are kept, of anybody."""
        return int(self._function.cache_info().currsize)

    def erase(self, person: str) -> int:
        """Drop all results."""
        dropped = self.holds(person)
        self._function.cache_clear()
        return dropped

    def refresh(self, version: int) -> bool:
        """Drop all results when the register's version is another than at the last call.

        Returns: whether they were dropped.
        """
        changed = self._version is not None and self._version != version
        if changed:
            self._function.cache_clear()
        self._version = version
        return changed

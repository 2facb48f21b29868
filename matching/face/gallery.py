"""The people whom a greeting may find: those with consent now, and nobody else, in memory only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from matching.embeddings import Embeddings
from matching.face.permission import Permission
from matching.face.vault import Vault
from matching.index import VectorIndex
from privacy.consent.identifiers import time_text

_ATTEMPTS: Final = 5
_ALWAYS_EXACT: Final = 2**40  # who is found must not depend on an index's cells


@dataclass(frozen=True, slots=True)
class Nearest:
    """Who comes nearest to a probe; stays within this package.

    Attributes:
        person: id.
        subject: token.
        similarity: cosine.
    """

    person: str
    subject: str
    similarity: float


class Gallery:
    """Templates of the people who may be compared, opened when something changed.

    Guarantee: a template is in the index only if `Permission.usable` kept it, by a register that did not change until
        the comparison was done; it leaves when consent ends, also by time alone. Templates are never written.

    Args:
        vault: where templates are.
        permission: who may be compared.
    """

    def __init__(self, vault: Vault, permission: Permission) -> None:
        self._vault, self._permission = vault, permission
        self._seen: tuple[object, ...] = ()
        self._until = ""
        self._index: VectorIndex | None = None
        self._persons: tuple[str, ...] = ()
        self._subjects: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """People who may be found now; opens the gallery anew where something changed."""
        self._refresh()
        return len(self._persons)

    def nearest(self, probe: Embeddings) -> Nearest | None:
        """Find who comes nearest to one probe.

        Args:
            probe: one vector of the vault's model, not rotated.

        Returns: None where nobody may be compared, or consents kept changing meanwhile.

        Raises: DataError: a vector of another model.
        """
        for _ in range(_ATTEMPTS):
            before = self._refresh()
            found = self._search(probe)
            if self._state() == before and not self._over():
                return found
        return None

    def _search(self, probe: Embeddings) -> Nearest | None:
        if self._index is None:
            return None
        found = self._index.search(self._vault.rotation.apply(probe), 1)
        row = int(found.ids[0, 0])
        return Nearest(self._persons[row], self._subjects[row], float(found.similarity[0, 0]))

    def _refresh(self) -> tuple[object, ...]:
        state = self._state()
        if state != self._seen or self._over():
            usable = self._permission.usable(self._vault.bindings(self._permission.purpose))
            opened = self._vault.open_templates(self._permission.purpose, [one.subject for one in usable])
            self._index = None
            if opened.embeddings is not None:
                self._index = VectorIndex(
                    opened.embeddings.model, opened.embeddings.dimension, exact_below=_ALWAYS_EXACT
                )
                self._index.add(np.arange(len(opened.persons)), opened.embeddings)
            self._persons, self._subjects = opened.persons, opened.subjects
            self._until = min((one.expires_at for one in usable), default="")
            self._seen = state
        return state

    def _state(self) -> tuple[object, ...]:
        return (self._vault.version, *self._permission.version)

    def _over(self) -> bool:
        """Tell whether a receipt has ended by time since the gallery was opened."""
        return bool(self._until) and self._until <= time_text(self._permission.clock())

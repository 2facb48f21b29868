"""The people whom a greeting may find: those with consent now, and nobody else, in memory only."""

from __future__ import annotations

import threading
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
        self._lock = threading.RLock()
        self._seen: tuple[object, ...] = ()
        self._until = ""
        self._empty()

    @property
    def size(self) -> int:
        """People who may be found now; brings the gallery up to date where something changed."""
        with self._lock:
            self._refresh()
            return len(self._rows)

    @property
    def persons(self) -> frozenset[str]:
        """Ids of the people who may be found now."""
        with self._lock:
            self._refresh()
            return frozenset(person for person, _ in self._people.values())

    def nearest(self, probe: Embeddings) -> Nearest | None:
        """Find who comes nearest to one probe.

        Args:
            probe: one vector of the vault's model, not rotated.

        Returns: None where nobody may be compared, or consents kept changing meanwhile.

        Raises: DataError: a vector of another model. PrivacyError: a template does not open; nobody is found then.
        """
        with self._lock:
            for _ in range(_ATTEMPTS):
                before = self._refresh()
                found = self._search(probe)
                if self._state() == before and not self._over():
                    return found
        return None

    def _search(self, probe: Embeddings) -> Nearest | None:
        if not self._rows:
            return None
        found = self._index.search(self._vault.rotation.apply(probe), 1)
        return Nearest(*self._people[int(found.ids[0, 0])], float(found.similarity[0, 0]))

    def _refresh(self) -> tuple[object, ...]:
        state = self._state()
        if state != self._seen or self._over():
            self._seen = ()
            try:
                self._update()
            except BaseException:
                self._empty()  # nobody is found rather than somebody who may not be
                raise
            self._seen = state
        return state

    def _update(self) -> None:
        """Take out who may not be compared any more, and open the templates that are new."""
        purpose = self._permission.purpose
        nonces = self._vault.nonces(purpose)
        if self._index.model != self._vault.rotation.rotated_model:
            self._empty()
        usable = self._permission.usable(self._vault.bindings(purpose))
        wanted = {one.subject: nonces[one.subject] for one in usable if one.subject in nonces}
        gone = [subject for subject, (_, nonce) in self._rows.items() if wanted.get(subject) != nonce]
        if gone:
            rows = [self._rows.pop(subject)[0] for subject in gone]
            self._index.erase(np.array(rows, dtype=np.int64))
            for row in rows:
                del self._people[row]
        opened = self._vault.open_templates(purpose, [subject for subject in wanted if subject not in self._rows])
        if opened.embeddings is not None:
            ids = np.arange(self._next, self._next + len(opened.persons), dtype=np.int64)
            self._index.add(ids, opened.embeddings)
            self._next += len(ids)
            for row, person, subject in zip(ids.tolist(), opened.persons, opened.subjects, strict=True):
                self._rows[subject] = (row, wanted[subject])
                self._people[row] = (person, subject)
        self._until = min((one.expires_at for one in usable), default="")

    def _empty(self) -> None:
        rotated = self._vault.rotation.rotated_model
        self._index = VectorIndex(rotated, self._vault.dimension, exact_below=_ALWAYS_EXACT)
        self._rows: dict[str, tuple[int, bytes]] = {}  # subject -> row of the index, nonce of the template
        self._people: dict[int, tuple[str, str]] = {}  # row -> person, subject
        self._next = 0

    def _state(self) -> tuple[object, ...]:
        return (self._vault.version, *self._permission.version)

    def _over(self) -> bool:
        """Tell whether a receipt has ended by time since the gallery was brought up to date."""
        return bool(self._until) and self._until <= time_text(self._permission.clock())

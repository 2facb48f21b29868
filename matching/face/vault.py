"""The vault: a merchant's face templates, encrypted and rotated, in one SQLite file with the key beside it."""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from matching.embeddings import Embeddings
from matching.face.rotation import Rotation
from matching.face.sealed import Binding, seal, unseal
from matching.face.vault_rows import TABLES, VaultFile, count_up, delete, find, insert, rows_of
from privacy.consent import Secret
from privacy.consent.register_file import fact, make_private, set_fact
from retail.errors import DataError, PrivacyError

_TWICE: Final = (
    "this person has a template for this purpose already; revoke that first, so that nobody is replaced unseen"
)
_FEW: Final = 200  # looked up one by one; more are read in one go


@dataclass(frozen=True, eq=False)
class OpenTemplates:
    """Decrypted templates of one purpose; kept in memory only, never written.

    Attributes:
        persons: ids.
        subjects: their tokens.
        embeddings: (n, d), rotated; None for nobody.
    """

    persons: tuple[str, ...]
    subjects: tuple[str, ...]
    embeddings: Embeddings | None


class Vault(VaultFile):
    """Templates of one merchant and one model; make it with `Vault.of`.

    The key lies beside the file (`<file>.key`, mode 0600). The file holds tokens, receipts' hashes and ciphertexts; no
    id, no photo. Deleted rows are overwritten, and the journal of SQLite is deleted at every commit.

    Guarantee: after `revoke` no file of the vault holds a byte of the template, encrypted or not. Copies of the file
        from before (backups) still hold the ciphertext: after `rekey` nobody can open those, once the old key is gone
        from backups too. Assumes AES-256-GCM, and a disk that overwrites in place or is encrypted itself.
    """

    def __init__(self, path: Path | None, *, merchant: str, model: str, dimension: int) -> None:
        """Open or make; see `of`."""
        make_private(path)
        super().__init__(path)
        self.merchant, self.model, self.dimension = merchant, model, dimension
        with self.transaction() as connection:
            started = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'facts'").fetchone() is None
            facts = {"merchant": merchant, "model": model, "dimension": str(dimension)}
            if started:
                for statement in TABLES:
                    connection.execute(statement)
                for name, value in {**facts, "version": "0"}.items():
                    set_fact(connection, name, value)
            for name, value in facts.items():
                if fact(connection, name) != value:
                    raise PrivacyError(
                        f"{self.name} is the vault of another {name} ({fact(connection, name)}, not {value}); templates"
                        " of two never mix, so name another file or enrol everybody anew"
                    )
            self._key = self._load_key(connection, started=started)
            self._take_next(connection)  # ends a rekeying that was killed: its old key must not stay
        self._turn()

    @classmethod
    def of(cls, path: Path | str, *, merchant: str, model: str, dimension: int) -> Vault:
        """Open a vault, and make it where there is none.

        Args:
            path: the SQLite file, in a folder that exists; ":memory:" for one that ends with the process.
            merchant: party id of the controller.
            model: id of the encoder.
            dimension: numbers in a template.

        Raises: PrivacyError: the vault of another merchant or model, its key is gone, or no vault.
        """
        where = None if str(path) == ":memory:" else Path(path)
        return cls(where, merchant=merchant, model=model, dimension=dimension)

    @property
    def version(self) -> int:
        """Changes with every template that comes or goes."""
        with self.transaction("DEFERRED") as connection:
            return int(fact(connection, "version") or 0)

    def enrol(self, person: str, binding: Binding, template: Embeddings) -> None:
        """Store one template.

        Args:
            person: id, kept inside the encryption.
            binding: what it is for; its merchant and model must be the vault's.
            template: one vector of the vault's model.

        Raises: DataError: another model, merchant or length, several vectors, or the person has a template for this
            purpose already. Nothing is stored then. (`Embeddings` holds no NaN.)
        """
        self.enrol_all(person, [(binding, template)])

    def enrol_all(
        self, person: str, made: Sequence[tuple[Binding, Embeddings]], *, allowed: Callable[[], bool] = lambda: True
    ) -> bool:
        """Store a person's templates for several purposes: all of them or none. Raises: see `enrol`.

        Returns: False where `allowed`, asked in the transaction that stores, said no; it must not use this vault.
        """
        for binding, template in made:
            self.check(binding, template)
        with self.transaction() as connection:
            if not allowed():
                return False
            self._follow(connection)
            for binding, template in made:
                if find(connection, self.merchant, binding.subject, binding.purpose) is not None:
                    raise DataError(_TWICE)
                insert(connection, seal(self._key, binding, person, self.rotation.apply(template).vectors[0]))
            count_up(connection)
        return True

    def check(self, binding: Binding, template: Embeddings) -> None:
        """Refuse what `enrol` would refuse, without storing anything. Raises: see `enrol`."""
        if len(template) != 1:
            raise DataError(f"a template is one vector, got {len(template)}; average the person's vectors first")
        template.require(self.model, self.dimension)
        if (binding.merchant, binding.model) != (self.merchant, self.model):
            raise DataError(
                f"the template is for {binding.merchant!r} and model {binding.model!r}, this vault of "
                f"{self.merchant!r} and {self.model!r}; use the vault of that merchant"
            )
        with self.transaction("DEFERRED") as connection:
            if find(connection, self.merchant, binding.subject, binding.purpose) is not None:
                raise DataError(_TWICE)

    def bindings(self, purpose: str, subject: str | None = None) -> list[Binding]:
        """List what is enrolled for a purpose, of one subject or of all; nothing is decrypted."""
        with self.transaction("DEFERRED") as connection:
            if subject is None:
                return [row.binding for row in rows_of(connection, self.merchant, purpose)]
            found = find(connection, self.merchant, subject, purpose)
        return [] if found is None else [found.binding]

    def nonces(self, purpose: str) -> dict[str, bytes]:
        """Return subject -> nonce of what is enrolled for a purpose: another nonce means another template."""
        with self.transaction("DEFERRED") as connection:
            self._follow(connection)
            found = connection.execute("SELECT subject, nonce FROM templates WHERE purpose = ?", (purpose,))
            return dict(found.fetchall())

    def open_templates(self, purpose: str, subjects: Sequence[str]) -> OpenTemplates:
        """Decrypt the templates of some subjects, and of nobody else.

        Args:
            purpose: what they were made for.
            subjects: tokens; those without a template are left out.

        Returns: rotated vectors, in the order of the tokens; compare them with `rotation.apply(probe)`.

        Raises: PrivacyError: one does not open.
        """
        with self.transaction() as connection:  # a writing one, so that no rekeying happens in between
            self._follow(connection)
            if len(subjects) <= _FEW:
                rows = (find(connection, self.merchant, subject, purpose) for subject in subjects)
                found = {row.binding.subject: row for row in rows if row is not None}
            else:
                found = {row.binding.subject: row for row in rows_of(connection, self.merchant, purpose)}
            opened = [(subject, *unseal(self._key, found[subject])) for subject in subjects if subject in found]
            rotated = self.rotation.rotated_model
        return OpenTemplates(
            persons=tuple(person for _, person, _ in opened),
            subjects=tuple(subject for subject, _, _ in opened),
            embeddings=Embeddings(np.stack([vector for _, _, vector in opened]), rotated) if opened else None,
        )

    def holds(self, subject: str) -> int:
        """Count the templates of a subject."""
        with self.transaction("DEFERRED") as connection:
            found = connection.execute("SELECT COUNT(*) FROM templates WHERE subject = ?", (subject,)).fetchone()
        return int(found[0])

    def revoke(self, subject: str, *, purpose: str | None = None, receipt: str | None = None) -> int:
        """Delete and overwrite a subject's templates, of one purpose and receipt or of all.

        Returns: how many went; again, 0.
        """
        with self.transaction() as connection:
            return delete(connection, subject, purpose, receipt)

    def rekey(self) -> int:
        """Encrypt and rotate everything anew under a fresh key, and delete the old one.

        Killed at any moment, the vault opens with the key that its templates are under.

        Returns: how many templates there are.
        """
        with self.transaction() as connection:
            self._follow(connection)
            fresh = self._write_next(connection)
            old, turned = self._key, self.rotation
            new = Rotation.of(fresh, model=self.model, dimension=self.dimension)
            rows = list(rows_of(connection, self.merchant, None))
            connection.execute("DELETE FROM templates")
            for row in rows:
                person, vector = unseal(old, row)
                plain = turned.undo(Embeddings(vector[None], turned.rotated_model))
                insert(connection, seal(fresh, row.binding, person, new.apply(plain).vectors[0]))
            set_fact(connection, "key_check", fresh.check)
            count_up(connection)
        self._settle_key(fresh)
        return len(rows)

    @property
    def _key_path(self) -> Path | None:
        return None if self.path is None else self.path.with_name(self.path.name + ".key")

    @property
    def _next_path(self) -> Path | None:
        return None if self.path is None else self.path.with_name(self.path.name + ".key.next")

    def _turn(self) -> None:
        self.rotation = Rotation.of(self._key, model=self.model, dimension=self.dimension)

    def _follow(self, connection: sqlite3.Connection) -> None:
        """Take over the key when another process has changed it."""
        if fact(connection, "key_check") != self._key.check:
            self._key = self._load_key(connection, started=False)
            self._turn()

    def _load_key(self, connection: sqlite3.Connection, *, started: bool) -> Secret:
        path, following = self._key_path, self._next_path
        if path is None or following is None:
            key = Secret.fresh()
            set_fact(connection, "key_check", key.check)
            return key
        if started:
            key = Secret.load_or_create(path)
            set_fact(connection, "key_check", key.check)
            return key
        recorded = fact(connection, "key_check")
        key = Secret.load(path)
        if key.check == recorded:
            return key
        if following.exists():  # killed between the commit of a rekeying and the change of files
            later = Secret.load(following)
            if later.check == recorded:
                return later
        raise PrivacyError(f"{path} is not the key that {self.name} was made with; put the right one back")

    def _write_next(self, connection: sqlite3.Connection) -> Secret:
        """Make the next key, inside the transaction that will encrypt under it."""
        path = self._next_path
        if path is None:
            return Secret.fresh()
        self._take_next(connection)  # finish what was killed first
        path.unlink(missing_ok=True)
        return Secret.load_or_create(path)

    def _settle_key(self, fresh: Secret) -> None:
        self._key = fresh
        self._turn()
        with self.transaction() as connection:  # so that two processes that rekey never take each other's file
            self._take_next(connection)

    def _take_next(self, connection: sqlite3.Connection) -> None:
        """Give the key of the templates its own name; the old key is written over."""
        path, following = self._key_path, self._next_path
        if path is None or following is None or not following.exists():
            return
        if Secret.load(following).check == fact(connection, "key_check"):
            _overwrite(path)
            os.replace(following, path)


def _overwrite(path: Path) -> None:
    """Write over an old key before its name goes to the new one; what the disk keeps elsewhere is out of reach."""
    with path.open("r+b") as file:
        file.write(secrets.token_hex(32).encode())
        file.flush()
        os.fsync(file.fileno())

"""Names that a log may hold: a commitment to a person's id, which nobody can trace back once its salt is deleted."""

from __future__ import annotations

import hmac
import os
import secrets
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from privacy.sqlite_file import FileKind, SqliteFile
from retail.errors import PrivacyError

COMMITMENTS: Final = FileKind(what="file of commitments", application_id=0x5446434D, version=1)  # "TFCM"
_DOMAIN: Final = b"tradefair person 1\n"
_SALT_BYTES: Final = 32


class Commitments(SqliteFile):
    """One salt per person, in a file of its own; make it with `Commitments.open(path)`.

    The file holds ids and salts: **it is personal data**. Keep it apart from the log, with mode 0600 (as it is made),
    out of exports and reports, and in the register of stores that an erasure must reach.

    Guarantee: a commitment says who it means only to those who hold the salt; after `forget`, to nobody, not even to
        somebody who tries every id. Assumes HMAC-SHA-256, and that no copy of the file (a backup, a snapshot of the
        disk, old blocks of it) keeps the salt. It does not hide that two entries mean the same person: that is what it
        is for.
    """

    kind = COMMITMENTS

    def __init__(self, path: Path | None) -> None:
        if path is not None and not path.exists():
            _make_private(path)
        super().__init__(path)
        with self.transaction() as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS salts (person BLOB PRIMARY KEY, salt BLOB NOT NULL)")

    def commitment(self, person: str | int) -> str:
        """Return a person's commitment, 64 hexadecimal digits; a person not met before gets a fresh salt.

        Args:
            person: id; 7 and "7" are the same person.

        Raises: PrivacyError: the id is no text and no whole number, is empty, or holds a lone surrogate.
        """
        return self.commitments([person])[0]

    def commitments(self, persons: Sequence[str | int]) -> list[str]:
        """Return the commitments of several persons, in one transaction. Raises: see `commitment`."""
        ids = [_id(person) for person in persons]
        with self.transaction() as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO salts (person, salt) VALUES (?, ?)",
                ((each, secrets.token_bytes(_SALT_BYTES)) for each in dict.fromkeys(ids)),
            )
            return [_commit(_salt(connection, each), each) for each in ids]

    def known(self, person: str | int) -> str | None:
        """Return a person's commitment, or None where there is no salt: never met, or forgotten.

        Raises: PrivacyError: see `commitment`.
        """
        identity = _id(person)
        with self.transaction("DEFERRED") as connection:
            salt = _salt(connection, identity)
        return None if salt is None else _commit(salt, identity)

    def forget(self, person: str | int) -> bool:
        """Delete a person's salt, and overwrite it in the file.

        Returns: whether there was one. If the person comes back, the new commitment has nothing in common with the old.
        """
        identity = _id(person)
        with self.transaction() as connection:
            return connection.execute("DELETE FROM salts WHERE person = ?", (identity,)).rowcount > 0

    def _connect(self, mode: str) -> sqlite3.Connection:
        connection = super()._connect(mode)
        connection.execute("PRAGMA secure_delete = ON")
        return connection


def _id(person: str | int) -> bytes:
    if isinstance(person, bool) or not (isinstance(person, str) or hasattr(person, "__index__")):
        raise PrivacyError(f"a person's id is a text or a whole number, got {type(person).__name__}")
    try:
        identity = str(person).encode()
    except UnicodeEncodeError as error:  # it holds the id, so it does not go along
        raise PrivacyError(
            f"a person's id, of {len(str(person))} characters, is no valid text ({error.reason}); "
            "mend it where it was read"
        ) from None
    if not identity:
        raise PrivacyError("a person's id is empty; drop such rows where they are read")
    return identity


def _salt(connection: sqlite3.Connection, identity: bytes) -> bytes | None:
    found = connection.execute("SELECT salt FROM salts WHERE person = ?", (identity,)).fetchone()
    return None if found is None else bytes(found[0])


def _commit(salt: bytes | None, identity: bytes) -> str:
    if salt is None:
        raise PrivacyError("the file of commitments did not keep a salt; check the disk")
    return hmac.digest(salt, _DOMAIN + identity, "sha256").hex()


def _make_private(path: Path) -> None:
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
    except OSError as error:
        raise PrivacyError(f"cannot make the file of commitments {path}: {error.strerror}; choose another") from error

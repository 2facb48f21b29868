"""Templates as rows of the vault's file."""

from __future__ import annotations

import sqlite3
from typing import Final

from matching.face.sealed import Binding, Sealed
from privacy.consent.register_file import fact, set_fact
from privacy.sqlite_file import FileKind, SqliteFile

VAULT: Final = FileKind(what="vault of face templates", application_id=0x54464656, version=1)  # "TFFV"

TABLES: Final = (
    "CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    """CREATE TABLE templates (
        subject TEXT NOT NULL, purpose TEXT NOT NULL, receipt TEXT NOT NULL, model TEXT NOT NULL,
        expires_at TEXT NOT NULL, consent_version INTEGER NOT NULL, nonce BLOB NOT NULL, ciphertext BLOB NOT NULL,
        PRIMARY KEY (subject, purpose))""",
)
_COLUMNS: Final = "subject, purpose, receipt, model, expires_at, consent_version, nonce, ciphertext"
_Row = tuple[str, str, str, str, str, int, bytes, bytes]


def rows_of(connection: sqlite3.Connection, merchant: str, purpose: str | None) -> list[Sealed]:
    """List a merchant's templates, of one purpose or of all."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM templates WHERE ?1 IS NULL OR purpose = ?1 ORDER BY subject, purpose",  # noqa: S608
        (purpose,),
    )
    return [_sealed(row, merchant) for row in rows.fetchall()]


def find(connection: sqlite3.Connection, merchant: str, subject: str, purpose: str) -> Sealed | None:
    """Return a subject's template for a purpose; None where there is none."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM templates WHERE subject = ? AND purpose = ?",  # noqa: S608
        (subject, purpose),
    ).fetchone()
    return None if row is None else _sealed(row, merchant)


def insert(connection: sqlite3.Connection, sealed: Sealed) -> None:
    """Add a template."""
    binding = sealed.binding
    connection.execute(
        f"INSERT INTO templates ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
        (
            binding.subject,
            binding.purpose,
            binding.receipt,
            binding.model,
            binding.expires_at,
            binding.consent_version,
            sealed.nonce,
            sealed.ciphertext,
        ),
    )


def delete(connection: sqlite3.Connection, subject: str, purpose: str | None, receipt: str | None) -> int:
    """Delete a subject's templates, of one purpose and receipt or of all; return how many went."""
    gone = connection.execute(
        "DELETE FROM templates WHERE subject = ?1 AND (?2 IS NULL OR purpose = ?2) AND (?3 IS NULL OR receipt = ?3)",
        (subject, purpose, receipt),
    ).rowcount
    if gone:
        count_up(connection)
    return int(gone)


def count_up(connection: sqlite3.Connection) -> None:
    """Give the vault its next version: a template has come or gone."""
    set_fact(connection, "version", str(int(fact(connection, "version") or 0) + 1))


def _sealed(row: _Row, merchant: str) -> Sealed:
    subject, purpose, receipt, model, expires_at, version, nonce, ciphertext = row
    return Sealed(Binding(subject, merchant, purpose, receipt, model, expires_at, version), nonce, ciphertext)


class VaultFile(SqliteFile):
    """The file of a vault, as far as it needs no key: who has lost the key can still let people leave."""

    kind = VAULT

    def forget(self, subject: str) -> int:
        """Delete and overwrite a subject's templates of every purpose. Returns: how many went."""
        with self.transaction() as connection:
            return delete(connection, subject, None, None)

    def _connect(self, mode: str) -> sqlite3.Connection:
        connection = super()._connect(mode)
        connection.execute("PRAGMA secure_delete = ON")
        return connection

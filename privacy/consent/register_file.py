"""The register's file: its tables, and its two secrets beside it.

No table holds an id of a person: people are tokens (keyed hashes under the first secret), erased people are marks
(keyed hashes of tokens under the second one). Deleted rows are overwritten (`secure_delete`).
"""

from __future__ import annotations

import os
import secrets
import sqlite3
from pathlib import Path
from typing import Final

from privacy.consent.secret import Secret
from privacy.sqlite_file import FileKind, SqliteFile
from retail.errors import PrivacyError

REGISTER: Final = FileKind(what="consent register", application_id=0x54464352, version=2, upgrades=(1,))  # "TFCR"

_STATEMENTS: Final = (
    "CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    """CREATE TABLE notices (
        controller TEXT NOT NULL, sha256 TEXT NOT NULL, reference TEXT NOT NULL, language TEXT NOT NULL,
        published_at TEXT NOT NULL, PRIMARY KEY (controller, sha256))""",
    "CREATE TABLE controllers (controller TEXT PRIMARY KEY, key_hex TEXT NOT NULL)",
    "CREATE TABLE used (mark TEXT PRIMARY KEY)",
    """CREATE TABLE receipts (
        mark TEXT PRIMARY KEY, token TEXT NOT NULL, document TEXT NOT NULL, recorded_at TEXT NOT NULL,
        guardian TEXT NOT NULL DEFAULT '')""",
    "CREATE INDEX receipts_of ON receipts (token)",
    """CREATE TABLE grants (
        mark TEXT NOT NULL REFERENCES receipts (mark), token TEXT NOT NULL, controller TEXT NOT NULL,
        purpose TEXT NOT NULL, level TEXT NOT NULL, data TEXT NOT NULL, jurisdiction TEXT NOT NULL,
        issued_at TEXT NOT NULL, valid_from TEXT NOT NULL, expires_at TEXT NOT NULL,
        recorded_at TEXT NOT NULL DEFAULT '')""",
    "CREATE INDEX grants_for ON grants (controller, purpose, token)",
    "CREATE INDEX grants_of ON grants (token)",
    """CREATE TABLE withdrawals (
        token TEXT NOT NULL, controller TEXT NOT NULL, purpose TEXT NOT NULL, said_at TEXT NOT NULL,
        recorded_at TEXT NOT NULL, version INTEGER NOT NULL)""",
    "CREATE INDEX withdrawals_of ON withdrawals (token, controller, purpose)",
    "CREATE TABLE returned (token TEXT PRIMARY KEY, at TEXT NOT NULL)",
    "CREATE TABLE periods (name TEXT PRIMARY KEY, k_max INTEGER NOT NULL, opened_at TEXT NOT NULL, closed_at TEXT)",
    "CREATE UNIQUE INDEX one_open_period ON periods ((closed_at IS NULL)) WHERE closed_at IS NULL",
    """CREATE TABLE enrolments (
        period TEXT NOT NULL REFERENCES periods (name), token TEXT NOT NULL, merchant TEXT NOT NULL,
        enrolled_at TEXT NOT NULL, left_at TEXT, PRIMARY KEY (period, token, merchant))""",
    "CREATE TABLE tombstones (mark TEXT PRIMARY KEY, erased_at TEXT NOT NULL, period TEXT NOT NULL)",
    """CREATE TABLE outbox (
        event INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, body TEXT NOT NULL,
        tries INTEGER NOT NULL DEFAULT 0)""",
)
_FROM_VERSION_1: Final = (
    "ALTER TABLE receipts ADD COLUMN guardian TEXT NOT NULL DEFAULT ''",
    "UPDATE receipts SET guardian = json_extract(document, '$.event.guardian_id')",
    "ALTER TABLE grants ADD COLUMN recorded_at TEXT NOT NULL DEFAULT ''",
    "UPDATE grants SET recorded_at = (SELECT r.recorded_at FROM receipts AS r WHERE r.mark = grants.mark)",
)


class RegisterFile(SqliteFile):
    """The file of a consent register; make it with `open`. Its secrets are `<file>.key` and `<file>.tombstones.key`.

    Raises: PrivacyError: the file is something else, or the secret that it was made with is gone: without it every
        token would change, caps would start anew and nobody's consent would be found.
    """

    kind = REGISTER

    def __init__(self, path: Path | None) -> None:
        make_private(path)
        super().__init__(path)
        self.tombstone_key_path = None if path is None else path.with_name(path.name + ".tombstones.key")
        self._tombstone_secret = Secret.fresh() if path is None else None
        with self.transaction() as connection:
            started = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'facts'").fetchone() is None
            if started:
                for statement in _STATEMENTS:
                    connection.execute(statement)
                set_fact(connection, "id", secrets.token_hex(8))
                set_fact(connection, "version", "0")
            elif not any(row[1] == "guardian" for row in connection.execute("PRAGMA table_info(receipts)")):
                for statement in _FROM_VERSION_1:
                    connection.execute(statement)
            self.secret = self._load_secret(connection, started=started)

    def tombstone_secret(self, connection: sqlite3.Connection, *, make: bool) -> Secret | None:
        """Return the secret of tombstones; None where there is none yet and none is wanted.

        Raises: PrivacyError: there are tombstones, but their key is gone: nobody could say who was erased.
        """
        if self.tombstone_key_path is None:
            return self._tombstone_secret
        recorded = fact(connection, "tombstone_check")
        if recorded is None and not make:
            return None
        if recorded is None:
            secret = Secret.load_or_create(self.tombstone_key_path)
            set_fact(connection, "tombstone_check", secret.check)
            return secret
        secret = Secret.load(self.tombstone_key_path)
        if secret.check != recorded:
            raise PrivacyError(f"{self.tombstone_key_path} is not the key of the tombstones in {self.name}")
        return secret

    def _connect(self, mode: str) -> sqlite3.Connection:
        connection = super()._connect(mode)
        connection.execute("PRAGMA secure_delete = ON")
        return connection

    def _load_secret(self, connection: sqlite3.Connection, *, started: bool) -> Secret:
        if self.path is None:
            return Secret.fresh()
        path = self.path.with_name(self.path.name + ".key")
        secret = Secret.load_or_create(path) if started else Secret.load(path)
        if started:
            set_fact(connection, "token_check", secret.check)
        elif fact(connection, "token_check") != secret.check:
            raise PrivacyError(f"{path} is not the key that {self.name} was made with; put the right one back")
        return secret


def make_private(path: Path | None) -> None:
    """Make an empty file that only this user may read, where there is none.

    Raises: PrivacyError: it cannot be made.
    """
    if path is None or path.exists():
        return
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
    except OSError as error:
        raise PrivacyError(f"cannot make {path}: {error.strerror}; choose another folder") from error


def fact(connection: sqlite3.Connection, name: str) -> str | None:
    """Return one fact about the register."""
    found = connection.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
    return None if found is None else str(found[0])


def set_fact(connection: sqlite3.Connection, name: str, value: str) -> None:
    """Keep one fact about the register."""
    connection.execute("INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)", (name, value))


def next_version(connection: sqlite3.Connection) -> int:
    """Count an event, so that every open use can see that something changed."""
    version = int(fact(connection, "version") or 0) + 1
    set_fact(connection, "version", str(version))
    return version

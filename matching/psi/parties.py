"""The book of parties: which key signs under which name, so that a name is more than what somebody calls itself.

A key that its owner told by another way (a contract, a telephone call) is *confirmed*. Any other is pinned at the first
message under a name: nobody else can use that name here from then on, and the key no other name. Whoever has keys
made at will has names at will, so all unconfirmed parties together are held to what one confirmed party may do.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Final, Literal

from privacy.books import Books
from retail.errors import PrivacyError

Trust = Literal["given", "as before", "first use"]
_TABLE: Final = (
    "CREATE TABLE IF NOT EXISTS psi_parties (name TEXT PRIMARY KEY, key_hex TEXT NOT NULL UNIQUE, "
    "confirmed INTEGER NOT NULL)"
)


@dataclass(frozen=True, slots=True)
class Known:
    """A party that a message came from.

    Attributes:
        name: as it calls itself.
        key: that signed the message, 64 hexadecimal digits.
        trust: whether the key was given by who runs this, is the one of earlier messages, or was never seen.
        confirmed: given now or earlier.
    """

    name: str
    key: str
    trust: Trust
    confirmed: bool


class Parties:
    """Names and keys in one party's books.

    Guarantee: every message that was taken under a name was signed by one key, unless whoever runs this gave another,
        and one key stands for one name. Assumes Ed25519. Of a key that was never confirmed it says nothing about who
        holds it, only that it is the same one.
    """

    def __init__(self, books: Books) -> None:
        self.books = books
        with books.transaction() as connection:
            connection.execute(_TABLE)

    def find(self, name: str, key: str, *, given: str | None = None) -> Known:
        """Say who a message is from, without writing anything.

        Args:
            name: under which it came.
            key: that signed it.
            given: the public key that the party told by another way; None where nobody asked it.

        Raises: PrivacyError: another key than the given or the known one, or the key of another party.
        """
        with self.books.transaction("DEFERRED") as connection:
            return self._find(connection, name, key, given)

    def note_within(self, connection: sqlite3.Connection, known: Known) -> None:
        """Keep the key under its name, inside a transaction on the books.

        Raises: PrivacyError: another message was faster, under the same name or with the same key.
        """
        again = self._find(connection, known.name, known.key, known.key if known.trust == "given" else None)
        connection.execute(
            "INSERT INTO psi_parties (name, key_hex, confirmed) VALUES (?1, ?2, ?3) "
            "ON CONFLICT (name) DO UPDATE SET key_hex = ?2, confirmed = ?3",
            (known.name, known.key, int(again.confirmed)),
        )

    def _find(self, connection: sqlite3.Connection, name: str, key: str, given: str | None) -> Known:
        require_given(name, key, given)
        other = connection.execute(
            "SELECT name FROM psi_parties WHERE key_hex = ? AND name <> ?", (key, name)
        ).fetchone()
        if other is not None:
            raise PrivacyError(f"the message of {name!r} is signed by the key of {other[0]!r}; a key has one name here")
        row = connection.execute("SELECT key_hex, confirmed FROM psi_parties WHERE name = ?", (name,)).fetchone()
        if given is not None:
            return Known(name, key, "given", True)
        if row is None:
            return Known(name, key, "first use", False)
        if row[0] != key:
            raise PrivacyError(
                f"the message of {name!r} is signed by {key}, and earlier ones by {row[0]}: somebody else uses that "
                "name, or its key was changed; ask it by another way, and give the key that it tells you"
            )
        return Known(name, key, "as before", bool(row[1]))


def require_given(name: str, key: str, given: str | None) -> None:
    """Refuse a key that is not the given one, if one was given.

    Raises: PrivacyError: it is another.
    """
    if given is not None and given != key:
        raise PrivacyError(
            f"the message of {name!r} is signed by {key}, and its key was given as {given}; somebody else sent it, or "
            "the key is an old one"
        )

"""The log itself: entries are appended to the books, and heads are signed over them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from privacy.books import Books
from privacy.log import merkle
from privacy.log.entry import LogEntry, canonical, entry_of, leaf_bytes, now
from privacy.log.head import SignedHead, sign_head
from privacy.log.keys import SigningKey
from privacy.log.merkle import Subtrees
from privacy.log.proofs import ConsistencyProof, InclusionProof
from privacy.log.schema import create_log
from retail.errors import PrivacyError


class Log:
    """One append-only log in some books; make it with `Log.open`.

    Safe to use from several processes: every append is one IMMEDIATE transaction, so entries get one order without
    gaps, and a process that is killed leaves whole entries only.

    Guarantee: whoever holds an earlier signed head finds every edit, reorder, insertion, deletion, truncation and fork
        of the entries that it covers (`verify_log`). Assumes SHA-256 and Ed25519. A log cannot show what was never
        written to it, and entries after the newest head that somebody else holds are the owner's word.
    """

    def __init__(self, books: Books, *, origin: str | None, key: SigningKey | None) -> None:
        self.books = books
        self.key = key
        with books.transaction() as connection:
            self.origin = create_log(connection, origin=origin, name=books.name)
            newest = newest_head(connection)
            if key is not None and newest is None:
                newest = self._sign(connection, key)  # so that a log with a key is never without a signed head
        if key is not None and newest is not None and newest.key_hex != key.public_hex:
            raise PrivacyError(
                f"the log in {books.name} is signed by {newest.key_hex}, this key is {key.public_hex}; "
                "a log keeps its key, so find the old one or start another log"
            )

    @classmethod
    def open(cls, books: Books | Path | str, *, origin: str | None, key: SigningKey | None) -> Log:
        """Open a log, and start it where there is none.

        Args:
            books: the books, or the path of their file.
            origin: names the log, such as "demo/3f2a"; part of every signed head. None takes the log that is there, by
                whatever name, and names a new one after its file and a random number.
            key: signs heads; None for somebody who may only append.

        Raises: PrivacyError: no origin, the books hold another log, the log has another key, or the file cannot be
            used.
        """
        if origin is not None and not (isinstance(origin, str) and origin.strip()):
            raise PrivacyError(f"a log needs a name (origin), got {origin!r}")
        return cls(books if isinstance(books, Books) else Books.open(books), origin=origin, key=key)

    @property
    def size(self) -> int:
        """Entries so far."""
        with self.books.transaction("DEFERRED") as connection:
            return log_size(connection)

    def append(self, kind: str, body: Mapping[str, Any]) -> LogEntry:
        """Write an event down, and return once it is on the disk.

        Args:
            kind: such as "access"; see `KINDS`.
            body: plain JSON. No ids of persons: give a commitment (`privacy.commitments`).

        Raises: PrivacyError: the body is not plain JSON (NaN, a lone surrogate, a key that is no text), the kind is no
            lower-case word, or the file cannot be used.
        """
        with self.books.transaction() as connection:
            return self.append_within(connection, kind, body)

    def append_many(self, events: Iterable[tuple[str, Mapping[str, Any]]]) -> list[LogEntry]:
        """Write several events down in one transaction: all of them or none. Raises: see `append`."""
        with self.books.transaction() as connection:
            return _append(connection, events)

    def append_within(self, connection: sqlite3.Connection, kind: str, body: Mapping[str, Any]) -> LogEntry:
        """Write an event down inside the caller's writing transaction on the same books.

        Raises: PrivacyError: see `append`; the connection is to other books, or has no open transaction.
        """
        if not connection.in_transaction:
            raise PrivacyError("an entry is appended inside a transaction; use Books.transaction() or Log.append")
        try:
            held = connection.execute("SELECT origin FROM log_origin").fetchone()
        except sqlite3.OperationalError as error:
            raise PrivacyError(f"the connection is to a file without a log ({error}); use that of the books") from error
        if held != (self.origin,):
            raise PrivacyError(f"the connection is to another log, not {self.origin!r}; use that of the same books")
        return _append(connection, [(kind, body)])[0]

    def entries(self, kind: str | None = None) -> list[LogEntry]:
        """List the entries, oldest first, of one kind or of all."""
        with self.books.transaction("DEFERRED") as connection:
            return read_entries(connection, kind=kind)

    def sign_head(self) -> SignedHead:
        """Sign how the log stands now, and keep the head in the log too. Give it to those who shall be able to check.

        Raises: PrivacyError: there is no key, or the log no longer extends its newest stored head (it was tampered
            with, and must not be signed).
        """
        if self.key is None:
            raise PrivacyError(f"the log {self.origin!r} was opened without a key; open it with one to sign")
        with self.books.transaction() as connection:
            return self._sign(connection, self.key)

    def head(self) -> SignedHead | None:
        """Return the newest stored head; None when nobody has signed yet."""
        with self.books.transaction("DEFERRED") as connection:
            return newest_head(connection)

    def inclusion(self, index: int, size: int | None = None) -> InclusionProof:
        """Prove that entry `index` is among the first `size` (default: all).

        Raises: PrivacyError: there are not that many entries.
        """
        with self.books.transaction("DEFERRED") as connection:
            size = _check_size(connection, size)
            if type(index) is not int or not 0 <= index < size:
                raise PrivacyError(f"entry {index!r} is not among the first {size} of the log {self.origin!r}")
            subtrees = stored_subtrees(connection)
            path = merkle.inclusion_path(index, size, subtrees)
            return InclusionProof(index, size, subtrees(0, index).hex(), tuple(each.hex() for each in path))

    def consistency(self, old_size: int, new_size: int | None = None) -> ConsistencyProof:
        """Prove that the first `new_size` entries (default: all) begin with the first `old_size`.

        Raises: PrivacyError: there are not that many entries, or old_size is the larger.
        """
        with self.books.transaction("DEFERRED") as connection:
            new_size = _check_size(connection, new_size)
            if type(old_size) is not int or not 0 <= old_size <= new_size:
                raise PrivacyError(f"old_size must lie between 0 and {new_size}, got {old_size!r}")
            path = merkle.consistency_path(old_size, new_size, stored_subtrees(connection))
            return ConsistencyProof(old_size, new_size, tuple(each.hex() for each in path))

    def _sign(self, connection: sqlite3.Connection, key: SigningKey) -> SignedHead:
        size, subtrees = log_size(connection), stored_subtrees(connection)
        newest = newest_head(connection)
        if newest is not None and (
            newest.size > size or merkle.root(newest.size, subtrees).hex() != newest.root_hex or not newest.is_signed
        ):
            raise PrivacyError(
                f"the log {self.origin!r} no longer extends its newest head, of {newest.size} entries; it was changed, "
                "so it is not signed: see `tradefair log verify`"
            )
        head = sign_head(key, origin=self.origin, size=size, root=merkle.root(size, subtrees))
        connection.execute(
            "INSERT INTO log_heads (origin, size, root, time, key, signature) VALUES (?, ?, ?, ?, ?, ?)",
            (head.origin, head.size, head.root_hex, head.time, head.key_hex, head.signature_hex),
        )
        return head


def log_size(connection: sqlite3.Connection) -> int:
    """Return the number of entries."""
    last = connection.execute("SELECT MAX(entry) FROM log_entries").fetchone()[0]
    return 0 if last is None else int(last) + 1


def read_entries(connection: sqlite3.Connection, *, kind: str | None = None) -> list[LogEntry]:
    """List entries of one kind or of all, oldest first.

    Raises: PrivacyError: an entry's body is no JSON object.
    """
    rows = connection.execute(
        "SELECT entry, kind, time, body FROM log_entries WHERE ? IS NULL OR kind = ? ORDER BY entry", (kind, kind)
    )
    try:
        return [LogEntry(i, k, time, json.loads(body), leaf_bytes(i, k, time, body)) for i, k, time, body in rows]
    except ValueError as error:
        raise PrivacyError(f"the log holds an entry that is no JSON ({error}); see `tradefair log verify`") from error


def newest_head(connection: sqlite3.Connection) -> SignedHead | None:
    """Return the head that was stored last, unchecked."""
    found = connection.execute(
        "SELECT origin, size, root, time, key, signature FROM log_heads ORDER BY head DESC LIMIT 1"
    ).fetchone()
    return None if found is None else SignedHead(*found)


def stored_subtrees(connection: sqlite3.Connection) -> Subtrees:
    """Return how to look up hashes of perfect subtrees: each entry keeps those that it completed."""

    def subtree(level: int, position: int) -> bytes:
        last = ((position + 1) << level) - 1
        found = connection.execute(
            "SELECT substr(subtrees, ?, 32) FROM log_entries WHERE entry = ?", (32 * level + 1, last)
        ).fetchone()
        if found is None or len(found[0]) != 32:
            raise PrivacyError(f"the log has lost a hash of entry {last}; it was changed: see `tradefair log verify`")
        return bytes(found[0])

    return subtree


def _append(connection: sqlite3.Connection, events: Iterable[tuple[str, Mapping[str, Any]]]) -> list[LogEntry]:
    added: list[LogEntry] = []
    stored, fresh = stored_subtrees(connection), dict[tuple[int, int], bytes]()

    def subtree(level: int, position: int) -> bytes:
        return fresh.get((level, position)) or stored(level, position)

    size = log_size(connection)
    for kind, body in events:
        text = canonical(body)
        entry = entry_of(size, kind, now(), text)
        hashes = merkle.completed(size, merkle.leaf_hash(entry.leaf), subtree)
        fresh.update({(level, size >> level): each for level, each in enumerate(hashes)})
        connection.execute(
            "INSERT INTO log_entries (entry, kind, time, body, subtrees) VALUES (?, ?, ?, ?, ?)",
            (size, kind, entry.time, text, b"".join(hashes)),
        )
        added.append(entry)
        size += 1
    return added


def _check_size(connection: sqlite3.Connection, size: int | None) -> int:
    held = log_size(connection)
    if size is None:
        return held
    if type(size) is not int or not 0 <= size <= held:
        raise PrivacyError(f"the log has {held} entries, not {size!r}")
    return size

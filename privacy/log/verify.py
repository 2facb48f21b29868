"""Checking a log offline: without its owner, its key or the code that wrote it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Final

from privacy.books import BOOKS
from privacy.log.entry import leaf_bytes, malformed
from privacy.log.export import ExportReader
from privacy.log.head import SignedHead
from privacy.log.merkle import EMPTY_ROOT, RightEdge
from privacy.log.schema import STATEMENTS, read_origin
from privacy.sqlite_file import reading
from retail.errors import PrivacyError

Row = tuple[int, object, object, object, object]
"""Index, kind, time and body text of an entry, and its stored subtree hashes (None where none are kept)."""

_SHOWN: Final = 20
_BATCH: Final = 500
_SQLITE: Final = b"SQLite format 3\x00"


@dataclass(frozen=True, slots=True)
class Verification:
    """What a check found.

    Attributes:
        ok: nothing is wrong, as far as the check could see.
        problems: what is wrong, one sentence each.
        size: entries in the log.
        root_hex: root over all of them.
        key_hex: the key that the heads were compared with; "" when there was none.
        notes: what the check could not see, one sentence each.
        origin: name of the log.
    """

    ok: bool
    problems: tuple[str, ...]
    size: int
    root_hex: str
    key_hex: str
    notes: tuple[str, ...] = ()
    origin: str = ""


def verify_log(
    path: Path | str, *, head: SignedHead | Sequence[SignedHead] | None = None, key_hex: str | None = None
) -> Verification:
    """Check a log in its books, or one written by `tradefair log export`.

    Every hash is computed anew from the entries; the rules inside the file and its stored hashes are not believed.

    Args:
        path: the books, or the export.
        head: a head kept by the reader since earlier, or several; without one the newest head in the file is all
            there is to compare with.
        key_hex: the signer's public key, known from elsewhere; without it the key of `head`, else of the file's
            first head, is taken, and the notes say so.

    Returns: the verdict. What cannot be seen without an earlier head or without the key is in `notes`.

    Raises: PrivacyError: there is no such file, or it is neither books with a log nor an export.

    Guarantee: with an earlier head under the owner's key, every edit, reorder, insertion, deletion, truncation and fork
        of the entries under that head is a problem. Assumes SHA-256 and Ed25519, and that the head is authentic.
    """
    heads = () if head is None else (head,) if isinstance(head, SignedHead) else tuple(head)
    return verify_against(Path(path), heads=heads, named=(), key_hex=key_hex)


def verify_against(
    path: Path, *, heads: Sequence[SignedHead], named: Sequence[tuple[int, str]], key_hex: str | None
) -> Verification:
    """Check a log as `verify_log` does, and also against sizes and roots that another signed log names.

    Args:
        path: see `verify_log`.
        heads: see `verify_log`.
        named: sizes, and the roots over so many entries in hexadecimal digits; as good as the log that names them.
        key_hex: see `verify_log`.

    Raises: PrivacyError: see `verify_log`.
    """
    check = _Check(kept=tuple(heads), named=tuple(named), key_hex=key_hex)
    try:
        with path.open("rb") as file:
            start = file.read(len(_SQLITE))
    except OSError as error:
        raise PrivacyError(f"cannot read the log {path}: {error.strerror}; check the path") from error
    if start == _SQLITE:
        _check_books(path, check)
    elif start.startswith(b"{") or path.suffix == ".jsonl":
        export = ExportReader(path.read_bytes())
        check.run(export.origin, export.rows(), export.heads(), export.problems)
        check.expect_nothing_after_the_head()
    elif path.suffix == ".sqlite":
        check.problems.append("the file is damaged: it does not begin as an SQLite file")
    else:
        raise PrivacyError(f"{path} is neither books with a log nor an export of one; name another file")
    return check.verdict()


def _check_books(path: Path, check: _Check) -> None:
    try:
        with reading(path, BOOKS) as connection:
            origin = read_origin(connection, name=str(path))
            problems = _changed_rules(connection)
            heads = connection.execute("SELECT origin, size, root, time, key, signature FROM log_heads ORDER BY head")
            stored: list[SignedHead] = []
            for number, values in enumerate(heads.fetchall()):
                try:
                    stored.append(SignedHead.from_json(dict(zip(SignedHead.__slots__, values, strict=True))))
                except PrivacyError as error:
                    problems.append(f"stored head {number} is broken: {error}")
            rows = connection.execute("SELECT entry, kind, time, body, subtrees FROM log_entries ORDER BY entry")
            check.run(origin, rows, stored, problems)
    except sqlite3.Error as error:
        check.problems.append(f"the file is damaged: {error}")


def _changed_rules(connection: sqlite3.Connection) -> list[str]:
    found = dict(
        connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE tbl_name LIKE 'log\\_%' ESCAPE '\\' AND sql <> ''"
        )
    )
    changed = sorted(name for name in STATEMENTS.keys() | found.keys() if found.get(name) != STATEMENTS.get(name))
    return [f"the log's tables or their rules were changed: {', '.join(changed)}"] if changed else []


@dataclass(slots=True)
class _Check:
    """One check: compares entries with heads, and collects what is wrong."""

    kept: tuple[SignedHead, ...]
    named: tuple[tuple[int, str], ...]
    key_hex: str | None
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    origin: str = ""
    size: int = 0
    root: bytes = EMPTY_ROOT
    roots: dict[int, bytes] = field(default_factory=dict)
    _covered: int = 0

    def run(self, origin: str, rows: Iterable[Row], stored: Sequence[SignedHead], problems: list[str]) -> None:
        """Check entries and heads. `problems` may still grow while rows are read."""
        self.origin = origin
        if self.key_hex is None and (self.kept or stored):
            self.key_hex = (self.kept or tuple(stored))[0].key_hex
            if not self.kept:
                self.notes.append(
                    f"nobody said whose key it should be: compare {self.key_hex} with the owner's (--key), since "
                    "whoever rewrites a log can sign it with a key of their own"
                )
        self._hash(rows, {head.size for head in (*self.kept, *stored)} | {size for size, _ in self.named}, problems)
        self.problems += problems
        for head in self.kept:
            self._compare(head, f"the kept head of {head.size} entries")
        for size, root_hex in self.named:
            self._compare_root(size, root_hex, f"the root over {size} entries that another log names")
        for number, head in enumerate(stored):
            self._compare(head, f"stored head {number}")
            if number and head.size < stored[number - 1].size:
                self.problems.append(f"stored head {number} covers fewer entries than the one before it")
        self._say_what_is_not_covered(stored)

    def expect_nothing_after_the_head(self) -> None:
        """An export is written up to its head, so an entry after it was put there by somebody else."""
        if self._covered < self.size:
            self.problems.append(
                f"the last {self.size - self._covered} entries are not under the head at the end of the export: added"
            )

    def verdict(self) -> Verification:
        """Return what was found."""
        shown = self.problems[:_SHOWN]
        if len(self.problems) > _SHOWN:
            shown.append(f"and {len(self.problems) - _SHOWN} problems more")
        return Verification(
            ok=not shown,
            problems=tuple(shown),
            size=self.size,
            root_hex=self.root.hex(),
            key_hex=self.key_hex or "",
            notes=tuple(self.notes),
            origin=self.origin,
        )

    def _hash(self, rows: Iterable[Row], wanted: set[int], problems: list[str]) -> None:
        """Build the tree over all entries, and note its root at each size that a head speaks of."""
        edge = RightEdge()
        self.roots[0] = EMPTY_ROOT
        source, expected = iter(rows), 0
        while batch := list(islice(source, _BATCH)):
            for position in malformed([row[1:4] for row in batch]):
                problems.append(f"entry {batch[position][0]} is not written as a log writes it")
            for index, kind, time, body, subtrees in batch:
                if index != expected:
                    problems.append(f"entry {expected} is missing or out of place: entry {index} stands there")
                expected += 1
                completed = edge.push(sha256(b"\x00" + leaf_bytes(index, str(kind), str(time), str(body))).digest())
                if subtrees is not None and subtrees != b"".join(completed):
                    problems.append(f"entry {index} does not match its stored hash: it, or one before it, was changed")
                if edge.size in wanted:
                    self.roots[edge.size] = edge.root()
        self.size, self.root = edge.size, edge.root()

    def _compare(self, head: SignedHead, name: str) -> None:
        if not head.is_signed:
            self.problems.append(f"{name} has a bad signature")
        if head.key_hex != self.key_hex:
            self.problems.append(f"{name} is signed by another key, {head.key_hex}, not by {self.key_hex}")
        if head.origin != self.origin:
            self.problems.append(f"{name} is of the log {head.origin!r}, this log is {self.origin!r}")
        self._compare_root(head.size, head.root_hex, f"{name}, signed at {head.time},")

    def _compare_root(self, size: int, root_hex: str, name: str) -> None:
        if size > self.size:
            self.problems.append(f"{name} covers {size} entries and the log has {self.size}: its end was cut off")
        elif self.roots[size].hex() != root_hex:
            self.problems.append(
                f"{name} does not fit: the first {size} entries are not those that were signed (edited, moved, removed "
                "or slipped in, or another log under the same name)"
            )

    def _say_what_is_not_covered(self, stored: Sequence[SignedHead]) -> None:
        heads = (*self.kept, *stored)
        if not heads:
            self.problems.append("the log holds no signed head, so nothing vouches for its entries")
            return
        self._covered = max(head.size for head in heads)
        if self._covered < self.size:
            self.notes.append(
                f"the last {self.size - self._covered} entries came after the newest signed head: not vouched for"
            )
        if not self.kept and not self.named:
            self.notes.append(
                "no head kept by somebody else was given (--witness): entries cut off the end together with their "
                "heads, or a whole log rewritten by the owner of the key, cannot be seen"
            )

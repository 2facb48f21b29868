"""A log as a text file: one line of JSON each for its name, its entries and the signed head over them.

Each line is canonical JSON (`privacy.log.entry.canonical`), and an entry's line is exactly the leaf that is hashed. So
a reader in any language needs SHA-256 and Ed25519 only, and a file in which one byte differs is never a good one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from privacy.books import BOOKS
from privacy.log.entry import canonical, leaf_bytes
from privacy.log.head import SignedHead
from privacy.log.schema import read_origin
from privacy.log.store import newest_head, read_entries
from privacy.sqlite_file import reading_safely
from retail.errors import PrivacyError
from retail.files import atomic_write

_FORMAT: Final = "tradefair-log"
_VERSION: Final = 1


def export_log(books: Path, out: Path) -> tuple[SignedHead, int]:
    """Write the entries that the newest stored head covers, and that head, as lines of JSON.

    Returns: the head, and how many later entries were left out because nothing vouches for them yet.

    Raises:
        PrivacyError: the books hold no log, or no signed head, or are damaged.
        DataError: `out` cannot be written.
    """
    with reading_safely(books, BOOKS) as connection:
        origin = read_origin(connection, name=str(books))
        entries, head = read_entries(connection), newest_head(connection)
    if head is None:
        raise PrivacyError(f"the log in {books} has no signed head yet; sign one with its key first")
    first = canonical({"format": _FORMAT, "origin": origin, "version": _VERSION}).encode()
    last = canonical({"head": head.to_json()}).encode()
    lines = [first, *(entry.leaf for entry in entries[: head.size]), last]
    atomic_write(out, lambda file: file.write_bytes(b"\n".join(lines) + b"\n"))
    return head, max(0, len(entries) - head.size)


class ExportReader:
    """Reads an export, and collects every way in which it differs from what `export_log` would have written."""

    def __init__(self, content: bytes) -> None:
        self.problems: list[str] = []
        if not content.endswith(b"\n"):
            self.problems.append("the file does not end with a line end: its end was cut off")
        lines = content.removesuffix(b"\n").split(b"\n")
        self._entries = lines[1:-1]
        self._last = lines[-1] if len(lines) > 1 else b""
        self.origin = self._origin(lines[0])

    def rows(self) -> Iterator[tuple[int, object, object, object, None]]:
        """Yield index, kind, time and body text of each entry; lines that are no entry are problems."""
        for number, line in enumerate(self._entries):
            entry = _parse(line)
            if set(entry) != {"body", "index", "kind", "time"} or type(entry["index"]) is not int:
                self.problems.append(f"line {number + 2} is no entry of a log")
                continue
            try:
                body = canonical(entry["body"])
            except PrivacyError:
                body = ""
            if leaf_bytes(entry["index"], str(entry["kind"]), str(entry["time"]), body) != line:
                self.problems.append(f"line {number + 2} is not written as a log writes it")
            yield entry["index"], entry["kind"], entry["time"], body, None

    def heads(self) -> list[SignedHead]:
        """Return the head of the last line; none where that is broken, which is a problem."""
        document = _parse(self._last)
        try:
            head = SignedHead.from_json(document.get("head", {}))
            if canonical({"head": head.to_json()}).encode() == self._last:
                return [head]
        except PrivacyError:
            pass
        self.problems.append("the last line is no signed head as a log writes it")
        return []

    def _origin(self, line: bytes) -> str:
        document = _parse(line)
        origin = document.get("origin")
        try:
            if line == canonical({"format": _FORMAT, "origin": origin, "version": _VERSION}).encode():
                return str(origin)
        except PrivacyError:
            pass
        self.problems.append(
            f"the first line is not that of a log written by `tradefair log export` (version {_VERSION})"
        )
        return ""


def _parse(line: bytes) -> dict[str, Any]:
    """Return a line's JSON object; empty for anything else."""
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}

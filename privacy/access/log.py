"""Access events out of our own log, in its books or as an export, after the log as a whole was verified."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from privacy.access.declared import POLICY_ENTRY, Declared, declared
from privacy.access.schema import KIND_OF_ENTRY
from privacy.books import BOOKS
from privacy.log.export import ExportReader
from privacy.log.store import read_entries
from privacy.log.verify import verify_log
from privacy.sqlite_file import reading
from retail.errors import DataError, PrivacyError

BOOKS_START: Final = b"SQLite format 3\x00"
EXPORT_START: Final = b'{"format":"trade'


@dataclass(frozen=True, slots=True)
class LoggedEvents:
    """What a log says about access.

    Attributes:
        indices: of the entries in the log.
        bodies: of the same entries.
        policies: the rules that the log says were in force; none where it does not say.
        problems: what is wrong with the log as a whole; nothing in it is evidence unless this is empty.
        notes: what the check of the log could not see.
    """

    indices: tuple[int, ...]
    bodies: tuple[dict[str, Any], ...]
    policies: tuple[Declared, ...]
    problems: tuple[str, ...]
    notes: tuple[str, ...]


def is_log(start: bytes) -> bool:
    """Tell from the first 16 bytes whether a file may be a log."""
    return start in (BOOKS_START, EXPORT_START)


def read_log(path: Path) -> LoggedEvents:
    """Verify a log, and read its access events.

    Raises:
        DataError: the file holds no log, or cannot be read.
    """
    try:
        verdict = verify_log(path)
        with path.open("rb") as file:
            in_books = file.read(len(BOOKS_START)) == BOOKS_START
        entries = list(_in_books(path) if in_books else _in_export(path))
    except (sqlite3.Error, PrivacyError, OSError) as error:
        raise DataError(f"{path} holds no log that can be read ({error}); name another file, or a copy") from error
    problems = () if verdict.ok else verdict.problems or ("it does not verify",)
    found = [(index, body) for index, kind, body in entries if kind == KIND_OF_ENTRY]
    return LoggedEvents(
        tuple(index for index, _ in found),
        tuple(body for _, body in found),
        declared(body for _, kind, body in entries if kind == POLICY_ENTRY),
        problems,
        verdict.notes,
    )


def _in_books(path: Path) -> Iterator[tuple[int, str, dict[str, Any]]]:
    with reading(path, BOOKS) as connection:
        for kind in (KIND_OF_ENTRY, POLICY_ENTRY):
            for entry in read_entries(connection, kind=kind):
                yield entry.index, kind, entry.body


def _in_export(path: Path) -> Iterator[tuple[int, str, dict[str, Any]]]:
    for index, kind, _, body, _ in ExportReader(path.read_bytes()).rows():
        if kind in (KIND_OF_ENTRY, POLICY_ENTRY):
            try:
                read = json.loads(str(body))
            except ValueError:
                read = {}  # a broken entry; verifying has said so, and its empty cells will
            yield index, kind, read

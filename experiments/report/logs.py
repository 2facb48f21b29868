"""The logs of a store as a report reads them: without writing to them, and only what a signed head covers."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from experiments.logbook import KEY
from privacy.log import ConsistencyProof, InclusionProof, LogEntry, SignedHead, merkle, verify_log
from privacy.log.store import read_entries
from retail.errors import PrivacyError

_HEADS: Final = "SELECT origin, size, root, time, key, signature FROM log_heads ORDER BY head"


@dataclass(frozen=True, eq=False)
class LogView:
    """One log, up to its newest signed head.

    Attributes:
        origin: its name.
        head: the newest signed head.
        entries: those that the head covers, oldest first.
        earlier: other signed heads, oldest first.
        subtrees: hashes of perfect subtrees by (level, position), worked out from the entries.
    """

    origin: str
    head: SignedHead
    entries: tuple[LogEntry, ...]
    earlier: tuple[SignedHead, ...]
    subtrees: Mapping[tuple[int, int], bytes]

    def of(self, kind: str) -> tuple[LogEntry, ...]:
        """Return the entries of one kind, oldest first."""
        return tuple(entry for entry in self.entries if entry.kind == kind)

    def inclusion(self, index: int) -> InclusionProof:
        """Prove that an entry is under the head."""
        path = merkle.inclusion_path(index, self.head.size, self._subtree)
        return InclusionProof(index, self.head.size, self.entries[index].leaf_hash, tuple(one.hex() for one in path))

    def consistency(self, old: SignedHead) -> ConsistencyProof:
        """Prove that the head extends an earlier one."""
        path = merkle.consistency_path(old.size, self.head.size, self._subtree)
        return ConsistencyProof(old.size, self.head.size, tuple(one.hex() for one in path))

    def _subtree(self, level: int, position: int) -> bytes:
        return self.subtrees[level, position]


@dataclass(frozen=True, slots=True)
class ReadLogs:
    """The logs behind a report.

    Attributes:
        views: by origin, the scenario's log first.
        problems: why a log could not be used; its numbers have no proof.
    """

    views: Mapping[str, LogView]
    problems: tuple[str, ...]

    def view(self, origin: str) -> LogView | None:
        """Return a log that verifies, None otherwise."""
        return self.views.get(origin)


def read_logs(files: Mapping[str, Path], *, key_hex: str | None = None) -> ReadLogs:
    """Read logs that exist; one that does not verify is left out and named among the problems.

    Args:
        files: by origin, where each log is; a missing file is no problem (it may have been written before there were
            logs, and its numbers then say "no proof").
        key_hex: the store's public key; a log signed by another is left out.
    """
    views: dict[str, LogView] = {}
    problems: list[str] = []
    for origin, path in files.items():
        if not path.is_file():
            continue
        try:
            view = _read(path)
        except PrivacyError as error:
            problems.append(f"{origin}: {error}")
            continue
        if view is None:
            continue
        verdict = verify_log(path, key_hex=key_hex)
        trouble = list(verdict.problems)
        if view.origin != origin:
            trouble.append(f"the log calls itself {view.origin!r}; the file belongs to another run")
        if trouble:
            problems += [f"{origin}: {problem}" for problem in trouble]
            continue
        views[origin] = view
        if verdict.size > view.head.size:
            problems.append(
                f"{origin}: {verdict.size - view.head.size} entries came after its newest signed head and are left "
                "out of this report; sign a new head"
            )
    return ReadLogs(views, tuple(problems))


def public_key(store: Path) -> str | None:
    """Return the store's public key, None where there is none."""
    try:
        return (store / KEY).with_suffix(".pub").read_text(encoding="ascii").strip() or None
    except (OSError, ValueError):
        return None


def _read(path: Path) -> LogView | None:
    """Read a log and its heads; None where the file holds no log, or no head has been signed."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=60)) as connection:
            connection.execute("BEGIN")
            tables: Any = connection.execute("SELECT name FROM sqlite_master WHERE name = 'log_heads'").fetchone()
            if tables is None:
                return None
            heads = [SignedHead(*row) for row in connection.execute(_HEADS)]
            entries = read_entries(connection)
    except sqlite3.Error as error:
        raise PrivacyError(f"{path} cannot be read ({error}); restore it from a copy") from error
    if not heads:
        raise PrivacyError(f"{path} has a log without a signed head; sign one, so that its entries can be proven")
    head = max(heads, key=lambda one: one.size)
    covered = tuple(entries[: head.size])
    if len(covered) < head.size:
        raise PrivacyError(f"{path} holds {len(covered)} entries, fewer than the {head.size} of its signed head")
    subtrees: dict[tuple[int, int], bytes] = {}
    for size, entry in enumerate(covered):
        hashes = merkle.completed(size, merkle.leaf_hash(entry.leaf), lambda level, at: subtrees[level, at])
        subtrees.update({(level, size >> level): one for level, one in enumerate(hashes)})
    return LogView(head.origin, head, covered, tuple(one for one in heads if one.size < head.size), subtrees)

"""One SQLite file of a known kind: made where there is none, refused where there is something else."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Self

from retail.errors import PrivacyError

MEMORY: Final = ":memory:"
_TIMEOUT_S: Final = 60


@dataclass(frozen=True, slots=True)
class FileKind:
    """What a file is, as it says in its own header.

    Attributes:
        what: the kind in words, for messages, such as "books".
        application_id: 32-bit number that tells this kind from other SQLite files.
        version: what this code writes; older versions named in `upgrades` are raised to it when the file is opened.
        upgrades: older versions whose tables are still good as they are.
    """

    what: str
    application_id: int
    version: int
    upgrades: tuple[int, ...] = ()


class SqliteFile:
    """A file of one kind; make it with `open`.

    Safe to use from several processes and threads and after a fork: every call opens its own connection and runs one
    transaction. (A file in memory belongs to the thread that opened it.) Assumes a local disk with working locks.
    """

    kind: FileKind

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._uri = "" if path is None else path.absolute().as_uri()
        self._memory = None if path is not None else sqlite3.connect(MEMORY, isolation_level=None)
        self._writing = threading.local()
        self._make()

    @classmethod
    def open(cls, path: Path | str) -> Self:
        """Open a file, and make it where there is none.

        Args:
            path: the SQLite file, in a folder that exists; ":memory:" for one that ends with the process.

        Raises: PrivacyError: the file is of another kind or version, or cannot be read, locked or written.
        """
        return cls(None if str(path) == MEMORY else Path(path))

    @property
    def name(self) -> str:
        """The file, for messages."""
        return MEMORY if self.path is None else str(self.path)

    @contextmanager
    def transaction(self, kind: Literal["IMMEDIATE", "DEFERRED"] = "IMMEDIATE") -> Iterator[sqlite3.Connection]:
        """One transaction: committed on return, rolled back on any exception.

        Args:
            kind: "IMMEDIATE" is the only writing one, over all processes; "DEFERRED" reads one state of the file.

        Raises: PrivacyError: SQLite refused, the file has gone, a text cannot be kept as UTF-8, or the caller is inside
            a writing transaction on this object already (work on that one's connection instead).
        """
        if kind == "IMMEDIATE" and getattr(self._writing, "now", False):
            raise PrivacyError(
                f"{self.name} is being written by the caller already; use the connection of the open transaction"
            )
        try:
            connection = self._memory or self._connect("rw")
            try:
                connection.execute("PRAGMA synchronous = FULL")
                connection.execute(f"BEGIN {kind}")
                writing = kind == "IMMEDIATE"
                self._writing.now = writing or getattr(self._writing, "now", False)
                try:
                    yield connection
                    connection.execute("COMMIT")
                except BaseException:
                    if connection.in_transaction:  # a full disk has SQLite roll back by itself
                        connection.execute("ROLLBACK")
                    raise
                finally:
                    if writing:
                        self._writing.now = False
            finally:
                if self._memory is None:
                    connection.close()
        except (sqlite3.Error, UnicodeEncodeError) as error:
            raise PrivacyError(f"{self.name} cannot be used ({error}); nothing was written or released") from error

    def _make(self) -> None:
        if self.path is not None and not self.path.exists():
            with self._refusing(), closing(self._connect("rwc")):
                pass
        with self.transaction() as connection:
            if _is_empty(connection):
                connection.execute(f"PRAGMA application_id = {self.kind.application_id}")
                connection.execute(f"PRAGMA user_version = {self.kind.version}")
            version = check_kind(connection, self.kind, name=self.name)
            if version != self.kind.version:
                connection.execute(f"PRAGMA user_version = {self.kind.version}")

    def _connect(self, mode: str) -> sqlite3.Connection:
        return sqlite3.connect(f"{self._uri}?mode={mode}", uri=True, timeout=_TIMEOUT_S, isolation_level=None)

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise PrivacyError(f"{self.name} cannot be used ({error}); nothing was written or released") from error


def check_kind(connection: sqlite3.Connection, kind: FileKind, *, name: str) -> int:
    """Return the version of a file, or refuse it.

    Raises: PrivacyError: it is of another kind, or of a version that this code cannot read.
    """
    if connection.execute("PRAGMA application_id").fetchone()[0] != kind.application_id:
        raise PrivacyError(f"{name} is an SQLite file but no {kind.what}; name another file")
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version != kind.version and version not in kind.upgrades:
        raise PrivacyError(
            f"{name} has version {version} of the {kind.what}, this code reads {kind.version}; update the package"
        )
    return version


@contextmanager
def reading(path: Path, kind: FileKind) -> Iterator[sqlite3.Connection]:
    """Read a file in one state, without making, locking or changing it.

    One exception: a crash in the middle of a transaction leaves a journal beside the file, and its half-written pages
    are rolled back first, as any next writer would do.

    Raises:
        PrivacyError: there is no such file, or it is of another kind.
        sqlite3.Error: it is damaged.
    """
    if not path.is_file():
        raise PrivacyError(f"there is no {kind.what} at {path}; check the path, a run that needs one writes it")
    mode = "ro"
    try:
        with closing(sqlite3.connect(_uri(str(path), "ro"), uri=True, timeout=_TIMEOUT_S)) as connection:
            connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError:
        mode = "rw"  # a left-over journal: only a writer may roll it back
    with closing(
        sqlite3.connect(_uri(str(path), mode), uri=True, timeout=_TIMEOUT_S, isolation_level=None)
    ) as connection:
        check_kind(connection, kind, name=str(path))
        connection.execute("BEGIN")
        yield connection


@contextmanager
def reading_safely(path: Path, kind: FileKind) -> Iterator[sqlite3.Connection]:
    """Read as `reading` does, for a caller to whom a damaged file is an error like others.

    Raises: PrivacyError: there is no such file, it is of another kind, or damaged.
    """
    try:
        with reading(path, kind) as connection:
            yield connection
    except sqlite3.Error as error:
        raise PrivacyError(f"{path} cannot be read ({error}); restore it from a copy") from error


def _is_empty(connection: sqlite3.Connection) -> bool:
    tables = connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0]
    return bool(tables == 0 and connection.execute("PRAGMA application_id").fetchone()[0] == 0)


def _uri(name: str, mode: str) -> str:
    return f"{Path(name).absolute().as_uri()}?mode={mode}"

"""The logs of a run store: one in each run's books, and one per scenario that names the roots of its runs' logs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path, PurePosixPath
from typing import Final

from privacy.books import BOOKS
from privacy.log.head import SignedHead
from privacy.log.schema import has_log, read_origin
from privacy.log.store import newest_head, read_entries
from privacy.log.verify import Verification, verify_against, verify_log
from privacy.sqlite_file import reading_safely
from retail.errors import PrivacyError

RUN_BOOKS: Final = PurePosixPath("artifacts/ledger.sqlite")
"""A run's books, within its folder."""

SCENARIO_BOOKS: Final = PurePosixPath("log.sqlite")
"""A scenario's log, within its folder."""

RUN: Final = "run"
"""Kind of the entries in which a scenario's log names a run's: body run_id, and size and root of the run's log."""


def find_books(path: Path) -> Path:
    """Return the books that a path means: the file itself, or those of a run's or a scenario's folder.

    Raises: PrivacyError: there are none.
    """
    if not path.is_dir():
        return path
    for name in (SCENARIO_BOOKS, RUN_BOOKS):
        if (path / name).is_file():
            return path / name
    raise PrivacyError(f"{path} holds neither {SCENARIO_BOOKS} nor {RUN_BOOKS}; name a run, a scenario or a log's file")


def newest_stored_head(books: Path) -> SignedHead:
    """Return the newest signed head in some books, unchecked.

    Raises: PrivacyError: the books hold no log, no head, or are damaged.
    """
    with reading_safely(books, BOOKS) as connection:
        read_origin(connection, name=str(books))
        head = newest_head(connection)
    if head is None:
        raise PrivacyError(f"the log in {books} has no signed head yet; sign one with its key first")
    return head


def verify_folder(
    path: Path, *, head: SignedHead | Sequence[SignedHead] | None = None, key_hex: str | None = None
) -> Verification:
    """Check the log of a run, or that of a scenario together with the logs of its runs.

    Args:
        path: folder of the run or scenario.
        head: see `verify_log`; of the scenario's log, for a scenario.
        key_hex: see `verify_log`; the runs' logs must be signed by the same key as the scenario's.

    Returns: the verdict over all of them; size, root and origin are those of the folder's own log.

    Raises: PrivacyError: the folder holds no log.
    """
    books = find_books(path)
    found = verify_log(books, head=head, key_hex=key_hex)
    if books.name != SCENARIO_BOOKS.name:
        return found
    problems, notes = list(found.problems), list(found.notes)
    runs = _named_runs(books, problems)
    for run_id, named in runs.items():
        name = f"{run_id}/{RUN_BOOKS}"
        if not (path / name).is_file():
            problems.append(f"{name} is missing: the scenario's log names a root of its log")
            continue
        try:
            run = verify_against(path / name, heads=(), named=named, key_hex=found.key_hex or None)
        except PrivacyError as error:
            problems.append(f"{name}: {error}")
            continue
        problems += [f"{name}: {problem}" for problem in run.problems]
        notes += [f"{name}: {note}" for note in run.notes]
    notes += [f"{name} has a log that the scenario's log does not name" for name in _others(path, runs)]
    return Verification(
        ok=not problems,
        problems=tuple(problems),
        size=found.size,
        root_hex=found.root_hex,
        key_hex=found.key_hex,
        notes=tuple(notes),
        origin=found.origin,
    )


def _named_runs(books: Path, problems: list[str]) -> dict[str, list[tuple[int, str]]]:
    """Return every size and root that the scenario's log names, by run; broken entries are problems."""
    try:
        with reading_safely(books, BOOKS) as connection:
            entries = read_entries(connection, kind=RUN)
    except PrivacyError as error:
        problems.append(f"the roots of the runs' logs cannot be read: {error}")
        return {}
    named: dict[str, list[tuple[int, str]]] = {}
    for entry in entries:
        run_id, size, root = (entry.body.get(name) for name in ("run_id", "size", "root"))
        if _is_folder_name(run_id) and type(size) is int and size >= 0 and isinstance(root, str):
            named.setdefault(str(run_id), []).append((size, root))
        else:
            problems.append(f"entry {entry.index} names no run with the size and root of its log")
    return named


def _is_folder_name(text: object) -> bool:
    """Tell whether a run id stays within its scenario's folder."""
    return isinstance(text, str) and text not in ("", ".", "..") and not set(text) & set("/\\\0")


def _others(scenario: Path, named: Collection[str]) -> list[str]:
    """Return the books with a log that the scenario's log does not name."""
    found = sorted(books.relative_to(scenario).as_posix() for books in scenario.glob(f"*/{RUN_BOOKS}"))
    return [name for name in found if name.split("/")[0] not in named and _holds_log(scenario / name)]


def _holds_log(books: Path) -> bool:
    try:
        with reading_safely(books, BOOKS) as connection:
            return has_log(connection)
    except PrivacyError:  # unreadable: it cannot be told, so it is reported
        return True

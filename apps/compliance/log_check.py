"""Checking the logs of a scenario and its runs, also against a head that somebody else kept."""

from __future__ import annotations

import re
import sqlite3
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from experiments.logbook import KEY, RUN_BOOKS, SCENARIO_LOG
from privacy.books import BOOKS
from privacy.log import SignedHead, Verification, read_public, read_witness, verify_log
from privacy.log.folder import verify_folder
from privacy.log.schema import read_origin
from privacy.log.store import newest_head
from privacy.sqlite_file import reading_safely
from retail.errors import PrivacyError

UNSIGNED: Final = "the log holds no signed head, so nothing vouches for its entries"
"""The one problem of a log that nobody has signed, in the words of `privacy.log.verify`."""

MOST_WITNESS_BYTES: Final = 16 * 1024
"""A witness file holds one head, less than 1 kB."""

State = Literal["intact", "partly signed", "unsigned", "signed by another key", "broken"]

_KEY: Final = re.compile(r"[0-9a-f]{64}")

NOT_SHOWN: Final = (
    "Reads that did not go through the data port: a log holds what was written to it, and nothing else.",
    "Entries that came after the newest signed head: nobody has vouched for them yet.",
    "Whose key it is: compare the key with one that the owner gave you by another way.",
    "A log that its owner rewrote and signed anew, or cut off at its end together with its heads: only a head that "
    "somebody else kept shows that.",
    "Whether what an entry says is true: a log shows that nobody changed it since, not that it was right.",
)
"""What no check of the files can tell."""


@dataclass(frozen=True, slots=True)
class CheckedLog:
    """One log and what its check found.

    Attributes:
        name: what the page calls it.
        path: its file.
        verdict: what the check found.
        head: the newest one; None where nobody has signed.
        signer: the key that alone is wrong: with it, in place of the one that was named, nothing is; else empty.
    """

    name: str
    path: Path
    verdict: Verification
    head: SignedHead | None
    signer: str = ""

    @property
    def state(self) -> State:
        """Say in a word how the log stands.

        Returns: broken: something was changed; signed by another key: all fits but the key; unsigned: no
            signed head covers any entry; partly signed: none covers the newest entries; intact:
            what a head covers was not changed, and it covers all.
        """
        if not self.verdict.ok:
            if self.signer:
                return "signed by another key"
            return "unsigned" if self.verdict.problems == (UNSIGNED,) else "broken"
        covered = 0 if self.head is None else self.head.size
        return "intact" if covered == self.verdict.size else "partly signed" if covered else "unsigned"


def owner_key(root: Path) -> str | None:
    """Return the public key that lies in the store, None where there is none.

    Raises:
        PrivacyError: the file holds no public key.
    """
    path = (root / KEY).with_suffix(".pub")
    return read_public(path) if path.is_file() else None


def check_scenario(folder: Path, *, head: SignedHead | None = None, key_hex: str | None = None) -> CheckedLog | None:
    """Check a scenario's log, with the logs of the runs that it names; None where it keeps no log.

    Args:
        folder: of the scenario.
        head: one that the reader kept.
        key_hex: the owner's public key, as the reader knows it.
    """
    path = folder / SCENARIO_LOG
    if not path.is_file():
        return None
    return _checked(folder.name, path, lambda key: verify_folder(folder, head=head or (), key_hex=key), key_hex)


def check_run(folder: Path, name: str, *, head: SignedHead | None = None, key_hex: str | None = None) -> CheckedLog:
    """Check the log of one run, which has one; a file that is none is a problem of that log."""
    path = folder / RUN_BOOKS
    return _checked(name, path, lambda key: verify_log(path, head=head, key_hex=key), key_hex)


def file_stamp(path: Path) -> tuple[int, int]:
    """Return size and time of change, which tell a file from what it was; zeros where there is none."""
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_size, status.st_mtime_ns


def named_key(text: str) -> str:
    """Read a public key that a reader typed; empty for none. Never takes it for a path.

    Raises:
        PrivacyError: it is no key.
    """
    text = text.strip().lower()
    if text and not _KEY.fullmatch(text):
        raise PrivacyError(f"a public key has 64 hexadecimal digits, got {len(text)} characters; copy it whole")
    return text


def newest(path: Path) -> SignedHead | None:
    """Return the newest head of a log, unchecked; None without one, or where the file is too damaged to tell."""
    try:
        with reading_safely(path, BOOKS) as connection:
            return newest_head(connection)
    except (PrivacyError, sqlite3.Error):
        return None


def origins(files: Mapping[str, Path]) -> dict[str, str]:
    """Return which of some logs calls itself what: key of `files` by the log's name; damaged ones are left out."""
    found: dict[str, str] = {}
    for name, path in files.items():
        try:
            with reading_safely(path, BOOKS) as connection:
                found[read_origin(connection, name=path.name)] = name
        except PrivacyError:
            continue
    return found


def read_uploaded(content: bytes) -> SignedHead:
    """Read a witness file that a reader uploaded. Its name and type are the browser's word and are not looked at.

    Raises:
        PrivacyError: it is too large, no witness file, or its signature is bad.
    """
    if len(content) > MOST_WITNESS_BYTES:
        raise PrivacyError(
            f"this file has {len(content):,} bytes and a witness file less than {MOST_WITNESS_BYTES:,}; choose the "
            "file that `tradefair log witness` wrote"
        )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "uploaded"
        path.write_bytes(content)
        try:
            return read_witness(path)
        except PrivacyError as error:
            raise PrivacyError(str(error).replace(str(path), "the uploaded file")) from None


def _checked(name: str, path: Path, check: Callable[[str | None], Verification], key_hex: str | None) -> CheckedLog:
    try:
        verdict = check(key_hex)
        # Checked again with the signer's own key, only to tell a wrong key from a changed log: the verdict stays.
        own = verdict if verdict.ok or key_hex is None else check(None)
    except PrivacyError as error:
        own = verdict = Verification(ok=False, problems=(str(error),), size=0, root_hex="", key_hex="")
    signer = own.key_hex if own.ok and not verdict.ok else ""
    return CheckedLog(name, path, verdict, newest(path), signer)

"""The texts that people were shown: a receipt counts only when it names one of them, by its hash."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from privacy.consent.events import Events
from privacy.consent.identifiers import checked_digest, checked_text, checked_time, time_text
from privacy.consent.register_file import RegisterFile, next_version
from retail.errors import ConsentError


@dataclass(frozen=True, slots=True)
class Notice:
    """One published privacy notice of one controller.

    Attributes:
        controller: who published it.
        reference: what the controller calls it, such as "loyalty-notice-3".
        language: BCP 47, such as "en" or "zh-Hans".
        sha256: of the file's bytes, hexadecimal.
        published_at: nobody can have agreed to it before; UTC.

    Raises: ConsentError: a field cannot be used.
    """

    controller: str
    reference: str
    language: str
    sha256: str
    published_at: dt.datetime

    def __post_init__(self) -> None:
        """Refuse what a receipt could not name."""
        checked_text("the notice's controller", self.controller, most=200)
        checked_text("the notice's reference", self.reference, most=200)
        checked_text("the notice's language", self.language, most=35)
        checked_digest("the notice's SHA-256", self.sha256)
        object.__setattr__(self, "published_at", checked_time("published_at", self.published_at))


class Notices:
    """The notices and the public keys of controllers in one register; get it from `ConsentRegister.notices`."""

    def __init__(self, file: RegisterFile, events: Events, clock: Callable[[], dt.datetime]) -> None:
        self._file, self._events, self._clock = file, events, clock

    def add(self, notice: Notice) -> None:
        """Register a text that people are shown; adding it again changes nothing.

        Raises: ConsentError: the controller has this text already under another reference, language or date, or it is
            dated in the future.
        """
        if notice.published_at > self._clock():
            raise ConsentError(f"the notice is dated {notice.published_at}, in the future; register it when published")
        row = (notice.controller, notice.sha256, notice.reference, notice.language, time_text(notice.published_at))
        with self._file.transaction() as connection:
            known = find_notice(connection, notice.controller, notice.sha256)
            if known == row[2:]:
                return
            if known is not None:
                raise ConsentError(
                    f"{notice.controller} has this text already, as {known[0]!r} ({known[1]}) of {known[2]}; "
                    "a notice keeps its reference and its date"
                )
            connection.execute(
                "INSERT INTO notices (controller, sha256, reference, language, published_at) VALUES (?, ?, ?, ?, ?)",
                row,
            )
            next_version(connection)
            names = ("controller", "sha256", "reference", "language", "published_at")
            self._events.add(connection, "consent", {"event": "notice", **dict(zip(names, row, strict=True))})
        self._events.deliver()

    def all(self) -> list[Notice]:
        """List the registered notices, oldest first."""
        with self._file.transaction("DEFERRED") as connection:
            rows = connection.execute(
                "SELECT controller, reference, language, sha256, published_at FROM notices ORDER BY published_at"
            ).fetchall()
        return [Notice(one, name, tongue, sha, dt.datetime.fromisoformat(at)) for one, name, tongue, sha, at in rows]

    def require_signature(self, controller: str, key_hex: str) -> None:
        """Take receipts that name this controller, at any place, only with its Ed25519 signature, from now on.

        Raises: ConsentError: another key is on record already.
        """
        checked_text("the controller", controller, most=200)
        checked_digest("the controller's public key", key_hex)
        with self._file.transaction() as connection:
            known = find_key(connection, controller)
            if known == key_hex:
                return
            if known is not None:
                raise ConsentError(f"{controller} has another key on record; a key is registered once")
            connection.execute("INSERT INTO controllers (controller, key_hex) VALUES (?, ?)", (controller, key_hex))
            next_version(connection)
            self._events.add(
                connection, "consent", {"event": "controller_key", "controller": controller, "key_hex": key_hex}
            )
        self._events.deliver()


def find_notice(connection: sqlite3.Connection, controller: str, sha256: str) -> tuple[str, str, str] | None:
    """Return reference, language and date of a controller's text, or None."""
    found: tuple[str, str, str] | None = connection.execute(
        "SELECT reference, language, published_at FROM notices WHERE controller = ? AND sha256 = ?",
        (controller, sha256),
    ).fetchone()
    return found


def find_key(connection: sqlite3.Connection, controller: str) -> str | None:
    """Return the public key that a controller's receipts must be signed with, or None."""
    found = connection.execute("SELECT key_hex FROM controllers WHERE controller = ?", (controller,)).fetchone()
    return None if found is None else str(found[0])

"""What happened in the register, on its way to the log: kept with the change, appended after it, never lost.

Register and log are two files, so one transaction cannot hold both. The change and its log entry-to-be are one
transaction; the entry is then appended and taken off the list. A crash in between leaves it on the list, and whoever
opens the register next appends it. Each entry carries its own event number: one that was appended by a process that
died before it could say so is found by that number and not written twice.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from privacy.commitments import Commitments
from privacy.consent.register_file import RegisterFile, fact
from privacy.log import Log, canonical
from retail.errors import PrivacyError


class Events:
    """The list of one register, and the log it goes to.

    Args:
        file: the register.
        log: where events go; None keeps no record of them at all.
        commitments: stands in for people in the log.

    Raises: PrivacyError: a log without commitments, which would have to name people by their tokens.
    """

    def __init__(self, file: RegisterFile, *, log: Log | None, commitments: Commitments | None) -> None:
        if log is not None and commitments is None:
            raise PrivacyError("a logged register needs commitments, so that the log never names a person; open both")
        self._file = file
        self.log = log
        self.commitments = commitments

    def commitment(self, token: str) -> str:
        """Return what stands for a token (or a receipt's hash) in the log; empty without commitments."""
        return "" if self.commitments is None else self.commitments.commitment(token)

    def commitments_of(self, tokens: Sequence[str]) -> list[str]:
        """Return what stands for each of several tokens, at the price of one."""
        return [""] * len(tokens) if self.commitments is None else self.commitments.commitments(tokens)

    def add(self, connection: sqlite3.Connection, kind: str, body: Mapping[str, Any]) -> None:
        """Put an event on the list, inside the transaction that makes the change. Call `deliver` after it."""
        if self.log is not None:
            connection.execute("INSERT INTO outbox (kind, body) VALUES (?, ?)", (kind, canonical(body)))

    def deliver(self) -> None:
        """Append what is on the list to the log.

        Raises: PrivacyError: the log cannot be written. The change itself stands, and the next call delivers.
        """
        if self.log is None:
            return
        with self._file.transaction() as connection:
            if connection.execute("UPDATE outbox SET tries = tries + 1").rowcount == 0:
                return
        with self._file.transaction() as connection:
            register = fact(connection, "id")
            rows = connection.execute(
                "SELECT event, kind, body, tries FROM outbox WHERE tries > 0 ORDER BY event"
            ).fetchall()
            again = {kind for _, kind, _, tries in rows if tries > 1}
            logged = {entry.body.get("event_number") for kind in again for entry in self.log.entries(kind)}
            listed = [
                (kind, {**json.loads(body), "event_number": f"{register}/{event}"}) for event, kind, body, _ in rows
            ]
            self.log.append_many([(kind, body) for kind, body in listed if body["event_number"] not in logged])
            connection.executemany("DELETE FROM outbox WHERE event = ?", [(event,) for event, *_ in rows])

"""Copies that went to somebody else: ours is erased, theirs cannot be recalled."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from privacy.consent.identifiers import checked_text
from privacy.consent.tombstones import Tombstones
from privacy.erasure.places import Guarded
from privacy.erasure.table_folder import TableFolder


class Export(Guarded):
    """Data that were handed to a recipient.

    GDPR 19 asks the controller to tell each recipient. This code contacts nobody: the step stays open until the
    operator says that the recipient was told.

    Args:
        name: of the place.
        recipient: who got it.
        sent: on which day.
        tombstones: who may not come back.
        path: the folder with our copy; None when we kept none.
    """

    kind = "export"
    action = "notify"

    def __init__(
        self, name: str, *, recipient: str, sent: dt.date, tombstones: Tombstones, path: Path | str | None = None
    ) -> None:
        super().__init__(name, tombstones=tombstones)
        self.recipient = checked_text("the recipient", recipient, most=200)
        self._copy = None if path is None else TableFolder(name, path, tombstones=tombstones)
        self.searchable = path is not None
        self.started = dt.datetime(sent.year, sent.month, sent.day, tzinfo=dt.UTC)
        self.statement = (
            f"sent to {recipient} on {sent:%Y-%m-%d}; it cannot be recalled, so tell the recipient to erase the person"
        )

    @property
    def unsearched(self) -> tuple[str, ...]:
        """Files of our copy that may hold people and cannot be searched."""
        return () if self._copy is None else self._copy.unsearched

    def holds(self, person: str) -> int:
        """Count the person's rows in our copy; 0 without one."""
        return 0 if self._copy is None else self._copy.holds(person)

    def erase(self, person: str) -> int:
        """Take the person out of our copy."""
        return 0 if self._copy is None else self._copy.erase(person)

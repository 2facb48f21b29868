"""Which shopper of the panel stands for whom: a made-up link, since nobody has both faces and baskets of one person."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from privacy.consent.register_file import make_private
from privacy.sqlite_file import FileKind, SqliteFile

PAIRINGS: Final = FileKind(what="file of pairings", application_id=0x54465052, version=1)  # "TFPR"
MADE_UP: Final = "a made-up pairing: these faces and these baskets are not of the same people"


@dataclass(frozen=True, slots=True)
class Pairing:
    """One person's shopper.

    Attributes:
        store: merchant of the recommender's run.
        shopper: id in its data.
        drawn: whether chance chose, and not whoever enrolled the person.
    """

    store: str
    shopper: str
    drawn: bool


class Pairings(SqliteFile):
    """Pairings by the token of a person; make it with `Pairings.open(path)`. Deleted rows are overwritten."""

    kind = PAIRINGS

    def __init__(self, path: Path | None) -> None:
        make_private(path)
        super().__init__(path)
        with self.transaction() as connection:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS pairings "
                "(subject TEXT PRIMARY KEY, store TEXT NOT NULL, shopper TEXT NOT NULL, drawn INTEGER NOT NULL)"
            )

    def _connect(self, mode: str) -> sqlite3.Connection:
        connection = super()._connect(mode)
        connection.execute("PRAGMA secure_delete = ON")
        return connection

    def of(self, subject: str) -> Pairing | None:
        """Return a person's pairing, by token; None where there is none."""
        with self.transaction("DEFERRED") as connection:
            row = connection.execute(
                "SELECT store, shopper, drawn FROM pairings WHERE subject = ?", (subject,)
            ).fetchone()
        return None if row is None else Pairing(str(row[0]), str(row[1]), bool(row[2]))

    def subjects(self) -> list[str]:
        """List the tokens of everybody who is paired."""
        with self.transaction("DEFERRED") as connection:
            return [str(row[0]) for row in connection.execute("SELECT subject FROM pairings ORDER BY subject")]

    def pair(self, subject: str, pairing: Pairing) -> None:
        """Pair a person, anew where there is a pairing already."""
        with self.transaction() as connection:
            row = (subject, pairing.store, pairing.shopper, int(pairing.drawn))
            connection.execute("INSERT OR REPLACE INTO pairings VALUES (?, ?, ?, ?)", row)

    def forget(self, subject: str) -> bool:
        """Delete a person's pairing. Returns: whether there was one."""
        with self.transaction() as connection:
            return connection.execute("DELETE FROM pairings WHERE subject = ?", (subject,)).rowcount > 0

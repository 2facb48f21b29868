"""The list of people who were erased, without their ids: a mark for each, so that a later import of them is refused.

A mark is a keyed hash of a keyed hash of the id. Keeping it is a choice: a person who asked to be forgotten stays on
a list, so that an old backup or a partner's file cannot bring the person back unseen. The list serves no other use.
It is pseudonymous personal data, not anonymous: whoever holds both keys can test a guess. Destroying the key ends
that, and the protection with it.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Callable, Iterable
from typing import Final

from privacy.consent.events import Events
from privacy.consent.identifiers import person_text, spellings, time_text
from privacy.consent.register_file import RegisterFile, next_version
from retail.errors import ConsentError, PrivacyError

_LINE: Final = 5


class Tombstones:
    """Marks of erased people in one register; get it from `ConsentRegister.tombstones`.

    Guarantee: `refuse` raises for every person erased before the call, until the person is let back or the key is
        destroyed. Assumes that the person comes back under the same id: a new card is a new person to it.
    """

    def __init__(self, file: RegisterFile, events: Events, clock: Callable[[], dt.datetime]) -> None:
        self._file, self._events, self._clock = file, events, clock

    def mark(self, person: object) -> str:
        """Return the person's mark; it names an erasure request without naming the person.

        Raises: ConsentError: no usable id. PrivacyError: the key is gone.
        """
        with self._file.transaction() as connection:
            return self._mark(connection, self._token(person))

    def add(self, person: object) -> str:
        """Refuse the person from now on, and end every use by consent at once; adding twice changes nothing.

        Uses of children to which the person agreed as guardian end too.

        Returns: the mark.
        """
        token = self._token(person)
        with self._file.transaction() as connection:
            mark = self._mark(connection, token)
            period = connection.execute(
                "SELECT p.name FROM periods AS p JOIN enrolments AS e ON e.period = p.name "
                "WHERE e.token = ? AND p.closed_at IS NULL",
                (token,),
            ).fetchone()
            added = connection.execute(
                "INSERT OR IGNORE INTO tombstones (mark, erased_at, period) VALUES (?, ?, ?)",
                (mark, time_text(self._clock()), "" if period is None else period[0]),
            )
            ended = connection.execute(
                "DELETE FROM grants WHERE token = ?1 OR mark IN (SELECT mark FROM receipts WHERE guardian = ?1)",
                (token,),
            ).rowcount
            if added.rowcount or ended:
                next_version(connection)
        return mark

    def has(self, person: object) -> bool:
        """Tell whether the person was erased. Raises: see `mark`."""
        return bool(self.which([person]))

    def which(self, persons: Iterable[object]) -> list[int]:
        """Return the positions of erased people; what no register could hold is nobody.

        Ids as an import may spell them count too, see `spellings`: 17.0, "17.0", b"17" and " 17 " are 17.

        Raises: PrivacyError: there are tombstones but their key is gone, so nobody can tell.
        """
        with self._file.transaction("DEFERRED") as connection:
            marks = {row[0] for row in connection.execute("SELECT mark FROM tombstones")}
            secret = self._file.tombstone_secret(connection, make=False)
        if not marks or secret is None:
            return []
        known: dict[str, bool] = {}
        found = []
        for position, person in enumerate(persons):
            for spelling in spellings(person):
                if spelling not in known:
                    try:
                        known[spelling] = secret.mark("tombstone", self._token(spelling)) in marks
                    except ConsentError:
                        known[spelling] = False
                if known[spelling]:
                    found.append(position)
                    break
        return found

    def has_token(self, connection: sqlite3.Connection, token: str) -> bool:
        """Tell whether the person behind a token was erased, inside the caller's transaction."""
        secret = self._file.tombstone_secret(connection, make=False)
        if secret is None:
            return False
        mark = secret.mark("tombstone", token)
        return connection.execute("SELECT 1 FROM tombstones WHERE mark = ?", (mark,)).fetchone() is not None

    def surely_has_token(self, connection: sqlite3.Connection, token: str) -> bool:
        """Tell the same, but say no where the key is gone: nobody is kept from withdrawing because of a lost key."""
        try:
            return self.has_token(connection, token)
        except PrivacyError:
            return False

    def refuse(self, persons: Iterable[object], *, where: str) -> None:
        """Let an import pass only when nobody in it was erased.

        Args:
            persons: ids of all rows that are to enter.
            where: the place they would enter, for the message.

        Raises: ConsentError: how many rows are of erased people, and the first row numbers (from 1); never an id.
        """
        found = self.which(persons)
        if found:
            rows = ", ".join(str(position + 1) for position in found[:_LINE])
            raise ConsentError(
                f"{where}: {len(found):,} rows are of people who were erased (rows {rows}"
                f"{', ...' if len(found) > _LINE else ''}); take them out before importing"
            )

    def let_back(self, person: object) -> None:
        """Take a person off the list who has come back on their own wish, such as a new contract.

        Receipts from before this moment stay void.

        Raises: ConsentError: the person is not on the list, or used slots in an accounting period that is still open:
            their enrolments were erased, so the cap could not be kept.
        """
        token = self._token(person)
        with self._file.transaction() as connection:
            mark = self._mark(connection, token)
            found = connection.execute("SELECT period, erased_at FROM tombstones WHERE mark = ?", (mark,)).fetchone()
            if found is None:
                raise ConsentError("this person is not on the list of erased people; nothing to undo")
            if connection.execute("SELECT 1 FROM periods WHERE name = ? AND closed_at IS NULL", (found[0],)).fetchone():
                raise ConsentError(
                    f"this person used slots in the accounting period {found[0]!r}, which is still open, and nobody "
                    "knows any more at which merchants; wait until the period is closed"
                )
            connection.execute("DELETE FROM tombstones WHERE mark = ?", (mark,))
            at = max(time_text(self._clock()), found[1])
            connection.execute("INSERT OR REPLACE INTO returned (token, at) VALUES (?, ?)", (token, at))
            next_version(connection)
            commitment = self._events.commitment(token)
            self._events.add(connection, "consent", {"event": "let_back", "person": commitment})
        self._events.deliver()

    def destroy_key(self) -> int:
        """Delete the key and all marks: nobody can tell any more who was erased, and nobody is refused any more.

        Returns: how many marks there were.

        Raises: ConsentError: somebody on the list used slots in an accounting period that is still open: without the
            list that person could be enrolled at k_max merchants more.
        """
        with self._file.transaction() as connection:
            held = connection.execute(
                "SELECT p.name FROM tombstones AS t JOIN periods AS p ON p.name = t.period WHERE p.closed_at IS NULL"
            ).fetchone()
            if held is not None:
                raise ConsentError(
                    f"somebody on the list used slots in the accounting period {held[0]!r}, which is still open; "
                    "without the list the cap could not be kept, so close the period first"
                )
            count = connection.execute("DELETE FROM tombstones").rowcount
            connection.execute("DELETE FROM facts WHERE name = 'tombstone_check'")
            next_version(connection)
            self._events.add(connection, "erasure", {"event": "tombstone_key_destroyed", "marks": count})
            if self._file.tombstone_key_path is not None:
                self._file.tombstone_key_path.unlink(missing_ok=True)
        self._events.deliver()
        return count

    def _token(self, person: object) -> str:
        return self._file.secret.mark("person", person_text(person))

    def _mark(self, connection: sqlite3.Connection, token: str) -> str:
        secret = self._file.tombstone_secret(connection, make=True)
        assert secret is not None
        return secret.mark("tombstone", token)

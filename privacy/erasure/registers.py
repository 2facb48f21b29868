"""The consent register and the file of commitments, as places that an erasure reaches."""

from __future__ import annotations

from privacy.commitments import Commitments
from privacy.consent.register import ConsentRegister
from privacy.erasure.places import Guarded


class RegisterStore(Guarded):
    """The consent register: receipts, withdrawals and enrolments go; a tombstone and used-up record marks stay."""

    kind = "store"
    action = "erase"
    statement = (
        "receipts for children for whom the person agreed as guardian go too; a keyed hash of the person stays, so "
        "that a later import is refused, and serves no other use"
    )

    def __init__(self, name: str, register: ConsentRegister) -> None:
        super().__init__(name, tombstones=register.tombstones)
        self._register = register

    def holds(self, person: str) -> int:
        """Count the rows about the person."""
        return self._register.holds(person)

    def erase(self, person: str) -> int:
        """Delete the rows about the person."""
        return self._register.forget(person)


class CommitmentsStore(Guarded):
    """The salts behind the log's commitments: without them, nobody can say which log entries were the person's.

    The log itself is not touched: it holds no id, and deleting from it would show as tampering.
    """

    kind = "store"
    action = "erase"
    statement = "the salts are deleted; the log keeps its entries, which name nobody any more"

    def __init__(self, name: str, commitments: Commitments, register: ConsentRegister) -> None:
        super().__init__(name, tombstones=register.tombstones)
        self._commitments, self._register = commitments, register

    def known(self, person: str) -> tuple[str, ...]:
        """Return the commitments that mean the person in the log, by id and by token."""
        found = (self._commitments.known(name) for name in self._names(person))
        return tuple(each for each in found if each is not None)

    def holds(self, person: str) -> int:
        """Count the salts of the person."""
        return len(self.known(person))

    def erase(self, person: str) -> int:
        """Delete the salts of the person."""
        return sum(self._commitments.forget(name) for name in self._names(person))

    def _names(self, person: str) -> tuple[str, str]:
        return person, self._register.token(person)

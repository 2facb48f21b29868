"""What a place must be able to do, so that an erasure can reach it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Final, Literal, Protocol, runtime_checkable

from privacy.consent.tombstones import Tombstones

PlaceKind = Literal["store", "index", "cache", "figures", "model", "export"]
Action = Literal["erase", "rebuild", "clear", "delete", "retrain", "bounded", "notify"]

MEANING: Final[dict[str, str]] = {
    "erase": "the person's records are removed",
    "rebuild": "made anew from its source, after the person has left that",
    "clear": "emptied; it fills again from sources without the person",
    "delete": "deleted as a whole: it holds a line for each person, and nobody can say which line is whose",
    "retrain": "open until it is trained again without the person, or deleted",
    "bounded": "stays: differential privacy bounds what it can tell about any one person",
    "notify": "our copy is erased; the recipient's cannot be recalled and is open until the recipient was told",
}
"""What each action does, in words for plans and certificates."""


@runtime_checkable
class Store(Protocol):
    """A place that may hold people's data.

    It may have two more attributes, as `Guarded` has them: `started` and `unsearched`.

    Attributes:
        name: unique in its registry; written into plans, certificates and the log, so no person's name.
        kind: what sort of place it is.
        action: what an erasure does here.
        searchable: whether `holds` can tell one person from another. Where it cannot, the place counts as holding
            whoever was in what it was built from.
        statement: what plans and certificates say about it, beyond the action.
        command: what the operator runs afterwards; empty for nothing.
    """

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def kind(self) -> PlaceKind: ...  # noqa: D102
    @property
    def action(self) -> Action: ...  # noqa: D102
    @property
    def searchable(self) -> bool: ...  # noqa: D102
    @property
    def statement(self) -> str: ...  # noqa: D102
    @property
    def command(self) -> str: ...  # noqa: D102

    def holds(self, person: str) -> int:
        """Count records of the person; where it is not searchable, records of anybody. Changes nothing."""

    def erase(self, person: str) -> int:
        """Do the action; doing it again changes nothing. Returns how many records went."""

    def admit(self, persons: Iterable[object]) -> None:
        """Let records of these people in, or refuse all of them.

        Raises: ConsentError: one of them was erased.
        """

    def fingerprint(self) -> str:
        """Return a hash of a content that is replaced as a whole (a model).

        Empty for other places, and when a part of the model is not there.
        """


@runtime_checkable
class Checked(Protocol):
    """A place whose people can be listed, so that it can be looked through for people who were erased and came back."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def unsearched(self) -> tuple[str, ...]: ...  # noqa: D102

    def check(self) -> None:
        """Raises: ConsentError: how many records are of erased people; never an id."""


class Guarded:
    """What all places share: a name, and the list of erased people that guards their entrance."""

    kind: PlaceKind
    action: Action
    searchable = True
    statement = ""
    command = ""
    started: dt.datetime | None = None
    """When the place began to read its sources; None where nobody knows."""

    @property
    def unsearched(self) -> tuple[str, ...]:
        """Parts of a searchable place that may hold people and that nobody searched."""
        return ()

    def __init__(self, name: str, *, tombstones: Tombstones) -> None:
        self.name = name
        self._tombstones = tombstones

    def admit(self, persons: Iterable[object]) -> None:
        """Let records in; see `Store.admit`."""
        self._tombstones.refuse(persons, where=self.name)

    def fingerprint(self) -> str:
        """Return an empty text: this place is not replaced as a whole."""
        return ""

"""In which data sets a person is, as far as the listed folders of tables can tell. Ledgers hold no ids."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from apps.command.erasure import PLACES
from apps.command.place_kinds import place_kinds
from retail.errors import TradefairError

if TYPE_CHECKING:
    from apps.compliance.data_set_ledger import DataSetLedger
    from apps.compliance.people_books import PeopleBooks

UNKNOWN: Final = "nobody can tell here"


@dataclass(frozen=True, slots=True)
class Membership:
    """Where rows of a person are now.

    Attributes:
        found: name of the place by the data set that ledgers call it.
        absent: the same of folders that were searched whole and hold no row of the person.
        problems: what could not be searched, in words, without the id.
    """

    found: dict[str, str] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    def told(self, data_set: DataSetLedger) -> str:
        """Say whether the person is in a data set."""
        names = (data_set.name, *data_set.other_names)
        for name in names:
            if name in self.found:
                return f"yes, rows are in {self.found[name]!r} now"
        for name in names:
            if name in self.absent:
                return f"no row in {self.absent[name]!r} now; of before, {UNKNOWN}"
        return UNKNOWN


def has_places(books: PeopleBooks) -> bool:
    """Tell whether the books have a list of places, so that there is something to look into."""
    return (books.folder / PLACES.name).is_file()


def where_found(books: PeopleBooks, person: str) -> Membership:
    """Look for a person in the folders of tables that the list of places names. Changes and logs nothing.

    A data set is a folder by its name, as ledgers call it. Rows are looked for as they are now: whoever is not found
    may have been there when something was released.

    Raises:
        TradefairError: there is no register or list of places, or it is wrong.
    """
    from privacy.erasure import read_registry
    from privacy.erasure.table_folder import TableFolder

    register = books.reading()
    places = read_registry(books.folder / PLACES.name, tombstones=register.tombstones, others=place_kinds())
    found: dict[str, str] = {}
    absent: dict[str, str] = {}
    problems: list[str] = []
    for place in places:
        store = place.store
        if not isinstance(store, TableFolder):
            continue
        name = f"folder {store.path.resolve().name}"
        try:
            if not store.path.is_dir():
                problems.append(f"place {store.name!r}: there is no folder at {store.path}")
            elif store.holds(person):
                found[name] = store.name
            elif store.unsearched:
                problems.append(f"place {store.name!r}: not searched, may hold people: {', '.join(store.unsearched)}")
            else:
                absent[name] = store.name
        except (TradefairError, OSError) as error:
            problems.append(f"place {store.name!r}: {error}")
    return Membership(found, {name: one for name, one in absent.items() if name not in found}, tuple(problems))

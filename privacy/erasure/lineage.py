"""Which places there are, and what each was built from: how a person's data spread."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from privacy.consent.identifiers import checked_text
from privacy.erasure.places import Store
from retail.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Lineage:
    """One place and where its content came from.

    Attributes:
        store: the place.
        built_from: names of the places it was made from: an index from a store, an export from a store, a model from
            the tables it was trained on.
    """

    store: Store
    built_from: tuple[str, ...]


class Registry:
    """All places of one party, sources before what was built from them.

    Guarantee: an erasure reaches every place in here. Assumes that every store, index, cache, export and model
        registers: nobody can find a copy that nobody has named.
    """

    def __init__(self) -> None:
        self._places: dict[str, Lineage] = {}

    def add(self, store: Store, *, built_from: Sequence[str] = ()) -> None:
        """Register a place.

        Raises: ConfigError: the name is taken, a source is not registered yet (so that no circle can arise), or the
            object lacks a part of `Store`. ConsentError: the name cannot be shown.
        """
        if not isinstance(store, Store):
            raise ConfigError(f"{type(store).__name__} is no place: it lacks a part of privacy.erasure.Store")
        checked_text("the place's name", store.name, most=200)
        if store.name in self._places:
            raise ConfigError(f"the place {store.name!r} is registered already; give each its own name")
        missing = [name for name in built_from if name not in self._places]
        if missing:
            raise ConfigError(f"{store.name!r} was built from {missing[0]!r}, which is not registered; add that first")
        self._places[store.name] = Lineage(store, tuple(built_from))

    def __iter__(self) -> Iterator[Lineage]:
        """Go through the places, sources first."""
        return iter(self._places.values())

    def __len__(self) -> int:
        """Count the places."""
        return len(self._places)

    def get(self, name: str) -> Store | None:
        """Return a place by name."""
        found = self._places.get(name)
        return None if found is None else found.store

    def admit(self, persons: Iterable[object]) -> None:
        """Ask all places at once whether these people may come in.

        Raises: ConsentError: one of them was erased.
        """
        listed = list(persons)
        for place in self:
            place.store.admit(listed)

"""What an erasure will do, place by place, before it does anything."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from privacy.consent.identifiers import person_text, time_text
from privacy.erasure.lineage import Lineage, Registry
from privacy.erasure.places import Action, PlaceKind
from retail.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Step:
    """One place that holds the person, or may.

    Attributes:
        place: its name.
        kind: what sort of place.
        action: what will be done.
        found: records of the person; None where the place cannot be searched by person.
        because: names of concerned places that it was built from.
        statement: what the place says about itself.
        command: what the operator runs afterwards.
    """

    place: str
    kind: PlaceKind
    action: Action
    found: int | None
    because: tuple[str, ...]
    statement: str
    command: str


@dataclass(frozen=True, slots=True)
class Plan:
    """All steps in the order in which they will be done: sources first. The person is not named in it.

    Attributes:
        steps: the places concerned.
        untouched: names of the places that were looked at and do not hold the person.
    """

    steps: tuple[Step, ...]
    untouched: tuple[str, ...]


def make_plan(registry: Registry, person: object, *, assumed: Collection[str] = ()) -> Plan:
    """Look for a person in every registered place.

    A store is concerned when the person is in it, or when a part of it cannot be searched. What was built from other
    places is concerned as soon as one of these is, and what cannot be searched and has no source always. A model counts
    also when its files are not where the list says: somebody may have moved them.

    Args:
        registry: of places.
        person: id.
        assumed: names of places that held the person once although nobody finds the person there now: rows that were
            deleted by hand, say. What was built from them is concerned then.

    Raises: ConfigError: a name in `assumed` is no place. ConsentError: no usable id. DataError: a place cannot be read,
        so nobody can say that it is clean.
    """
    text = person_text(person)
    steps: list[Step] = []
    untouched: list[str] = []
    for name in assumed:
        if registry.get(name) is None:
            raise ConfigError(f"there is no place {name!r}; name one of the registered places")
    concerned: set[str] = set(assumed)
    for place in registry:
        held = place.store.holds(text)
        if not _concerns(place, held, concerned):
            untouched.append(place.store.name)
            continue
        store = place.store
        because = tuple(name for name in place.built_from if name in concerned)
        found = held if store.searchable else None
        steps.append(Step(store.name, store.kind, store.action, found, because, store.statement, store.command))
        concerned.add(store.name)
    return Plan(tuple(steps), tuple(untouched))


def late_steps(
    registry: Registry, person: object, *, clean_at: Mapping[str, str], known: Collection[str]
) -> tuple[Step, ...]:
    """Return steps for places that appeared after an erasure began and may come from data as they were before.

    A program that read the sources while the person was in them may write its model, figures, index or export later.

    Args:
        registry: of places.
        person: id.
        clean_at: places of the erasure that cannot hold the person any more by their name, each with the moment (UTC
            text) since when; an empty text where that is not known.
        known: places that the erasure has a step for already.

    Returns: the steps, except for places that say they began (`started`) after all of these sources were clean, and for
        what can be searched and does not hold the person.
    """
    text, steps = person_text(person), list[Step]()
    sources = dict(clean_at)
    for place in registry:
        store = place.store
        because = tuple(name for name in place.built_from if name in sources)
        if store.name in known or not because or store.kind == "store":
            continue
        held = store.holds(text)
        if (store.searchable and not held and store.kind != "export") or not _concerns(place, held, set(sources)):
            continue
        started = getattr(store, "started", None)
        moments = [sources[name] for name in because]
        if started is not None and all(moments) and time_text(started) > max(moments):
            continue
        found = held if store.searchable else None
        steps.append(Step(store.name, store.kind, store.action, found, because, store.statement, store.command))
        sources[store.name] = ""
    return tuple(steps)


def _concerns(place: Lineage, held: int, concerned: set[str]) -> bool:
    if place.store.searchable and (held > 0 or bool(getattr(place.store, "unsearched", ()))):
        return True
    if place.store.kind == "store":
        return False
    if place.built_from:
        derived = bool(concerned.intersection(place.built_from))
        # An export has left us: it concerns the recipient, whether or not we kept a copy.
        return derived and (held > 0 or place.store.searchable or place.store.kind in ("export", "model"))
    return held > 0

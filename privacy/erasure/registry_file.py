"""A registry written down as TOML, so that a compliance team can read and extend it: `books/places.toml`."""

from __future__ import annotations

import datetime as dt
import graphlib
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from privacy.consent.tombstones import Tombstones
from privacy.erasure.exports import Export
from privacy.erasure.indexes import FileIndex
from privacy.erasure.lineage import Registry
from privacy.erasure.models import Model
from privacy.erasure.places import Store
from privacy.erasure.run_store import run_places
from privacy.erasure.table_folder import TableFolder
from retail import columns as c
from retail.errors import ConfigError, DataError

_COMMON: Final = {"name": str, "kind": str, "from": list}
_KEYS: Final[Mapping[str, Mapping[str, Any]]] = {
    "tables": {"path": str, "columns": list, "skip": list},
    "runs": {"path": str},
    "index": {"path": str, "command": str},
    "model": {
        "paths": list,
        "epsilon": float,
        "delta": float,
        "secret_noise": bool,
        "command": str,
        "people": int,
        "started": dt.datetime,
    },
    "export": {"path": str, "recipient": str, "sent": dt.date},
}
_NEEDED: Final = {
    "tables": ("path",),
    "runs": ("path", "from"),
    "index": ("path", "from"),
    "model": ("paths", "from"),
    "export": ("recipient", "sent", "from"),
}


@dataclass(frozen=True, slots=True)
class PlaceType:
    """A kind of place that another room brings.

    Attributes:
        keys: that a place of this kind may have besides `name`, `kind` and `from`, with their types. A `path` must
            exist where places must.
        needed: keys that it must have.
        make: from its name, its keys and the list of erased people to the place.
    """

    keys: Mapping[str, Any]
    needed: tuple[str, ...]
    make: Callable[[str, Mapping[str, Any], Tombstones], Store]


def read_registry(
    file: Path,
    *,
    tombstones: Tombstones,
    must_exist: bool = False,
    others: Mapping[str, PlaceType] | None = None,
) -> Registry:
    """Read the places from a file.

    Each `[[place]]` has a `name`, a `kind` (tables, runs, index, model or export) and, unless it is a source, `from`:
    the names of the places it was built from. Paths are relative to the folder in which the command runs.

    Args:
        file: the list of places.
        tombstones: of the register.
        must_exist: refuse a place whose files are not there: a mistyped path would look like one without the person.
        others: kinds of other rooms, by name.

    Raises: ConfigError: an unknown key, a missing one, an unknown kind or source, a name used twice, a circle, or a
            place that is not there.
        DataError: the file cannot be read.
    """
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(
            f"cannot read {file}: {error.strerror}; list the places there (docs/consent-and-erasure.md says how)"
        ) from error
    except ValueError as error:
        raise ConfigError(f"{file} is no TOML ({error}); correct it") from error
    places = document.get("place")
    if set(document) != {"place"} or not isinstance(places, list) or not places:
        raise ConfigError(f"{file} must hold [[place]] tables and nothing else; list at least one place")
    more = others or {}
    tables = [_checked(file, place, more) for place in places]
    by_name = {place["name"]: place for place in tables}
    if len(by_name) != len(tables):
        raise ConfigError(f"{file} uses a name twice; give each place its own")
    registry = Registry()
    members: dict[str, list[str]] = {}
    for name in _order(file, by_name):
        place = by_name[name]
        sources = [member for source in place.get("from", []) for member in members[source]]
        if must_exist and "path" in place and not Path(place["path"]).exists():
            raise ConfigError(f"{file}: place {place['name']!r}: there is nothing at {place['path']}; correct its path")
        stores = _stores(file, place, by_name, tombstones, more)
        members[name] = [store.name for store in stores]
        for store in stores:
            registry.add(store, built_from=sources)
    return registry


def _checked(file: Path, place: Any, others: Mapping[str, PlaceType]) -> dict[str, Any]:
    if not isinstance(place, Mapping) or not isinstance(place.get("name"), str):
        raise ConfigError(f"{file}: every place needs a name")
    name, kind = place["name"], str(place.get("kind"))
    all_keys = {**_KEYS, **{other: one.keys for other, one in others.items()}}
    if kind not in all_keys:
        raise ConfigError(f"{file}: place {name!r} has kind {kind!r}; use one of {', '.join(all_keys)}")
    allowed = {**_COMMON, **all_keys[kind]}
    for key, value in place.items():
        if key not in allowed:
            raise ConfigError(f"{file}: place {name!r} has an unknown key {key!r}; use {', '.join(allowed)}")
        wanted = (int, float) if allowed[key] is float else allowed[key]
        if not isinstance(value, wanted) or (isinstance(value, bool) and allowed[key] is not bool):
            raise ConfigError(f"{file}: {key} of place {name!r} is {value!r}, not of type {allowed[key].__name__}")
        if isinstance(value, list) and not (value and all(isinstance(one, str) for one in value)):
            raise ConfigError(f"{file}: {key} of place {name!r} must list at least one text")
    needed = others[kind].needed if kind in others else _NEEDED[kind]
    missing = [key for key in needed if key not in place]
    if missing:
        raise ConfigError(f"{file}: place {name!r} of kind {kind} lacks {missing[0]!r}")
    return dict(place)


def _order(file: Path, by_name: Mapping[str, Mapping[str, Any]]) -> list[str]:
    sorter = graphlib.TopologicalSorter[str]()
    for name, place in by_name.items():
        for source in place.get("from", []):
            if source not in by_name:
                raise ConfigError(f"{file}: {name!r} is built from {source!r}, which is no place of this file")
        sorter.add(name, *place.get("from", []))
    try:
        return list(sorter.static_order())
    except graphlib.CycleError as error:
        raise ConfigError(f"{file}: places are built from each other in a circle ({error.args[1]})") from error


def _stores(
    file: Path,
    place: Mapping[str, Any],
    by_name: Mapping[str, Mapping[str, Any]],
    tombstones: Tombstones,
    others: Mapping[str, PlaceType],
) -> list[Store]:
    name = place["name"]
    if place["kind"] in others:
        return [others[place["kind"]].make(name, place, tombstones)]
    match place["kind"]:
        case "tables":
            columns = place.get("columns", (c.PERSON,))
            return [
                TableFolder(name, place["path"], tombstones=tombstones, columns=columns, skip=place.get("skip", ()))
            ]
        case "index":
            return [FileIndex(name, place["path"], tombstones=tombstones, command=place.get("command", ""))]
        case "export":
            return [
                Export(
                    name,
                    recipient=place["recipient"],
                    sent=place["sent"],
                    tombstones=tombstones,
                    path=place.get("path"),
                )
            ]
        case "model":
            return [
                Model(
                    name,
                    [Path(path) for path in place["paths"]],
                    tombstones=tombstones,
                    epsilon=place.get("epsilon"),
                    delta=place.get("delta"),
                    secret_noise=place.get("secret_noise", False),
                    command=place.get("command", ""),
                    people=place.get("people"),
                    started=place.get("started"),
                )
            ]
        case _:
            sources = [by_name[source] for source in place["from"]]
            if len(sources) != 1 or sources[0]["kind"] != "tables":
                raise ConfigError(f"{file}: runs {name!r} need exactly one place of kind tables in `from`")
            return run_places(name, place["path"], dataset=sources[0]["path"], tombstones=tombstones)

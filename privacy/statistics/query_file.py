"""Reading a query from a TOML file or a mapping; every way to write it ends in the same `Query`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from privacy.statistics.queries import Grid, Key, Query
from retail.errors import ConfigError

_COMMON: Final = ("kind", "dataset", "where", "counting", "epsilon", "error_95", "purpose", "title", "refresh")
_FIELDS: Final = {
    "count": (),
    "histogram": ("column", "values", "grid"),
    "groupby": ("columns",),
    "heatmap": ("x", "y", "hide_small"),
    "topk": ("column", "values", "k"),
    "quantile": ("column", "alpha", "candidates"),
}
KINDS: Final = ("count", "histogram", "group_by", "heat_map", "top_k", "quantile")


def read_query(path: Path, *, dataset: str = "transactions") -> Query:
    """Read a query file.

    Args:
        path: TOML; docs/release.md has the fields.
        dataset: of a file that names none.

    Raises:
        ConfigError: the file cannot be read, or is no query.
        PrivacyError: it asks for single persons.
    """
    try:
        text = path.read_text(encoding="utf-8")
        document = tomllib.loads(text)
    except OSError as error:
        raise ConfigError(f"cannot read the query {path} ({error.strerror}); check the path") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} is no TOML ({error}); see docs/release.md for an example") from error
    return parse_query(document, dataset=dataset)


def parse_query(document: Mapping[str, Any], *, dataset: str = "transactions") -> Query:
    """Turn a mapping, such as a TOML document, into a query.

    Raises:
        ConfigError: an unknown, missing or wrong field.
        PrivacyError: it asks for single persons.
    """
    said = document.get("kind")
    kind = "".join(letter for letter in said.casefold() if letter.isalnum()) if isinstance(said, str) else ""
    if kind not in _FIELDS:
        raise ConfigError(f"kind must be one of {', '.join(KINDS)}, got {said!r}")
    allowed = (*_COMMON, *_FIELDS[kind])
    unknown = sorted(set(document) - set(allowed))
    if unknown:
        raise ConfigError(f"{said}: unknown {', '.join(map(repr, unknown))}; use {', '.join(allowed)}")
    common: dict[str, Any] = {
        "dataset": document.get("dataset", dataset),
        "where": _filters(document.get("where", {})),
        "epsilon": document.get("epsilon"),
        "error_95": document.get("error_95"),
        "purpose": _text(document.get("purpose", "research"), "purpose"),
        "title": _text(document.get("title", ""), "title"),
        "refresh": document.get("refresh", False),
    }
    if "counting" in document:
        common["counting"] = _text(document["counting"], "counting").strip().casefold()
    if kind == "topk":
        return Query("top_k", keys=(_key(document, "top_k"),), k=document.get("k"), **common)
    if kind == "quantile":
        candidates = _candidates(document.get("candidates"))
        return Query(
            "quantile", column=document.get("column"), alpha=document.get("alpha"), candidates=candidates, **common
        )
    return Query("counts", keys=_keys(kind, document), hide_small=document.get("hide_small", True), **common)


def _keys(kind: str, document: Mapping[str, Any]) -> tuple[Key, ...]:
    if kind == "count":
        return ()
    if kind == "histogram":
        return (_key(document, "histogram"),)
    if kind == "heatmap":
        return tuple(_key_of(document.get(axis), f"heat_map: {axis}") for axis in ("x", "y"))
    columns = document.get("columns")
    if not isinstance(columns, list) or not columns:
        raise ConfigError(f"group_by: columns must be a list of columns, got {columns!r}")
    return tuple(_key_of(one, "group_by: a column") for one in columns)


def _key(document: Mapping[str, Any], what: str) -> Key:
    column = document.get("column")
    if isinstance(column, Mapping):
        return _key_of(column, f"{what}: column")
    return _key_of({"column": column, **{n: document[n] for n in ("values", "grid") if n in document}}, f"{what}")


def _key_of(said: Any, what: str) -> Key:
    """Read a column's name, or a table of column with values, with a grid, or with start, stop and step."""
    if isinstance(said, str):
        return Key(said)
    if not isinstance(said, Mapping) or not isinstance(said.get("column"), str):
        raise ConfigError(f"{what}: name a column, got {said!r}")
    unknown = sorted(set(said) - {"column", "values", "grid", "start", "stop", "step"})
    if unknown:
        raise ConfigError(f"{what}: unknown {', '.join(map(repr, unknown))}; use values, or start, stop and step")
    steps = {name: said[name] for name in ("start", "stop", "step") if name in said}
    grid = _grid(said.get("grid", steps or None), what)
    values = said.get("values")
    if values is not None and not isinstance(values, list):
        raise ConfigError(f"{what}: values must be a list, got {values!r}")
    return Key(said["column"], None if values is None else tuple(values), grid)


def _grid(said: Any, what: str) -> Grid | None:
    if said is None:
        return None
    if not isinstance(said, Mapping) or set(said) != {"start", "stop", "step"}:
        raise ConfigError(f"{what}: a grid needs start, stop and step, got {said!r}")
    return Grid(said["start"], said["stop"], said["step"])


def _filters(said: Any) -> tuple[tuple[str, Any], ...]:
    if not isinstance(said, Mapping):
        raise ConfigError(f"where must be a table of column = value or list of values, got {said!r}")
    for name, values in said.items():
        if not isinstance(values, str | int | float | list):
            raise ConfigError(f"where: {name} must be a value or a list of values, got {values!r}")
    return tuple(said.items())


def _candidates(said: Any) -> tuple[float, ...] | None:
    if said is None or isinstance(said, list):
        return None if said is None else tuple(said)
    grid = _grid(said, "quantile: candidates")
    return None if grid is None else grid.edges


def _text(said: Any, what: str) -> str:
    if not isinstance(said, str):
        raise ConfigError(f"{what} must be text, got {said!r}")
    return said

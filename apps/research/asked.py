"""What a form asks for: the values of a scenario's schema, and how each reads and is written as a text."""

from __future__ import annotations

import datetime as dt
import json
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import tomli_w
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from experiments.sweep import editable
from retail.errors import ConfigError
from retail.toml_text import parsed


@dataclass(frozen=True, slots=True)
class Asked:
    """One value of a scenario that a form asks for.

    Attributes:
        key: dotted, as `tradefair run --set` takes it.
        kind: of widget; "toml" for what has none.
        choices: of a choice.
        optional: whether it may be left out.
        hint: what it is.
        table: whether a "toml" is one table, so that its keys may stand there alone.
    """

    key: str
    kind: Literal["whole", "number", "text", "switch", "date", "choice", "value", "toml"]
    choices: tuple[Any, ...]
    optional: bool
    hint: str
    table: bool = False

    @property
    def label(self) -> str:
        """The last part of the key, as words."""
        words = self.key.rpartition(".")[2].replace("_", " ")
        return words[:1].upper() + words[1:]

    @property
    def whole_label(self) -> str:
        """The whole key as words, where no heading says in which table the value stands."""
        words = self.key.replace("_", " ").replace(".", " ")
        return words[:1].upper() + words[1:]

    @property
    def section(self) -> str:
        """The table that the value stands in; empty for the scenario itself."""
        return self.key.rpartition(".")[0]

    def shown(self, value: Any) -> Any:
        """Return what a widget shows for a value; `read` takes it back."""
        if self.kind == "number":
            return None if value is None else float(value)
        if self.kind == "switch":
            return bool(value)
        if self.kind == "choice":
            return value if value in self.choices else None
        if self.kind == "value":
            return "" if value is None else json.dumps(value, ensure_ascii=False, default=str)
        if self.kind == "toml":
            return tomli_w.dumps({self.key.rpartition(".")[2]: value}) if value else ""
        return (value or "") if self.kind == "text" else value

    def read(self, answer: Any) -> Any:
        """Return the value that a widget's answer means; None where it is left out.

        Raises:
            ConfigError: a text is no TOML, or holds something else.
        """
        if self.kind == "value":
            return self._parsed(f"value = {answer}").get("value") if answer.strip() else None
        if self.kind == "toml":
            return self._table(answer)
        return None if self.kind == "text" and self.optional and not answer.strip() else answer

    def _table(self, text: str) -> Any:
        """Read `name = {...}`, or of a table also `{...}` and its keys alone."""
        if not text.strip():
            return None
        name = self.key.rpartition(".")[2]
        found = self._parsed(f"{name} = {text.strip()}" if self.table and text.strip()[0] == "{" else text)
        others = [other for other in found if other != name]
        if self.table and found and name not in found:
            return found
        if others or name not in found:
            raise ConfigError(f"{self.key}: the text has {others or 'nothing'}; it may hold {name} alone")
        return found[name]

    def _parsed(self, text: str) -> dict[str, Any]:
        try:
            return parsed(text)
        except ValueError as error:
            raise ConfigError(f"{self.key}: is not valid TOML: {error}; correct that line") from None


def asked(model: type[BaseModel], prefix: str = "") -> Iterator[Asked]:
    """List the values of a scenario's model, tables first by themselves, in the order of the model."""
    for name, info in model.model_fields.items():
        key = f"{prefix}{name}"
        inner, optional = _bare(info.annotation)
        if isinstance(inner, type) and issubclass(inner, BaseModel) and not optional and name != "reference":
            yield from asked(inner, f"{key}.")
        else:
            yield _asked(key, inner, info, optional=optional)


def model_of_arms(model: type[BaseModel]) -> type[BaseModel]:
    """Return the model of one arm of a kind of scenario."""
    inner, _ = _bare(model.model_fields["arms"].annotation)
    found, _ = _bare(get_args(inner)[0])
    assert isinstance(found, type)
    assert issubclass(found, BaseModel)
    return found


def value_of(table: Mapping[str, Any], key: str) -> Any:
    """Return a copy of a value of a nested table; None where there is none."""
    place: Any = table
    for part in key.split("."):
        if not isinstance(place, Mapping) or part not in place:
            return None
        place = place[part]
    return editable(place)


def remove(table: dict[str, Any], key: str) -> None:
    """Take a value out of a nested table in place, and tables that are empty then."""
    *path, last = key.split(".")
    place: Any = table
    for part in path:
        place = place.get(part, {})
    place.pop(last, None)
    if path and not place:
        remove(table, ".".join(path))


def _asked(key: str, inner: Any, info: FieldInfo, *, optional: bool) -> Asked:
    hint = (info.description or "").strip()
    if get_origin(inner) is Literal:
        return Asked(key, "choice", get_args(inner), optional, hint)
    kinds: dict[Any, Any] = {bool: "switch", int: "whole", float: "number", str: "text", dt.date: "date"}
    if inner in kinds:
        return Asked(key, kinds[inner], (), optional, hint)
    table = get_origin(inner) is dict or (isinstance(inner, type) and issubclass(inner, BaseModel))
    return Asked(key, "value" if _is_list(inner) else "toml", (), optional, hint, table)


def _bare(annotation: Any) -> tuple[Any, bool]:
    """Take annotations and None off a type; whether None was there."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) in (Union, types.UnionType):
        parts = [part for part in get_args(annotation) if part is not type(None)]
        optional = len(parts) < len(get_args(annotation))
        if len(parts) == 1:
            return _bare(parts[0])[0], optional
        return annotation, optional
    return annotation, False


def _is_list(inner: Any) -> bool:
    """Whether values are written in a line: lists of texts and numbers, or a word or such a list."""
    if get_origin(inner) in (Union, types.UnionType):
        return True
    if get_origin(inner) is not tuple:
        return False
    first = _bare(get_args(inner)[0])[0]
    return not (get_origin(first) is dict or (isinstance(first, type) and issubclass(first, BaseModel)))

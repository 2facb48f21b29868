"""A form made from the schema of a scenario: one widget for each value, and TOML for what has no widget."""

from __future__ import annotations

import datetime as dt
import json
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

import streamlit as st
import tomli_w
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from experiments.base_scenario import BaseScenario
from experiments.scenario_file import set_value
from experiments.sweep import editable
from retail.errors import ConfigError
from retail.toml_text import parsed

ABOUT: Final = ("name", "title", "description")
_LONG: Final = ("description",)
_LEFT_OUT: Final = "left out"


@dataclass(frozen=True, slots=True)
class Asked:
    """One value of a scenario that a form asks for.

    Attributes:
        key: dotted, as `tradefair run --set` takes it.
        kind: of widget; "toml" for what has none.
        choices: of a choice.
        optional: whether it may be left out.
        hint: what it is.
    """

    key: str
    kind: Literal["whole", "number", "text", "switch", "date", "choice", "value", "toml"]
    choices: tuple[Any, ...]
    optional: bool
    hint: str

    @property
    def label(self) -> str:
        """The last part of the key, as words."""
        words = self.key.rpartition(".")[2].replace("_", " ")
        return words[:1].upper() + words[1:]

    @property
    def section(self) -> str:
        """The table that the value stands in; empty for the scenario itself."""
        return self.key.rpartition(".")[0]


def asked(model: type[BaseModel], prefix: str = "") -> Iterator[Asked]:
    """List the values of a scenario's model, tables first by themselves, in the order of the model."""
    for name, info in model.model_fields.items():
        key = f"{prefix}{name}"
        inner, optional = _bare(info.annotation)
        if isinstance(inner, type) and issubclass(inner, BaseModel) and not optional and name != "reference":
            yield from asked(inner, f"{key}.")
        else:
            yield _asked(key, inner, info, optional=optional)


def edited(model: type[BaseScenario], table: Mapping[str, Any], *, revision: int) -> dict[str, Any]:
    """Draw the form and return the table with what stands in it.

    Args:
        model: of the scenario's kind.
        table: the scenario when the form was opened.
        revision: a number that changes when `table` does; widgets of another revision are forgotten.

    Raises:
        ConfigError: a text is no TOML; after the whole form was drawn.
    """
    result: dict[str, Any] = editable(table)
    sections: dict[str, list[Asked]] = {}
    for one in asked(model):
        sections.setdefault(one.section, []).append(one)
    troubles: list[str] = []
    own = sections.pop("", [])
    for one in own:
        if one.key in ABOUT:
            _fill(result, one, table, revision, troubles)
    plain = [one for one in own if one.key not in ABOUT and one.kind != "toml"]
    if plain:
        _block("The whole scenario", plain, result, table, revision, troubles)
    arms = [one for one in own if one.key in ("arms", "reference") and one.kind == "toml"]
    _block(f"Arms ({len(table.get('arms', ()))})", arms, result, table, revision, troubles)
    for name, fields in sections.items():
        _block(name.replace("_", " ").capitalize(), fields, result, table, revision, troubles)
    rest = [one for one in own if one.kind == "toml" and one not in arms]
    if rest:
        _block("Sweep, targets and options", rest, result, table, revision, troubles)
    if troubles:
        raise ConfigError(troubles[0])
    return result


def _block(
    title: str,
    fields: list[Asked],
    result: dict[str, Any],
    table: Mapping[str, Any],
    revision: int,
    troubles: list[str],
) -> None:
    with st.expander(title):
        small = [one for one in fields if one.kind != "toml"]
        columns = st.columns(3) if len(small) > 1 else [st.container()]
        for place, one in enumerate(small):
            with columns[place % len(columns)]:
                _fill(result, one, table, revision, troubles)
        for one in fields:
            if one.kind == "toml":
                _fill(result, one, table, revision, troubles)


def _fill(result: dict[str, Any], one: Asked, table: Mapping[str, Any], revision: int, troubles: list[str]) -> None:
    """Draw one widget and put its value into the table."""
    before = _value(table, one.key)
    try:
        after = _widget(one, before, key=f"form-{revision}-{one.key}")
    except ConfigError as error:
        troubles.append(str(error))
        return
    if after is None:
        _remove(result, one.key)
    elif after != before:
        set_value(result, one.key, after, source="the form")


def _widget(one: Asked, value: Any, *, key: str) -> Any:
    """Draw one widget and return its value; None where it is left out."""
    hint = f"`{one.key}`: {one.hint}." if one.hint else f"`{one.key}`"
    if one.kind == "whole":
        return st.number_input(one.label, value=value, step=1, format="%d", key=key, help=hint, placeholder=_LEFT_OUT)
    if one.kind == "number":
        number = None if value is None else float(value)
        return st.number_input(one.label, value=number, format="%g", key=key, help=hint, placeholder=_LEFT_OUT)
    if one.kind == "switch":
        return st.toggle(one.label, value=bool(value), key=key, help=hint)
    if one.kind == "date":
        return st.date_input(one.label, value=value, key=key, help=hint)
    if one.kind == "choice":
        place = one.choices.index(value) if value in one.choices else None
        chosen = st.selectbox(one.label, one.choices, index=place, key=key, help=hint, placeholder=_LEFT_OUT)
        return chosen
    if one.kind == "value":
        shown = "" if value is None else json.dumps(value, ensure_ascii=False, default=str)
        text = st.text_input(one.label, value=shown, key=key, help=f"{hint} As in TOML.", placeholder=_LEFT_OUT)
        return _parsed(one, f"value = {text}").get("value") if text.strip() else None
    if one.kind == "toml":
        return _toml(one, value, key=key, hint=hint)
    area = st.text_area if one.key in _LONG else st.text_input
    text = area(one.label, value=value or "", key=key, help=hint, placeholder=_LEFT_OUT if one.optional else None)
    return None if one.optional and not text.strip() else text


def _toml(one: Asked, value: Any, *, key: str, hint: str) -> Any:
    name = one.key.rpartition(".")[2]
    shown = tomli_w.dumps({name: value}) if value else ""
    lines = min(30, max(4, shown.count("\n") + 2))
    text = st.text_area(
        f"{one.label} (TOML)", value=shown, key=key, help=hint, height=24 * lines + 20, placeholder=_LEFT_OUT
    )
    if not text.strip():
        return None
    found = _parsed(one, text)
    others = [other for other in found if other != name]
    if others or name not in found:
        raise ConfigError(f"{one.key}: the text has {others or 'nothing'}; it may hold {name} alone")
    return found[name]


def _parsed(one: Asked, text: str) -> dict[str, Any]:
    try:
        return parsed(text)
    except ValueError as error:
        raise ConfigError(f"{one.key}: is not valid TOML: {error}; correct that line") from None


def _asked(key: str, inner: Any, info: FieldInfo, *, optional: bool) -> Asked:
    hint = (info.description or "").strip()
    if get_origin(inner) is Literal:
        return Asked(key, "choice", get_args(inner), optional, hint)
    kinds: dict[Any, Any] = {bool: "switch", int: "whole", float: "number", str: "text", dt.date: "date"}
    if inner in kinds:
        return Asked(key, kinds[inner], (), optional, hint)
    return Asked(key, "value" if _is_list(inner) else "toml", (), optional, hint)


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


def _value(table: Mapping[str, Any], key: str) -> Any:
    place: Any = table
    for part in key.split("."):
        if not isinstance(place, Mapping) or part not in place:
            return None
        place = place[part]
    return editable(place)


def _remove(table: dict[str, Any], key: str) -> None:
    *path, last = key.split(".")
    place: Any = table
    for part in path:
        place = place.get(part, {})
    place.pop(last, None)
    if path and not place:
        _remove(table, ".".join(path))

"""A form made from the schema of a scenario: one widget for each value, and TOML for what has no widget."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import streamlit as st

from apps.research.arms_form import ArmsForm, Draft, texts_of
from apps.research.asked import Asked, asked, remove, value_of
from apps.research.field import draw
from experiments.base_scenario import BaseScenario
from experiments.scenario_file import set_value
from experiments.sweep import editable
from retail.errors import ConfigError

ABOUT: Final = ("name", "title", "description")


def edited(model: type[BaseScenario], draft: Draft) -> dict[str, Any]:
    """Draw the form and return the table with what stands in it.

    Args:
        model: of the scenario's kind.
        draft: `table` is the scenario when the form was opened; `revision` is a number that changes when `table` does:
            widgets of another revision are forgotten. The form of the arms keeps its own state there.

    Raises:
        ConfigError: a text is no TOML; after the whole form was drawn.
    """
    table, revision = draft["table"], draft["revision"]
    result: dict[str, Any] = editable(table)
    in_arms = {one.key for one in texts_of(model)}
    sections: dict[str, list[Asked]] = {}
    for one in asked(model):
        if one.key not in in_arms:
            sections.setdefault(one.section, []).append(one)
    troubles: list[str] = []
    own = sections.pop("", [])
    for one in own:
        if one.key in ABOUT:
            _fill(result, one, table, revision, troubles)
    plain = [one for one in own if one.key not in ABOUT and one.kind != "toml"]
    if plain:
        _block("The whole scenario", plain, result, table, revision, troubles)
    with st.expander("Arms"):
        arms = ArmsForm(model, draft)
    troubles += arms.troubles
    for key in in_arms:
        result.pop(key, None)
    result |= arms.table
    for name, fields in sections.items():
        _block(name.replace("_", " ").capitalize(), fields, result, table, revision, troubles)
    rest = [one for one in own if one.kind == "toml"]
    if rest:
        _block("Sweep, targets and options", rest, result, table, revision, troubles)
    arms.tell(result)
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
        for first in range(0, len(small), 3):  # row by row: a phone shows columns one below the other
            columns = st.columns(3) if len(small) > 1 else [st.container()]
            for column, one in zip(columns, small[first : first + 3], strict=False):
                with column:
                    _fill(result, one, table, revision, troubles)
        for one in fields:
            if one.kind == "toml":
                _fill(result, one, table, revision, troubles)


def _fill(result: dict[str, Any], one: Asked, table: Mapping[str, Any], revision: int, troubles: list[str]) -> None:
    """Draw one widget and put its value into the table."""
    before = value_of(table, one.key)
    try:
        after = one.read(draw(one, before, key=f"form-{revision}-{one.key}"))
    except ConfigError as error:
        troubles.append(str(error))
        return
    if after is None:
        remove(result, one.key)
    elif one.shown(after) != one.shown(before):  # an empty field of what was left out is no change
        set_value(result, one.key, after, source="the form")

"""The form for a scenario's arms: a list, one arm open to edit, copies, removal, and what is wrong at its field."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import pandas as pd
import streamlit as st
from pydantic import BaseModel

from apps.plain_text import plain
from apps.research.arm_list import REFERENCE, ArmList, Problem, problems
from apps.research.asked import Asked, asked, model_of_arms, remove, value_of
from apps.research.field import draw
from experiments.audience.methods import METHODS, method_of
from experiments.scenario_file import set_value
from experiments.sweep import editable
from privacy.regimes import REGIMES
from retail.errors import ConfigError

_ARMS: Final = "arms"  # key of the draft: the `ArmList` while the arms are a form, None while they are text
_OF: Final = "arms_of"  # key of the draft: its revision when that list was made
_FIRST: Final = ("name", "label")
Draft = dict[str, Any]


class ArmsForm:
    """The arms of one draft, drawn once in a run of the page.

    Attributes:
        table: what the arms are now: `arms`, and `reference` where that is an arm of its own.
        troubles: why a text could not be read.
    """

    def __init__(self, model: type[BaseModel], draft: Draft) -> None:
        """Take what was typed since the page was drawn last, and draw.

        Args:
            model: of the scenario's kind.
            draft: holds the arms; `table` is the scenario when its form was opened and `revision` counts such openings.
        """
        self._model, self._draft = model, draft
        self._places: dict[str, Any] = {}
        self.troubles: list[str] = []
        if draft.get(_OF) != draft["revision"]:
            draft |= {_OF: draft["revision"], _ARMS: ArmList.of(draft["table"])}
        if draft[_ARMS] is None:
            self.table = self._as_text()
            return
        draft[_ARMS], found = taken(model, draft)
        self.troubles += found.values()
        self.table = draft[_ARMS].table
        self._list = st.container()
        self._as_fields(found)

    def tell(self, table: Mapping[str, Any]) -> None:
        """Say at each field what is wrong with it, now that the whole scenario is known, and list the arms."""
        arms = self._draft[_ARMS]
        if arms is None:
            return
        found = problems(self._model, table)
        for one in found:
            if one.arm == arms.open:
                self._say(one.field, one.text)
        with self._list:
            order = [one.key for one in fields_of(self._model, self._draft["table"])]
            st.dataframe(
                listed(arms, found, order=order), hide_index=True, alt="The arms, and what differs between them"
            )

    def _as_fields(self, found: Mapping[str, str]) -> None:
        model, draft = self._model, self._draft
        arms: ArmList = draft[_ARMS]
        titles, choice = arms.titles(), f"arm-open-{draft['revision']}"
        st.session_state[choice] = arms.open
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.selectbox(
                "Arm to edit", range(len(titles)), format_func=titles.__getitem__, key=choice, width=320,
                on_change=_change, args=(model, draft, lambda now: now.opened(int(st.session_state[choice]))),
            )  # fmt: skip
            st.button(
                "Add a copy", icon=":material/content_copy:", key="arm_copy",
                on_click=_change, args=(model, draft, ArmList.copied), help="A new arm that begins as this one.",
            )  # fmt: skip
            st.button(
                "Remove", icon=":material/delete:", key="arm_remove", disabled=not arms.may_remove,
                on_click=_remove, args=(model, draft),
                help="A scenario keeps its reference and at least one arm." if not arms.may_remove else None,
            )  # fmt: skip
            st.button("As text", icon=":material/code:", key="arms_text", on_click=_to_text, args=(model, draft))
        self._places[""] = st.container()
        fields, table = fields_of(model, draft["table"]), arms.tables[arms.open]
        small = [one for one in fields if one.kind != "toml"]
        for first in range(0, len(small), 3):  # row by row: a phone shows columns one below the other
            for column, one in zip(st.columns(3), small[first : first + 3], strict=False):
                with column:
                    self._field(one, table, found)
        for one in fields:
            if one.kind == "toml":
                self._field(one, table, found)

    def _field(self, one: Asked, table: Mapping[str, Any], found: Mapping[str, str]) -> None:
        key = _key(self._draft, one)
        seed = self._draft.setdefault("arm_seed", {})
        if key not in st.session_state:  # the first time: what it shows then stays its default
            seed[key] = value_of(table, one.key)
        draw(one, seed.get(key), key=key, label=one.whole_label)
        self._places[one.key] = st.container()
        if one.key in found:
            self._say(one.key, found[one.key])

    def _say(self, field: str, text: str) -> None:
        place = self._places[field if field in self._places else ""]
        place.error(plain(text), icon=":material/error:")

    def _as_text(self) -> dict[str, Any]:
        """Draw the arms, and a reference of their own, as TOML."""
        model, draft = self._model, self._draft
        st.button("As a form", icon=":material/list_alt:", key="arms_form", on_click=_to_form, args=(model, draft))
        for one in texts_of(model):
            draw(one, value_of(draft["table"], one.key), key=_text_key(draft, one))
        if told := draft.pop("arms_told", ""):
            st.error(told, icon=":material/error:")
        try:
            return read_texts(model, draft)
        except ConfigError as error:
            self.troubles.append(str(error))
            return {one.key: value_of(draft["table"], one.key) for one in texts_of(model)}


def fields_of(model: type[BaseModel], table: Mapping[str, Any]) -> list[Asked]:
    """Return what a form asks for of an arm: name and label first, and known values where the schema lists none."""
    fields = sorted(asked(model_of_arms(model)), key=lambda one: one.key not in _FIRST)
    known: dict[str, tuple[str, ...]] = {"regime": tuple(REGIMES)}
    if table.get("kind") == "audience":
        known |= {"noise": ("aggregator", "every_node")}
        if table.get("method") in METHODS:
            known["model"] = tuple(method_of(str(table["method"])).models)
    if table.get("kind") == "market":
        arms = table.get("arms")
        said = [one.get("experiment") for one in arms if isinstance(one, Mapping)] if isinstance(arms, list) else []
        known["experiment"] = tuple(dict.fromkeys(one for one in said if isinstance(one, str)))
    return [
        replace(one, choices=known[one.key]) if one.kind == "text" and known.get(one.key) else one for one in fields
    ]


def texts_of(model: type[BaseModel]) -> list[Asked]:
    """Return the texts that hold the arms, and the reference where it is an arm of its own."""
    return [one for one in asked(model) if one.kind == "toml" and one.key in ("arms", REFERENCE)]


def with_answers(
    fields: list[Asked], table: Mapping[str, Any], answers: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Put answers of a form, by key, into an arm's table. Returns: the new table, and by key what could not be read."""
    result, troubles = editable(table), {}
    for one in fields:
        if one.key not in answers:
            continue
        before = value_of(table, one.key)
        try:
            after = one.read(answers[one.key])
        except ConfigError as error:
            troubles[one.key] = str(error)
            continue
        if after is None:
            remove(result, one.key)
        elif after != before and not (before is None and after in ("", False)):
            set_value(result, one.key, after, source="the form")
    return result, troubles


def taken(model: type[BaseModel], draft: Draft) -> tuple[ArmList, dict[str, str]]:
    """Take what stands in the fields of the open arm. Returns: the arms, and by key what could not be read."""
    arms, fields = draft[_ARMS], fields_of(model, draft["table"])
    keys = {one.key: _key(draft, one) for one in fields}
    answers = {one: st.session_state[key] for one, key in keys.items() if key in st.session_state}
    table, troubles = with_answers(fields, arms.tables[arms.open], answers)
    return arms.with_open(table), troubles


def read_texts(model: type[BaseModel], draft: Draft) -> dict[str, Any]:
    """Read the arms, and a reference of their own, from their texts.

    Raises:
        ConfigError: one is no TOML.
    """
    keys = {one: _text_key(draft, one) for one in texts_of(model)}
    found = {one.key: one.read(st.session_state[key]) for one, key in keys.items() if key in st.session_state}
    return {key: value for key, value in found.items() if value is not None}


def listed(arms: ArmList, found: Sequence[Problem], *, order: Sequence[str]) -> pd.DataFrame:
    """Tabulate the arms: name, label, whatever differs between them in this order, and how many values are wrong."""
    flat = [_flat(one) for one in arms.tables]
    given = dict.fromkeys(key for one in flat for key in one)
    places = {
        key: next((at for at, one in enumerate(order) if f"{key}.".startswith(f"{one}.")), len(order)) for key in given
    }
    keys = [*_FIRST, *sorted((key for key in given if key not in _FIRST), key=places.__getitem__)]
    keys = [key for key in keys if key in _FIRST or len({one.get(key, "") for one in flat}) > 1]
    rows = [{key.replace("_", " ").capitalize(): one.get(key, "") for key in keys} for one in flat]
    if found:
        wrong = [sum(one.arm == place for one in found) for place in range(len(rows))]
        rows = [{"To correct": str(many or ""), **row} for many, row in zip(wrong, rows, strict=True)]
    return pd.DataFrame(rows)


def _flat(table: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in table.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = f"{value:g}" if isinstance(value, float) else str(value)
    return found


def _change(model: type[BaseModel], draft: Draft, do: Callable[[ArmList], ArmList]) -> None:
    """Take what was typed, then do something; what cannot be read is put right first, since it would be lost."""
    draft[_ARMS], troubles = taken(model, draft)
    if not troubles:
        draft[_ARMS] = do(draft[_ARMS])


def _remove(model: type[BaseModel], draft: Draft) -> None:
    gone = draft[_ARMS].titles()[draft[_ARMS].open]
    draft[_ARMS] = draft[_ARMS].without_open()
    st.toast(f"Removed {plain(gone)}")


def _to_text(model: type[BaseModel], draft: Draft) -> None:
    arms, troubles = taken(model, draft)
    if not troubles:
        draft |= {"table": {**draft["table"], **arms.table}, _ARMS: None, "texts": draft.get("texts", 0) + 1}


def _to_form(model: type[BaseModel], draft: Draft) -> None:
    try:
        table = {**draft["table"], **read_texts(model, draft)}
    except ConfigError:
        return  # it is said above the text anyway
    mount = draft.get("texts", 0) * 1_000_000  # never that of a list before
    arms = ArmList.of(table, mount=mount)
    if arms is None:
        draft["arms_told"] = "arms must be a list of tables, [[arms]], at least one, before they can be a form"
        return
    draft |= {"table": {**draft["table"], **arms.table}, _ARMS: arms}


def _key(draft: Draft, one: Asked) -> str:
    return f"arm-{draft['revision']}-{draft[_ARMS].mount}-{one.key}"


def _text_key(draft: Draft, one: Asked) -> str:
    return f"form-{draft['revision']}-{draft.get('texts', 0)}-{one.key}"

"""One field of a form: the widget for a value of a scenario."""

from __future__ import annotations

from typing import Any, Final

import streamlit as st

from apps.research.asked import Asked

_LONG: Final = ("description",)
_LEFT_OUT: Final = "left out"
_ALIKE: Final = " As a table in braces, or its keys line by line."


def draw(one: Asked, value: Any, *, key: str, label: str = "") -> Any:
    """Draw the widget of a value and return its answer, which `one.read` takes.

    Args:
        one: the value that is asked for.
        value: what stands in the widget when it is drawn for the first time under this key.
        key: of the widget.
        label: instead of the last part of the value's key.
    """
    hint = f"`{one.key}`: {one.hint}." if one.hint else f"`{one.key}`"
    shown, label = one.shown(value), label or one.label
    if one.kind == "whole":
        return st.number_input(label, value=shown, step=1, format="%d", key=key, help=hint, placeholder=_LEFT_OUT)
    if one.kind == "number":
        return st.number_input(label, value=shown, format="%g", key=key, help=hint, placeholder=_LEFT_OUT)
    if one.kind == "switch":
        return st.toggle(label, value=shown, key=key, help=hint)
    if one.kind == "date":
        return st.date_input(label, value=shown, key=key, help=hint)
    if one.choices:
        return _choice(one, shown, label, key=key, hint=hint)
    if one.kind == "value":
        return st.text_input(
            label, value=shown, key=key, help=f"{hint} As in TOML.", placeholder=_LEFT_OUT
        )  # fmt: skip
    if one.kind == "toml":
        lines = min(30, max(4, shown.count("\n") + 2))
        return st.text_area(
            f"{label} (TOML)",
            value=shown,
            key=key,
            help=f"{hint}{_ALIKE if one.table else ''}",
            height=24 * lines + 20,
            placeholder=_LEFT_OUT,
        )
    area = st.text_area if one.key in _LONG else st.text_input
    return area(label, value=shown, key=key, help=hint, placeholder=_LEFT_OUT if one.optional else None)


def _choice(one: Asked, shown: Any, label: str, *, key: str, hint: str) -> Any:
    """Draw a choice. One that may be left out offers that; a text with known values takes others, too."""
    free = one.kind == "text"
    left_out = [""] if free else [None]
    options = [*(left_out if one.optional else []), *one.choices]
    if free and shown not in options:
        options.append(shown)
    place = options.index(shown) if shown in options else None
    said: dict[Any, str] = {left_out[0]: _LEFT_OUT}
    chosen = st.selectbox(
        label, options, index=place, key=key, help=hint, placeholder=_LEFT_OUT, accept_new_options=free,
        format_func=lambda option: said.get(option, str(option)),
    )  # fmt: skip
    return "" if free and (chosen is None or chosen == _LEFT_OUT) else chosen

"""Edits of a plan as people write and read them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Any

from retail.errors import ConfigError
from retail.toml_text import parsed
from simulation.store.plan.edit_table import EXAMPLES, NUMBERS, inline, read_edit, unknown_edit


def read_words(text: str) -> dict[str, Any]:
    """Read an edit from a command line.

    Args:
        text: a TOML table, `{swap = ["dairy", "bakery"]}`, or short, `swap=dairy,bakery`.

    Returns: the table, as `simulation.store.plan.read_edit` takes it.

    Raises:
        ConfigError: the text is neither, or no edit; the message shows how the edit is written.
    """
    if text.strip().startswith("{"):
        try:
            table: dict[str, Any] = parsed(f"edit = {text}")["edit"]
        except ValueError as error:
            some = " or ".join(short(one) for one in EXAMPLES.values())
            raise ConfigError(f"--edit {text}: is no TOML table ({error}); write for example {some}") from None
    else:
        table = _short_table(text)
    read_edit(table, spelled=short)
    return table


def short(table: Mapping[str, Any]) -> str:
    """Write an edit for a command line, in quotes where a shell needs them: `--edit swap=dairy,bakery`."""
    pieces = {
        key: [f"{one:.12g}" if isinstance(one, float) else str(one) for one in _many(value)]
        for key, value in table.items()
    }
    odd = any(re.search(r"[,={}]", one) for many in pieces.values() for one in many)  # such as a comma in a name
    text = inline(table) if odd else ",".join(f"{key}={','.join(many)}" for key, many in pieces.items())
    return f"--edit {shlex.quote(text)}"


def words(edit: Mapping[str, Any]) -> str:
    """Say an edit in words: `swap dairy and bakery`."""
    if "swap" in edit:
        return f"swap {' and '.join(map(str, edit['swap']))}"
    if "move" in edit:
        return f"move {edit['move']} to {edit['x']:g}, {edit['y']:g} m"
    if "add_till" in edit:
        kind = str(edit["add_till"]).replace("_", " ")
        return f"add a till ({kind}) at {edit['x']:g}, {edit['y']:g} m"
    if "remove" in edit:
        return f"remove {edit['remove']}"
    return f"show {edit['category']} on {edit['show']}"


def _short_table(text: str) -> dict[str, Any]:
    """Read `key=value,value,key=value`: what has no key goes with the key before it."""
    parts: dict[str, list[str]] = {}
    key = ""
    for piece in text.split(","):
        name, equals, value = piece.partition("=")
        if equals:
            key = name.strip()
            parts.setdefault(key, []).append(value.strip())
        elif key:
            parts[key].append(piece.strip())
    if not key:
        first = re.match(r"\s*(\w*)", text)
        raise ConfigError(f"--edit {shlex.quote(text)}: {unknown_edit({first[1] if first else '': ''}, short)}")
    return {name: _value(name, many) for name, many in parts.items()}


def _value(key: str, many: list[str]) -> Any:
    if len(many) > 1:
        return many
    if key in NUMBERS:
        for kind in (int, float):
            try:
                return kind(many[0])
            except ValueError:
                continue
    return many[0]


def _many(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]

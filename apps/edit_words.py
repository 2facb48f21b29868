"""Edits of a plan as people write and read them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any, Final

from retail.errors import ConfigError

EXAMPLES: Final = "swap=dairy,bakery or remove=till-2 or move=till-3,x=12,y=30 or show=front-end-cap-1,category=eggs"


def read_words(text: str) -> dict[str, Any]:
    """Read an edit from a command line.

    Args:
        text: a TOML table, `{swap = ["dairy", "bakery"]}`, or short, `swap=dairy,bakery`.

    Returns: the table, as `simulation.store.plan.read_edit` takes it.

    Raises:
        ConfigError: the text is neither.
    """
    if text.strip().startswith("{"):
        try:
            table: dict[str, Any] = tomllib.loads(f"edit = {text}")["edit"]
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"--edit {text}: is no TOML table ({error}); write for example {EXAMPLES}") from None
        return table
    parts: dict[str, Any] = {}
    key = ""
    for piece in text.split(","):
        name, equals, value = piece.partition("=")
        if equals:
            key = name.strip()
            parts[key] = _value(value.strip())
        elif key:
            before = parts[key]
            parts[key] = [*(before if isinstance(before, list) else [before]), piece.strip()]
    if not parts or not key:
        raise ConfigError(f"--edit {text}: is no edit; write for example {EXAMPLES}")
    return parts


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


def _value(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text

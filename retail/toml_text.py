"""TOML that somebody sent: parsed with an end in sight, since one line of it can keep a parser busy for hours."""

from __future__ import annotations

import tomllib
from typing import Any, Final

_MOST_STEPS: Final = 10**7
"""The parser takes some seconds for so many."""


def parsed(text: str) -> dict[str, Any]:
    """Parse TOML.

    The standard library's parser walks down every dotted key from the top for each of its parts, and down a table's
    key for each line of it. A key cannot go on in another line, so that the dots of a line bound how deep one is.

    Raises: ValueError: it is no TOML (`tomllib.TOMLDecodeError`, with line and column), is nested too deeply, holds a
        number of thousands of digits, or keys of so many parts that reading them would take too long.
    """
    dots = [line.count(".") for line in text.split("\n")]
    if max(dots) * (len(dots) + sum(dots)) > _MOST_STEPS:
        line = dots.index(max(dots)) + 1
        raise ValueError(f"line {line} has {max(dots):,} dots, too many for a text of this size; divide the line")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("tables or lists are nested too deeply; take some levels away") from None

"""How figures of a family are called, one of each display or zone: `exposure_pct.rear-end-cap-snacks`, everywhere."""

from __future__ import annotations

import re
from collections.abc import Iterable


def member_names(described: Iterable[str]) -> tuple[str, ...]:
    """Spell descriptions so that figures, tables and targets may hold them; equal ones are numbered from the second on.

    >>> member_names(["back wall, east", "back wall", "Back wall", "back-wall"])
    ('back-wall-east', 'back-wall', 'Back-wall', 'back-wall-2')
    """
    names: list[str] = []
    for text in described:
        plain = re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-") or "unnamed"
        name, number = plain, 1
        while name in names:
            number += 1
            name = f"{plain}-{number}"
        names.append(name)
    return tuple(names)


def figure_of(family: str, member: str) -> str:
    """Name the figure of one member."""
    return f"{family}.{member}"


def family_of(figure: str) -> tuple[str, str]:
    """Take a figure's name apart: family and member, the latter empty where the figure is of the whole store."""
    family, _, member = figure.partition(".")
    return family, member

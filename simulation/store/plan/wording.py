"""Lists of names, short enough for a message of one line."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Final

_MOST: Final = 12


def among(names: Iterable[str], *, wanted: str = "") -> str:
    """Return the names with a comma between them; of many, those that look like the wanted one come first."""
    known = list(dict.fromkeys(names))
    if len(known) <= _MOST:
        return ", ".join(known) or "none"
    alike = difflib.get_close_matches(wanted, known, n=_MOST, cutoff=0.5)
    shown = [*alike, *(name for name in known if name not in alike)][:_MOST]
    return f"{', '.join(shown)} and {len(known) - len(shown)} more"

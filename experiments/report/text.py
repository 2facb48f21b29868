"""What a reader may be shown: every character visible, every number written the same way each time."""

from __future__ import annotations

import datetime as dt
import hashlib
import math
import unicodedata
from typing import Any, Final

NOT_MEASURED: Final = "not measured"
LONGEST: Final = 600
"""Characters of one text; a longer one is cut and named by its hash."""

_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_WORDS: Final = {"": "", "count": "", "1": "", "ratio": "", "s": " s", "nano-rho": "", "epsilon": "", "delta": ""}
_PRINTABLE: Final = (
    (0x20, 0x7E), (0xA0, 0x24F), (0x370, 0x3FF), (0x400, 0x45F), (0x1E00, 0x1EFF), (0x2010, 0x2027),
    (0x2030, 0x2040), (0x20A0, 0x20BF), (0x2190, 0x22FF), (0x25A0, 0x25FF), (0x27E8, 0x27E9),
)  # fmt: skip
"""Characters that the fonts inside typst hold; the PDF names others by their code point."""


def visible(text: str) -> str:
    """Show a text so that nothing in it can hide, reorder or break what stands around it.

    Control and format characters (NUL, line breaks, U+202E) and lone surrogates become their code point in angle
    brackets, and what is longer than `LONGEST` is cut and named by its SHA-256.
    """
    if len(text) > LONGEST:
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
        text = f"{text[:LONGEST]}… ({len(text):,} characters, SHA-256 {digest}…)"
    return "".join(_code_point(char) if unicodedata.category(char) in _HIDDEN else char for char in text)


def printable(text: str) -> str:
    """Show a text with the characters that the PDF's fonts hold; others become their code point."""
    return "".join(
        char if any(lo <= ord(char) <= hi for lo, hi in _PRINTABLE) and unicodedata.category(char) != "Cf"
        else _code_point(char)
        for char in visible(text)
    )  # fmt: skip


def written(value: Any, unit: str) -> str:
    """Write a number as reports print it; the same value and unit always give the same text.

    Args:
        value: a number; None, NaN and infinity are "not measured".
        unit: "1" for a metric, "ratio", "s", "count", "nano-rho", "epsilon", "delta", or another unit's name.
    """
    if value is None or isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return NOT_MEASURED
    if isinstance(value, int):
        text = f"{value:,d}"
    elif unit in ("1", "ratio"):
        text = f"{value:z.4f}" if abs(value) < 1e6 else f"{value:.6g}"
    elif unit == "s":
        text = f"{value:,.1f}"
    else:
        text = f"{value:.4g}"
    return text + _WORDS.get(unit, f" {unit}")


def moment(time: str) -> str:
    """Write a UTC time of a log to the second: `2026-03-01 09:30:00 UTC`; another text stays as it is."""
    try:
        found = dt.datetime.fromisoformat(time)
    except ValueError:
        return time
    return f"{found.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S} UTC" if found.tzinfo else time


def _code_point(char: str) -> str:
    return f"⟨U+{ord(char):04X}⟩"

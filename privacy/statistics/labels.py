"""One spelling for the names and values that a query may use, and for the same values in the rows."""

from __future__ import annotations

import math
import unicodedata
from typing import Any, Final

from retail import columns as c
from retail.errors import ConfigError, PrivacyError

MOST_VALUES: Final = 1_000_000
LONGEST_TEXT: Final = 500

_IDS: Final = (c.PERSON, c.BASKET)
_UNSEEN: Final = ("Cc", "Cf", "Cs", "Zl", "Zp")


def check_column(name: str) -> str:
    """Return the name of a column that a query may use.

    Raises:
        ConfigError: no text.
        PrivacyError: the column names persons or their baskets.
    """
    if not isinstance(name, str) or not name.strip():
        raise ConfigError(f"a query names columns by text, got {name!r}")
    column = label(name)
    if column in _IDS:
        raise PrivacyError(f"{column} names single persons; a query may neither count nor filter by it")
    return column


def labels(values: Any, *, what: str) -> tuple[str, ...]:
    """Bring a list of values into one spelling and order, without repeats.

    Raises: ConfigError: no values, too many, or one that is no short visible text or finite number.
    """
    listed = [values] if isinstance(values, str | int | float) else list(values)
    found = sorted({label(value) for value in listed})
    if not 1 <= len(found) <= MOST_VALUES:
        raise ConfigError(f"{what}: give 1 to {MOST_VALUES} values, got {len(found)}")
    return tuple(found)


def label(value: object) -> str:
    """Spell a value: text in Unicode's composed form without blanks at the ends, whole numbers without a point.

    Raises: ConfigError: a flag, a NaN or infinity, text that is empty, longer than 500 characters or holds characters
        that cannot be seen.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ConfigError(f"a value must be text or a number, got {value!r}")
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ConfigError(f"a value must be a finite number, got {value!r}")
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, int):
        return str(value)
    text = spelt(value)
    if not text or len(text) > LONGEST_TEXT:
        raise ConfigError(f"a value must have 1 to {LONGEST_TEXT} characters, got {len(text)}")
    if any(unicodedata.category(letter) in _UNSEEN for letter in text):
        raise ConfigError(f"a value holds a character that cannot be seen: {ascii(text)[:60]}; remove it")
    return text


def spelt(text: str) -> str:
    """Return text in Unicode's composed form, without blanks at the ends."""
    return unicodedata.normalize("NFC", text).strip()

"""What may stand in a register: ids and words that people can read, and times with a zone."""

from __future__ import annotations

import datetime as dt
import decimal
import numbers
import re
import unicodedata
from typing import Final

from retail.errors import ConsentError

LONGEST: Final = 500
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
_HEX_64: Final = re.compile(r"[0-9a-f]{64}")
_WHOLE: Final = re.compile(r"(-?[0-9]+)\.0*")


def person_text(person: object) -> str:
    """Return the one spelling of a person's id: 42 and "42" are the same person, as in `retail`.

    Args:
        person: a whole number or a text, as the data have it.

    Raises: ConsentError: it is something else (floats and missing values are no ids), empty, longer than `LONGEST`
        characters, or holds a control or invisible character such as NUL or U+202E. The message never shows the id.
    """
    if type(person) is int or (isinstance(person, numbers.Integral) and not isinstance(person, bool)):
        return str(int(person))
    return checked_text("the person's id", person, show=False)


def spellings(value: object) -> tuple[str, ...]:
    """Return the ids that a value of an import may mean: 17.0 (a column with gaps), "17.0", b"17" and " 17 " are 17.

    "017" is not: where ids are texts, it may be somebody else.

    Returns: nothing for what is no id, such as True, NaN or None.
    """
    if isinstance(value, bytes):
        try:
            value = value.decode("utf-8")
        except UnicodeDecodeError:
            return ()
    if isinstance(value, str):
        text = value.strip()
        whole = _WHOLE.fullmatch(text)
        return (text,) if whole is None else (text, whole[1])
    if isinstance(value, bool) or not isinstance(value, int | float | numbers.Real | decimal.Decimal):
        return ()
    try:
        number = float(value) if isinstance(value, numbers.Real) and not isinstance(value, numbers.Rational) else value
        whole_number = int(number)  # type: ignore[arg-type]
        return (str(whole_number),) if value == whole_number else ()
    except (ValueError, OverflowError):  # NaN and infinity
        return ()


def checked_text(what: str, value: object, *, most: int = LONGEST, show: bool = True) -> str:
    """Return a text that can be shown and kept; quotes and any script are fine.

    Args:
        what: its name, for messages.
        value: to be checked.
        most: characters.
        show: whether a message may show the value; not where it may name a person.

    Raises: ConsentError: no text, empty, too long, spaces around it, or a character that nobody sees. The message
        shows at most 40 characters, escaped.
    """
    if not isinstance(value, str):
        raise ConsentError(f"{what} must be text, got {type(value).__name__}; write it as text")
    if not value or value != value.strip():
        seen = f"is {_shown(value)}" if show else "is empty or has spaces around it"
        raise ConsentError(f"{what} {seen}; write it without spaces around it, and not empty")
    if len(value) > most:
        raise ConsentError(f"{what} has {len(value):,} characters, at most {most:,} are kept; shorten it")
    plain = value.isascii() and value.isprintable()  # the common case, decided at once
    if not plain and any(unicodedata.category(letter) in _HIDDEN for letter in value):
        raise ConsentError(
            f"{what}{f' is {_shown(value)}, with' if show else ' has'} a control or invisible character "
            "(such as NUL or U+202E); remove it"
        )
    return value


def checked_digest(what: str, value: object, *, show: bool = True) -> str:
    """Return 64 lower-case hexadecimal digits: a SHA-256, a token or an Ed25519 public key.

    A message shows the value unless `show` is false: what stands in for a token may be an id.

    Raises: ConsentError: anything else.
    """
    if not isinstance(value, str) or not _HEX_64.fullmatch(value):
        seen = f"is {_shown(value)}" if show else "cannot be read"
        raise ConsentError(f"{what} {seen}; give 64 lower-case hexadecimal digits")
    return value


def checked_time(what: str, value: object) -> dt.datetime:
    """Return a time in UTC.

    Raises: ConsentError: no datetime, or one without a time zone.
    """
    if not isinstance(value, dt.datetime):
        raise ConsentError(f"{what} must be a date and time, got {type(value).__name__}")
    if value.tzinfo is None or value.utcoffset() is None:
        raise ConsentError(f"{what} is {value.isoformat()} without a time zone; write for example +00:00 behind it")
    try:
        return value.astimezone(dt.UTC)
    except OverflowError as error:
        raise ConsentError(f"{what} is {value.isoformat()}, outside the calendar; correct it") from error


def time_text(value: dt.datetime) -> str:
    """Write a UTC time so that texts sort like times."""
    return value.astimezone(dt.UTC).isoformat(timespec="microseconds")


def read_time(what: str, text: object) -> dt.datetime:
    """Read an ISO 8601 time with a zone.

    Raises: ConsentError: it cannot be read, or has no zone.
    """
    try:
        value = dt.datetime.fromisoformat(checked_text(what, text))
    except ValueError as error:
        raise ConsentError(f"{what} is {_shown(text)}; write for example 2026-01-31T09:30:00+00:00") from error
    return checked_time(what, value)


def _shown(value: object) -> str:
    return repr(value) if len(repr(value)) <= 40 else repr(value)[:40] + "..."

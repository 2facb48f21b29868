"""One entry of a log, and the one way in which it is written as bytes."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from privacy.log.merkle import leaf_hash
from retail.errors import PrivacyError

KINDS: Final = (
    "access",
    "release",
    "answer",
    "refusal",
    "round",
    "budget",
    "consent",
    "withdrawal",
    "erasure",
    "figure",
    "attack",
    "policy",
    "run",
)
"""Kinds that Tradefair writes: reads and refusals, releases, federated rounds, and so on; "run" names a run's log."""

_KIND: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00")
_ENCODE: Final = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"), check_circular=False
).encode
_DECODE: Final = json.JSONDecoder().raw_decode


@dataclass(frozen=True, slots=True)
class LogEntry:
    """What happened, once.

    Attributes:
        index: place in the log, from 0, without gaps.
        kind: what sort of event, such as "access".
        time: when it was written by the writer's own clock; UTC, ISO 8601 with microseconds.
        body: the event, as read back from JSON.
        leaf: canonical JSON of the four values above in UTF-8; what the hash tree is made over.
    """

    index: int
    kind: str
    time: str
    body: dict[str, Any]
    leaf: bytes

    @property
    def leaf_hash(self) -> str:
        """Hash of `leaf`, as an inclusion proof names it: SHA-256 over a 0 byte and the leaf."""
        return leaf_hash(self.leaf).hex()


def make_entry(index: int, kind: str, time: str, body: Mapping[str, Any]) -> LogEntry:
    """Write an event down. Raises: PrivacyError: see `entry_of` and `canonical`."""
    return entry_of(index, kind, time, canonical(body))


def entry_of(index: int, kind: str, time: str, text: str) -> LogEntry:
    """Write an event down whose body was written by `canonical` already.

    Raises: PrivacyError: the kind is no short lower-case word.
    """
    if not isinstance(kind, str) or not _KIND.fullmatch(kind):
        raise PrivacyError(f"a log entry's kind is a lower-case word of at most 40 letters, got {kind!r}")
    return LogEntry(index, kind, time, json.loads(text), leaf_bytes(index, kind, time, text))


def canonical(document: Mapping[str, Any]) -> str:
    """Write a JSON object in one way only: sorted keys, no spaces, no escapes that are not needed, no NaN.

    Numbers are written as Python writes them (the shortest text that reads back as the same number).

    Raises: PrivacyError: it is not plain JSON: no mapping, a key that is no text, NaN or infinity, a lone surrogate, an
        object of another type, or nested without end.
    """
    try:
        if not isinstance(document, Mapping):
            raise TypeError(f"{type(document).__name__} is not a mapping")
        _check_keys(document)
        text = _ENCODE(dict(document))
        text.encode("utf-8")
    except (TypeError, ValueError, RecursionError) as error:
        raise PrivacyError(f"this cannot be written to a log as JSON ({error}); give plain finite values") from error
    return text


def leaf_bytes(index: int, kind: str, time: str, body: str) -> bytes:
    """Return the bytes that are hashed for an entry; `body` is canonical JSON already.

    Never raises: what could not have been written (a lone surrogate in a forged file) gets bytes that no entry has.
    """
    return f'{{"body":{body},"index":{index},"kind":"{kind}","time":"{time}"}}'.encode(errors="surrogatepass")


def is_well_formed(kind: object, time: object, body: object) -> bool:
    """Tell whether an entry's stored values are ones that `make_entry` could have written."""
    if not (isinstance(kind, str) and _KIND.fullmatch(kind)):
        return False
    if not (isinstance(time, str) and _TIME.fullmatch(time)):
        return False
    try:
        if not (isinstance(body, str) and body.startswith("{")):
            return False
        value, end = _DECODE(body)
        return end == len(body) and _ENCODE(value) == body
    except (TypeError, ValueError, RecursionError):
        return False


def malformed(batch: Sequence[tuple[Any, Any, Any]]) -> list[int]:
    """Return the positions of (kind, time, body) that are not well formed; many at once, since they seldom are.

    Each body is read by itself and must end where its JSON object ends. So bodies and canonical texts put in one row
    are equal exactly when they are equal one by one, and one call can write them all.
    """
    values, bodies = [], []
    try:
        for kind, time, body in batch:
            if not (_KIND.fullmatch(kind) and _TIME.fullmatch(time) and body.startswith("{")):
                break
            value, end = _DECODE(body)
            if end != len(body):
                break
            values.append(value)
            bodies.append(body)
        else:
            if _ENCODE(values) == f"[{','.join(bodies)}]":
                return []
    except (TypeError, ValueError, RecursionError, AttributeError):
        pass
    return [position for position, one in enumerate(batch) if not is_well_formed(*one)]


def now() -> str:
    """Return the time for an entry or a head."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="microseconds")


def _check_keys(value: object) -> None:
    """Refuse keys that JSON would quietly turn into text, so that two bodies never share one form."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if not isinstance(key, str):
                raise TypeError(f"key {key!r} is no text")
            _check_keys(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            _check_keys(inner)

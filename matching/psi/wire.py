"""A message between two parties as bytes: one line of JSON, then points or tokens; signed by whoever sends it.

Points lie bare behind the line, so 100,000 of them take 3.2 MB.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Self

from matching.psi.terms import MOST_PLACES
from privacy.log import SigningKey
from privacy.log.keys import verify_signature
from retail.errors import PrivacyError

WIDE: Final = 32
"""Bytes of a point or token."""
MOST_SPARE: Final = 1_000_000
_LONGEST_LINE: Final = 4_000
_DOMAIN: Final = b"tradefair psi message 1\n"
_SIGNED: Final = {"key", "signature"}


@dataclass(frozen=True, slots=True)
class Signature:
    """Who sent a message.

    Attributes:
        key: public key of the signer, 64 hexadecimal digits.
        value: Ed25519 over the line without itself, and over everything behind it; 128 hexadecimal digits.
    """

    key: str
    value: str


class Signed(ABC):
    """What all messages have in common; each is a frozen dataclass with a field `signature`."""

    __slots__ = ()
    signature: Signature | None

    @abstractmethod
    def head(self) -> dict[str, Any]:
        """Return what stands in the line."""

    @abstractmethod
    def parts(self) -> Sequence[bytes]:
        """Return what stands behind it."""

    def to_bytes(self) -> bytes:
        """Write the message, with its signature if it has one."""
        head = self.head()
        if self.signature is not None:
            head |= {"key": self.signature.key, "signature": self.signature.value}
        return _line(head) + b"".join(self.parts())

    def sign(self, key: SigningKey) -> Self:
        """Return the message signed."""
        made = Signature(key.public_hex, key.sign(self._message(key.public_hex)))
        return replace(self, signature=made)  # type: ignore[type-var]

    @property
    def signer(self) -> str:
        """The public key that the message was signed with. Whose key that is, no message can tell.

        Raises: PrivacyError: it is not signed, or was changed since.
        """
        known = self.signature
        if known is None:
            raise PrivacyError("the message is not signed, so nobody knows who sent it; ask for one that is")
        if not verify_signature(known.key, self._message(known.key), known.value):
            raise PrivacyError(
                "the message is not what its sender signed: it was changed on its way, so ask for it again"
            )
        return known.key

    def _message(self, key: str) -> bytes:
        return _DOMAIN + _line({**self.head(), "key": key}) + b"".join(self.parts())


def read_line(message: bytes, kind: str, names: set[str]) -> tuple[dict[str, Any], bytes, Signature | None]:
    """Part the line of a message from what stands behind it.

    Args:
        message: as `Signed.to_bytes` writes it.
        kind: of message.
        names: of its fields.

    Raises: PrivacyError: it is no message of that kind.
    """
    if len(message) > _LONGEST_LINE + 2 * (MOST_PLACES + MOST_SPARE) * WIDE:
        raise PrivacyError(f"a message of {len(message):,} bytes is longer than any there is; refuse it")
    what = kind.replace("_", " ")
    end = message.find(b"\n")
    if not 0 < end <= _LONGEST_LINE:
        raise PrivacyError(f"this is no {what}: its first line is missing; hand over the file as it came")
    try:
        fields = json.loads(message[:end])
    except (ValueError, RecursionError) as error:
        said = "its first line is no JSON" if isinstance(error, ValueError) else "its first line is too deep"
        raise PrivacyError(f"this is no {what}: {said}; hand over the file as it came") from error
    if not isinstance(fields, dict) or "psi" not in fields:
        raise PrivacyError(f"this is no {what}; hand over the file as it came")
    if fields["psi"] != kind:
        other = str(fields["psi"]).replace("_", " ")
        raise PrivacyError(f"this is no {what} but a message of the kind {other!r:.40}; hand over the right file")
    extra = set(fields) - {"psi", *names}
    if names - set(fields) or extra not in (set(), _SIGNED):
        raise PrivacyError(f"this is no {what}: it has other fields than one; ask the other party what it runs")
    signature = None
    if extra:
        key, value = fields.pop("key"), fields.pop("signature")
        if not (isinstance(key, str) and isinstance(value, str)):
            raise PrivacyError(f"the signature of this {what} is no text; refuse it")
        signature = Signature(key, value)
    return fields, message[end + 1 :], signature


def cut(body: bytes, size: int, count: int) -> list[bytes]:
    """Cut what stands behind the line into pieces of one size.

    Raises: PrivacyError: there are more or fewer than `count`.
    """
    if len(body) != size * count:
        raise wrong_length(len(body), size * count)
    return [body[at : at + size] for at in range(0, len(body), size)]


def refuse_repeats(points: Sequence[bytes]) -> None:
    """Refuse a message that counts somebody twice. Raises: PrivacyError: so it does."""
    if len(set(points)) != len(points):
        raise PrivacyError(
            "the message holds a point twice; a party sends each of its people once, so refuse this session"
        )


def wrong_length(got: int, expected: int) -> PrivacyError:
    """Return the error for a message that was cut, or holds more than its line says."""
    return PrivacyError(
        f"the message holds {got:,} bytes of points and its first line says {expected:,}; it was cut, or holds more "
        "points than agreed, so refuse it"
    )


def _line(head: dict[str, Any]) -> bytes:
    return json.dumps(head, sort_keys=True).encode() + b"\n"

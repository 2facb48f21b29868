"""A signed head: the log's owner states how long the log is and what it holds, so that it cannot be told otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from privacy.log.entry import canonical, now
from privacy.log.keys import SigningKey, verify_signature
from retail.errors import PrivacyError

_DOMAIN = b"tradefair log head 1\n"


@dataclass(frozen=True, slots=True)
class SignedHead:
    """A statement about a log at one moment.

    Attributes:
        origin: name of the log.
        size: entries in it.
        root_hex: root of the hash tree over them, 64 hexadecimal digits.
        time: when it was signed by the signer's own clock; UTC, ISO 8601.
        key_hex: public key of the signer, 64 hexadecimal digits.
        signature_hex: Ed25519 signature over the other five values, 128 hexadecimal digits.
    """

    origin: str
    size: int
    root_hex: str
    time: str
    key_hex: str
    signature_hex: str

    @property
    def is_signed(self) -> bool:
        """Whether the signature is good under the head's own key. Whose key that is, the head cannot tell."""
        try:
            return verify_signature(self.key_hex, _message(self), self.signature_hex)
        except PrivacyError:
            return False

    def to_json(self) -> dict[str, Any]:
        """Return a mapping that JSON can hold."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Read what `to_json` made; says nothing about the signature.

        Raises: PrivacyError: it is no such mapping.
        """
        names = [field.name for field in fields(cls)]
        if not isinstance(document, Mapping) or set(document) != set(names):
            raise PrivacyError(f"a signed head has the fields {', '.join(names)}, got {document!r}")
        for name in names:
            wanted = int if name == "size" else str
            if type(document[name]) is not wanted:
                raise PrivacyError(f"{name} of a signed head must be {wanted.__name__}, got {document[name]!r}")
        if document["size"] < 0:
            raise PrivacyError(f"size of a signed head must be at least 0, got {document['size']}")
        return cls(**document)


def sign_head(key: SigningKey, *, origin: str, size: int, root: bytes) -> SignedHead:
    """Sign how a log stands now."""
    unsigned = SignedHead(origin, size, root.hex(), now(), key.public_hex, "")
    return SignedHead(origin, size, root.hex(), unsigned.time, key.public_hex, key.sign(_message(unsigned)))


def _message(head: SignedHead) -> bytes:
    signed = {name: value for name, value in asdict(head).items() if name != "signature_hex"}
    return _DOMAIN + canonical(signed).encode()

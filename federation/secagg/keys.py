"""Keys: one that says who a node is, for good; and two for each aggregation, signed with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from retail.errors import PrivacyError

KEY_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64
_NONCE: Final = bytes(12)  # each key seals one message


@dataclass(frozen=True, slots=True)
class Advertisement:
    """A node's public keys of one aggregation.

    Attributes:
        node: place in the roster.
        seal_key: X25519, for shares on their way through the server.
        mask_key: X25519, for masks.
        signature: Ed25519, by the node's identity, over the session and all of these.
    """

    node: int
    seal_key: bytes
    mask_key: bytes
    signature: bytes

    def signed_by(self, roster: tuple[bytes, ...], session: bytes) -> bool:
        """Whether the node that the roster names at this place has signed it for this session."""
        lengths = (len(self.seal_key), len(self.mask_key), len(self.signature))
        if not 0 <= self.node < len(roster) or lengths != (KEY_BYTES, KEY_BYTES, SIGNATURE_BYTES):
            return False
        try:
            known = Ed25519PublicKey.from_public_bytes(roster[self.node])
            known.verify(self.signature, _signed(session, self.node, self.seal_key, self.mask_key))
        except (InvalidSignature, ValueError):
            return False
        return True


def new_identity() -> bytes:
    """Return the 32 secret bytes of a new identity, from the operating system."""
    return Ed25519PrivateKey.generate().private_bytes_raw()


def public_identity(identity: bytes) -> bytes:
    """Return the 32 bytes by which the roster knows an identity."""
    return Ed25519PrivateKey.from_private_bytes(identity).public_key().public_bytes_raw()


def new_key() -> bytes:
    """Return 32 secret bytes for X25519, from the operating system."""
    return X25519PrivateKey.generate().private_bytes_raw()


def public_key(secret: bytes) -> bytes:
    """Return the 32 public bytes of an X25519 key."""
    return X25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()


def advertise(session: bytes, node: int, *, identity: bytes, seal: bytes, mask: bytes) -> Advertisement:
    """Sign the public halves of two secret keys."""
    seal_key, mask_key = public_key(seal), public_key(mask)
    signature = Ed25519PrivateKey.from_private_bytes(identity).sign(_signed(session, node, seal_key, mask_key))
    return Advertisement(node, seal_key, mask_key, signature)


def agreed(secret: bytes, public: bytes, *, purpose: bytes, session: bytes, between: tuple[int, int]) -> bytes:
    """Return the 32 bytes that two nodes agree on, for one purpose of one session.

    Args:
        secret: of one of the two.
        public: of the other.
        purpose: keeps keys of different purposes apart.
        session: of the aggregation.
        between: the two nodes, in an order that both use.

    Raises: PrivacyError: a public key of small order, with which everybody would agree on the same.
    """
    try:
        shared = X25519PrivateKey.from_private_bytes(secret).exchange(X25519PublicKey.from_public_bytes(public))
    except ValueError as error:
        raise PrivacyError("a node advertised a public key that agrees on nothing secret; it is left out") from error
    info = b"|".join([purpose, str(between[0]).encode(), str(between[1]).encode()])
    return HKDF(SHA256(), KEY_BYTES, session, info).derive(shared)


def seal(key: bytes, plain: bytes, session: bytes) -> bytes:
    """Encrypt the one message of a key, with AES-256-GCM."""
    return AESGCM(key).encrypt(_NONCE, plain, session)


def unseal(key: bytes, sealed: bytes, session: bytes) -> bytes:
    """Decrypt what `seal` made.

    Raises: PrivacyError: it was changed on its way, or is of another session.
    """
    try:
        return AESGCM(key).decrypt(_NONCE, sealed, session)
    except InvalidTag as error:
        raise PrivacyError("a share was changed on its way; nothing is sent in this round") from error


def _signed(session: bytes, node: int, seal_key: bytes, mask_key: bytes) -> bytes:
    return b"|".join([b"tradefair keys", session, str(node).encode(), seal_key, mask_key])

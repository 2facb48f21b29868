"""The group that ids become points of: ristretto255, as libsodium computes it (package `rbcl`).

Its order is prime, so no point has a small order that would give a key away bit by bit, and every element has one
spelling of 32 bytes.
"""

from __future__ import annotations

import hashlib
import importlib
import secrets
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import rbcl

from retail.errors import PrivacyError

POINT: Final = 32
"""Bytes of a point."""
_WIDE: Final = 64

# The package unpacks its library into a temporary file at every import and leaves it there, 2.8 MB a process.
Path(importlib.import_module("rbcl._sodium").lib_path).unlink(missing_ok=True)


def fresh_key() -> bytes:
    """Return a secret scalar, never 0, from libsodium's random source."""
    return bytes(rbcl.crypto_core_ristretto255_scalar_random())


def inverse(key: bytes) -> bytes:
    """Return the scalar that takes a mask off again."""
    return bytes(rbcl.crypto_core_ristretto255_scalar_invert(key))


def point_of(domain: bytes, text: str) -> bytes:
    """Hash a text to a point whose logarithm nobody knows.

    Args:
        domain: what the point is for; texts under two domains have unrelated points.
        text: such as an id.

    Source: RFC 9496, section 4.3.4 (element derivation), with SHA-512 of the length of the domain, the domain and the
        text as its uniform bytes.
    """
    wide = hashlib.sha512(len(domain).to_bytes(4, "big") + domain + text.encode()).digest()
    return bytes(rbcl.crypto_core_ristretto255_from_hash(wide))


def random_point() -> bytes:
    """Return a uniform point whose logarithm nobody knows; it stands for nobody."""
    return bytes(rbcl.crypto_core_ristretto255_from_hash(secrets.token_bytes(_WIDE)))


def shuffled(things: Sequence[bytes]) -> list[bytes]:
    """Return things in an order that the system's random source draws: sorted by 64 fresh bits each.

    Among a million things two draw the same bits with a chance of 3e-8; then those two keep their order.
    """
    bits = np.frombuffer(secrets.token_bytes(8 * len(things)), dtype=np.uint64)
    return [things[place] for place in np.argsort(bits, kind="stable").tolist()]


def public_of(key: bytes) -> bytes:
    """Return the point of a scalar: the base point multiplied by it."""
    return bytes(rbcl.crypto_scalarmult_ristretto255_base(key))


def masked(points: Iterable[bytes], key: bytes) -> list[bytes]:
    """Multiply points by a key, in the order given.

    Raises: PrivacyError: something is no point, or the identity.
    """
    multiply = rbcl.crypto_scalarmult_ristretto255
    done = []
    try:
        for point in points:
            done.append(multiply(key, point))
    except (RuntimeError, ValueError) as error:
        raise PrivacyError(
            f"point {len(done)} of the message is no point of the group that stands for somebody; refuse this session, "
            "and ask the other party what it runs"
        ) from error
    return done

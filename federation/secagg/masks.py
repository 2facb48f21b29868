"""Masks: streams of AES-256 in counter mode, as whole numbers modulo 2^64."""

from __future__ import annotations

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR
from numpy.typing import NDArray

from federation.secagg.keys import KEY_BYTES
from retail.errors import PrivacyError

Ring = NDArray[np.uint64]
"""Whole numbers modulo 2^64."""


def add_mask(vector: Ring, key: bytes, *, sign: int) -> None:
    """Add or subtract the mask of a key, in place.

    Args:
        vector: (d,) uint64.
        key: 32 bytes, used for one mask and nothing else: the counter starts at 0.
        sign: 1 adds, -1 subtracts.

    Raises: PrivacyError: a key of another length, or a sign that is neither.
    """
    if len(key) != KEY_BYTES or sign not in (1, -1):
        raise PrivacyError(f"a mask needs a key of {KEY_BYTES} bytes and a sign of 1 or -1")
    stream = Cipher(AES256(key), CTR(bytes(16))).encryptor().update(bytes(8 * vector.size))
    mask = np.frombuffer(stream, dtype="<u8")
    if sign > 0:
        np.add(vector, mask, out=vector)
    else:
        np.subtract(vector, mask, out=vector)


def pair_sign(node: int, other: int) -> int:
    """Return the sign with which `node` adds the mask that it shares with `other`; the other uses the opposite."""
    return 1 if node < other else -1

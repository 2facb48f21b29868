"""One template, encrypted for one use: moved to another person, merchant, purpose or receipt it does not open."""

from __future__ import annotations

import functools
import json
import os
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from privacy.consent import Secret
from retail.errors import PrivacyError

_DOMAIN: Final = "tradefair face template 1"
_WRITE: Final = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
_NONCE: Final = 12
_LENGTH: Final = 2


@dataclass(frozen=True, slots=True)
class Binding:
    """What a template is for; the associated data of its encryption.

    Attributes:
        subject: token of the person in the consent register.
        merchant: controller whose template it is.
        purpose: "in_store_recognition" or "payment".
        receipt: SHA-256 of the consent receipt under which it was made.
        model: id of the encoder.
        expires_at: when that receipt ends, UTC text; the template is never used from then on.
        consent_version: version of the register when it was made: a later withdrawal ends its use for good.
    """

    subject: str
    merchant: str
    purpose: str
    receipt: str
    model: str
    expires_at: str
    consent_version: int

    @property
    def associated_data(self) -> bytes:
        """One way only to write it down."""
        use = (self.merchant, self.purpose, self.model)
        return _WRITE([_DOMAIN, self.subject, use, self.receipt, self.expires_at, self.consent_version]).encode()


@dataclass(frozen=True, slots=True)
class Sealed:
    """What lies in the file.

    Attributes:
        binding: in clear; names nobody.
        nonce: 12 random bytes.
        ciphertext: of the person's id and the rotated vector, with the tag.
    """

    binding: Binding
    nonce: bytes
    ciphertext: bytes


def seal(key: Secret, binding: Binding, person: str, vector: npt.NDArray[np.float32]) -> Sealed:
    """Encrypt a template with AES-256-GCM under the merchant's key.

    Args:
        key: of the merchant.
        binding: what it is for.
        person: id, kept inside.
        vector: (d,) float32, rotated.

    Guarantee: without the key nothing about person or vector can be read, and any change of the ciphertext or the
        binding is found. Assumes AES-256-GCM and fewer than 2^32 templates under one key, since nonces are random.
    """
    name = person.encode()
    plain = len(name).to_bytes(_LENGTH, "big") + name + vector.astype("<f4").tobytes()
    nonce = os.urandom(_NONCE)
    return Sealed(binding, nonce, _cipher(key).encrypt(nonce, plain, binding.associated_data))


def unseal(key: Secret, sealed: Sealed) -> tuple[str, npt.NDArray[np.float32]]:
    """Decrypt a template.

    Returns: the person's id and the rotated vector.

    Raises: PrivacyError: another key, or the ciphertext or what it is bound to was changed or swapped.
    """
    try:
        plain = _cipher(key).decrypt(sealed.nonce, sealed.ciphertext, sealed.binding.associated_data)
    except (InvalidTag, ValueError) as error:
        raise PrivacyError(
            "a template does not open: it was changed, moved to another person, merchant, purpose or receipt, or is of "
            "another key; revoke it and enrol the person anew"
        ) from error
    end = _LENGTH + int.from_bytes(plain[:_LENGTH], "big")
    return plain[_LENGTH:end].decode(), np.frombuffer(plain[end:], dtype="<f4").astype(np.float32)


@functools.lru_cache(maxsize=4)
def _cipher(key: Secret) -> AESGCM:
    return AESGCM(bytes.fromhex(key.mark("face template key", "aes-256-gcm")))

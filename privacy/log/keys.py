"""The key that signs a log's heads, reports and certificates: Ed25519, in a file that only its owner may read."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path
from typing import Final, Self

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from retail.errors import PrivacyError
from retail.files import atomic_write

_PUBLIC_HEX: Final = re.compile(r"[0-9a-f]{64}")


class SigningKey:
    """A private key; make it with `SigningKey.load_or_create(path)`.

    Guarantee: nobody without the private key can sign another message under `public_hex` (Ed25519, RFC 8032). Assumes
        that the file stays secret and that the reader got `public_hex` from the owner by another way than the log.
    """

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public_hex: str = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()

    @classmethod
    def generate(cls) -> Self:
        """Make a key that is not kept in a file."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Read a private key.

        Raises: PrivacyError: the file is missing, holds no unencrypted Ed25519 key in PEM, or may be read by others.
        """
        path = Path(path)
        try:
            pem = path.read_bytes()
            mode = path.stat().st_mode
        except OSError as error:
            raise PrivacyError(f"cannot read the signing key {path}: {error.strerror}; check the path") from error
        if os.name == "posix" and mode & 0o077:
            raise PrivacyError(f"the signing key {path} may be read by others (mode {mode & 0o777:o}); chmod 600 it")
        try:
            private = load_pem_private_key(pem, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise PrivacyError(f"{path} holds no signing key ({error}); name an Ed25519 key in PEM") from error
        if not isinstance(private, Ed25519PrivateKey):
            raise PrivacyError(f"{path} holds a {type(private).__name__}; name an Ed25519 key")
        return cls(private)

    @classmethod
    def load_or_create(cls, path: Path | str) -> Self:
        """Read a private key, or make one where there is none (mode 0600, folders included).

        The public key is written beside it as 64 hexadecimal digits, with the suffix ".pub". Two processes that start
        at once get the same key.

        Raises: PrivacyError: see `load`; the public key beside it belongs to another key; the folder is not writable.
        """
        path = Path(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                _write_once(path, cls.generate())
        except OSError as error:
            raise PrivacyError(f"cannot write the signing key {path}: {error.strerror}; choose another") from error
        key = cls.load(path)
        public = path.with_suffix(".pub")
        if not public.exists():
            atomic_write(public, lambda file: file.write_text(key.public_hex + "\n", encoding="ascii"))
        elif read_public(public) != key.public_hex:
            raise PrivacyError(f"{public} is not the public key of {path}; one of the two was replaced")
        return key

    def sign(self, message: bytes) -> str:
        """Return the signature of a message, 128 hexadecimal digits. Begin messages of a new kind with a new word."""
        return self._private.sign(message).hex()

    def _pem(self) -> bytes:
        return self._private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def verify_signature(public_hex: str, message: bytes, signature_hex: str) -> bool:
    """Tell whether a signature is good; False too for anything that is no key or no signature in lower-case digits."""
    try:
        public, signature = bytes.fromhex(public_hex), bytes.fromhex(signature_hex)
        if (public.hex(), signature.hex()) != (public_hex, signature_hex):
            return False  # one way to write each, so that no digit may change its case
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def read_public(key: Path | str) -> str:
    """Return a public key given as 64 hexadecimal digits, or as a file that holds them.

    Raises: PrivacyError: it is neither.
    """
    text = str(key)
    if not _PUBLIC_HEX.fullmatch(text):
        try:
            text = Path(key).read_text(encoding="ascii").strip()
        except (OSError, ValueError) as error:
            raise PrivacyError(
                f"{key} is neither a public key (64 hexadecimal digits) nor a file that can be read; check both"
            ) from error
    if not _PUBLIC_HEX.fullmatch(text):
        raise PrivacyError(f"{key} holds no public key; give 64 hexadecimal digits in lower case, or a .pub file")
    return text


def _write_once(path: Path, key: SigningKey) -> None:
    """Put a whole key at `path` unless another process was faster."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(key._pem())
            file.flush()
            os.fsync(file.fileno())
        os.link(name, path)
    except FileExistsError:
        pass
    finally:
        os.unlink(name)

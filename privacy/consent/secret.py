"""A secret key in a file, and keyed hashes under it: what makes a token or a tombstone say nothing to strangers."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from retail.errors import PrivacyError

_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Secret:
    """Thirty-two random bytes.

    Guarantee: without them nobody can compute a mark, test a guessed id against one, or tell two marks of one person
        under two secrets apart from marks of two persons. Assumes that HMAC-SHA-256 is a pseudorandom function and
        that the file stays secret. With them anybody can test a guess: marks are pseudonymous data, not anonymous.
    """

    value: bytes = field(repr=False)

    @classmethod
    def fresh(cls) -> Secret:
        """Return a new secret from the system's random source."""
        return cls(secrets.token_bytes(_BYTES))

    @classmethod
    def load(cls, path: Path) -> Secret:
        """Read a secret.

        Raises: PrivacyError: there is no such file, or something else is in it.
        """
        try:
            value = bytes.fromhex(path.read_text(encoding="ascii").strip())
        except FileNotFoundError as error:
            raise PrivacyError(f"there is no key at {path}; put it back from the backup of your keys") from error
        except (OSError, ValueError) as error:
            raise PrivacyError(f"the key at {path} cannot be read; put it back from the backup of your keys") from error
        if len(value) != _BYTES:
            raise PrivacyError(f"the key at {path} has {len(value)} bytes, not {_BYTES}; put the right file back")
        return cls(value)

    @classmethod
    def load_or_create(cls, path: Path) -> Secret:
        """Read a secret, or make one that only this user may read (mode 0600); of two makers one wins.

        Raises: PrivacyError: the file cannot be read or written.
        """
        if not path.exists():
            temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
            try:
                descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(descriptor, "w", encoding="ascii") as file:
                    file.write(cls.fresh().value.hex() + "\n")
                    file.flush()
                    os.fsync(file.fileno())
                os.link(temporary, path)
            except FileExistsError:
                pass  # somebody else was faster
            except OSError as error:
                raise PrivacyError(f"cannot write the key {path}: {error.strerror}; choose another folder") from error
            finally:
                temporary.unlink(missing_ok=True)
        return cls.load(path)

    def mark(self, use: str, text: str) -> str:
        """Return the keyed hash of a text for one use: 64 hexadecimal digits."""
        return hmac.digest(self.value, f"{use}\0{text}".encode(), "sha256").hex()

    @property
    def check(self) -> str:
        """A fingerprint that tells the right secret from another one and reveals neither."""
        return hashlib.sha256(b"tradefair key check\0" + self.value).hexdigest()

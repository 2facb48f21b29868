"""Witness files: a signed head in the hands of somebody who is not the log's owner."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from privacy.log.head import SignedHead
from retail.errors import PrivacyError
from retail.files import atomic_write

_FORMAT: Final = "tradefair-witness"
_VERSION: Final = 1


def write_witness(path: Path | str, head: SignedHead) -> None:
    """Keep a head in a file. Store it where the log's owner cannot write: that is what makes it worth something.

    Raises:
        PrivacyError: the head's signature is bad.
        DataError: the file cannot be written.
    """
    if not head.is_signed:
        raise PrivacyError(f"the head of {head.size} entries has a bad signature; do not keep it, ask for another")
    atomic_write(Path(path), lambda file: file.write_bytes(_content(head)))


def read_witness(path: Path | str) -> SignedHead:
    """Read a kept head.

    Raises: PrivacyError: the file is missing or no witness file, or the head's signature is bad (the file was changed).
    """
    try:
        content = Path(path).read_bytes()
        document = json.loads(content)
    except OSError as error:
        raise PrivacyError(f"cannot read the witness file {path}: {error.strerror}; check the path") from error
    except (ValueError, RecursionError) as error:
        raise PrivacyError(f"{path} is no witness file ({error}); write one with `tradefair log witness`") from error
    kind = (document.get("format"), document.get("version")) if isinstance(document, dict) else None
    if kind != (_FORMAT, _VERSION) or set(document) != {"format", "version", "head"}:
        raise PrivacyError(f"{path} is no witness file of version {_VERSION}; write one with `tradefair log witness`")
    head = SignedHead.from_json(document["head"])
    if not head.is_signed or content != _content(head):
        raise PrivacyError(f"the head in the witness file {path} has a bad signature; the file was changed")
    return head


def _content(head: SignedHead) -> bytes:
    """Return a witness file's bytes, which depend on the head alone."""
    document = {"format": _FORMAT, "version": _VERSION, "head": head.to_json()}
    return (json.dumps(document, indent=1) + "\n").encode("ascii")

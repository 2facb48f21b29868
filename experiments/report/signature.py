"""A report's detached signature: a small JSON file beside it that pins every byte of the report."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from experiments.documents import write_bytes
from experiments.report.model import ReportModel
from privacy.log import SignedHead, SigningKey, canonical, verify_signature
from retail.errors import DataError, PrivacyError

SUFFIX: Final = ".sig"
_FORMAT: Final = "tradefair report signature 1"
_FIELDS: Final = ("format", "file", "sha256", "origin", "head", "key", "signature")


def sign(content: bytes, name: str, *, key: SigningKey, model: ReportModel) -> bytes:
    """Sign a rendered report.

    Args:
        content: all bytes of the report.
        name: of its file, without folders.
        key: the store's private key.
        model: the report; the newest head of its log goes into the signature.

    Returns: the `.sig` file: JSON with file, sha256, origin, head, key, signature. The signature is Ed25519 over a
        domain word and the canonical JSON of the other fields.
    """
    head = model.heads[0].head if model.heads else None
    unsigned = {
        "format": _FORMAT,
        "file": name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "origin": model.origin,
        "head": None if head is None else dict(head),
        "key": key.public_hex,
    }
    document = {**unsigned, "signature": key.sign(_message(unsigned))}
    return (json.dumps(document, indent=1) + "\n").encode()


def write_report(path: Path, content: bytes, *, key: SigningKey, model: ReportModel) -> Path:
    """Write a report and its signature, each whole or not at all.

    Returns: the path of the signature, `<path>.sig`.

    Raises:
        DataError: a file cannot be written.
    """
    signature = signature_path(path)
    write_bytes(path, content)
    write_bytes(signature, sign(content, path.name, key=key, model=model))
    return signature


def signature_path(path: Path) -> Path:
    """Return where a report's signature lies."""
    return path.with_name(path.name + SUFFIX)


def check_signature(path: Path, content: bytes) -> tuple[Mapping[str, Any] | None, list[str]]:
    """Check a report's bytes against the signature beside it.

    Returns: the signature's fields (None when it cannot be read), and what is wrong.

    Raises:
        DataError: the signature file is there and cannot be read.
    """
    place = signature_path(path)
    if not place.is_file():
        return None, [f"there is no signature {place.name} beside the report; ask for it, without it nothing is proven"]
    try:
        raw = place.read_bytes()
        document = json.loads(raw)
    except OSError as error:
        raise DataError(f"cannot read {place}: {error.strerror}; check permissions") from error
    except (ValueError, RecursionError):
        return None, [f"{place.name} is no JSON; ask for the signature again"]
    if not isinstance(document, dict) or set(document) != set(_FIELDS) or document["format"] != _FORMAT:
        return None, [f"{place.name} is no signature of a report; ask for it again"]
    if raw != (json.dumps({name: document[name] for name in _FIELDS}, indent=1) + "\n").encode():
        return None, [f"{place.name} is not written as a signature is; it was changed"]
    problems = []
    if hashlib.sha256(content).hexdigest() != document["sha256"]:
        problems.append("the report is not the one that was signed: its bytes were changed")
    unsigned = {name: document[name] for name in _FIELDS if name != "signature"}
    try:
        good = verify_signature(str(document["key"]), _message(unsigned), str(document["signature"]))
        signed = document["head"] is None or SignedHead.from_json(document["head"]).is_signed
    except PrivacyError:
        good = signed = False
    if not (good and signed):
        problems.append("the signature itself is not good: it was changed, or made with another key")
    return document, problems


def _message(unsigned: Mapping[str, Any]) -> bytes:
    return _FORMAT.encode() + b"\n" + canonical(dict(unsigned)).encode()

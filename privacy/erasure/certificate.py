"""The certificate of an erasure: what was done in each place, signed, with its proof in the log; checked offline."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from privacy.consent.identifiers import time_text
from privacy.consent.standing import now_utc
from privacy.erasure.journal import Entry, Request
from privacy.erasure.places import MEANING
from privacy.log import InclusionProof, Log, SignedHead, SigningKey, canonical, verify_signature
from privacy.log.entry import make_entry
from retail.errors import PrivacyError
from retail.files import atomic_write

TYPE: Final = "tradefair erasure certificate"
VERSION: Final = 1
SUPPRESSION: Final = (
    "A keyed hash of the person's id stays in the consent register, to refuse a later import; it serves no other use, "
    "and is useless once its key is deleted."
)
NOT_COVERED: Final = (
    "Backups, snapshots and old blocks of the file system.",
    "Places that nobody registered, and ids that stand in other columns or in free text.",
    "What a program that was running at the time wrote afterwards, until the erasure is run again.",
    "Copies at recipients, beyond telling them.",
    "Statistics and means over many people that were released or stored before.",
    "Several models under an epsilon: what they can tell together is bounded by their sum.",
    "The log, which holds no id: without salts its entries name nobody.",
)
_DOMAIN: Final = b"tradefair erasure certificate 1\n"
_STATED: Final = ("type", "version", "request", "commitments", "status", "opened_at", "issued_at", "places")
_TOP: Final = (*_STATED, "suppression", "not_covered", "log", "key_hex", "signature_hex")
_LOG: Final = ("entry", "proof", "head")

Status = Literal["closed", "open"]


@dataclass(frozen=True, slots=True)
class Certificate:
    """A signed statement about one request; `document` is plain JSON and names nobody."""

    document: Mapping[str, Any]

    @property
    def status(self) -> Status:
        """Closed: nothing is left to do. Open: a model, an export or a place still needs somebody."""
        status: Status = "closed" if self.document["status"] == "closed" else "open"
        return status

    @property
    def open_places(self) -> tuple[str, ...]:
        """Names of the places that are still open."""
        return tuple(place["place"] for place in self.document["places"] if place["state"] == "open")

    def says(self, entries: list[Entry]) -> bool:
        """Tell whether it was issued about exactly these steps in these states."""
        stated = [(place["place"], place["state"], place["at"]) for place in self.document["places"]]
        return stated == [(entry.step.place, entry.state, entry.at) for entry in entries]

    def to_json(self) -> str:
        """Return the text to hand out."""
        return json.dumps(self.document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    def keep(self, folder: Path) -> Path:
        """Write it into a folder beside every earlier one: a certificate that was handed out is never overwritten.

        The first of a request is `REQUEST.json`, the next that says something else `REQUEST-2.json`, and so on. Assumes
        that one process at a time writes certificates of a request, as `Erasure` sees to with a journal in a file.

        Returns: its file; that of before where the very same certificate is there already.

        Raises: DataError: the folder cannot be written to.
        """
        text, name = self.to_json(), str(self.document["request"])
        for number in itertools.count(1):
            file = folder / (f"{name}.json" if number == 1 else f"{name}-{number}.json")
            if not file.exists():
                atomic_write(file, lambda temporary: temporary.write_text(text, encoding="utf-8"))
                break
            if file.read_bytes() == text.encode():
                break
        return file


def issue(request: Request, entries: list[Entry], *, log: Log) -> Certificate:
    """State what was done, write that into the log, and sign both.

    Raises: PrivacyError: the log has no key, was tampered with, or cannot be written; or a step is still pending.
    """
    if log.key is None:
        raise PrivacyError("the log was opened without a key, so no certificate can be signed; open it with its key")
    if any(entry.state == "pending" for entry in entries):
        raise PrivacyError("a step of this erasure is still pending; run the erasure again before a certificate")
    stated: dict[str, Any] = {
        "type": TYPE,
        "version": VERSION,
        "request": request.request,
        "commitments": list(request.commitments),
        "status": _status(entry.state for entry in entries),
        "opened_at": request.opened_at,
        "issued_at": time_text(now_utc()),
        "places": [_place(entry) for entry in entries],
        "suppression": SUPPRESSION,
        "not_covered": list(NOT_COVERED),
    }
    body = {
        "event": "certificate",
        "request": request.request,
        "commitments": list(request.commitments),
        "status": stated["status"],
        "places": [{name: place[name] for name in ("place", "action", "state")} for place in stated["places"]],
        "content_sha256": _content(stated),
    }
    logged = log.append("erasure", body)
    head = log.sign_head()
    proof = log.inclusion(logged.index, head.size)
    entry = {"index": logged.index, "kind": logged.kind, "time": logged.time, "body": logged.body}
    stated["log"] = {"entry": entry, "proof": proof.to_json(), "head": head.to_json()}
    return Certificate(_signed(stated, log.key))


def check_certificate(document: Any, *, key_hex: str) -> tuple[str, ...]:
    """Check a certificate offline: only it and the public key of whoever issued it are needed.

    Args:
        document: as read from JSON.
        key_hex: got from the issuer by another way than the certificate.

    Returns: what is wrong with it, one sentence each; nothing when it is good. An open certificate is good too.

    Guarantee: a good certificate says what the holder of the key stated, unchanged, and its statement is entry
        `log.entry.index` of the log with the signed head in it. Assumes Ed25519 and SHA-256. That the statement is
        true, no certificate can prove: compare the head with one that a witness holds, and ask for an audit.
    """
    if not isinstance(document, Mapping) or set(document) != set(_TOP):
        return (f"it is no certificate of this kind: it must have the fields {', '.join(_TOP)}",)
    problems = []
    if (document["type"], document["version"]) != (TYPE, VERSION):
        problems.append("it is of another type or version")
    if document["key_hex"] != key_hex:
        problems.append("it names another key than the one given")
    try:
        message = _message(document)
        signed = verify_signature(key_hex, message, str(document["signature_hex"]))
    except PrivacyError:
        signed = False
    if not signed:
        problems.append("its signature is not good under the key given: it was changed, or somebody else signed it")
    try:
        problems.extend(_inner_problems(document, key_hex))
    except (PrivacyError, KeyError, TypeError, AttributeError, ValueError):
        problems.append("a part of it is not of the documented shape")
    return tuple(problems)


def _inner_problems(document: Mapping[str, Any], key_hex: str) -> list[str]:
    problems = []
    places, log = document["places"], document["log"]
    if document["status"] != _status(place["state"] for place in places):
        problems.append("its status is not the one that its places add up to")
    if any(place["state"] == "done" and place["left"] not in (0, None) for place in places):
        problems.append("a place is called done and still holds records")
    if set(log) != set(_LOG):
        return [*problems, "it has no proof in the log"]
    entry, proof, head = log["entry"], InclusionProof.from_json(log["proof"]), SignedHead.from_json(log["head"])
    leaf = make_entry(entry["index"], entry["kind"], entry["time"], entry["body"])
    if leaf.leaf_hash != proof.leaf_hex or proof.index != entry["index"] or proof.size != head.size:
        problems.append("its log entry is not the one that the proof is about")
    if not proof.verify(head.root_hex):
        problems.append("its proof does not lead to the head of the log")
    if not head.is_signed or head.key_hex != key_hex:
        problems.append("the head of the log is not signed with the key given")
    stated = {name: document[name] for name in _TOP if name not in ("log", "key_hex", "signature_hex")}
    if entry["body"].get("content_sha256") != _content(stated) or entry["body"].get("request") != document["request"]:
        problems.append("the log has another statement than the certificate")
    return problems


def _status(states: Any) -> Status:
    return "closed" if all(state in ("done", "bounded") for state in states) else "open"


def _place(entry: Entry) -> dict[str, Any]:
    step = entry.step
    return {
        "place": step.place,
        "kind": step.kind,
        "action": step.action,
        "meaning": MEANING[step.action],
        "statement": step.statement,
        "state": entry.state,
        "found": step.found,
        "left": entry.left,
        "at": entry.at,
        "note": entry.note,
        "command": step.command,
    }


def _content(stated: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical(stated).encode()).hexdigest()


def _message(document: Mapping[str, Any]) -> bytes:
    return _DOMAIN + canonical({name: value for name, value in document.items() if name != "signature_hex"}).encode()


def _signed(stated: Mapping[str, Any], key: SigningKey) -> dict[str, Any]:
    document = {**stated, "key_hex": key.public_hex}
    return {**document, "signature_hex": key.sign(_message(document))}

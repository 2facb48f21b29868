"""A receipt as a JSON document, in the sections of ISO/IEC TS 27560: header, processing, parties, event."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

from privacy.consent.identifiers import read_time, time_text
from privacy.consent.receipt import SCHEMA, Receipt
from privacy.consent.vocabulary import DPV_PROCESSING, DPV_PURPOSES
from retail.errors import ConsentError

_TOP: Final = ("schema_version", "record_id", "pii_principal_id", "pii_processing", "party_identification", "event")
_PROCESSING: Final = (
    "privacy_notice",
    "purposes",
    "pii_information",
    "processing",
    "storage_locations",
    "retention_days",
    "recipients",
    "jurisdiction",
    "lawful_basis",
    "withdrawal_method",
)
_EVENT: Final = (
    "event_type",
    "event_time",
    "valid_from",
    "valid_until",
    "consent_type",
    "explicit",
    "collection_method",
    "minor",
    "guardian",
    "guardian_id",
)


def to_document(receipt: Receipt) -> dict[str, Any]:
    """Return the receipt as JSON values; purposes and processing carry their DPV terms."""
    return {
        "schema_version": receipt.schema,
        "record_id": receipt.record_id,
        "pii_principal_id": receipt.principal,
        "pii_processing": {
            "privacy_notice": {
                "reference": receipt.notice,
                "sha256": receipt.notice_sha256,
                "language": receipt.language,
            },
            "purposes": [{"purpose": name, "purpose_type": DPV_PURPOSES[name]} for name in receipt.purposes],
            "pii_information": list(receipt.data),
            "processing": [{"processing": name, "type": DPV_PROCESSING[name]} for name in receipt.processing],
            "storage_locations": list(receipt.storage),
            "retention_days": receipt.retention_days,
            "recipients": list(receipt.recipients),
            "jurisdiction": receipt.jurisdiction,
            "lawful_basis": receipt.lawful_basis,
            "withdrawal_method": receipt.withdrawal,
        },
        "party_identification": [{"party_id": one, "party_role": "pii_controller"} for one in receipt.controllers],
        "event": {
            "event_type": "consent_given",
            "event_time": time_text(receipt.issued_at),
            "valid_from": time_text(receipt.valid_from),
            "valid_until": time_text(receipt.expires_at),
            "consent_type": receipt.level,
            "explicit": receipt.explicit,
            "collection_method": receipt.method,
            "minor": receipt.minor,
            "guardian": receipt.guardian,
            "guardian_id": receipt.guardian_token,
        },
        **({"signature": receipt.signature} if receipt.signature else {}),
    }


def from_document(document: Any) -> Receipt:
    """Read a receipt from JSON values; every key must be there and no other, so that nothing is half understood.

    Raises: ConsentError: a key is missing or unknown, a DPV term does not belong to its word, or the receipt is wrong.
    """
    top = _table("the receipt", document, _TOP, optional=("signature",))
    processing = _table("pii_processing", top["pii_processing"], _PROCESSING)
    notice = _table("privacy_notice", processing["privacy_notice"], ("reference", "sha256", "language"))
    event = _table("event", top["event"], _EVENT)
    if event["event_type"] != "consent_given":
        raise ConsentError(
            f"event_type is {event['event_type']!r:.60}; a receipt says consent_given, withdraw with `consent withdraw`"
        )
    parties = [
        _table("a party", one, ("party_id", "party_role")) for one in _list("party_identification", top, _TOP[4])
    ]
    if any(one["party_role"] != "pii_controller" for one in parties):
        raise ConsentError("party_identification lists pii_controller only; name others under recipients")
    if top["schema_version"] != SCHEMA:
        raise ConsentError(f"schema_version is {top['schema_version']!r:.60}, this code reads {SCHEMA!r}")
    return Receipt(
        record_id=top["record_id"],
        principal=top["pii_principal_id"],
        controllers=tuple(one["party_id"] for one in parties),
        notice=notice["reference"],
        notice_sha256=notice["sha256"],
        language=notice["language"],
        purposes=_terms("purposes", processing, ("purpose", "purpose_type"), DPV_PURPOSES),
        data=tuple(_list("pii_information", processing, "pii_information")),
        processing=_terms("processing", processing, ("processing", "type"), DPV_PROCESSING),
        storage=tuple(_list("storage_locations", processing, "storage_locations")),
        retention_days=processing["retention_days"],
        recipients=tuple(_list("recipients", processing, "recipients")),
        jurisdiction=processing["jurisdiction"],
        lawful_basis=processing["lawful_basis"],
        level=event["consent_type"],
        explicit=event["explicit"],
        issued_at=_time(event, "event_time"),
        valid_from=_time(event, "valid_from"),
        expires_at=_time(event, "valid_until"),
        method=event["collection_method"],
        withdrawal=processing["withdrawal_method"],
        minor=event["minor"],
        guardian=event["guardian"],
        guardian_token=event["guardian_id"],
        signature=top.get("signature", ""),
    )


def _table(what: str, value: Any, keys: tuple[str, ...], optional: tuple[str, ...] = ()) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ConsentError(f"{what} is {type(value).__name__}; write a table with {', '.join(keys)}")
    missing = [key for key in keys if key not in value]
    unknown = [key for key in value if key not in keys and key not in optional]
    if missing or unknown:
        wrong = f"lacks {missing[0]!r}" if missing else f"has an unknown key {unknown[0]!r:.60}"
        raise ConsentError(f"{what} {wrong}; `tradefair consent template` prints all keys")
    return value


def _list(what: str, table: Mapping[str, Any], key: str) -> list[Any]:
    value = table[key]
    if not isinstance(value, list):
        raise ConsentError(f"{what} is {value!r:.60}; write a list")
    if any(not isinstance(one, str | Mapping) for one in value):
        raise ConsentError(f"{what} holds something that is no text; write texts")
    return value


def _terms(what: str, table: Mapping[str, Any], keys: tuple[str, str], terms: Mapping[str, str]) -> tuple[Any, ...]:
    words = []
    for one in _list(what, table, what):
        entry = _table(what, one, keys)
        word = entry[keys[0]]
        if not isinstance(word, str) or word not in terms:
            raise ConsentError(f"{what} names {word!r:.60}; use one of {', '.join(terms)}")
        if entry[keys[1]] != terms[word]:
            raise ConsentError(f"{what}: {word} is {terms[word]} in DPV, not {entry[keys[1]]!r:.60}; correct one")
        words.append(word)
    return tuple(words)


def _time(event: Mapping[str, Any], key: str) -> dt.datetime:
    return read_time(key, event[key])

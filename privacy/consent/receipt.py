"""A consent receipt: what one person agreed to, when, on which notice; with the fields of ISO/IEC TS 27560:2023."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from privacy.consent.identifiers import checked_digest, checked_text, checked_time, time_text
from privacy.consent.vocabulary import (
    BASES,
    BIOMETRIC,
    KINDS,
    LAWS,
    LEVELS,
    METHODS,
    PROCESSING,
    PURPOSES,
    Basis,
    Jurisdiction,
    Kind,
    Level,
    Method,
    Processing,
    Purpose,
)
from privacy.log import SigningKey, canonical, verify_signature
from retail.errors import ConsentError

SCHEMA: Final = "tradefair-consent/1"
_DOMAIN: Final = b"tradefair consent receipt 1\n"
_MOST: Final = 200
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """One person's agreement. Nothing in it names the person: `principal` and `guardian_token` are tokens.

    Attributes:
        record_id: chosen by whoever issues it, never used twice.
        principal: token of the person, from `ConsentRegister.token`.
        controllers: party ids; it holds for each of them.
        notice: reference of the notice that was shown.
        notice_sha256: its hash; every controller must have registered a notice with this hash.
        language: of the notice as shown, BCP 47.
        purposes: one or more; a separate consent has exactly one.
        data: kinds of data it covers.
        processing: what is done with them.
        storage: where, such as "EU" or "device".
        retention_days: how long the data are kept.
        recipients: other parties that get the data; may be empty.
        jurisdiction: whose law it was asked under.
        lawful_basis: explicit_consent and written_release must be explicit; face data in US-IL need the latter, in
            writing (BIPA 15(b)).
        level: separate is one agreement to one purpose, not bundled with others (PIPL 23, 26, 29); about faces, it
            covers no other kind of data.
        explicit: a clear statement, not only a box; needed for face data and for separate consent.
        issued_at: when the person agreed, UTC.
        valid_from: not before `issued_at`.
        expires_at: first moment at which it no longer holds.
        method: how the person agreed.
        withdrawal: the route by which the person can withdraw.
        minor: the person is a child under the law named; needs a guardian.
        guardian: a guardian agreed.
        guardian_token: token of the guardian.
        signature: Ed25519 over `message`, hexadecimal, by the controller whose key is registered; empty when not
            signed. There is one: controllers with keys of their own need a receipt each.

    Raises: ConsentError: a field is missing, contradicts another, or is not in the vocabulary.
    """

    record_id: str
    principal: str
    controllers: tuple[str, ...]
    notice: str
    notice_sha256: str
    language: str
    purposes: tuple[Purpose, ...]
    data: tuple[Kind, ...]
    processing: tuple[Processing, ...]
    storage: tuple[str, ...]
    retention_days: int
    recipients: tuple[str, ...]
    jurisdiction: Jurisdiction
    lawful_basis: Basis
    level: Level
    explicit: bool
    issued_at: dt.datetime
    valid_from: dt.datetime
    expires_at: dt.datetime
    method: Method
    withdrawal: str
    minor: bool = False
    guardian: bool = False
    guardian_token: str = ""
    signature: str = ""
    schema: str = SCHEMA

    def __post_init__(self) -> None:
        """Refuse a receipt that contradicts itself; what only the register knows is checked there."""
        if self.schema != SCHEMA:
            raise ConsentError(f"the receipt's schema is {self.schema!r}, this code reads {SCHEMA!r}; issue it anew")
        checked_text("record_id", self.record_id, most=_MOST, show=False)
        checked_digest("the person's token", self.principal, show=False)
        checked_text("the notice's reference", self.notice, most=_MOST)
        checked_digest("the notice's SHA-256", self.notice_sha256)
        checked_text("the withdrawal route", self.withdrawal)
        if not isinstance(self.language, str) or not _LANGUAGE.fullmatch(self.language):
            raise ConsentError(f"language is {self.language!r:.60}; write a BCP 47 tag such as en or zh-Hans")
        for name in ("controllers", "storage", "recipients"):
            _texts(name, getattr(self, name), empty=name == "recipients")
        _words("purposes", self.purposes, PURPOSES)
        _words("data", self.data, KINDS)
        _words("processing", self.processing, PROCESSING)
        for name, allowed in (
            ("jurisdiction", LAWS),
            ("lawful_basis", BASES),
            ("level", LEVELS),
            ("method", METHODS),
        ):
            _words(name, (getattr(self, name),), allowed)
        for name in ("explicit", "minor", "guardian"):
            if not isinstance(getattr(self, name), bool):
                raise ConsentError(f"{name} is {getattr(self, name)!r:.60}; write true or false")
        days = self.retention_days
        if isinstance(days, bool) or not isinstance(days, int) or not 1 <= days <= 36_500:
            raise ConsentError(f"retention_days is {days!r:.60}; give whole days from 1 to 36,500")
        for name in ("issued_at", "valid_from", "expires_at"):
            object.__setattr__(self, name, checked_time(name, getattr(self, name)))
        self._check_together()
        self._check_faces()

    def _check_together(self) -> None:
        if self.valid_from < self.issued_at:
            raise ConsentError(
                f"valid_from {self.valid_from} lies before issued_at {self.issued_at}; consent never works backwards"
            )
        if self.expires_at <= self.valid_from:
            raise ConsentError(f"expires_at {self.expires_at} is not after valid_from {self.valid_from}; correct it")
        if self.level == "separate" and len(self.purposes) != 1:
            raise ConsentError(
                f"a separate consent has exactly one purpose, this one bundles {len(self.purposes)} "
                f"({', '.join(self.purposes)}); issue one receipt for each"
            )
        if not self.explicit:
            if self.level == "separate" or self.lawful_basis != "consent":
                raise ConsentError("separate consent and this lawful basis must be explicit; ask for a clear statement")
        if self.minor and not self.guardian:
            raise ConsentError("the person is a minor and no guardian agreed; ask the guardian")
        if self.guardian:
            checked_digest("the guardian's token", self.guardian_token, show=False)
            if self.guardian_token == self.principal:
                raise ConsentError("the guardian is the person itself; name the guardian's own token")
        elif self.guardian_token:
            raise ConsentError("there is a guardian's token but guardian is false; say which of them is right")
        if self.signature and not re.fullmatch(r"[0-9a-f]{128}", self.signature):
            raise ConsentError("the signature is not 128 lower-case hexadecimal digits; sign the receipt again")

    def _check_faces(self) -> None:
        if not BIOMETRIC.intersection(self.data):
            return
        if not self.explicit:
            raise ConsentError("consent to face data must be explicit; ask for a clear statement")
        if self.level == "separate" and not BIOMETRIC.issuperset(self.data):
            raise ConsentError(
                f"a separate consent to face data covers nothing else, this one bundles {', '.join(self.data)}; "
                "issue one receipt for each"
            )
        if self.jurisdiction == "US-IL":
            if self.lawful_basis != "written_release":
                raise ConsentError("in US-IL face data need lawful_basis written_release; ask for one in writing")
            if self.method == "recorded_call":
                raise ConsentError("in US-IL face data need a written release, and a recorded_call is none; ask again")

    @property
    def message(self) -> bytes:
        """The bytes that are signed: canonical JSON of every field but the signature."""
        values = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "signature"}
        ready = {name: time_text(one) if isinstance(one, dt.datetime) else one for name, one in values.items()}
        return _DOMAIN + canonical(ready).encode()

    @property
    def sha256(self) -> str:
        """Hash of `message`: names the receipt."""
        return hashlib.sha256(self.message).hexdigest()

    def signed(self, key: SigningKey) -> Receipt:
        """Return the receipt with the controller's signature."""
        return replace(self, signature=key.sign(self.message))

    def is_signed_by(self, key_hex: str) -> bool:
        """Tell whether the holder of an Ed25519 key signed exactly this receipt."""
        return bool(self.signature) and verify_signature(key_hex, self.message, self.signature)


def _texts(name: str, values: Any, *, empty: bool) -> None:
    if not isinstance(values, tuple) or (not values and not empty):
        raise ConsentError(f"{name} is {values!r:.60}; list at least one")
    for value in values:
        checked_text(name, value, most=_MOST)
    _once(name, values)


def _words(name: str, values: Any, allowed: Sequence[str]) -> None:
    if not isinstance(values, tuple) or not values:
        raise ConsentError(f"{name} is {values!r:.60}; list at least one of {', '.join(allowed)}")
    for value in values:
        if value not in allowed:
            raise ConsentError(f"{name} is {value!r:.60}; use one of {', '.join(allowed)}")
    _once(name, values)


def _once(name: str, values: tuple[str, ...]) -> None:
    if len(set(values)) != len(values):
        raise ConsentError(f"{name} names something twice; name each once")

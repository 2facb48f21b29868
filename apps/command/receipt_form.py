"""A receipt to be filled in: of nobody yet, issued now, on a registered notice."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from privacy.consent import Notice, Receipt


def receipt_form(
    notice: Notice,
    purpose: str,
    *,
    level: str = "general",
    data: Sequence[str] = ("transactions",),
    jurisdiction: str = "EU",
    days: int = 365,
) -> Receipt:
    """Return a receipt without a person, with the lawful basis that its kinds of data need.

    Args:
        notice: the text that people are shown; its controller may use the data.
        purpose: what for.
        level: general or separate.
        data: kinds of data.
        jurisdiction: whose law it is asked under.
        days: for how long it holds.
    """
    from privacy.consent import Receipt
    from privacy.consent.vocabulary import BIOMETRIC

    now = dt.datetime.now(dt.UTC)
    faces = bool(BIOMETRIC.intersection(data))
    basis = "consent" if not faces else "written_release" if jurisdiction == "US-IL" else "explicit_consent"
    fields: dict[str, Any] = {"level": level, "jurisdiction": jurisdiction, "purposes": (purpose,), "data": tuple(data)}
    fields |= {"lawful_basis": basis, "explicit": faces or level == "separate"}
    return Receipt(
        record_id=secrets.token_hex(16),
        principal="0" * 64,
        controllers=(notice.controller,),
        notice=notice.reference,
        notice_sha256=notice.sha256,
        language=notice.language,
        processing=("collect", "store", "analyse"),
        storage=(jurisdiction,),
        retention_days=days,
        recipients=(),
        issued_at=now,
        valid_from=now,
        expires_at=now + dt.timedelta(days=days),
        method="web_form",
        withdrawal="tell the controller how people reach you",
        **fields,
    )

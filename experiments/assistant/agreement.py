"""What a customer agreed to, as receipts: each use on its own, so that any of them can be left out or withdrawn."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, get_args

from experiments.assistant.notice import REFERENCE
from experiments.assistant.shop import REGISTER, Shop
from matching.face.calibration import Use
from privacy.consent import Receipt
from privacy.consent.document import from_document
from retail.errors import ConsentError

Agreed = Literal["in_store_recognition", "payment", "recommendation"]
AGREED: Final[tuple[Agreed, ...]] = get_args(Agreed)
FACES: Final[tuple[Use, ...]] = ("in_store_recognition", "payment")
WITHDRAWAL: Final = "at any till or by telling any member of staff; the template is deleted at once"
DAYS: Final = 365


def receipts_for(shop: Shop, person: str, purposes: Sequence[str], *, days: int = DAYS) -> list[Receipt]:
    """Write one receipt for each use that a customer agreed to just now; nothing is recorded yet.

    Args:
        shop: where.
        person: id.
        purposes: some of `AGREED`, each once.
        days: for how long they hold.

    Raises: ConsentError: a purpose that this shop has no use for, none at all, or no usable id.
    """
    wrong = [one for one in purposes if one not in AGREED]
    if wrong or not purposes or len(set(purposes)) != len(purposes):
        what = f"{wrong[0]!r:.40} is none of them" if wrong else "none was named, or one twice"
        raise ConsentError(f"say what the person agreed to, of {', '.join(AGREED)}: {what}")
    now = dt.datetime.now(dt.UTC)
    notice = next(one for one in shop.register.notices.all() if one.reference == REFERENCE)
    law = shop.settings.jurisdiction
    token = shop.register.token(person)
    made = []
    for purpose in purposes:
        faces = purpose in FACES
        fields: dict[str, Any] = {
            "purposes": (purpose,),
            "data": ("face_templates",) if faces else ("transactions",),
            "processing": ("collect", "store", "use") if faces else ("use", "profile"),
            "jurisdiction": law,
            "lawful_basis": "written_release" if law == "US-IL" and faces else "explicit_consent",
        }
        receipt = Receipt(
            record_id=secrets.token_hex(16),
            principal=token,
            controllers=(shop.settings.merchant,),
            notice=notice.reference,
            notice_sha256=notice.sha256,
            language=notice.language,
            storage=(law,),
            retention_days=days,
            recipients=(),
            level="separate",
            explicit=True,
            issued_at=now,
            valid_from=now,
            expires_at=now + dt.timedelta(days=days),
            method="app",
            withdrawal=WITHDRAWAL,
            **fields,
        )
        made.append(receipt)
    return made


def read_receipts(shop: Shop, person: str, documents: Sequence[Any]) -> list[Receipt]:
    """Read receipts that a customer filled in, such as those of `tradefair consent template`.

    Raises: ConsentError: one cannot be read, is another person's or no separate consent to face templates, or two are
        for one use.
    """
    token = shop.register.token(person)
    made = []
    for document in documents:
        if isinstance(document, Mapping) and document.get("pii_principal_id", "") not in ("", token):
            raise ConsentError("a receipt holds the token of somebody else than the person named; take the right one")
        filled = {**document, "pii_principal_id": token} if isinstance(document, Mapping) else document
        made.append(from_document(filled))
    for one in made:
        _check_face(shop, one)
    uses = [purpose for one in made for purpose in one.purposes]
    if len(set(uses)) != len(uses):
        raise ConsentError("two receipts are for one purpose; give one for each")
    return made


def _check_face(shop: Shop, receipt: Receipt) -> None:
    """Refuse a receipt for a use of faces that could never be used, before it is put on record."""
    merchant = shop.settings.merchant
    for purpose in (one for one in FACES if one in receipt.purposes):
        wrong = "is no separate consent to face templates"
        if merchant not in receipt.controllers:
            wrong = f"is not for {merchant}"
        elif receipt.level == "separate" and "face_templates" in receipt.data:
            continue
        raise ConsentError(
            f"the receipt for {purpose} {wrong}; take one that `tradefair consent template --register "
            f"{shop.folder / REGISTER} --controller {merchant} --notice {REFERENCE} --purpose {purpose} "
            "--level separate --data face_templates` makes"
        )

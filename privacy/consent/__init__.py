"""Who has agreed to what: receipts, withdrawal, enrolment at merchants, and what an open use must ask again.

Enters: receipts with the fields of ISO/IEC TS 27560, withdrawals, pseudonymous tokens of persons.
Leaves: a mask over persons for one controller and purpose, a version that changes with every event, and log entries
that hold commitments, never ids.

    register = ConsentRegister.open("books/consent.sqlite", log=log, commitments=commitments)
    register.notices.add(Notice("m1", "notice-3", "en", sha256, published_at))
    register.record(receipt)                                  # refused when back-dated, replayed, expired, ...
    mask = register.mask(persons, controller="m1", purpose="recommendation", level="general")

`docs/consent-and-erasure.md` says how to use it and what it cannot do.
"""

from privacy.consent.enrolment import Enrolment, Period
from privacy.consent.identifiers import person_text
from privacy.consent.notices import Notice, Notices
from privacy.consent.receipt import Receipt
from privacy.consent.register import ConsentRegister
from privacy.consent.secret import Secret
from privacy.consent.standing import Standing
from privacy.consent.tombstones import Tombstones

__all__ = [
    "ConsentRegister",
    "Enrolment",
    "Notice",
    "Notices",
    "Period",
    "Receipt",
    "Secret",
    "Standing",
    "Tombstones",
    "person_text",
]

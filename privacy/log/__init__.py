"""A log that shows when it was tampered with: a hash tree over its entries, with signed heads that others keep.

Enters: events as plain JSON, without ids of persons, and a signing key.
Leaves: entries in one order, signed heads, proofs, and the verdict of an offline check.

    log = Log.open("books.sqlite", origin="my-shop/3f2a", key=SigningKey.load_or_create(".keys/log-key.pem"))
    entry = log.append("access", {"actor": "platform", "dataset": "orders-17", "decision": "deny"})
    head = log.sign_head()                                          # a merchant keeps this
    assert log.inclusion(entry.index).verify(head.root_hex)
    assert verify_log("books.sqlite", head=head).ok                 # any time later, without the key

`docs/log.md` says what a log can show and what it cannot.
"""

from privacy.log.entry import KINDS, LogEntry, canonical
from privacy.log.head import SignedHead
from privacy.log.keys import SigningKey, read_public, verify_signature
from privacy.log.proofs import ConsistencyProof, InclusionProof
from privacy.log.store import Log
from privacy.log.verify import Verification, verify_log
from privacy.log.witness import read_witness, write_witness

__all__ = [
    "KINDS",
    "ConsistencyProof",
    "InclusionProof",
    "Log",
    "LogEntry",
    "SignedHead",
    "SigningKey",
    "Verification",
    "canonical",
    "read_public",
    "read_witness",
    "verify_log",
    "verify_signature",
    "write_witness",
]

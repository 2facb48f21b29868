"""Which receipts the register takes: what a receipt cannot know about itself is judged here."""

from __future__ import annotations

import datetime as dt
import sqlite3

from privacy.consent.identifiers import time_text
from privacy.consent.notices import find_key, find_notice
from privacy.consent.receipt import Receipt
from privacy.consent.tombstones import Tombstones
from retail.errors import ConsentError


def admit(
    connection: sqlite3.Connection, receipt: Receipt, *, mark: str, now: dt.datetime, tombstones: Tombstones
) -> None:
    """Refuse a receipt that must not go on record, inside the transaction that would write it.

    Args:
        connection: with an open write transaction on the register.
        receipt: sound by itself.
        mark: keyed hash of its record id.
        now: the register's time.
        tombstones: of the same register.

    Raises: ConsentError: replayed, dated in the future or before its notice, expired, on a text that a controller never
        registered, from before a withdrawal or an erasure (of the person or the guardian), or without the signature of
        every controller whose key is registered.
    """
    if connection.execute("SELECT 1 FROM used WHERE mark = ?", (mark,)).fetchone():
        raise ConsentError("this record id was used before; a receipt counts once, so issue a new one")
    if receipt.issued_at > now:
        raise ConsentError(f"the receipt is issued at {receipt.issued_at}, later than now ({now}); check the clocks")
    if receipt.expires_at <= now:
        raise ConsentError(f"the receipt expired at {receipt.expires_at}; ask the person again")
    _refuse_erased(connection, receipt, "person", receipt.principal, tombstones)
    if receipt.guardian:
        _refuse_erased(connection, receipt, "guardian", receipt.guardian_token, tombstones)
    for controller in receipt.controllers:
        _refuse_wrong_notice(connection, receipt, controller)
        _refuse_withdrawn(connection, receipt, controller)
        key = find_key(connection, controller)
        if key is not None and not receipt.is_signed_by(key):
            raise ConsentError(
                f"{controller} signs its receipts, and this one has no good signature of it; controllers with keys of "
                "their own need a receipt each"
            )


def _refuse_erased(
    connection: sqlite3.Connection, receipt: Receipt, who: str, token: str, tombstones: Tombstones
) -> None:
    if tombstones.has_token(connection, token):
        raise ConsentError(f"this {who} was erased; let the {who} back first, on their own wish")
    back = connection.execute("SELECT at FROM returned WHERE token = ?", (token,)).fetchone()
    if back is not None and time_text(receipt.issued_at) <= back[0]:
        raise ConsentError(f"this receipt is from before the {who}'s erasure; ask the {who} again")


def _refuse_wrong_notice(connection: sqlite3.Connection, receipt: Receipt, controller: str) -> None:
    notice = find_notice(connection, controller, receipt.notice_sha256)
    if notice is None or notice[:2] != (receipt.notice, receipt.language):
        raise ConsentError(
            f"{controller} has registered no notice {receipt.notice!r} in {receipt.language} with SHA-256 "
            f"{receipt.notice_sha256}; register the text that the person saw, or correct the receipt"
        )
    if time_text(receipt.issued_at) < notice[2]:
        raise ConsentError(
            f"the receipt is issued at {receipt.issued_at}, before its notice was published ({notice[2]})"
        )


def _refuse_withdrawn(connection: sqlite3.Connection, receipt: Receipt, controller: str) -> None:
    for purpose in receipt.purposes:
        last = connection.execute(
            "SELECT MAX(recorded_at) FROM withdrawals WHERE token = ? AND controller = ? AND purpose = ?",
            (receipt.principal, controller, purpose),
        ).fetchone()[0]
        if last is not None and time_text(receipt.issued_at) <= last:
            raise ConsentError(
                f"the person withdrew {purpose} from {controller} at {last}, and this receipt is from "
                f"{receipt.issued_at}; ask the person again"
            )

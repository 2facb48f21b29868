"""What a shop may not keep any longer: templates whose consent has ended, and pairings of people without a template."""

from __future__ import annotations

from experiments.assistant.agreement import FACES
from experiments.assistant.shop import Shop


def sweep(shop: Shop) -> int:
    """Delete and overwrite what may never be used again; the log gets an entry for each template, by commitment.

    A template goes when its receipt has expired, was withdrawn, or is not on record any more. It goes at the first
    enrolment, farewell or switching after that, or when the state of the shop is shown; greeting somebody and taking a
    payment delete nothing, so that no visitor changes a byte. A pairing without a template is what a killed enrolment
    left, or that of somebody whose last template went.

    Returns: how many templates went.

    Raises: PrivacyError: a file of the shop cannot be used, or another process is changing it for a minute.
    """
    gone = 0
    with shop.changing():
        for use in FACES:
            for one in shop.permission(use).ended(shop.vault.bindings(use)):
                body = {"event": "ended", "merchant": shop.settings.merchant, "purpose": use}
                known = shop.commitments.known(one.subject)  # of somebody who was erased, no salt may come back
                shop.log.append("enrolment", body if known is None else body | {"person": known})
                gone += shop.vault.revoke(one.subject, purpose=use, receipt=one.receipt)
        for subject in shop.pairings.subjects():
            if not shop.vault.holds(subject):
                shop.pairings.forget(subject)
    return gone


def vouch(shop: Shop) -> bool:
    """Sign the log as it stands, where something was written since it was signed last.

    From then on nobody who lacks the shop's key can change what was written before unseen.

    Returns: whether it was signed.

    Raises: PrivacyError: the log was changed, or cannot be used.
    """
    newest = shop.log.head()
    if newest is not None and newest.size >= shop.log.size:
        return False
    shop.log.sign_head()
    return True

"""Customers of a shop: they come by their own wish, with receipts, and leave without a trace of their face."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from experiments.assistant.agreement import FACES
from experiments.assistant.pairings import Pairing
from experiments.assistant.pictures import Picture, public_person
from experiments.assistant.shop import OFF, Shop
from experiments.assistant.sweep import sweep
from matching.face.calibration import Use
from matching.face.decision import Refused
from matching.face.identify import PURPOSE as GREETING
from matching.face.pad import passes
from privacy.consent import Receipt
from privacy.consent.identifiers import person_text
from retail.errors import ConsentError, DataError

ERASED = (
    "this person was erased here and is not taken again; who wants to come back is let back with `tradefair erasure "
    "let-back`"
)


@dataclass(frozen=True, slots=True)
class Welcome:
    """Somebody was enrolled.

    Attributes:
        uses: purposes for which a template was stored.
        photos: from how many photos.
        pairing: whose baskets stand for theirs; None without a recommender or without consent to it.
        agreed: every purpose of the receipts, which are on record now; not only those that need a face.
    """

    uses: tuple[str, ...]
    photos: int
    pairing: Pairing | None
    agreed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Farewell:
    """Somebody left.

    Attributes:
        templates: how many were deleted.
        withdrawn: how many agreements ended.
        pairing: whether a pairing was deleted.
    """

    templates: int
    withdrawn: int
    pairing: bool


def enrol(
    shop: Shop, person: str, pictures: Sequence[Picture], receipts: Sequence[Receipt], *, shopper: str = ""
) -> Welcome | Refused:
    """Enrol a customer for every use of their face that the receipts cover.

    Everything that can be refused is looked at before the first byte is written: the switch, the policy, the receipts,
    the photos, whether there is a template already, and room in the gallery of the door. The switch is asked once more
    in the transaction that stores the templates. The merchant's look at its shoppers' rows, to pair the person,
    is logged before that.

    Args:
        shop: where.
        person: id.
        pictures: 1 to 20, of this person and nobody else.
        receipts: what the person agreed to; recorded here, unless they are on record already.
        shopper: of the shop's merchant of the recommender's data, who stands for the person; empty draws one by the
            shop's seed.

    Returns: Welcome, or Refused with what is wrong; then no template was stored, and no consent unless the shop changed
        while the person was enrolled.

    Guarantee: killed at any moment, the person is enrolled for every use or for none. For none, what the person agreed
        to may be on record already, which allows nothing without a template; the same call again goes on from there.

    Raises:
        ConsentError: no usable id, receipts for no use of a face, or one that the register refuses.
        DataError: a picture of somebody who must not be enrolled here, or no such shopper.
        PrivacyError: a file of the shop cannot be used.
    """
    name = person_text(person)
    uses: list[Use] = [one for one in FACES if any(one in receipt.purposes for receipt in receipts)]
    if not uses:
        raise ConsentError(f"nothing was agreed to that needs a face; a consent to {' or '.join(FACES)} is needed")
    sweep(shop)
    with shop.changing():
        refused = _refused(shop, name, pictures, uses)
        if refused is not None:
            return refused
        fresh = [receipt for receipt in receipts if not shop.register.has(receipt)]
        for receipt in fresh:
            shop.register.check(receipt)
        pairing = _pairing(shop, name, receipts, shopper)
        for receipt in fresh:
            shop.register.record(receipt)
        made = []
        for use in uses:
            receipt = next(one for one in receipts if use in one.purposes)
            found = shop.enrolment(use).make(name, [one.photo for one in pictures], receipt)
            if isinstance(found, Refused):  # recorded consents stay: they are what the person said
                return found
            made.append(found)
        if pairing is not None:  # before the templates, which make a customer: alone it is of no use to anybody
            shop.pairings.pair(shop.register.token(name), pairing)
        if not shop.enrolment(uses[0]).keep(made, allowed=lambda: shop.is_on):
            if not shop.vault.holds(shop.register.token(name)):
                shop.pairings.forget(shop.register.token(name))
            return Refused("policy", OFF)
        agreed = dict.fromkeys(purpose for one in receipts for purpose in one.purposes)
        return Welcome(tuple(uses), len(pictures), pairing, tuple(agreed))


def revoke(shop: Shop, person: str, *, withdraw: bool) -> Farewell:
    """Delete a customer's templates of every use and the pairing; withdraw the agreements too where that is wished.

    Works while the shop is off: leaving is always possible.

    Raises: ConsentError: no usable id. PrivacyError: a file of the shop cannot be used.
    """
    subject = shop.register.token(person)
    ended = 0
    if withdraw:
        for one in dict.fromkeys(one.purpose for one in shop.register.status(person)):
            ended += shop.register.withdraw(person, controller=shop.settings.merchant, purpose=one)  # type: ignore[arg-type]
    with shop.changing():
        uses = [use for use in FACES if shop.vault.bindings(use, subject)]
        templates = shop.vault.revoke(subject)
        for use in uses:
            body = {"event": "revoked", "merchant": shop.settings.merchant, "purpose": use}
            shop.log.append("enrolment", body | {"person": shop.commitments.commitment(subject)})
        pairing = shop.pairings.forget(subject)
    sweep(shop)
    return Farewell(templates, ended, pairing)


def _refused(shop: Shop, name: str, pictures: Sequence[Picture], uses: Sequence[Use]) -> Refused | None:
    """Say what stands against an enrolment, without writing anything."""
    if not shop.is_on:
        return Refused("policy", OFF)
    _refuse_known(shop, name, pictures)
    subject = shop.register.token(name)
    if shop.register.tombstones.has(name):
        return Refused("consent", ERASED)
    if "payment" in uses and shop.settings.payment:
        return Refused("policy", f"a template for payment would be of no use: {shop.settings.payment}")
    for use in FACES:
        if use not in uses:
            continue
        denial = shop.permission(use).denial()
        if denial:
            return Refused("policy", denial)
        if shop.vault.bindings(use, subject):
            return Refused(
                "photo",
                f"this person is enrolled for {use} already; revoke that first, so that nobody is replaced unseen",
            )
    most = shop.gallery
    if GREETING in uses and shop.enrolled(GREETING) >= most:
        return Refused(
            "gallery",
            f"{most} people are enrolled for {GREETING}, and the threshold at the door holds for no more; somebody has "
            "to leave first, or open another folder with a larger --gallery",
        )
    for number, one in enumerate(pictures, start=1):
        try:
            dead = passes(shop.liveness, [one.photo])
        except DataError as error:
            dead = Refused("photo", str(error))
        if dead is not None:
            return Refused(dead.reason, f"picture {number} ({one.name}): {dead.message}")
    try:
        shop.enrolment(uses[0]).template([one.photo for one in pictures])
    except DataError as error:
        return Refused("photo", str(error))
    return None


def _refuse_known(shop: Shop, name: str, pictures: Sequence[Picture]) -> None:
    """Refuse people on whom the shop was calibrated or its encoder trained: figures on them look better than they are.

    A file does not say who is on it, so only names and `orl:` pictures can be told.
    """
    if not 1 <= len(pictures) <= 20:
        raise DataError(f"{len(pictures)} pictures were given; give 1 to 20 of the person")
    settings = shop.settings
    people = {public_person(name) or name, *(one.public for one in pictures if one.public)}
    for what, known in (("calibrated", settings.calibrated_on), ("the encoder trained", settings.trained_on)):
        found = sorted(people & set(known))
        if found:
            raise DataError(
                f"{found[0]} is one of the people on whom this shop was {what}; enrol somebody else ({free(shop)})"
            )
    others = {one.public for one in pictures}
    if len(others) > 1:
        raise DataError(f"the pictures are of {', '.join(sorted(one or 'a file' for one in others))}; enrol one person")


def free(shop: Shop) -> str:
    """Say which people of ORL may be enrolled, in words."""
    taken = {*shop.settings.calibrated_on, *shop.settings.trained_on}
    numbers = [number for number in range(1, 41) if f"orl:{number}" not in taken]
    return f"of ORL: {', '.join(map(str, numbers))}" if numbers else "nobody of ORL is left"


def _pairing(shop: Shop, name: str, receipts: Sequence[Receipt], shopper: str) -> Pairing | None:
    if not any("recommendation" in one.purposes for one in receipts):
        if shopper:
            raise ConsentError("--shopper needs consent to recommendation: without it no baskets are looked at")
        return None
    if shop.recommender is None:
        if shopper:
            raise DataError("this shop has no recommender, so there is no shopper to pair with; open it with --run")
        return None
    store = shop.settings.store
    panel = shop.panel(store)
    if shopper:
        panel.row(shopper)
        return Pairing(store, shopper, drawn=False)
    if not panel.shoppers:
        raise DataError(
            f"merchant {store} may read no shopper's rows now, so nobody can be drawn; see the run's consents"
        )
    digest = hashlib.sha256(f"{shop.settings.seed} {shop.register.token(name)}".encode()).digest()
    chosen = int(np.random.default_rng(int.from_bytes(digest[:8], "big")).integers(len(panel.shoppers)))
    return Pairing(store, panel.shoppers[chosen], drawn=True)

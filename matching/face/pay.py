"""Payment by face, 1:1: claimed identity, consent, liveness, comparison, limits, receipt; another way stays open."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from matching.face.calibration import Calibration
from matching.face.capture import Sent, photos_of
from matching.face.decision import Decision, Match, NoMatch, Reason, Refused
from matching.face.encoder import Encoder, Photo
from matching.face.identify import check_parts
from matching.face.money import CURRENCIES, money_text
from matching.face.pad import LivenessCheck, passes
from matching.face.pay_book import PayBook, PaymentReceipt
from matching.face.permission import Permission
from matching.face.rate_limit import RateLimit
from matching.face.vault import Vault
from privacy.commitments import Commitments
from privacy.consent.identifiers import person_text
from retail.errors import ConfigError, ConsentError, DataError

PURPOSE: Final = "payment"
LOOSEST_FMR: Final = 1e-3
"""A payment's threshold is for a false match rate of at most this."""
_KEY: Final = re.compile(r"[\x21-\x7e]{8,200}")
KEY_RULE: Final = "8 to 200 printable ASCII characters without spaces"
CURRENCY_RULE: Final = "the currency is {!r:.40}; write the three capital letters of ISO 4217, such as EUR"


def is_key(key: object) -> bool:
    """Whether this can be an idempotency key: see `KEY_RULE`."""
    return isinstance(key, str) and _KEY.fullmatch(key) is not None


@dataclass(frozen=True, slots=True)
class Limits:
    """What payment by face is allowed at most.

    Attributes:
        most_minor: one payment, in the smallest unit of the currency.
        most_day_minor: a person's payments of one day (UTC), all in the currency of the first of them.
        attempts: comparisons with one claimed person in `attempts_per`; kept in the books, so a restart gives none.
        attempts_per: the span.

    Raises: ConfigError: one of them limits nothing.
    """

    most_minor: int = 5_000
    most_day_minor: int = 10_000
    attempts: int = 5
    attempts_per: dt.timedelta = dt.timedelta(minutes=15)

    def __post_init__(self) -> None:
        """Refuse limits that are none."""
        for name in ("most_minor", "most_day_minor", "attempts"):
            value = getattr(self, name)
            if type(value) is not int or value < 1:
                raise ConfigError(f"{name} is {value!r}; give a whole number of at least 1")
        if self.attempts_per <= dt.timedelta(0):
            raise ConfigError(f"attempts_per is {self.attempts_per}; give a span above 0")


@dataclass(frozen=True, slots=True)
class Payment:
    """How an attempt to pay ended.

    Attributes:
        decision: Match, NoMatch or Refused.
        receipt: of the charge; None where nothing was charged.
        alternative: how the person can pay instead; always given.
    """

    decision: Decision
    receipt: PaymentReceipt | None
    alternative: str


@dataclass(frozen=True, eq=False)
class FacePayments:
    """Takes payments from people who agreed to pay by face.

    Guarantee: nobody is charged without a valid consent to this purpose, a liveness check that passed on the very
        photos that were compared, every one of these photos at or above the threshold for the claimed person, and
        amounts within the limits; one idempotency key charges at most once. Photos are never written. Without a
        liveness check every payment is refused. Assumes an honest till: it sends what its camera saw.

    Attributes:
        encoder: makes embeddings.
        vault: templates, of the encoder's model.
        permission: for payment.
        calibration: for the encoder's model and payment.
        book: of charges.
        commitments: stand in for people in book and log.
        liveness: looks at the photos; None switches payment off.
        alternative: how else one can pay, such as "card or cash at the same till".
        limits: amounts and attempts.
        limit: requests of one device.
        fmr: target of the threshold, at most `LOOSEST_FMR`.

    Raises: ConfigError: parts that do not belong together, no alternative, or a target that is too loose.
    """

    encoder: Encoder
    vault: Vault
    permission: Permission
    calibration: Calibration
    book: PayBook
    commitments: Commitments
    liveness: LivenessCheck | None
    alternative: str
    limits: Limits = field(default_factory=Limits)
    limit: RateLimit = field(default_factory=lambda: RateLimit(most=30, per_s=60.0))
    fmr: float = 1e-3
    _threshold: float = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse a service that could not keep its guarantee."""
        check_parts(self.encoder, self.vault, self.permission, self.calibration, purpose=PURPOSE)
        if not 0 < self.fmr <= LOOSEST_FMR:
            raise ConfigError(f"fmr is {self.fmr:g}; a payment needs a false match rate of at most {LOOSEST_FMR:g}")
        if not self.alternative.strip():
            raise ConfigError("say in `alternative` how people can pay without their face; there must be a way")
        object.__setattr__(self, "_threshold", self.calibration.threshold(self.fmr))

    def pay(
        self,
        person: object,
        photos: Sent | Sequence[Sent],
        *,
        amount_minor: int,
        currency: str,
        key: str,
        device: str,
    ) -> Payment:
        """Charge a person who says who they are and shows their face.

        Args:
            person: claimed id.
            photos: 1 to 20 of one moment, pixels or image files.
            amount_minor: whole number of the smallest unit of the currency.
            currency: ISO 4217, such as EUR.
            key: chosen once for a purchase and sent again with every repetition of it; 8 to 200 printable ASCII
                characters.
            device: which till asks; its requests are counted.

        Returns: with a receipt if and only if the person was charged, now or under the same key before.

        Raises: PrivacyError: vault, register, commitments or books cannot be used; nobody was charged by this call.
        """
        problem = self._malformed(amount_minor, currency, key)
        if problem is not None:
            return self._end(problem)
        if not self.limit.take(device):
            return self._refuse("rate limit", "this device asks too often; wait a while")
        name = PayBook.name(self.vault.merchant, key)
        try:
            claimed = person_text(person)
            subject = self.permission.register.token(claimed)
        except ConsentError as error:
            return self._refuse("consent", str(error))
        earlier = self.book.find(name)
        if earlier is not None:
            known = self.commitments.known(subject) or ""
            return self._again(*earlier, asked=_digest(known, amount_minor, currency), claimed=claimed)
        if self.liveness is None:
            return self._refuse("liveness", "payment by face is off: no liveness check is set up")
        denial = self.permission.denial()
        if denial:
            return self._refuse("policy", denial)
        before = self.permission.version  # read first: whatever ends from here on is asked about again
        if not self._may_be_compared(subject):
            # What the log keeps of somebody without consent names nobody: a salt would be a record about them.
            return self._refuse("consent", "no valid consent to pay by face is on record for this person", claimed)
        who = self.commitments.commitment(subject)
        now = self.permission.clock()
        spent = self.book.spent(who, currency, now.date().isoformat())
        if spent is None or amount_minor + spent > self.limits.most_day_minor:
            return self._refuse("amount", self._day_message(currency, other=spent is None), who=who)
        if not self.book.attempt(who, at=now, span=self.limits.attempts_per, most=self.limits.attempts):
            return self._refuse("rate limit", "too many attempts at this person; use another way to pay", who=who)
        decision = self._compare(claimed, subject, photos, before)
        if not isinstance(decision, Match):
            return self._end(decision, who=who)
        asked = _digest(who, amount_minor, currency)
        charged = self.book.charge(
            name,
            asked=asked,
            person=who,
            merchant=self.vault.merchant,
            amount_minor=amount_minor,
            currency=currency,
            at=now,
            most_day_minor=self.limits.most_day_minor,
        )
        if charged is None:  # another till was faster
            spent = self.book.spent(who, currency, now.date().isoformat())
            return self._refuse("amount", self._day_message(currency, other=spent is None), who=who)
        return self._again(*charged, asked=asked, claimed=claimed)

    def _malformed(self, amount_minor: object, currency: object, key: object) -> Refused | None:
        most = self.limits.most_minor
        if not isinstance(currency, str) or currency not in CURRENCIES:
            return Refused("amount", CURRENCY_RULE.format(currency))
        if type(amount_minor) is not int or amount_minor < 1:
            return Refused(
                "amount", f"the amount is {amount_minor!r:.40}; give a whole number of the currency's smallest unit"
            )
        if amount_minor > most:
            return Refused(
                "amount",
                f"the amount is {money_text(amount_minor, currency)}; by face one pays at most "
                f"{money_text(most, currency)} at once",
            )
        if not is_key(key):
            return Refused("key", f"an idempotency key must be {KEY_RULE}")
        return None

    def _day_message(self, currency: str, *, other: bool) -> str:
        if other:
            return "this person has paid in another currency today; use that, or another way to pay"
        return f"this would pass the limit of {money_text(self.limits.most_day_minor, currency)} a day"

    def _again(self, earlier: str, receipt: PaymentReceipt, *, asked: str, claimed: str) -> Payment:
        if earlier != asked:
            return self._refuse("key", "this key was used for another payment; a new purchase needs a new key")
        return Payment(Match(claimed), receipt, self.alternative)

    def _may_be_compared(self, subject: str) -> bool:
        found = self.vault.bindings(PURPOSE, subject)
        return bool(found and self.permission.usable(found))

    def _compare(self, claimed: str, subject: str, sent: Sent | Sequence[Sent], before: tuple[int, str]) -> Decision:
        try:
            images: list[Photo] = photos_of(sent)
            dead = passes(self.liveness, images)
            if dead is not None:
                return dead
            probe = self.vault.rotation.apply(self.encoder.encode(images))
            opened = self.vault.open_templates(PURPOSE, [subject])
            if opened.embeddings is None or opened.persons != (claimed,):
                return Refused("changed", "the person's template has gone meanwhile; use another way to pay")
            if opened.embeddings.model != probe.model:
                return Refused("changed", "the vault's key was changed meanwhile; try again")
            similarity = probe.vectors.astype(np.float64) @ opened.embeddings.vectors[0].astype(np.float64)
        except DataError as error:
            return Refused("photo", str(error))
        if self.permission.version != before and not self._may_be_compared(subject):
            return Refused("changed", "the person's consent changed meanwhile; use another way to pay")
        return Match(claimed) if float(similarity.min()) >= self._threshold else NoMatch()

    def _refuse(self, reason: Reason, message: str, claimed: str | None = None, *, who: str = "") -> Payment:
        detail: dict[str, str] = {} if claimed is None else {"consent": self.permission.standing(claimed)}
        return self._end(Refused(reason, message), who=who, detail=detail)

    def _end(self, decision: Decision, *, who: str = "", detail: dict[str, str] | None = None) -> Payment:
        outcome = {"outcome": "no_match"}
        if isinstance(decision, Refused):
            outcome = {"outcome": "refused", "reason": decision.reason}
        if not (isinstance(decision, Refused) and decision.reason == "rate limit" and not who):
            body = {"event": "payment", "merchant": self.vault.merchant, "person": who}
            self.book.note(body | outcome | (detail or {}))
        return Payment(decision, None, self.alternative)


def _digest(who: str, amount_minor: int, currency: str) -> str:
    return hashlib.sha256(json.dumps([who, amount_minor, currency]).encode()).hexdigest()

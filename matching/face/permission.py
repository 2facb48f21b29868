"""Who may be compared: policy first, then consent, asked before any comparison and again after it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, TypedDict

from matching.face.calibration import Use
from matching.face.sealed import Binding
from privacy.access.level import judge
from privacy.consent import ConsentRegister, Receipt
from privacy.consent.identifiers import time_text
from privacy.consent.standing import now_utc
from privacy.policy import Context, Jurisdiction, PolicyEngine, Request
from privacy.policy.vocabulary import Kind
from retail.errors import ConfigError, ConsentError

_KIND: Final[Kind] = "face_templates"
Standing = Literal["valid", "missing", "not_yet", "expired", "withdrawn", "wrong purpose"]
_ORDER: Final[tuple[Standing, ...]] = ("valid", "not_yet", "expired", "withdrawn")


class _Use(TypedDict):
    """For whom and what for."""

    controller: str
    purpose: Use


@dataclass(frozen=True, slots=True)
class Permission:
    """What one merchant may do with face templates for one purpose.

    Guarantee: `allows` and `usable` say yes only for people with a receipt in force for this controller and purpose,
        given separately, about face templates, and only for templates made under a receipt that has not ended and was
        not followed by a withdrawal. Assumes an honest clock and an honest register.

    Attributes:
        register: of consents.
        engine: of policies; asked with the action "recognise".
        controller: party id of the merchant.
        purpose: what for.
        dataset: id of the templates in the engine's register.
        jurisdiction: whose law switches on.
        alternative: whether people who refuse are served in another way; laws ask for it, so without one all is off.
        clock: for tests; the register has its own.
    """

    register: ConsentRegister
    engine: PolicyEngine
    controller: str
    purpose: Use
    dataset: str
    jurisdiction: Jurisdiction = "none"
    alternative: bool = True
    clock: Callable[[], dt.datetime] = now_utc

    def __post_init__(self) -> None:
        """Refuse a service that is the only way to be served."""
        if not self.alternative:
            raise ConfigError(
                "alternative is false: face recognition is never the only way to be served; offer another, such as a "
                "card or a code, and say so here"
            )

    @property
    def version(self) -> tuple[int, str]:
        """Changes whenever somebody's consent or the policy does."""
        return self.register.version, self.engine.fingerprint

    def denial(self) -> str:
        """Return why the policy forbids recognition; empty where it permits it."""
        context = Context(consent="separate", jurisdiction=self.jurisdiction, alternative=self.alternative)
        request = Request(self.controller, "recognise", self.dataset, self.purpose, ("template",), context)
        _, decision = judge(self.engine, request)
        return "" if decision.allowed else decision.text or "the policy does not permit it"

    def usable(self, bindings: list[Binding]) -> list[Binding]:
        """Keep the templates that may be compared now."""
        register, now = self.register, time_text(self.clock())
        agreed = register.valid_tokens(controller=self.controller, purpose=self.purpose, level="separate", data=_KIND)
        withdrawn = dict(register.withdrawals(controller=self.controller, purpose=self.purpose))  # the latest of each
        return [
            one
            for one in bindings
            if one.subject in agreed
            and one.expires_at > now
            and one.consent_version >= withdrawn.get(one.subject, -1)
            and (one.merchant, one.purpose) == (self.controller, self.purpose)
        ]

    def ended(self, bindings: list[Binding]) -> list[Binding]:
        """List the templates that may never be compared again, so that nothing is left but to delete them.

        Their receipt has expired, was followed by a withdrawal, or is not on record any more. One that only seems not
        to hold yet, by a clock that was set back, stays: a deletion cannot be undone.
        """
        register, now = self.register, time_text(self.clock())
        use: _Use = {"controller": self.controller, "purpose": self.purpose}
        agreed = register.valid_tokens(**use, level="separate", data=_KIND)
        withdrawn = dict(register.withdrawals(**use))
        at_last: dict[str, set[str]] = {}  # who agreed at the last moment of a receipt
        ended = []
        for one in bindings:
            over = one.expires_at <= now or one.consent_version < withdrawn.get(one.subject, -1)
            if not over and one.subject not in agreed:
                if one.expires_at not in at_last:
                    last = dt.datetime.fromisoformat(one.expires_at) - dt.timedelta(microseconds=1)
                    at_last[one.expires_at] = register.valid_tokens(**use, level="separate", at=last, data=_KIND)
                over = one.subject not in at_last[one.expires_at]
            if over:
                ended.append(one)
        return ended

    def standing(self, person: object) -> Standing:
        """Say how a person's consent to this use stands, for the log; nobody outside is told.

        Raises: ConsentError: no usable id.
        """
        agreed = [
            one
            for one in self.register.status(person)
            if one.controller == self.controller and one.level == "separate" and _KIND in one.data
        ]
        ours = [one.state for one in agreed if one.purpose == self.purpose]
        for state in _ORDER:
            if state in ours:
                return state
        return "wrong purpose" if agreed else "missing"

    def bind(self, person: str, receipt: Receipt, *, model: str) -> Binding:
        """Return what a template made now is bound to.

        Args:
            person: id.
            receipt: on record, of this person, for this use, in force.
            model: id of the encoder.

        Raises: ConsentError: the receipt is not that.
        """
        register, version, now = self.register, self.register.version, self.clock()
        token = register.token(person)
        if receipt.principal != token:
            raise ConsentError("this receipt is another person's; take the one that this person gave")
        if self.controller not in receipt.controllers or self.purpose not in receipt.purposes:
            raise ConsentError(f"this receipt is not for {self.purpose} at {self.controller}; ask the person for that")
        if receipt.level != "separate" or _KIND not in receipt.data:
            raise ConsentError("this receipt is no separate consent to face templates; ask for one")
        if not receipt.valid_from <= now < receipt.expires_at:
            raise ConsentError(f"this receipt holds from {receipt.valid_from} to {receipt.expires_at}, not now")
        issued = time_text(receipt.issued_at)
        on_record = any(
            one.state == "valid"
            and (one.controller, one.purpose) == (self.controller, self.purpose)
            and (one.issued_at, one.expires_at) == (issued, time_text(receipt.expires_at))
            for one in register.status(person)
        )
        if not on_record:
            raise ConsentError("this receipt is not on record or no longer holds; record it first, or ask again")
        return Binding(
            subject=token,
            merchant=self.controller,
            purpose=self.purpose,
            receipt=receipt.sha256,
            model=model,
            expires_at=time_text(receipt.expires_at),
            consent_version=version,
        )

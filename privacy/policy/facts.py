"""The facts of one request, flat: what the independent restatements of the rules look at."""

from __future__ import annotations

from dataclasses import dataclass

from privacy.policy.register import Register, unit_of
from privacy.policy.request import Request
from privacy.policy.vocabulary import TRADING_ROLES


@dataclass(frozen=True, slots=True)
class Facts:
    """One request with everything looked up.

    Attributes:
        role, unit, action, kind, form, purpose: as in the vocabulary; `unit` as the register names it.
        owner_role, owner_unit: of the owner of the data.
        own: the actor owns the data.
        trades: some merchant or arm of the platform shares the actor's unit.
        of_platform: the marketplace or its retail arm shares the actor's unit.
        people, public: of the data set.
        consent, place, minor, guardian, alternative: of the context.
    """

    role: str
    unit: str
    action: str
    kind: str
    form: str
    purpose: str
    owner_role: str
    owner_unit: str
    own: bool
    trades: bool
    of_platform: bool
    people: bool
    public: bool
    consent: str
    place: str
    minor: bool
    guardian: bool
    alternative: bool


class FactFinder:
    """Looks facts up in a register that does not change meanwhile."""

    def __init__(self, register: Register) -> None:
        self._register = register
        self._traders = {unit_of(one) for one in register.parties if one.role in TRADING_ROLES}
        platform = ("marketplace", "platform_retail")
        self._platforms = {unit_of(one) for one in register.parties if one.role in platform}

    def facts(self, request: Request) -> Facts:
        """Return the facts of a request.

        Raises: PolicyError: its actor, data set or owner is not registered.
        """
        actor = self._register.party(request.actor)
        dataset = self._register.dataset(request.dataset)
        owner = self._register.party(dataset.owner)
        unit = unit_of(actor)
        context = request.context
        return Facts(
            role=actor.role,
            unit=unit,
            action=request.action,
            kind=dataset.kind,
            form=dataset.form,
            purpose=request.purpose,
            owner_role=owner.role,
            owner_unit=unit_of(owner),
            own=actor.id == owner.id,
            trades=unit in self._traders,
            of_platform=unit in self._platforms,
            people=dataset.about_persons,
            public=dataset.public,
            consent=context.consent,
            place=context.jurisdiction,
            minor=context.minor,
            guardian=context.guardian,
            alternative=context.alternative,
        )

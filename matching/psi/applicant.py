"""The merchant's side of enrolment without names: it asks for tokens, claims slots, and enrols those who got one."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from matching.psi.letters import Letter, Parts
from matching.psi.parties import Known, Parties
from matching.psi.tokens import TokenRequest
from privacy.consent import ConsentRegister
from privacy.log import SigningKey
from retail.errors import ConfigError, PrivacyError
from retail.files import atomic_write


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a merchant keeps between its messages: **personal data**, in a file that only it can read.

    Attributes:
        terms: of the request.
        ids: (people,) in the order of the points.
        key: the mask; secret.
        tokens: (people,) of the ids; empty before the registry has answered.
    """

    terms: Parts
    ids: tuple[str, ...] = field(repr=False)
    key: bytes = field(repr=False)
    tokens: tuple[str, ...] = field(default=(), repr=False)

    def save(self, folder: Path) -> Path:
        """Write it, for this user alone (mode 0600), and return its file."""
        path = _path(folder, self.terms.session)
        kept = {"terms": asdict(self.terms), "ids": self.ids, "key": self.key.hex(), "tokens": self.tokens}
        atomic_write(path, lambda file: file.write_text(json.dumps(kept), encoding="utf-8"), private=True)
        return path

    @classmethod
    def load(cls, folder: Path, session: str) -> Waiting:
        """Read it back.

        Raises: PrivacyError: no such request waits there, or the file is damaged.
        """
        path = _path(folder, session)
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            ids, tokens = tuple(map(str, kept["ids"])), tuple(map(str, kept["tokens"]))
            found = cls(Parts.read(kept["terms"]), ids, bytes.fromhex(kept["key"]), tokens)
        except FileNotFoundError as error:
            raise PrivacyError(
                f"no request {session} waits in {folder}: it was finished, or begun elsewhere, or the file is another's"
            ) from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise PrivacyError(f"{path} is damaged; delete it and start again") from error
        if found.terms.session != session or len(found.key) != 32 or len(tokens) not in (0, len(ids)):
            raise PrivacyError(f"{path} is damaged; delete it and start again")
        return found

    @staticmethod
    def forget(folder: Path, session: str) -> None:
        """Delete the key and the ids."""
        _path(folder, session).unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What came of a request, in numbers of people.

    Attributes:
        admitted: have a slot, and are present at this merchant now.
        full: had used all their slots elsewhere.
        refused: have a slot, but this merchant's own register does not take them: they were erased here.
    """

    admitted: int
    full: int
    refused: int


def ask_tokens(merchant: str, registry: str, ids: Collection[str], *, key: SigningKey) -> tuple[Letter, Waiting]:
    """Ask a registry for tokens of some people.

    Raises: PrivacyError: nobody, too many at once, one twice, or a name that cannot be used.
    """
    terms, people = Parts.fresh(merchant, registry), tuple(ids)
    request = TokenRequest.of(people)
    return Letter("token_question", terms, request.points).sign(key), Waiting(terms, people, request.key)


def claim_slots(
    reply: Letter, waiting: Waiting, *, key: SigningKey, parties: Parties, registry_key: str | None = None
) -> tuple[Letter, Waiting]:
    """Take the mask off and claim a slot for each person; sorted, so that no place in the list says who it is.

    Raises: PrivacyError: the reply is of another request or not signed by the registry's key, has another number of
        points, or one that is none.
    """
    known = _known(reply, waiting, parties, registry_key)
    request = TokenRequest(reply.items, waiting.key)  # only as many points as were sent can be unmasked below
    if len(reply.items) != len(waiting.ids):
        raise PrivacyError(f"the registry answered {len(reply.items)} of {len(waiting.ids)} points; ask again")
    tokens = tuple(request.tokens(reply.items))
    with parties.books.transaction() as connection:
        parties.note_within(connection, known)
    claim = Letter("claim", waiting.terms, tuple(sorted(bytes.fromhex(one) for one in tokens))).sign(key)
    return claim, replace(waiting, tokens=tokens)


def enrol_admitted(
    admission: Letter,
    waiting: Waiting,
    *,
    parties: Parties,
    register: ConsentRegister,
    registry_key: str | None = None,
) -> Enrolled:
    """Enrol at this merchant, in its own register, those who got a slot. Doing it again changes nothing.

    Raises:
        PrivacyError: the admission is of another request, not signed by the registry's key, names tokens that were
            never claimed, or comes before any claim.
        ConfigError: the register has another period open than the registry, or none.
    """
    known = _known(admission, waiting, parties, registry_key)
    if not waiting.tokens:
        raise PrivacyError("no slots were claimed yet; claim them with the registry's reply first")
    allowed = {one.hex() for one in admission.items}
    if not allowed <= set(waiting.tokens):
        raise PrivacyError("the admission names tokens that were never claimed; ask the registry what it runs")
    period = register.enrolment.period
    if period is None or (period.name, period.k_max) != (admission.period, admission.k_max):
        wanted = f"the registry counts slots for the period {admission.period!r} with k_max {admission.k_max}"
        if period is None:
            raise ConfigError(
                f"{wanted}, and here none is open; when the ledger of these people starts anew: tradefair consent "
                f"period {admission.period!r} --k-max {admission.k_max}"
            )
        raise ConfigError(
            f"{wanted}, and here {period.name!r} with k_max {period.k_max} is open; a period keeps its cap, so agree "
            "with the registry on one for the next ledger, and close this one then"
        )
    with parties.books.transaction() as connection:
        parties.note_within(connection, known)
    own = [
        register.token(person)
        for person, token in zip(waiting.ids, waiting.tokens, strict=True)
        if token in allowed
    ]  # fmt: skip
    present = register.enrolment.enrol_many(own, waiting.terms.merchant)
    return Enrolled(len(present), len(waiting.ids) - len(own), len(own) - len(present))


def _known(letter: Letter, waiting: Waiting, parties: Parties, given: str | None) -> Known:
    if letter.terms != waiting.terms:
        raise PrivacyError(f"the message is of request {letter.terms.session}, and {waiting.terms.session} waits; ask "
                           "for the right one")  # fmt: skip
    return parties.find(waiting.terms.registry, letter.signer, given=given)


def _path(folder: Path, session: str) -> Path:
    return folder / f"enrol-{session}.json"

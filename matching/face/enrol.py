"""Enrolment: consent first, then liveness, then the template; and how a person leaves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from matching.embeddings import Embeddings
from matching.face.capture import Sent, photos_of
from matching.face.decision import Refused
from matching.face.encoder import Encoder, Photo, template_of
from matching.face.pad import LivenessCheck, passes
from matching.face.permission import Permission
from matching.face.sealed import Binding
from matching.face.vault import Vault
from privacy.commitments import Commitments
from privacy.consent import Receipt
from privacy.consent.identifiers import person_text
from privacy.log import Log
from retail.errors import ConsentError, DataError

KIND: Final = "enrolment"
"""Kind of the log entries."""


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A template was stored.

    Attributes:
        photos: from how many photos.
    """

    photos: int


@dataclass(frozen=True, eq=False)
class Made:
    """A template that may be stored, and is not yet.

    Attributes:
        person: id.
        binding: what it is for.
        template: one vector.
        photos: from how many photos.
    """

    person: str
    binding: Binding
    template: Embeddings
    photos: int


@dataclass(frozen=True, eq=False)
class FaceEnrolment:
    """Takes people into a vault for one purpose.

    Guarantee: a template is stored only for a receipt that is on record and in force, of this person, for this merchant
        and purpose, about face templates, given separately; and only when the liveness check passed on the very photos
        that the template is made from. Photos are never written. Without a check nobody is enrolled.

    Attributes:
        encoder: makes embeddings.
        vault: of the encoder's model.
        permission: for the purpose.
        liveness: looks at the photos; None enrols nobody.
        one_person: of the calibration: photos less alike than this are not of one person. None takes one photo only.
        log: of decisions.
        commitments: stand in for people in the log.
    """

    encoder: Encoder
    vault: Vault
    permission: Permission
    liveness: LivenessCheck | None
    log: Log
    commitments: Commitments
    one_person: float | None = None

    def enrol(self, person: object, photos: Sent | Sequence[Sent], receipt: Receipt) -> Enrolled | Refused:
        """Enrol a person.

        Args:
            person: id.
            photos: 1 to 20 of the person, and of nobody else.
            receipt: the person's consent, recorded in the register before.

        Returns: Enrolled, or Refused with what is wrong; then nothing was stored.

        Raises: PrivacyError: the vault, the register or the log cannot be used.
        """
        made = self.make(person, photos, receipt)
        if isinstance(made, Refused):
            return made
        try:
            self.keep([made])
        except DataError as error:
            return Refused("photo", str(error))
        return Enrolled(made.photos)

    def make(self, person: object, photos: Sent | Sequence[Sent], receipt: Receipt) -> Made | Refused:
        """Make a template without storing it; arguments and refusals as of `enrol`."""
        try:
            name = person_text(person)
            self.permission.register.tombstones.refuse([name], where="the vault of face templates")
            binding = self.permission.bind(name, receipt, model=self.encoder.model)
        except ConsentError as error:
            return Refused("consent", str(error))
        denial = self.permission.denial()
        if denial:
            return Refused("policy", denial)
        try:
            images = photos_of(photos)
            found = passes(self.liveness, images)
            if found is not None:
                return found
            template = self.template(images)
            self.vault.check(binding, template)
        except DataError as error:
            return Refused("photo", str(error))
        return Made(name, binding, template, len(images))

    def template(self, images: Sequence[Photo]) -> Embeddings:
        """Make a template from photos that look like one person; nothing is stored.

        Several photos must each be at least `one_person` like the mean of the others. That is a guard against mistakes
        and against two people who share a template, as good as the encoder is: one that tells people apart badly lets
        many strangers pass.

        Raises: DataError: a photo cannot be used, or they do not look like one person.
        """
        seen = self.encoder.encode(images)
        if len(images) > 1:
            if self.one_person is None:
                raise DataError("this calibration cannot tell whether several photos are of one person; send one photo")
            rows = seen.vectors.astype(np.float64)
            others = rows.sum(axis=0) - rows
            length = np.linalg.norm(others, axis=1)
            alike = np.einsum("ij,ij->i", rows, others) / np.where(length > 0, length, 1.0)
            least = int(alike.argmin())
            if not alike[least] >= self.one_person:
                which = "the photos do" if len(images) == 2 else f"photo {least + 1} does"
                raise DataError(f"{which} not look like one person; enrol one person, from clear photos")
        return template_of(seen)

    def keep(self, made: Sequence[Made], *, allowed: Callable[[], bool] = lambda: True) -> bool:
        """Store a person's templates for one purpose or several, all of them or none, also when killed.

        Args:
            made: at least one; by `make` of this vault's enrolments, all of one person.
            allowed: asked inside the transaction that stores, so that what ended enrolment while the templates were
                made is not overlooked.

        Returns: whether they were stored; False where `allowed` said no, and the log says that they are gone.

        Raises: DataError: there is a template for one of the purposes already. PrivacyError: as `enrol`.
        """
        events = []
        for one in made:
            people = self.commitments.commitments([one.binding.subject, one.binding.receipt])
            body = {"event": "enrolled", "merchant": self.vault.merchant, "purpose": one.binding.purpose}
            events.append((KIND, body | {"person": people[0], "receipt": people[1], "model": one.binding.model}))
        for one in made:
            self.vault.check(one.binding, one.template)
        # Logged before it is stored, as reads are: a log that cannot be written enrols nobody.
        self.log.append_many(events)
        given = [(one.binding, one.template) for one in made]
        stored = self.vault.enrol_all(made[0].person, given, allowed=allowed)
        if not stored:
            self.log.append_many([(KIND, body | {"event": "revoked"}) for _, body in events])
        return stored

    def revoke(self, person: object) -> int:
        """Delete a person's template for this purpose; consent in the register is another matter.

        Returns: how many templates went.

        Raises: ConsentError: no usable id.
        """
        subject = self.permission.register.token(person)
        gone = self.vault.revoke(subject, purpose=self.permission.purpose)
        if gone:
            body = {"event": "revoked", "merchant": self.vault.merchant, "purpose": self.permission.purpose}
            self.log.append(KIND, body | {"person": self.commitments.commitment(subject)})
        return gone

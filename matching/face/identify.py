"""Greeting at the door, 1:N: who of the people who agreed to it has come in; everybody else leaves nothing behind."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from matching.face.calibration import Calibration
from matching.face.capture import Sent, photos_of
from matching.face.decision import Decision, Match, NoMatch, Refused
from matching.face.encoder import Encoder
from matching.face.gallery import Gallery
from matching.face.permission import Permission
from matching.face.rate_limit import RateLimit
from matching.face.vault import Vault
from matching.face.visits import VisitCounts
from privacy.commitments import Commitments
from privacy.log import Log
from retail.errors import ConfigError, DataError

KIND: Final = "recognition"
"""Kind of the log entries."""
PURPOSE: Final = "in_store_recognition"


@dataclass(frozen=True, eq=False)
class Greeter:
    """Recognises people who agreed to be greeted.

    Guarantee: a probe is compared with nobody who has not agreed to this purpose. Whoever comes in, agreed or not, is a
        probe: an embedding of everybody is made in memory. A probe (the photo and what was computed from it) is never
        written. What is in the log: matches, by commitment, and refusals by policy or size of gallery. Of a visitor who
        is not recognised, the log and every file stay as they were, byte by byte: an exact count of people who did not
        agree would be data about them. They are in the count of visits, which may leave through the release gate with
        noise.

    Attributes:
        encoder: makes embeddings.
        vault: templates, of the encoder's model.
        permission: for in_store_recognition.
        calibration: for the encoder's model and in_store_recognition.
        log: of decisions.
        commitments: stand in for people in the log.
        limit: requests of one device.
        visits: counts visits; None counts none.
        fpir: target of the threshold.

    Raises: ConfigError: parts of different models, merchants or purposes, or a calibration that does not reach `fpir`.
    """

    encoder: Encoder
    vault: Vault
    permission: Permission
    calibration: Calibration
    log: Log
    commitments: Commitments
    limit: RateLimit = field(default_factory=lambda: RateLimit(most=60, per_s=60.0))
    visits: VisitCounts | None = None
    fpir: float = 0.01
    _gallery: Gallery = field(init=False)
    _threshold: float = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse parts that do not belong together."""
        check_parts(self.encoder, self.vault, self.permission, self.calibration, purpose=PURPOSE)
        object.__setattr__(self, "_threshold", self.calibration.threshold(self.fpir))
        object.__setattr__(self, "_gallery", Gallery(self.vault, self.permission))

    def greet(self, photo: Sent, *, device: str) -> Decision:
        """Say who has come in.

        Args:
            photo: pixels, or an image file.
            device: which camera asks; its requests are counted.

        Returns: Match, NoMatch or Refused; also for what is no photo.

        Raises: PrivacyError: the vault, the register or the log cannot be used; nobody is recognised then.
        """
        if not self.limit.take(device):
            return Refused("rate limit", "this device asks too often; wait a while")
        denial = self.permission.denial()
        if denial:
            return self._logged(Refused("policy", denial))
        size = self._gallery.size
        if size > self.calibration.gallery:
            return self._logged(
                Refused(
                    "gallery",
                    f"{size} people are enrolled and the calibration holds for {self.calibration.gallery}; calibrate "
                    "for a larger gallery",
                )
            )
        if size == 0:
            return self._visited(NoMatch())  # nobody to compare with: no template is made of anybody
        try:
            probe = self.encoder.encode(photos_of(photo)[:1])
            nearest = self._gallery.nearest(probe)
        except DataError as error:
            return Refused("photo", str(error))
        if nearest is None or nearest.similarity < self._threshold:
            return self._visited(NoMatch())
        self.log.append(KIND, self._body("match") | {"person": self.commitments.commitment(nearest.subject)})
        return self._visited(Match(nearest.person))

    def _visited(self, decision: Decision) -> Decision:
        if self.visits is not None:
            self.visits.note()
        return decision

    def _logged(self, refused: Refused) -> Refused:
        self.log.append(KIND, self._body("refused") | {"reason": refused.reason})
        return refused

    def _body(self, outcome: str) -> dict[str, str]:
        return {"event": "greeting", "merchant": self.vault.merchant, "purpose": PURPOSE, "outcome": outcome}


def check_parts(
    encoder: Encoder, vault: Vault, permission: Permission, calibration: Calibration, *, purpose: str
) -> None:
    """Refuse a service whose parts are of different models, merchants or purposes.

    Raises: ConfigError: with the two values.
    """
    for what, found, wanted in (
        ("the vault's model", vault.model, encoder.model),
        ("the calibration's model", calibration.model, encoder.model),
        ("the vault's merchant", vault.merchant, permission.controller),
        ("the permission's purpose", permission.purpose, purpose),
        ("the calibration's purpose", calibration.purpose, purpose),
    ):
        if found != wanted:
            raise ConfigError(f"{what} is {found!r} and must be {wanted!r}; put parts together that belong together")

"""Liveness (presentation attack detection): is a face before the camera, or a picture of one?

The interface; the one real check is in `matching.face.texture`. Error rates in the words of ISO/IEC 30107-3: APCER, the
share of attacks of one species that pass, and BPCER, the share of real faces that do not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from matching.face.decision import Refused
from matching.face.encoder import Photo
from matching.face.evaluate import Estimate

MOST_APCER: Final = 0.10
"""A check serves only if the measured APCER of its worst species is at most this. It is the share that was measured and
not the upper end of its interval, which for a dozen people lies above any useful limit: read both in `PadFigures`."""


@dataclass(frozen=True, slots=True)
class PadFigures:
    """Measured error rates of a check.

    Attributes:
        apcer: species -> share of these attacks that passed, with its interval over people.
        bpcer: share of real faces that did not pass.
        unseen: species that the check was not made for -> APCER; told, not relied upon.
        people: on whom it was measured; nobody on whom it was fitted.
        statement: what the figures hold for.
    """

    apcer: Mapping[str, Estimate]
    bpcer: Estimate
    unseen: Mapping[str, Estimate]
    people: int
    statement: str

    @property
    def worst(self) -> float:
        """APCER of the species that passes most often; ISO/IEC 30107-3 allows no average over species."""
        return max(one.value for one in self.apcer.values())


class LivenessCheck(Protocol):
    """What looks at photos and says whether a face was there.

    Attributes:
        name: for messages.
        figures: measured; a check without figures serves nowhere.
    """

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def figures(self) -> PadFigures: ...  # noqa: D102

    def is_live(self, photos: Sequence[Photo]) -> bool:
        """Look at the photos of one moment; all must pass. Raises: DataError: a photo that cannot be judged."""


def passes(check: LivenessCheck | None, photos: Sequence[Photo]) -> Refused | None:
    """Run a check on the photos that will be compared; whatever goes wrong refuses.

    Returns: None if the check passed, else what to answer.
    """
    figures = getattr(check, "figures", None)
    if check is None or not isinstance(figures, PadFigures):
        return Refused("liveness", "no liveness check with measured error rates is set up, so this is off")
    if not figures.worst <= MOST_APCER:
        return Refused(
            "liveness",
            f"the liveness check lets {figures.worst:.0%} of its worst attacks pass, at most {MOST_APCER:.0%} may",
        )
    if check.is_live(photos) is not True:
        return Refused("liveness", "the photo looks like a picture of a face; look at the camera itself, in even light")
    return None

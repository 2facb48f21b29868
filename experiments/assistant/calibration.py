"""Thresholds and the liveness check of a shop, made on people who are never enrolled there; and a check on others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from experiments.assistant.encoders import Origin, finder, unseen_of_orl
from experiments.assistant.pictures import drawn_others, orl_people
from retail.errors import ConfigError, DataError
from retail.faces import FaceSet, load_face_folder

if TYPE_CHECKING:
    from matching.face.calibration import Calibration
    from matching.face.encoder import Encoder
    from matching.face.texture import TextureCheck

DOOR, PAYMENT, LIVENESS = "door.json", "payment.json", "liveness.json"
FMR: Final = 1e-3
FPIRS: Final = (0.01, 0.02, 0.03, 0.05)
"""Targets at the door; the strictest is taken that the people are enough for."""
GALLERY: Final = 10
"""Most people enrolled, where nobody says how many there will be."""
FEWEST: Final = 20
"""People of ORL that an encoder must not have seen, so that enough calibrate and some are left to be enrolled. With 6
of 10 the rate at the door did not hold: .35 [.05, .68] where .05 was asked."""
_CALIBRATE: Final = 0.75
_LEFT: Final = 10  # people of ORL who are left to be enrolled where others calibrate
_DRAWN_PEOPLE: Final = 60
_RULE_OF_THREE: Final = 3
_SEED: Final = 1
_ON_DRAWINGS: Final = (
    "payment by face is off in this shop: its thresholds come from drawings, and need not hold on photos; calibrate on "
    "a folder of photos"
)


@dataclass(frozen=True, eq=False)
class CalibratedOn:
    """Who a shop's thresholds and liveness check come from.

    Attributes:
        thresholds: people for the thresholds; the encoder never saw them.
        liveness: people for the liveness check. It does not use the encoder, so those that this was trained on may be
            among them.
        words: who they are.
        photos: whether the thresholds come from photos.
    """

    thresholds: FaceSet
    liveness: FaceSet
    words: str
    photos: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        """Everybody, once; nobody of them may be enrolled."""
        return tuple(dict.fromkeys((*self.thresholds.names, *self.liveness.names)))


def choose_people(origin: Origin, wanted: str = "") -> CalibratedOn:
    """Choose the people to calibrate on.

    Args:
        origin: of the encoder.
        wanted: "orl", "drawn" or a folder of people; empty takes ORL where it is known that the encoder did not see
            `FEWEST` of its people or more, else drawings.

    Raises:
        ConfigError: the encoder saw too many of ORL's people, or nobody knows whom it saw and ORL is asked for.
        DataError: the folder holds no pictures of people.
    """
    unseen = unseen_of_orl(origin)
    wanted = wanted or ("orl" if origin.known and len(unseen) >= FEWEST else "drawn")
    if wanted == "orl" and not origin.known:
        raise ConfigError(
            "whom the encoder was trained on is unknown, so people of ORL may be among them, and thresholds "
            "measured on those would be wrong; calibrate on drawn, or on a folder of people whom it cannot have seen"
        )
    if wanted == "orl" and len(unseen) < FEWEST:
        raise ConfigError(
            f"the encoder was trained on all but {len(unseen)} people of ORL, and {FEWEST} are needed to calibrate on "
            "some and enrol others; calibrate on drawn, or on a folder of other people"
        )
    kept = set(unseen[round(_CALIBRATE * len(unseen)) :] if wanted == "orl" else unseen[-_LEFT:])
    photos = orl_people([number for number in range(1, 41) if number not in kept])
    if wanted == "orl":
        people = orl_people([number for number in unseen if number not in kept])
        words = f"{people.people} people of ORL (photos)"
    elif wanted == "drawn":
        people, words = drawn_others(_DRAWN_PEOPLE), f"{_DRAWN_PEOPLE} drawn people, who are no photos"
    else:
        people = load_face_folder(wanted)
        words = f"{people.people} people of {people.source}"
        both = sorted(set(people.names) & set(origin.trained_on))
        if both:
            raise ConfigError(f"the encoder was trained on {len(both)} people of {wanted}; calibrate on others")
    return CalibratedOn(
        people, photos, f"thresholds: {words}; liveness: {photos.people} people of ORL", wanted != "drawn"
    )


def calibrate(
    folder: Path,
    encoder: Encoder,
    people: CalibratedOn,
    *,
    gallery: int = GALLERY,
    progress: Callable[[str], None] = lambda _: None,
) -> str:
    """Make the liveness check and the thresholds of a shop, and write them into its folder.

    Args:
        folder: of the shop.
        encoder: of the shop.
        people: to calibrate on.
        gallery: most people who will be enrolled: the more there are, the stricter the door has to be.
        progress: takes a line now and then.

    Returns: why payment cannot be had; empty where it can. On drawings, or with fewer than 3 / FMR comparisons, nobody
        can know that its target holds, so it stays off.

    Raises:
        ConfigError: a gallery for which there are too few people.
        DataError: too few people for a threshold at the door, or a liveness check that lets too many attacks pass.
    """
    from matching.face.calibrate import calibrate_identification, calibrate_verification
    from matching.face.pad import MOST_APCER
    from matching.face.texture import TextureCheck

    target = _target(len(people.thresholds))
    if not 1 <= gallery < people.thresholds.people:
        raise ConfigError(
            f"a gallery of {gallery} was asked for, and {people.thresholds.people} people to calibrate on admit 1 to "
            f"{people.thresholds.people - 1}; enrol fewer, or calibrate on more"
        )
    rng = np.random.default_rng(_SEED)
    progress("liveness check")
    check = TextureCheck.fitted(people.liveness.images, people.liveness.person, rng=rng, finder=finder())
    if not check.figures.worst <= MOST_APCER:
        raise DataError(
            f"the liveness check lets {check.figures.worst:.0%} of its worst attacks pass, and at most "
            f"{MOST_APCER:.0%} may; nobody can be enrolled with it, so make it on more people"
        )
    progress("thresholds")
    faces = people.thresholds
    embeddings = encoder.encode(list(faces.images))
    whose = [faces.names[one] for one in faces.person]
    door = calibrate_identification(embeddings, whose, gallery=gallery, source=people.words, rng=rng, targets=(target,))
    payment: Calibration | None = None
    why = "" if people.photos else _ON_DRAWINGS
    if people.photos:
        try:
            payment = calibrate_verification(embeddings, whose, source=people.words, rng=rng, targets=(1e-2, FMR))
        except DataError as error:
            why = f"payment by face is off in this shop: {error}"
    check.save(folder / LIVENESS)
    door.save(folder / DOOR)
    if payment is not None:
        payment.save(folder / PAYMENT)
    return why


def load_liveness(folder: Path) -> TextureCheck:
    """Read the liveness check of a shop. Raises: DataError: there is none, or it was changed."""
    from matching.face.texture import TextureCheck

    return TextureCheck.load(folder / LIVENESS, finder=finder())


def _target(probes: int) -> float:
    """Return the strictest target at the door that so many probes of people not enrolled admit (rule of three)."""
    for target in FPIRS:
        if probes * target >= _RULE_OF_THREE:
            return target
    raise DataError(
        f"the people to calibrate on have {probes} pictures, and the loosest target at the door, an FPIR of "
        f"{FPIRS[-1]:g}, needs {round(_RULE_OF_THREE / FPIRS[-1])}; calibrate on more people"
    )

"""Pictures that a command or a page is given: a file, one of ORL (`orl:31/3`), or a drawing of nobody (`drawn:5/2`)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from retail.errors import DataError
from retail.faces import FaceSet, generated_faces, load_orl, read_photo
from retail.faces.load import ORL_PEOPLE

PICTURES: Final = 10
"""Pictures of each person in ORL, and of each drawn one."""
MOST_DRAWN: Final = 10_000
_CUSTOMERS: Final = (0xA551, 1)
_OTHERS: Final = (0xA551, 2)
_NAMED: Final = re.compile(r"(orl|drawn):(\d{1,6})/(\d{1,3})")
_PERSON: Final = re.compile(r"(orl|drawn):(\d{1,6})")


@dataclass(frozen=True, eq=False)
class Picture:
    """One picture to be enrolled or recognised.

    Attributes:
        photo: upright pixels; of ORL and of drawings the (64, 64) crop.
        name: as it was given; a file by its name alone.
        public: whose it is, where that is public, such as "orl:31"; empty for a file.
    """

    photo: NDArray[np.uint8]
    name: str
    public: str


def read_picture(given: str | Path | bytes, *, name: str = "") -> Picture:
    """Read a picture; nothing is written.

    Args:
        given: a path, the bytes of a file, or as text `orl:PERSON/PICTURE` (1 to 40, 1 to 10) or
            `drawn:PERSON/PICTURE` (1 to 10,000, 1 to 10).
        name: what messages call bytes.

    Raises:
        DataError: there is no such picture or person, or the file is no photo that can be read; see
            `retail.faces.read_photo`.
    """
    if isinstance(given, str) and given.startswith(("orl:", "drawn:")):
        return _named(given)
    if isinstance(given, bytes):
        name = name or "the photo"
        return Picture(read_photo(given, name=name), name, "")
    return Picture(read_photo(given), name or Path(given).name, "")


def public_person(name: str) -> str:
    """Return `orl:31` of `orl:31` or `orl:31/3`; empty for anything else."""
    found = _NAMED.fullmatch(name) or _PERSON.fullmatch(name)
    return f"{found[1]}:{int(found[2])}" if found else ""


def orl_people(numbers: list[int]) -> FaceSet:
    """Return people of ORL by their numbers from 1, called `orl:1` and so on."""
    chosen = _orl().of([number - 1 for number in numbers])
    return FaceSet(chosen.images, chosen.person, tuple(f"orl:{number}" for number in numbers), "ORL")


def drawn_customers(first: int, people: int) -> FaceSet:
    """Draw the people whom `drawn:PERSON/PICTURE` names, from number `first`, called `drawn:1` and so on."""
    found = generated_faces(people, PICTURES, np.random.default_rng(_CUSTOMERS), first=first)
    names = tuple(f"drawn:{number}" for number in range(first, first + people))
    return FaceSet(found.images, found.person, names, "drawings")


def drawn_others(people: int) -> FaceSet:
    """Draw people who are no `drawn:` customer and whom no encoder is trained on; to calibrate on."""
    found = generated_faces(people, PICTURES, np.random.default_rng(_OTHERS))
    names = tuple(f"drawn for calibration {number}" for number in range(people))
    return FaceSet(found.images, found.person, names, "drawings")


def _named(text: str) -> Picture:
    found = _NAMED.fullmatch(text)
    source, _, rest = text.partition(":")
    most = ORL_PEOPLE if source == "orl" else MOST_DRAWN
    if found is None or not 1 <= int(found[2]) <= most or not 1 <= int(found[3]) <= PICTURES:
        raise DataError(
            f"there is no picture {text!r:.60}; write {source}:PERSON/PICTURE with a person from 1 to {most:,} and a "
            f"picture from 1 to {PICTURES}"
        )
    person, picture = int(found[2]), int(found[3])
    if source == "orl":
        photo = _orl().images[(person - 1) * PICTURES + picture - 1]
    else:
        photo = _drawn(person)[picture - 1]
    return Picture(photo.copy(), f"{source}:{rest}", f"{source}:{person}")


@lru_cache(maxsize=1)
def _orl() -> FaceSet:
    return load_orl()


@lru_cache(maxsize=64)
def _drawn(person: int) -> NDArray[np.uint8]:
    return drawn_customers(person, 1).images

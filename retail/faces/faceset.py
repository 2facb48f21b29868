"""A set of face crops: pictures, and who is on each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from retail.errors import DataError

SIDE: Final = 64
"""Height and width of a crop, pixels."""


@dataclass(frozen=True, eq=False)
class FaceSet:
    """Aligned grey crops of some people.

    Attributes:
        images: (n, 64, 64) uint8.
        person: (n,) int64, position in `names` of the person on each image.
        names: one for each person; people without images keep their place.
        source: where the images come from, for reports.

    Raises:
        DataError: shapes or types differ from that (an image of floats could hold NaN), a person has no name, or two
            people share one.
    """

    images: NDArray[np.uint8]
    person: NDArray[np.int64]
    names: tuple[str, ...]
    source: str

    def __post_init__(self) -> None:
        """Refuse what is no set of crops."""
        images, person = self.images, self.person
        if not isinstance(images, np.ndarray) or images.dtype != np.uint8 or images.shape[1:] != (SIDE, SIDE):
            found = f"{images.dtype} {images.shape}" if isinstance(images, np.ndarray) else type(images).__name__
            raise DataError(f"faces must be (n, {SIDE}, {SIDE}) uint8, got {found}; make crops with to_crop")
        if not isinstance(person, np.ndarray) or person.dtype != np.int64 or person.shape != (len(images),):
            found = f"{person.dtype} {person.shape}" if isinstance(person, np.ndarray) else type(person).__name__
            raise DataError(f"{len(images)} faces need as many int64 persons, got {found}")
        if len(person) and not (person.min() >= 0 and person.max() < len(self.names)):
            wrong = int(person[(person < 0) | (person >= len(self.names))][0])
            raise DataError(f"person {wrong} has no name: there are {len(self.names)}; number people from 0")
        if len(set(self.names)) != len(self.names):
            twice = next(name for name in self.names if self.names.count(name) > 1)
            raise DataError(f"two people are called {twice!r}; give each a name of their own")

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.images)

    @property
    def people(self) -> int:
        """Number of people, those without images included."""
        return len(self.names)

    def of(self, people: Sequence[int] | NDArray[np.int64]) -> FaceSet:
        """Return the images of some people, numbered anew from 0 in the order given.

        Raises:
            DataError: there is no such person, or one is asked for twice.
        """
        chosen = np.asarray(people, dtype=np.int64).ravel()
        if len(chosen) and not (chosen.min() >= 0 and chosen.max() < self.people):
            raise DataError(f"people {chosen.min()} to {chosen.max()} were asked for; there are {self.people}, from 0")
        if len(np.unique(chosen)) != len(chosen):
            raise DataError("somebody is asked for twice; name each person once")
        place = np.full(self.people, -1, dtype=np.int64)
        place[chosen] = np.arange(len(chosen))
        new = place[self.person] if len(self) else self.person
        kept = np.flatnonzero(new >= 0)
        order = kept[np.argsort(new[kept], kind="stable")]
        return FaceSet(self.images[order], new[order], tuple(self.names[one] for one in chosen), self.source)

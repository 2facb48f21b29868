"""Which faces each merchant holds, as a run sees them: rows for the data port, nodes for the task."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd

from privacy.policy import Kind, Purpose
from retail import columns as c
from retail.errors import DataError
from retail.faces.faceset import SIDE, FaceSet
from retail.faces.source import FaceSource

PIXELS: Final = "pixels"
"""Column of a face row: the bytes of a 64x64 grey crop."""
NEEDED: Final = (c.PERSON, PIXELS)


@dataclass(frozen=True, slots=True)
class FaceMarket:
    """What is public of a federation over faces.

    Attributes:
        merchants: ids, in the order of the nodes.
        people: public number of people who may be learned from; None when nobody declared it.
    """

    merchants: tuple[int | str, ...]
    people: int | None


@dataclass(frozen=True, eq=False)
class FaceNode:
    """The faces that one merchant may use.

    Attributes:
        merchant: id in the public list of merchants.
        persons: (p,) ids.
        images: (n, 64, 64) uint8, sorted by person.
        starts: (p + 1,) int64; the images of `persons[i]` are those from starts[i] to starts[i + 1].
        memo: what a task wants to keep between the rounds of one run; never leaves the node.
    """

    merchant: int | str
    persons: np.ndarray
    images: np.ndarray
    starts: np.ndarray
    memo: dict[Any, Any] = field(default_factory=dict)

    @property
    def labels(self) -> np.ndarray:
        """(n,) int64, position in `persons` of the person on each image."""
        return np.repeat(np.arange(len(self.persons)), np.diff(self.starts))

    def of(self, index: int) -> np.ndarray:
        """Return one person's images, (m, 64, 64) uint8."""
        found: np.ndarray = self.images[self.starts[index] : self.starts[index + 1]]
        return found


class FaceHoldings:
    """The faces of a source, by merchant; see `federation.nodes.Holdings`.

    Guarantee: that of `FaceSource.at`: one person is at one merchant, and when that person leaves nothing else changes.
    """

    kind: Kind = "face_images"
    purpose: Purpose = "in_store_recognition"
    columns: tuple[str, ...] = NEEDED

    def __init__(self, source: FaceSource) -> None:
        self._source = source
        self.merchants: tuple[int | str, ...] = tuple(range(1, source.merchants + 1))
        self.public = FaceMarket(self.merchants, source.members)
        self.not_public: tuple[str, ...] = ()

    def rows(self, place: int) -> pd.DataFrame:
        """Return what one merchant stores, columns `NEEDED`; only a data port hands it on."""
        return face_rows(self._source.at(place))

    def kept_apart(self) -> pd.DataFrame:
        """Return the people kept for testing, columns `NEEDED`; only a data port hands them on."""
        return face_rows(self._source.test())

    def node(self, merchant: int | str, rows: pd.DataFrame) -> FaceNode:
        """Turn rows that somebody may use into a node."""
        return face_node(merchant, rows)

    def people(self) -> int:
        """Count the people with images. Not public."""
        return len(np.unique(self._source.train().person))


def face_rows(faces: FaceSet) -> pd.DataFrame:
    """Return one row for each image, columns `NEEDED`."""
    return pd.DataFrame(
        {
            c.PERSON: pd.array([faces.names[one] for one in faces.person], dtype="str"),
            PIXELS: pd.Series([one.tobytes() for one in faces.images], dtype=object),
        }
    )


def face_set(rows: pd.DataFrame, *, source: str) -> FaceSet:
    """Turn rows, columns `NEEDED`, into a set of crops with its people in ascending order of their names.

    Raises:
        DataError: a row holds something else than a crop.
    """
    node = face_node(source, rows)
    return FaceSet(node.images, node.labels, tuple(str(one) for one in node.persons), source)


def face_node(merchant: int | str, rows: pd.DataFrame) -> FaceNode:
    """Turn rows, columns `NEEDED`, into a node with its persons in ascending order.

    Raises:
        DataError: a row holds something else than a crop.
    """
    persons, codes = np.unique(rows[c.PERSON].to_numpy(dtype=np.str_), return_inverse=True)
    cells = rows[PIXELS].to_numpy()
    if not all(isinstance(cell, bytes) and len(cell) == SIDE * SIDE for cell in cells):
        raise DataError(f"merchant {merchant}: every face must be the bytes of {SIDE}x{SIDE} grey pixels; make crops")
    order = np.argsort(codes, kind="stable")
    images = np.frombuffer(b"".join(cells[order]), dtype=np.uint8).reshape(-1, SIDE, SIDE)
    starts = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(np.bincount(codes, minlength=len(persons)))])
    return FaceNode(merchant, persons, images, starts)

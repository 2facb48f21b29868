"""What turns a photo of one face into an embedding: networks that take aligned crops, and what finds the crop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from matching.embeddings import Embeddings
from retail.errors import INSTALL_FACES, DataError
from retail.faces import SIDE

T = TypeVar("T")
Photo = npt.NDArray[np.uint8]
"""(h, w) grey or (h, w, 3) colour, uint8, upright."""
Crops = npt.NDArray[np.uint8]
"""(n, 64, 64) grey, one aligned face each."""

_FLAT: Final = 2.0  # grey levels of spread below which a picture shows nothing


class Encoder(Protocol):
    """From photos to embeddings of one model.

    Attributes:
        model: id; embeddings of two models never compare.
        dimension: numbers in an embedding.
    """

    @property
    def model(self) -> str: ...  # noqa: D102
    @property
    def dimension(self) -> int: ...  # noqa: D102

    def encode(self, photos: Sequence[Photo]) -> Embeddings:
        """Embed the one face of each photo.

        Raises: DataError: a photo without a face, with several, with one that is too small, or no photo at all.
        """


class CropNet(Protocol):
    """What embeds aligned crops: the exported network or a baseline; attributes as of `Encoder`."""

    @property
    def model(self) -> str: ...  # noqa: D102
    @property
    def dimension(self) -> int: ...  # noqa: D102

    def embed(self, crops: Crops) -> npt.NDArray[np.float64]:
        """Return (n, dimension) vectors of any length for (n, 64, 64) crops."""


class Finder(Protocol):
    """What cuts the one face out of a photo."""

    def crop(self, photo: Photo) -> npt.NDArray[np.uint8]:
        """Return the (64, 64) grey crop of the one face. Raises: DataError: not exactly one usable face."""


class AlignedCrops:
    """Takes crops that were cut before: nothing is detected. What is used without the extra `faces`."""

    def crop(self, photo: Photo) -> npt.NDArray[np.uint8]:
        """Return the crop as it is.

        Raises: DataError: any other size; the message says what to install or to send.
        """
        check_photo(photo)
        if photo.shape != (SIDE, SIDE):
            size = " x ".join(str(side) for side in photo.shape)
            raise DataError(
                f"this photo is {size}, and without the extra `faces` no face can be found in a photo; send a grey "
                f"{SIDE} x {SIDE} crop of one upright face, or {INSTALL_FACES}"
            )
        return photo


class CropEncoder:
    """A network on crops, with what finds the crop in a photo.

    Args:
        net: the network or baseline.
        finder: finds the face; `AlignedCrops()` takes crops only.
    """

    def __init__(self, net: CropNet, finder: Finder | None = None) -> None:
        self.net = net
        self.finder: Finder = AlignedCrops() if finder is None else finder

    @property
    def model(self) -> str:
        """Id of the network."""
        return self.net.model

    @property
    def dimension(self) -> int:
        """Numbers in an embedding."""
        return self.net.dimension

    def encode(self, photos: Sequence[Photo]) -> Embeddings:
        """Embed the one face of each photo; see `Encoder.encode`."""
        if not len(photos):
            raise DataError("no photo was given; give at least one")
        crops = np.stack(each_photo(self.finder.crop, photos))
        return unit_embeddings(self.net.embed(crops), self.model)


def each_photo(work: Callable[[Any], T], photos: Sequence[Any]) -> list[T]:
    """Return `work(photo)` of each photo.

    Raises: DataError: what `work` says of a photo; where there are several, with which one it is.
    """
    found = []
    for number, photo in enumerate(photos, start=1):
        try:
            found.append(work(photo))
        except DataError as error:
            if len(photos) == 1:
                raise
            raise DataError(f"photo {number} of {len(photos)}: {error}") from error
    return found


def unit_embeddings(vectors: npt.NDArray[np.float64], model: str) -> Embeddings:
    """Scale vectors to length one.

    Raises: DataError: a vector is zero, NaN or infinite: the photo showed nothing.
    """
    if not (np.isfinite(vectors).all() and vectors.any(axis=1).all()):
        raise DataError("a photo gave no usable embedding; take a sharper, evenly lit photo of the face")
    return Embeddings.scaled(vectors, model)


def template_of(embeddings: Embeddings) -> Embeddings:
    """Return the mean of several embeddings of one person, scaled to length one: one row."""
    mean = embeddings.vectors.astype(np.float64).mean(axis=0, keepdims=True)
    return unit_embeddings(mean, embeddings.model)


def check_photo(photo: object) -> None:
    """Refuse what is no picture.

    Raises: DataError: not an array of uint8 of shape (h, w) or (h, w, 3), or one flat colour.
    """
    if not isinstance(photo, np.ndarray) or photo.dtype != np.uint8:
        what = getattr(photo, "dtype", type(photo).__name__)
        raise DataError(f"a photo is an array of uint8, got {what}; read it with retail.faces.read_photo")
    if photo.ndim not in (2, 3) or (photo.ndim == 3 and photo.shape[2] != 3) or 0 in photo.shape:
        raise DataError(f"a photo has shape (h, w) or (h, w, 3), got {photo.shape}; read it with read_photo")
    if float(photo.std()) < _FLAT:
        raise DataError("the photo is one flat colour and shows no face; take another")

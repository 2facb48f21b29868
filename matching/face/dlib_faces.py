"""The public pre-trained encoder and the face finder of the extra `faces`: dlib, with models read as data files.

Of the package `face_recognition_models` the 5-point landmarks and the ResNet descriptor are read (both free for any
use); the 68-point file beside them is for non-commercial use and is never opened.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from matching.embeddings import Embeddings
from matching.face.encoder import Photo, check_photo, each_photo, unit_embeddings
from retail.errors import INSTALL_FACES, ConfigError, DataError
from retail.faces import SIDE
from retail.files import sha256_file

LEAST_FACE_PX: Final = 56
"""Width of the found box below which a face is too small to be told apart; ours, below the 76 of ORL's pictures."""
_LONGEST_PX: Final = 1200
_UPSAMPLED_BELOW_PX: Final = 400
_CROP_WIDTH: Final = 92 / 76
_CROP_HEIGHT: Final = 112 / 76
_CROP_RISE: Final = 12 / 76
# The crops of retail.faces are whole ORL pictures, 92 x 112 stretched to a square. The finder's box there is 76 wide
# with its middle 12 below that of the picture (medians over 24 pictures); crops out of photos are cut alike.


@dataclass(frozen=True, slots=True)
class FoundFace:
    """Where the one face of a photo is.

    Attributes:
        left: in pixels of `photo`.
        top: likewise.
        side: of the square box.
    """

    left: int
    top: int
    side: int


class DlibFinder:
    """Finds the one upright face of a photo (histograms of gradients, Dalal and Triggs 2005).

    Raises: ConfigError: the extra `faces` is not installed.
    """

    def __init__(self) -> None:
        self._dlib = _dlib()
        self._detector = self._dlib.get_frontal_face_detector()

    def find(self, photo: Photo) -> FoundFace:
        """Find the face.

        Raises: DataError: no face, more than one, or one that is too small; each with what to do.
        """
        check_photo(photo)
        grey, scale = _shrunk(_grey(photo))
        boxes = self._detector(np.ascontiguousarray(grey), int(max(grey.shape) < _UPSAMPLED_BELOW_PX))
        if not len(boxes):
            raise DataError("no face was found in the photo; look at the camera, in even light, without cover")
        if len(boxes) > 1:
            raise DataError(f"{len(boxes)} faces were found in the photo; only one person may be in it")
        box = boxes[0]
        found = FoundFace(round(box.left() * scale), round(box.top() * scale), round(box.width() * scale))
        if found.side < LEAST_FACE_PX:
            raise DataError(
                f"the face is {found.side} pixels wide, at least {LEAST_FACE_PX} are needed; come nearer to the camera"
            )
        return found

    def crop(self, photo: Photo) -> npt.NDArray[np.uint8]:
        """Return the (64, 64) grey crop of the one face; a photo of just that size is taken for a crop already."""
        check_photo(photo)
        if photo.shape == (SIDE, SIDE):
            return photo
        face, grey = self.find(photo), _grey(photo)
        width, height = round(face.side * _CROP_WIDTH), round(face.side * _CROP_HEIGHT)
        middle_x, middle_y = face.left + face.side / 2, face.top + face.side / 2 - _CROP_RISE * face.side
        left, top = round(middle_x - width / 2), round(middle_y - height / 2)
        rows = np.clip(np.arange(top, top + height), 0, grey.shape[0] - 1)  # beyond the photo its edge goes on
        columns = np.clip(np.arange(left, left + width), 0, grey.shape[1] - 1)
        cut = Image.fromarray(np.ascontiguousarray(grey[np.ix_(rows, columns)]))
        # A face of the least width is cut 68 pixels wide, so nothing is ever made larger here.
        return np.asarray(cut.resize((SIDE, SIDE), Image.Resampling.BOX))


class DlibEncoder:
    """The frozen public encoder: 128 numbers (a ResNet by D. King, trained on about 3 million public faces, 2017).

    What it was trained on is beyond our control; its model card says so.

    Raises: ConfigError: the extra `faces` is not installed.
    """

    dimension = 128

    def __init__(self) -> None:
        self._dlib, self._finder = _dlib(), DlibFinder()
        net = _model_file("dlib_face_recognition_resnet_model_v1.dat")
        self._landmarks = self._dlib.shape_predictor(str(_model_file("shape_predictor_5_face_landmarks.dat")))
        self._net = self._dlib.face_recognition_model_v1(str(net))
        self.model = f"dlib-resnet-{sha256_file(net)[:12]}"

    def encode(self, photos: Sequence[Photo]) -> Embeddings:
        """Embed the one face of each photo; of a (64, 64) photo, the crop as a whole. See `Encoder.encode`."""
        if not len(photos):
            raise DataError("no photo was given; give at least one")
        return unit_embeddings(np.stack(each_photo(self._one, photos)), self.model)

    def _one(self, photo: Photo) -> npt.NDArray[np.float64]:
        check_photo(photo)
        if photo.shape == (SIDE, SIDE):
            side = round(2 * SIDE / _CROP_HEIGHT)
            size = (round(side * _CROP_WIDTH), 2 * SIDE)  # as wide to its height as before it was stretched
            grey = np.asarray(Image.fromarray(photo).resize(size, Image.Resampling.BICUBIC))
            face = FoundFace((size[0] - side) // 2, SIDE + round((_CROP_RISE - 0.5) * side), side)
            rgb = np.repeat(grey[:, :, None], 3, axis=2)
        else:
            face = self._finder.find(photo)
            rgb = photo if photo.ndim == 3 else np.repeat(photo[:, :, None], 3, axis=2)
        box = self._dlib.rectangle(face.left, face.top, face.left + face.side - 1, face.top + face.side - 1)
        rgb = np.ascontiguousarray(rgb)
        return np.asarray(self._net.compute_face_descriptor(rgb, self._landmarks(rgb, box)), dtype=np.float64)


def is_installed() -> bool:
    """Tell whether the extra `faces` is there."""
    return all(importlib.util.find_spec(name) is not None for name in ("dlib", "face_recognition_models"))


def _dlib() -> Any:
    if not is_installed():
        raise ConfigError(
            f"finding faces and the public encoder need the extra `faces`; {INSTALL_FACES}, or send grey "
            f"{SIDE} x {SIDE} crops and use an exported encoder"
        )
    return importlib.import_module("dlib")


def _model_file(name: str) -> Path:
    """Return a file of the models package without importing it: it imports what newer Pythons no longer have."""
    spec = importlib.util.find_spec("face_recognition_models")
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        path = Path(folder) / "models" / name
        if path.is_file():
            return path
    raise ConfigError(f"the package face-recognition-models lacks {name}; install that package again")


def _grey(photo: Photo) -> Photo:
    return photo if photo.ndim == 2 else np.asarray(Image.fromarray(photo).convert("L"))


def _shrunk(grey: Photo) -> tuple[Photo, float]:
    """Return a picture of at most `_LONGEST_PX`, and how many pixels of the photo one of its pixels is."""
    longest = max(grey.shape)
    if longest <= _LONGEST_PX:
        return grey, 1.0
    scale = longest / _LONGEST_PX
    size = (max(1, round(grey.shape[1] / scale)), max(1, round(grey.shape[0] / scale)))
    return np.asarray(Image.fromarray(grey).resize(size, Image.Resampling.BOX)), scale

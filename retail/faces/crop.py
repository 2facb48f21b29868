"""From a photo that shows one upright face to the small grey crop that encoders take."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from retail.errors import DataError
from retail.faces.faceset import SIDE

_LEAST: Final = 8


def to_crop(
    photo: NDArray[np.uint8], *, part: float = 1.0, centre: tuple[float, float] = (0.5, 0.5)
) -> NDArray[np.uint8]:
    """Cut the square with the face and scale it; nothing is detected, so the face must be where it is said to be.

    Args:
        photo: (h, w) or (h, w, 3) uint8.
        part: side of the square as a share of the shorter side, in (0, 1].
        centre: of the square, as shares of height and width; moved inward where the square would leave the photo.

    Returns: (64, 64) uint8 grey, by ITU-R BT.601 weights and area-weighted scaling.

    Raises:
        DataError: another shape or type, a photo smaller than 8x8, or numbers out of range.
    """
    if not isinstance(photo, np.ndarray) or photo.dtype != np.uint8:
        found = photo.dtype if isinstance(photo, np.ndarray) else type(photo).__name__
        raise DataError(f"a photo must be uint8 pixels, got {found}; read it with read_photo")
    if photo.ndim not in (2, 3) or (photo.ndim == 3 and photo.shape[2] != 3) or min(photo.shape[:2]) < _LEAST:
        raise DataError(f"a photo must be (h, w) or (h, w, 3) with sides of at least {_LEAST}, got {photo.shape}")
    if not 0 < part <= 1 or not all(0 <= share <= 1 for share in centre):
        raise DataError(f"part = {part}, centre = {centre}: give a share in (0, 1] and two in [0, 1]")
    height, width = photo.shape[:2]
    side = max(_LEAST, round(part * min(height, width)))
    top = min(max(round(centre[0] * height - side / 2), 0), height - side)
    left = min(max(round(centre[1] * width - side / 2), 0), width - side)
    square = Image.fromarray(np.ascontiguousarray(photo[top : top + side, left : left + side])).convert("L")
    return np.asarray(square.resize((SIDE, SIDE), Image.Resampling.BOX if side >= SIDE else Image.Resampling.BILINEAR))

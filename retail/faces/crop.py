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
    """Cut out the face and scale it to a square; nothing is detected, so the face must be where it is said to be.

    Pictures that are not square are stretched: on ORL's 112x92 that keeps hair and chin, which a square would cut off.

    Args:
        photo: (h, w) or (h, w, 3) uint8.
        part: share of height and width that is kept, in (0, 1].
        centre: of that part, as shares of height and width; moved inward where the part would leave the photo.

    Returns: (64, 64) uint8 grey, by ITU-R BT.601 weights; each pixel is the mean over what it covers.

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
    spans = []
    for length, share in zip(photo.shape[:2], centre, strict=True):
        kept = max(_LEAST, round(part * length))
        start = min(max(round(share * length - kept / 2), 0), length - kept)
        spans.append(slice(start, start + kept))
    cut = Image.fromarray(np.ascontiguousarray(photo[spans[0], spans[1]])).convert("L")
    coarse = min(cut.size) < SIDE
    return np.asarray(cut.resize((SIDE, SIDE), Image.Resampling.BILINEAR if coarse else Image.Resampling.BOX))

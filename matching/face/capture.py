"""From what a camera or a form sends to photos, or to one sentence that says what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from matching.face.encoder import Photo, each_photo
from retail.errors import DataError
from retail.faces import read_photo

Sent = Photo | bytes | Path
"""Pixels, or the bytes or path of an image file."""
_MOST_PHOTOS = 20


def photos_of(sent: Sent | Sequence[Sent]) -> list[Photo]:
    """Read photos; nothing is written.

    Raises: DataError: one is no image, truncated, too large or too small; or there is none, or more than 20.
    """
    several: list[Any] = list(sent) if isinstance(sent, list | tuple) else [sent]
    if not 1 <= len(several) <= _MOST_PHOTOS:
        raise DataError(f"{len(several)} photos were sent; send 1 to {_MOST_PHOTOS}")
    for one in several:
        if not isinstance(one, np.ndarray | bytes | Path | str):
            raise DataError(f"a photo is pixels, bytes or a path, got {type(one).__name__}; send an image file")
    return each_photo(lambda one: one if isinstance(one, np.ndarray) else read_photo(one), several)

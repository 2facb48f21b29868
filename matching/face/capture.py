"""From what a camera or a form sends to photos, or to one sentence that says what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from matching.face.encoder import Photo
from retail.errors import DataError
from retail.faces import read_photo

Sent = Photo | bytes | Path
"""Pixels, or the bytes or path of an image file."""
_MOST_PHOTOS = 20


def photos_of(sent: Sent | Sequence[Sent]) -> list[Photo]:
    """Read photos; nothing is written.

    Raises: DataError: one is no image, truncated, too large or too small; or there is none, or more than 20.
    """
    several = [sent] if isinstance(sent, np.ndarray | bytes | Path | str) else list(sent)
    if not 1 <= len(several) <= _MOST_PHOTOS:
        raise DataError(f"{len(several)} photos were sent; send 1 to {_MOST_PHOTOS}")
    return [one if isinstance(one, np.ndarray) else read_photo(one) for one in several]

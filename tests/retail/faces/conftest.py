from io import BytesIO

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def encoded():
    """Write pixels, (h, w) or (h, w, 3), as the bytes of a picture file."""

    def write(pixels, kind="PNG", **options):
        file = BytesIO()
        Image.fromarray(np.asarray(pixels, dtype=np.uint8)).save(file, kind, **options)
        return file.getvalue()

    return write


@pytest.fixture
def gradient():
    """A picture that is brightest at the upper right."""
    down, across = np.mgrid[0:40, 0:60]
    return np.clip(4 * across - 2 * down + 20, 0, 255).astype(np.uint8)

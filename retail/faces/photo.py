"""Reading a photo that somebody may have made to do harm: one message, never a crash or a full memory."""

from __future__ import annotations

import struct
import warnings
import zlib
from io import BytesIO
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from retail.errors import DataError

FORMATS: Final = ("JPEG", "PNG", "WEBP", "BMP", "PPM", "GIF")
"""What is read. A short list: every decoder is one more way in."""
MOST_BYTES: Final = 32 * 2**20
MOST_PIXELS: Final = 50_000_000
"""More than cameras of telephones make, and 150 MB in memory."""
LEAST_SIDE: Final = 16
_LONGEST_SIDE: Final = 30_000
_BROKEN: Final = (OSError, ValueError, SyntaxError, EOFError, OverflowError, IndexError, KeyError, TypeError)


def read_photo(photo: Path | str | bytes, *, name: str = "the photo") -> NDArray[np.uint8]:
    """Read a photo, upright.

    The size is read from the head of the file before any pixel is decoded. Of an animation the first picture is read.
    Transparent parts become black. Sixteen bits a pixel become eight.

    Args:
        photo: a path, or the bytes of a file.
        name: what messages call bytes.

    Returns: (h, w) for grey photos, else (h, w, 3), uint8, turned as its EXIF orientation says.

    Raises:
        DataError: there is no such file, it is no image of `FORMATS`, damaged or cut short, larger than `MOST_BYTES` or
            `MOST_PIXELS`, or a side is shorter than `LEAST_SIDE` pixels.
    """
    name, content = _content(photo, name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about sizes, which are checked below
            with Image.open(BytesIO(content), formats=FORMATS) as image:
                _check_size(name, *image.size)
                upright = ImageOps.exif_transpose(image)
                return _pixels(name, upright)
    except Image.DecompressionBombError as error:
        raise DataError(f"{name} claims more than {MOST_PIXELS / 1e6:.0f} megapixels; send a smaller photo") from error
    except (*_BROKEN, struct.error, zlib.error, MemoryError) as error:
        raise DataError(
            f"{name} is no photo that can be read, or it is damaged or cut short; send one of {', '.join(FORMATS)}"
        ) from error


def _content(photo: Path | str | bytes, name: str) -> tuple[str, bytes]:
    if isinstance(photo, bytes):
        content = photo
    else:
        name = str(photo)
        try:
            with Path(photo).open("rb") as file:
                content = file.read(MOST_BYTES + 1)
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            raise DataError(f"cannot read {name}: {why}; check that the photo exists and may be read") from error
    if len(content) > MOST_BYTES:
        raise DataError(f"{name} has more than {MOST_BYTES // 2**20} MiB; send a smaller photo")
    if not content:
        raise DataError(f"{name} is empty; send a photo")
    return name, content


def _check_size(name: str, width: int, height: int) -> None:
    if min(width, height) < LEAST_SIDE:
        raise DataError(f"{name} is {width}x{height} pixels; a face needs at least {LEAST_SIDE}x{LEAST_SIDE}")
    if width * height > MOST_PIXELS or max(width, height) > _LONGEST_SIDE:
        raise DataError(
            f"{name} is {width}x{height} pixels; the most that is read is {MOST_PIXELS / 1e6:.0f} megapixels with no "
            f"side above {_LONGEST_SIDE}: send a smaller photo"
        )


def _pixels(name: str, image: Image.Image) -> NDArray[np.uint8]:
    image.load()
    if image.mode.startswith("I"):
        wide = np.asarray(image).astype(np.int64)
        return np.asarray(np.clip(wide, 0, 65535) >> 8, dtype=np.uint8)
    if image.mode == "F":
        raise DataError(f"{name} holds floating-point pixels; save it as a JPEG or PNG")
    if image.mode in ("1", "L"):
        return np.array(image.convert("L"), dtype=np.uint8)
    if image.mode in ("LA", "PA", "La", "RGBA", "RGBa") or "transparency" in image.info:
        solid = Image.new("RGBA", image.size, (0, 0, 0, 255))
        solid.alpha_composite(image.convert("RGBA"))
        image = solid
    return np.array(image.convert("RGB"), dtype=np.uint8)

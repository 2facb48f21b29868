import contextlib
import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from retail.errors import DataError
from retail.faces import read_photo
from retail.faces.photo import MOST_BYTES

KINDS = ["PNG", "JPEG", "WEBP", "BMP", "PPM", "GIF"]


def png_claiming(width, height):
    """A small file whose head announces a picture of any size."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * 1000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", KINDS)
def test_every_listed_format_is_read_from_bytes_and_from_a_path(encoded, gradient, tmp_path, kind):
    content = encoded(gradient, kind)
    found = read_photo(content)
    assert found.dtype == np.uint8
    assert found.shape[:2] == (40, 60)
    grey = found if found.ndim == 2 else found.mean(axis=2)
    assert np.abs(grey.astype(float) - gradient).mean() < 3
    file = tmp_path / "one.picture"
    file.write_bytes(content)
    assert (read_photo(file) == found).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_photo_that_was_cut_short_is_refused(encoded, gradient, kind):
    content = encoded(np.random.default_rng(0).integers(0, 256, (40, 60)), kind)
    for share in (0.1, 0.5, 0.9):
        with pytest.raises(DataError, match="cut short"):
            read_photo(content[: int(len(content) * share)])


@pytest.mark.parametrize("size", [(10_000, 10_000), (30_001, 16), (2**31 - 1, 2**31 - 1), (100_000, 100_000)])
def test_a_photo_that_would_fill_the_memory_is_refused_by_its_head(size):
    with pytest.raises(DataError, match=r"smaller photo|no photo"):
        read_photo(png_claiming(*size))


@pytest.mark.parametrize("size", [(1, 1), (15, 40), (40, 15)])
def test_a_photo_of_too_few_pixels_is_refused_with_its_size(encoded, size):
    with pytest.raises(DataError, match=f"{size[1]}x{size[0]} pixels"):
        read_photo(encoded(np.zeros(size)))


@pytest.mark.parametrize(
    "content",
    [b"", b"hello, I am a face", b"\x89PNG\r\n\x1a\n", b"%PDF-1.7\n", b"P5\n99999999 99999999\n255\n", b"\xff\xd8\xff"],
)
def test_what_is_no_photo_is_refused_with_one_message(content):
    with pytest.raises(DataError):
        read_photo(content)


def test_a_format_that_is_not_listed_is_refused(encoded, gradient):
    with pytest.raises(DataError, match="send one of JPEG, PNG, WEBP, BMP, PPM, GIF"):
        read_photo(encoded(gradient, "TIFF"))
    with pytest.raises(DataError, match=r"cat\.tiff is no photo"):
        read_photo(encoded(gradient, "TIFF"), name="cat.tiff")


def test_a_missing_file_a_folder_and_a_huge_file_are_refused(tmp_path):
    for path in (tmp_path / "nowhere.png", tmp_path, "bad\0name.png"):
        with pytest.raises(DataError, match="cannot read"):
            read_photo(path)
    with pytest.raises(DataError, match="MiB"):
        read_photo(b"\0" * (MOST_BYTES + 1))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_comes_upright_whichever_way_the_camera_was_held(gradient, orientation):
    turned = {
        1: gradient, 2: gradient[:, ::-1], 3: gradient[::-1, ::-1], 4: gradient[::-1],
        5: gradient.T, 6: np.rot90(gradient, 1), 7: gradient[::-1, ::-1].T, 8: np.rot90(gradient, -1),
    }[orientation]  # fmt: skip
    image = Image.fromarray(np.ascontiguousarray(turned))
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = BytesIO()
    image.save(file, "PNG", exif=exif)
    assert (read_photo(file.getvalue()) == gradient).all()


def test_transparent_parts_become_black_and_sixteen_bits_become_eight(gradient):
    clear = np.dstack([gradient, gradient, gradient, np.where(gradient > 99, 255, 0).astype(np.uint8)])
    file = BytesIO()
    Image.fromarray(clear).save(file, "PNG")
    assert (read_photo(file.getvalue()) == np.where(gradient > 99, gradient, 0)[:, :, None]).all()
    file = BytesIO()
    Image.fromarray(gradient.astype(np.uint16) * 257).save(file, "PNG")
    assert (read_photo(file.getvalue()) == gradient).all()


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_no_broken_byte_gets_past_the_reader_as_another_error(encoded, gradient, data):
    content = bytearray(encoded(gradient, data.draw(st.sampled_from(KINDS))))
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=6)):
        content[place] = data.draw(st.integers(0, 255))
    content = bytes(content)
    with contextlib.suppress(DataError):
        found = read_photo(content)
        assert found.dtype == np.uint8
        assert min(found.shape[:2]) >= 16
